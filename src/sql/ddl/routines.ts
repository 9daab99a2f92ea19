/**
 * CREATE [OR REPLACE] and DROP FUNCTION and PROCEDURE (ALTER: alter-routine.ts). All that have one name in a schema share a descriptor, so
 * that whoever called one of them notices when another would fit better. Bodies are checked for their grammar when
 * they are made, those in plain SQL for the names in them too (check-body.ts).
 */
import { quoteIdentifier } from '../types/identifiers.js';
import { type QuoralError, sqlError } from '../../base/errors.js';
import { prefixEnd } from '../../base/key.js';
import { decodeUint, SYSTEM_KEYS } from '../../encoding/keyspace.js';
import { relationsWithin } from '../catalog/row-types.js';
import { routineEntryName } from '../catalog/entry-names.js';
import type { Descriptor, Routine, RoutineDescriptor, RoutineParameter } from '../catalog/descriptor.js';
import { kindName } from '../catalog/materialized.js';
import type { ParsedStatement, RelationName } from '../contract.js';
import { behind, inLiteral, positionIn } from '../parse/body-position.js';
import { nextToken } from '../parse/tokens.js';
import { takesArgument } from '../plan/routines.js';
import { extraLevel } from '../plpgsql/extra-checks.js';
import { readBody } from '../plpgsql/read-routine.js';
import { sqlStatements } from '../plpgsql/sql-body.js';
import { OID } from '../types/oids.js';
import { catalogOidOf, formatType } from '../types/registry.js';
import type { UserType } from '../types/user-types.js';
import { checkSqlBody } from './check-body.js';
import { recordRelations, refuseUtilities, relationsOfDefaults, relationsRead } from './routine-reads.js';
import { SUPERUSER_OID } from '../catalog/bootstrap-names.js';
import { pathNow, storedBody } from './stored-bodies.js';
import { initialAcl } from './default-privileges.js';
import { RIGHTS } from '../catalog/acl.js';
import { languageAcl, languageOid } from '../catalog/languages.js';
import { currentDatabase, notOwner, ownerOfRoutine, ownsSchemaOf } from './ownership.js';
import { type DdlContext, notice } from './context.js';
import { argumentTypes, skippedFor, writtenType } from './missing-objects.js';
import { noteOverload } from './overloads.js';
import { creationSchema, shownName, throwMissing, visibleName, visibleType } from './objects.js';
import { callerLines, changeCallers, dropCallers, nothingTold, refuseCallers } from './routine-users.js';
import type { NamedRoutine } from './routine-users.js';
import { takesOrGives } from './user-types.js';
import type { DropOptions } from './views.js';
import { checkOptions } from './routine-options.js';
import {
  calledByDefaults,
  checkPolymorphic,
  namedByDefaults,
  readParameters,
  readReturns,
} from './routine-parameters.js';
import { checkEstimates, type Estimates, readEstimates } from './routine-estimates.js';
import { routineConfig } from './routine-settings.js';
import { list, of, options, qualifiedName, strings, text, unsupported } from './tree.js';
import type { Loose } from './tree.js';

type Facts = Pick<Routine, 'language' | 'body' | 'volatility' | 'strict' | 'securityDefiner' | 'config'> & Estimates;

function readOptions(ctx: DdlContext, body: Loose, statement: ParsedStatement): Facts {
  let language: string | null = null;
  let sources: readonly string[] = [];
  let volatility: Routine['volatility'] = 'volatile';
  let strict = false;
  let securityDefiner = false;
  let config: readonly string[] | null = null;
  for (const { name, arg } of options(body['options'])) {
    const value = (arg ?? {}) as Loose;
    const flag = of(value, 'Boolean')['boolval'] === true;
    if (name === 'language') language = text(of(value, 'String')['sval']).toLowerCase();
    else if (name === 'as') sources = strings(of(value, 'List')['items']);
    else if (name === 'volatility') volatility = text(of(value, 'String')['sval']) as Routine['volatility'];
    else if (name === 'strict') strict = flag;
    else if (name === 'security') securityDefiner = flag;
    else if (name === 'set') config = routineConfig(ctx, config, value);
    else if (name === 'window') throw unsupported('a window function');
  }
  const estimates = readEstimates(body['options']);
  let source = sources[0] ?? null;
  const standard = body['sql_body'] !== undefined;
  if (standard && source !== null) throw sqlError('42P13', 'duplicate function body specified');
  if (standard) source = standardBody(statement.text);
  if (source === null) throw sqlError('42P13', 'no function body specified');
  language ??= standard ? 'sql' : null;
  if (language === null) throw sqlError('42P13', 'no language specified');
  if (language !== 'sql' && language !== 'plpgsql') {
    if (language === 'c' || language === 'internal') throw unsupported(`language "${language}"`);
    throw sqlError('42704', `language "${language}" does not exist`);
  }
  if (sources.length > 1) throw sqlError('42P13', `only one AS item needed for language "${language}"`);
  if (standard && language !== 'sql') throw sqlError('42P13', 'inline SQL function body only valid for language SQL');
  return {
    language,
    body: source,
    volatility,
    strict,
    securityDefiner,
    ...(config === null ? {} : { config }),
    ...estimates,
  };
}

/** RETURN … or BEGIN ATOMIC … END as it is written: the last words of the statement. */
function standardBody(whole: string): string {
  let at = -1;
  let before = '';
  for (let t = nextToken(whole, 0); t !== null; t = nextToken(whole, t.end)) {
    if (t.kind === 'word' && t.text === 'atomic' && before === 'begin') return whole.slice(at);
    if (t.kind === 'word' && (t.text === 'return' || t.text === 'begin')) at = t.start;
    before = t.text;
  }
  return whole.slice(at);
}

export async function runCreateFunction(ctx: DdlContext, body: Loose, statement: ParsedStatement): Promise<string> {
  const procedure = body['is_procedure'] === true;
  const tag = procedure ? 'CREATE PROCEDURE' : 'CREATE FUNCTION';
  const name = qualifiedName(strings(body['funcname']));
  await creationSchema(ctx, name);
  const parameters = readParameters(ctx, list(body['parameters']), procedure);
  const returns = readReturns(ctx, body, parameters);
  checkOptions(options(body['options']), procedure);
  const facts = readOptions(ctx, body, statement);
  await requireLanguage(ctx, facts.language);
  const named = { ...calledByDefaults(ctx, parameters), ...(await namedByDefaults(ctx, parameters)) };
  const read = { procedure, parameters, ...named, ...returns, ...facts };
  if (body['sql_body'] !== undefined) refuseUtilities(read.body);
  const reads = await relationsOfDefaults(ctx, list(body['parameters']), parameters);
  if (body['sql_body'] !== undefined) reads.push(...(await relationsRead(ctx, read)));
  const made = body['sql_body'] === undefined && reads.length === 0 ? read : { ...read, reads };
  checkEstimates(made);
  refuseLeakproof(ctx, made);
  checkPolymorphic(made, body['sql_body'] !== undefined);
  const routine = await addRoutine(ctx, name, made, body['replace'] === true);
  checkBody(ctx, name.name, made, body, statement);
  await checkNames(ctx, name.name, routine, body, statement);
  if (body['sql_body'] !== undefined) await keepBody(ctx, name, routine);
  return tag;
}

async function keepBody(ctx: DdlContext, name: RelationName, routine: Routine): Promise<void> {
  const stored = (await storedBody(ctx, name.name, routine)) ?? { path: await pathNow(ctx) };
  const schema = await creationSchema(ctx, name);
  const group = (await openRoutines(ctx, schema.id, name.name))!;
  const kept = { ...routine, ...stored };
  await recordRelations(ctx, group.id, kept);
  put(
    ctx,
    group,
    group.routines.map((one) => (one.oid === routine.oid ? kept : one)),
  );
}

/** @throws QuoralError 42501 */
async function requireLanguage(ctx: DdlContext, name: string): Promise<void> {
  if (ctx.rights.superuser) return;
  const acl = languageAcl(await currentDatabase(ctx), languageOid(name)!);
  if (!ctx.rights.has(acl, RIGHTS.usage)) throw sqlError('42501', `permission denied for language ${name}`);
}

/** @throws QuoralError 42501 */
export function refuseLeakproof({ rights }: DdlContext, { leakproof }: Pick<Routine, 'leakproof'>): void {
  if (leakproof === true && !rights.superuser)
    throw sqlError('42501', 'only superuser can define a leakproof function');
}

/** @throws QuoralError 42723, 42809, 42P13 */
export async function addRoutine(
  ctx: DdlContext,
  name: RelationName,
  made: Omit<Routine, 'oid'>,
  replace: boolean,
): Promise<Routine> {
  const schema = await creationSchema(ctx, name);
  const group = await openRoutines(ctx, schema.id, name.name);
  const { userId } = ctx.session;
  const born: Pick<Routine, 'owner' | 'acl'> = {
    ...(userId === SUPERUSER_OID ? {} : { owner: userId }),
    ...(await initialAcl(ctx, 'function', schema.id)),
  };
  await noteOverload(ctx, name.name);
  if (group !== null) await recordRelations(ctx, group.id, made);
  if (group === null) {
    const id = await ctx.catalog.catalog.ids.next();
    const entry = routineEntryName(name.name);
    if (!(await ctx.catalog.claimName(ctx.txn, schema.id, entry, { id, indexOid: null })))
      throw sqlError('42723', `function "${name.name}" already exists with same argument types`);
    await recordRelations(ctx, id, made);
    ctx.catalog.putNew(ctx.txn, {
      kind: 'routine',
      id,
      name: name.name,
      databaseId: ctx.catalog.databaseId,
      schemaId: schema.id,
      version: 1,
      owner: SUPERUSER_OID,
      routines: [{ oid: id, ...made, ...born }],
    });
    return { oid: id, ...made, ...born };
  }
  const same = group.routines.find((r) => identity(r) === identity(made));
  if (same !== undefined && !replace)
    throw sqlError('42723', `function "${name.name}" already exists with same argument types`);
  if (same !== undefined) {
    await checkedRoutine(ctx, { group, routine: same }, 'owner', name.name);
    checkReplace(name.name, same, made);
  }
  const oid = same?.oid ?? (await ctx.catalog.catalog.ids.next());
  const others = group.routines.filter((r) => r !== same);
  const kept = same === undefined ? born : { ...pick(same, 'owner'), ...pick(same, 'acl') };
  const routine = { oid, ...made, ...kept, comment: same?.comment ?? null };
  put(ctx, group, [...others, routine]);
  if (same !== undefined) await changeCallers(ctx, { groupId: group.id, name: group.name, routine });
  return routine;
}

function pick<K extends 'owner' | 'acl'>(routine: Routine, key: K): Pick<Routine, K> | object {
  return routine[key] === undefined ? {} : { [key]: routine[key] };
}

export interface DependentLine {
  readonly oid: number;
  readonly line: string;
}

/** Before the relation goes: drops the functions that take or give its rows or read it; without CASCADE, names them. */
export async function dropRowTypeRoutines(
  ctx: DdlContext,
  relation: Extract<Descriptor, { kind: 'table' | 'view' | 'sequence' }>,
  { cascade, together }: DropOptions,
): Promise<DependentLine[]> {
  const prefix = SYSTEM_KEYS.dependents(relation.id);
  const { keys } = await ctx.txn.scan({ start: prefix, end: prefixEnd(prefix) });
  const ids = keys.map((key) => decodeUint(key, prefix.length).value).filter((id) => !together.has(id));
  const takesRows = (r: Routine): boolean =>
    relationsWithin([r.typeOid, ...r.parameters.map((p) => p.typeOid)]).includes(relation.id);
  const users: (OpenedRoutine & NamedRoutine)[] = [];
  for (const id of ids) {
    const seen = await ctx.catalog.forUpdate(ctx.txn, id);
    if (seen?.kind !== 'routine') continue;
    await ctx.catalog.lock(ctx.txn, [id], ctx.wait);
    const group = await ctx.catalog.forUpdate(ctx.txn, id);
    if (group?.kind !== 'routine') continue;
    for (const routine of group.routines)
      if (routine.reads?.includes(relation.id) === true || takesRows(routine))
        users.push({ group, routine, shown: await shownRoutine(ctx, { group, routine }) });
  }
  if (cascade) {
    await dropUsers(ctx, users);
    return [];
  }
  const what = await visibleName(ctx, relation);
  const told = nothingTold();
  const lines: DependentLine[] = [];
  // What depends on several is told of with the youngest.
  for (const { routine, shown } of users.sort((a, b) => b.routine.oid - a.routine.oid)) {
    told.uses.add(shown);
    const kind = takesRows(routine) ? 'type' : kindName(relation);
    // What calls it for rows of the relation depends on that, too.
    const callers = takesRows(routine) ? [] : await callerLines(ctx, { routine, shown }, together, told);
    const own = [`${shown} depends on ${kind} ${what}`, ...callers];
    lines.unshift(...own.map((line) => ({ oid: routine.oid, line })));
  }
  return lines;
}

/** By CASCADE, with what calls them. */
export async function dropUsers(ctx: DdlContext, users: readonly (OpenedRoutine & NamedRoutine)[]): Promise<void> {
  for (const { group, routine, shown } of users) {
    // It may have gone with another.
    if ((await withRoutine(ctx, group.id, routine.oid)) === null) continue;
    ctx.cascades.push(shown);
    await dropCallers(ctx, { routine, shown });
    const current = await withRoutine(ctx, group.id, routine.oid);
    if (current === null) continue;
    put(
      ctx,
      current,
      current.routines.filter(({ oid }) => oid !== routine.oid),
    );
  }
}

/** The group as it is now; null if the function is gone. */
async function withRoutine(ctx: DdlContext, groupId: number, oid: number): Promise<RoutineDescriptor | null> {
  const current = await ctx.catalog.forUpdate(ctx.txn, groupId);
  return current?.kind === 'routine' && current.routines.some((one) => one.oid === oid) ? current : null;
}

/** Whether it can be read; where it cannot is told by its place in the statement. */
function checkBody(
  ctx: DdlContext,
  name: string,
  made: Omit<Routine, 'oid'>,
  body: Loose,
  statement: ParsedStatement,
): void {
  if (made.language === 'sql' && made.typeOid === OID.trigger)
    throw sqlError('42P13', 'SQL functions cannot return type trigger');
  if (!ctx.session.checkBodies) return;
  const at = options(body['options']).find((o) => o.name === 'as')?.location ?? -1;
  inLiteral(statement, at, () => {
    if (made.language === 'plpgsql') readBody(name, made, null, shadowing(ctx, statement, at));
    else if (at >= 0) sqlStatements(made.body);
  });
}

/** Tells those who want to know which variables are hidden by others. */
function shadowing(ctx: DdlContext, statement: ParsedStatement, at: number): (name: string, position: number) => void {
  const level = extraLevel('shadowed_variables', (name) => ctx.session.setting(name) ?? '');
  return (name, position) => {
    if (level === null) return;
    const message = `variable "${name}" shadows a previously defined variable`;
    const error = sqlError('42712', message, { position });
    if (level === 'ERROR') throw error;
    const placed = positionIn(statement, at, position);
    ctx.notice({ severity: level, sqlstate: error.sqlstate, message, position: placed });
  };
}

/** Once the function is there, which may call itself. */
async function checkNames(
  ctx: DdlContext,
  name: string,
  routine: Routine,
  body: Loose,
  statement: ParsedStatement,
): Promise<void> {
  if (!ctx.session.checkBodies) return;
  const at = options(body['options']).find((o) => o.name === 'as')?.location ?? -1;
  const isStandard = body['sql_body'] !== undefined;
  await checkSqlBody(ctx, name, routine).catch((error: unknown) => {
    const rethrow = (): never => {
      throw error;
    };
    return isStandard
      ? behind(statement, statement.text.length - routine.body.length, rethrow)
      : inLiteral(statement, at, rethrow);
  });
}

export function put(ctx: DdlContext, group: RoutineDescriptor, routines: readonly Routine[]): void {
  if (routines.length > 0) {
    ctx.catalog.put(ctx.txn, { ...group, routines, version: group.version + 1 });
    return;
  }
  ctx.catalog.freeName(ctx.txn, group.schemaId, routineEntryName(group.name));
  ctx.catalog.drop(ctx.txn, group.id);
}

type Callable = Pick<Routine, 'parameters' | 'procedure'>;

/** What tells functions of one name apart. */
export function identity(routine: Callable): string {
  return identityTypes(routine).map(catalogOidOf).join();
}
function identityTypes(routine: Callable): number[] {
  return routine.parameters.filter((p) => takesArgument(routine, p)).map((p) => p.typeOid);
}
export function identityText(name: string, routine: Callable): string {
  return `${name}(${identityTypes(routine)
    .map((oid) => formatType(oid))
    .join(',')})`;
}
/** As identityText, for messages about what depends on what: types that the search path does not find have their schema. */
export async function visibleIdentity(ctx: DdlContext, name: string, routine: Callable): Promise<string> {
  const types = identityTypes(routine).map((oid) => visibleType(ctx, oid));
  return `${name}(${(await Promise.all(types)).join(',')})`;
}

function kindOf(routine: Pick<Routine, 'procedure' | 'aggregate'>): 'procedure' | 'aggregate' | 'function' {
  if (routine.aggregate !== undefined) return 'aggregate';
  return routine.procedure ? 'procedure' : 'function';
}

function checkReplace(name: string, old: Routine, made: Omit<Routine, 'oid'>): void {
  if (kindOf(old) !== kindOf(made)) {
    const article = old.aggregate === undefined ? 'a' : 'an';
    const kind = old.aggregate === undefined ? kindOf(old) : 'aggregate function';
    throw sqlError('42809', 'cannot change routine kind', { detail: `"${name}" is ${article} ${kind}.` });
  }
  const hint = `Use DROP ${kindOf(old).toUpperCase()} ${identityText(name, old)} first.`;
  // A single one is the result itself, whatever its name.
  const outputs = (r: Callable): string => {
    const out = r.parameters.filter((p) => p.mode !== 'in' && p.mode !== 'variadic');
    return out.length < 2 ? '' : out.map((p) => `${p.name} ${catalogOidOf(p.typeOid)}`).join();
  };
  if (catalogOidOf(old.typeOid) !== catalogOidOf(made.typeOid) || old.set !== made.set)
    throw sqlError('42P13', 'cannot change return type of existing function', { hint });
  if (outputs(old) !== outputs(made)) {
    throw sqlError('42P13', 'cannot change return type of existing function', {
      detail: 'Row type defined by OUT parameters is different.',
      hint,
    });
  }
  const inputs = (r: Callable): RoutineParameter[] => r.parameters.filter((p) => takesArgument(r, p));
  inputs(old).forEach((p, i) => {
    const now = inputs(made)[i]!;
    if (p.name !== '' && p.name !== now.name)
      throw sqlError('42P13', `cannot change name of input parameter "${p.name}"`, { hint });
    if (p.defaultSql !== null && now.defaultSql === null)
      throw sqlError('42P13', 'cannot remove parameter defaults from existing function', { hint });
  });
}

/** The functions of that name under their schema lock, as they are now. */
export async function openRoutines(ctx: DdlContext, schemaId: number, name: string): Promise<RoutineDescriptor | null> {
  const found = await ctx.catalog.routinesIn(schemaId, name, ctx.wait);
  if (found === null) return null;
  await ctx.catalog.lock(ctx.txn, [found.id], ctx.wait);
  const current = await ctx.catalog.forUpdate(ctx.txn, found.id);
  return current?.kind === 'routine' && current.name === name ? current : null;
}

/** A procedure may be named by its inputs alone, too. */
function isNamedBy(routine: Routine, wanted: readonly number[]): boolean {
  const written = wanted.map(catalogOidOf).join();
  if (identity(routine) === written) return true;
  const inputs = routine.parameters.filter((p) => p.mode !== 'out' && p.mode !== 'table');
  return routine.procedure && inputs.map((p) => catalogOidOf(p.typeOid)).join() === written;
}

export interface OpenedRoutine {
  readonly group: RoutineDescriptor;
  readonly routine: Routine;
}

export const KINDS: Readonly<Record<string, string>> = {
  OBJECT_FUNCTION: 'function',
  OBJECT_PROCEDURE: 'procedure',
  OBJECT_ROUTINE: 'routine',
  OBJECT_AGGREGATE: 'aggregate',
};

export function isRoutineObject(type: unknown): boolean {
  return Object.hasOwn(KINDS, String(type));
}

/** The one that ObjectWithArgs names. @throws 42883, 42725, 42809; null where `missingOk` */
export async function openRoutine(
  ctx: DdlContext,
  object: Loose,
  type: string,
  missingOk: boolean,
  { access }: { readonly access: 'owner' | 'drop' | 'any' } = { access: 'owner' },
): Promise<OpenedRoutine | null> {
  const kind = KINDS[type]!;
  const name = qualifiedName(strings(object['objname']));
  const found = (await ctx.catalog.routines(name, ctx.session.searchPath, ctx.wait)) ?? [];
  const unspecified = object['args_unspecified'] === true || object['quoralOid'] !== undefined;
  if (missingOk && (await skippedFor(ctx, name, list(object['objargs'])))) return null;
  const wanted = unspecified ? null : await argumentTypes(ctx, list(object['objargs']));
  for (const { id } of found) {
    await ctx.catalog.lock(ctx.txn, [id], ctx.wait);
    const group = await ctx.catalog.forUpdate(ctx.txn, id);
    if (group?.kind !== 'routine') continue;
    // Of one that the server itself looks for.
    const own = group.routines.find(({ oid }) => oid === object['quoralOid']);
    if (own !== undefined) return { group, routine: own };
    const fitting = group.routines.filter((r) => wanted === null || isNamedBy(r, wanted));
    // A function may be an aggregate where only its name is asked for.
    const right = fitting.filter(
      (r) => kind === 'routine' || kindOf(r) === kind || (access === 'any' && kind === 'function' && !r.procedure),
    );
    if (right.length === 1) return checkedRoutine(ctx, { group, routine: right[0]! }, access, shownName(name));
    if (right.length > 1) {
      throw sqlError('42725', `${kind} name "${shownName(name)}" is not unique`, {
        hint: `Specify the argument list to select the ${kind} unambiguously.`,
      });
    }
    if (fitting.length > 0 && wanted !== null) throw wrongKind(shownName(name), fitting[0]!, kind);
  }
  const shown =
    wanted === null ? `"${shownName(name)}"` : `${shownName(name)}(${wanted.map((o) => formatType(o)).join(',')})`;
  if (!missingOk) {
    await throwMissing(ctx, name, missingRoutine(kind, name, wanted, shown));
  }
  const written = list(object['objargs']).map((n) => writtenType(of(n, 'TypeName')));
  const named = wanted === null ? `${shownName(name)}()` : `${shownName(name)}(${written.join(',')})`;
  notice(ctx, '00000', `${kind} ${named} does not exist, skipping`);
  return null;
}

function missingRoutine(
  kind: string,
  name: RelationName,
  wanted: readonly number[] | null,
  shown: string,
): QuoralError {
  if (wanted === null)
    return sqlError('42883', `could not find ${kind === 'aggregate' ? 'an' : 'a'} ${kind} named ${shown}`);
  const types = wanted.map((o) => formatType(o)).join(', ');
  const none = kind === 'aggregate' && wanted.length === 0 ? '*' : types;
  return sqlError('42883', `${kind} ${shownName(name)}(${none}) does not exist`);
}

/** @throws QuoralError 42501 */
async function checkedRoutine(
  ctx: DdlContext,
  opened: OpenedRoutine,
  access: 'owner' | 'drop' | 'any',
  /** As it was written. */
  shown: string,
): Promise<OpenedRoutine> {
  const { group, routine } = opened;
  if (access === 'any' || ctx.rights.isMember(ownerOfRoutine(routine))) return opened;
  if (access === 'drop' && (await ownsSchemaOf(ctx, group))) return opened;
  // Only DROP calls an aggregate one.
  throw notOwner(access === 'owner' && routine.aggregate !== undefined ? 'function' : kindOf(routine), shown);
}

/** Puts a routine, with everything that calls it. */
export async function changeRoutine(ctx: DdlContext, opened: OpenedRoutine, by: Routine): Promise<void> {
  replaceOne(ctx, opened, by);
  await changeCallers(ctx, { groupId: opened.group.id, name: opened.group.name, routine: by });
}

function wrongKind(name: string, routine: Routine, kind: string): Error {
  const shown = identityText(name, routine).replaceAll(',', ', ');
  if (kind === 'aggregate') return sqlError('42809', `function ${shown} is not an aggregate`);
  if (kind === 'function' && routine.aggregate !== undefined)
    return sqlError('42809', `"${name}" is an aggregate function`, {
      hint: 'Use DROP AGGREGATE to drop aggregate functions.',
    });
  return sqlError('42809', `${shown} is not a ${kind}`);
}

export async function dropRoutines(ctx: DdlContext, body: Loose): Promise<string> {
  const type = String(body['removeType']);
  const dropped: (OpenedRoutine & NamedRoutine)[] = [];
  for (const object of list(body['objects'])) {
    const opened = await openRoutine(ctx, of(object, 'ObjectWithArgs'), type, body['missing_ok'] === true, {
      access: 'drop',
    });
    if (opened === null || dropped.some(({ routine }) => routine.oid === opened.routine.oid)) continue;
    dropped.push({ ...opened, shown: await shownRoutine(ctx, opened) });
  }
  if (body['behavior'] !== 'DROP_CASCADE') await refuseCallers(ctx, dropped);
  const gone = new Set(dropped.map(({ routine }) => routine.oid));
  for (const one of dropped) {
    await dropCallers(ctx, one, gone);
    const group = await ctx.catalog.forUpdate(ctx.txn, one.group.id);
    if (group?.kind !== 'routine') continue;
    put(
      ctx,
      group,
      group.routines.filter((r) => r.oid !== one.routine.oid),
    );
  }
  return `DROP ${KINDS[type]!.toUpperCase()}`;
}

export async function shownRoutine(ctx: DdlContext, { group, routine }: OpenedRoutine): Promise<string> {
  return `function ${await visibleIdentity(ctx, await visibleName(ctx, group), routine)}`;
}

/** Of a schema that is being dropped, with `gone`. */
export async function dropGroup(ctx: DdlContext, group: RoutineDescriptor, gone: ReadonlySet<number>): Promise<void> {
  for (const routine of group.routines) {
    await dropCallers(ctx, { routine, shown: await shownRoutine(ctx, { group, routine }) }, gone);
  }
  put(ctx, group, []);
}

/** What outside of `gone` calls functions of the group, as messages tell it. */
export async function groupCallers(
  ctx: DdlContext,
  group: RoutineDescriptor,
  gone: ReadonlySet<number>,
  schema: string,
): Promise<string[]> {
  const lines: string[] = [];
  for (const routine of group.routines) {
    const name = `${quoteIdentifier(schema)}.${quoteIdentifier(group.name)}`;
    const shown = `function ${await visibleIdentity(ctx, name, routine)}`;
    lines.push(...(await callerLines(ctx, { routine, shown }, gone)));
  }
  return lines;
}

/** DROP TYPE … CASCADE: those that take or give the type. */
export async function dropRoutinesOf(ctx: DdlContext, group: RoutineDescriptor, type: UserType): Promise<void> {
  const users: (OpenedRoutine & NamedRoutine)[] = [];
  for (const routine of group.routines)
    if (takesOrGives(routine, type)) users.push({ group, routine, shown: await shownRoutine(ctx, { group, routine }) });
  await dropUsers(ctx, users);
}

export function replaceOne(ctx: DdlContext, { group, routine }: OpenedRoutine, by: Routine): void {
  put(
    ctx,
    group,
    group.routines.map((r) => (r.oid === routine.oid ? by : r)),
  );
}
