/**
 * CREATE and ALTER DOMAIN. A new constraint is checked against the rows of every table with a column of the type,
 * unless it is NOT VALID; their locks are held, so that none comes in between.
 */
import { sqlError } from '../../base/errors.js';
import type { Descriptor, TableDescriptor, TypeDescriptor, UsedRoutine } from '../catalog/descriptor.js';
import { checkDomainLater, domainAsks } from '../functions/domains.js';
import { DOMAIN_VALUE } from '../plan/planner.js';
import { resolveUnplaced } from '../plan/coerce.js';
import { OID } from '../types/oids.js';
import { formatType, typeByOid } from '../types/registry.js';
import type { DomainCheck, DomainType } from '../types/user-types.js';
import { domainTypmod, internType, isHandle, userTypeIn, userTypeOf } from '../types/user-types.js';
import { pinsIn } from '../types/pinned-types.js';
import { tableCodec } from '../exec/index-codec.js';
import { deparse } from './deparse.js';
import type { DdlContext } from './context.js';
import { fieldsOfTable } from './objects.js';
import { notice } from './context.js';
import { compilePlaced, requireKnownTypes } from './placed-expressions.js';
import { checkName, conditionOf, defaultText, writtenCollation } from './columns.js';
import { scanRows } from './rewrite.js';
import { changeType, createType, namesType, requireType, usersOf } from './user-types.js';
import type { OpenedType } from './user-types.js';
import { list, of, qualifiedName, strings, text, unsupported } from './tree.js';
import type { Loose } from './tree.js';

type Base = Pick<DomainType, 'name' | 'typeOid' | 'typmod'>;

export async function runCreateDomain(ctx: DdlContext, body: Loose): Promise<string> {
  const name = qualifiedName(strings(body['domainname']));
  const type = resolveUnplaced(body['typeName'] as Parameters<typeof resolveUnplaced>[0], ctx.types);
  if (typeByOid(type.oid).category === 'P' || type.oid === OID.unknown) {
    throw sqlError('42804', `"${typeByOid(type.oid).name}" is not a valid base type for a domain`);
  }
  const base: Base = { name: name.name, typeOid: type.oid, typmod: type.typmod };
  const collClause = body['collClause'] as Loose | undefined;
  const checks: DomainCheck[] = [];
  let defaultSql: string | null = null;
  let notNull: boolean | null = null;
  let hasDefault = false;
  for (const node of list(body['constraints'])) {
    const c = of(node, 'Constraint');
    switch (c['contype']) {
      case 'CONSTR_DEFAULT':
        if (hasDefault) throw sqlError('42601', 'multiple default expressions');
        hasDefault = true;
        defaultSql = domainDefaultText(ctx, c['raw_expr'], base);
        break;
      case 'CONSTR_NOTNULL':
      case 'CONSTR_NULL': {
        const wanted = c['contype'] === 'CONSTR_NOTNULL';
        if (notNull !== null && notNull !== wanted) throw sqlError('42601', 'conflicting NULL/NOT NULL constraints');
        notNull = wanted;
        break;
      }
      case 'CONSTR_CHECK':
        checks.push(await checkOf(ctx, base, checks, c));
        break;
      default:
        throw refusedConstraint(String(c['contype']));
    }
  }
  await createType(ctx, name, (named) =>
    withRoutines(ctx, {
      kind: 'domain',
      ...named,
      typeOid: base.typeOid,
      typmod: base.typmod,
      collation:
        collClause === undefined ? null : writtenCollation({ ...collClause, location: -1 }, base.typeOid, ctx.types),
      notNull: notNull === true,
      defaultSql,
      checks: inOrder(checks),
    }),
  );
  return 'CREATE DOMAIN';
}

const REFUSED: Readonly<Record<string, string>> = {
  CONSTR_PRIMARY: 'primary key',
  CONSTR_UNIQUE: 'unique',
  CONSTR_EXCLUSION: 'exclusion',
  CONSTR_FOREIGN: 'foreign key',
};

function refusedConstraint(kind: string): Error {
  const name = REFUSED[kind];
  if (name !== undefined) return sqlError('42601', `${name} constraints not possible for domains`);
  return unsupported('this constraint of a domain');
}

function domainDefaultText(ctx: DdlContext, node: unknown, type: Parameters<typeof defaultText>[2]): string | null {
  const sql = defaultText({ ...ctx, unplaced: true }, node, type);
  for (const used of sql === null ? [] : calledBy(ctx, sql)) {
    ctx.catalog.routinesInUse.refuseTemporary(used.routine.oid);
    refuseTypesOf(used, 'default');
  }
  requireKnownTypes(ctx, sql ?? '', [type], 'a default of a domain', 'that it is not over');
  return sql;
}

/** PostgreSQL checks them in the order of their names. */
function inOrder(checks: readonly DomainCheck[]): DomainCheck[] {
  return [...checks].sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function checkOf(ctx: DdlContext, base: Base, others: readonly DomainCheck[], c: Loose): Promise<DomainCheck> {
  const columns = [{ name: DOMAIN_VALUE, typeOid: base.typeOid, typmod: domainTypmod(base.typeOid, base.typmod) }];
  const node = conditionOf({ ...ctx, unplaced: true }, c['raw_expr']);
  const compiled = compilePlaced(
    { ...ctx, unplaced: true },
    { node, sql: deparse(node) },
    columns,
    null,
    'check constraints',
  );
  for (const used of calledBy(ctx, compiled.sql)) {
    ctx.catalog.routinesInUse.refuseTemporary(used.routine.oid);
    refuseTypesOf(used, 'check');
  }
  requireKnownTypes(ctx, compiled.sql, columns, 'a check of a domain', 'that it is not over');
  if (compiled.typeOid !== OID.bool) {
    throw sqlError('42804', `argument of CHECK must be type boolean, not type ${formatType(compiled.typeOid)}`);
  }
  const wanted = text(c['conname']);
  const taken = others.map((one) => one.name);
  if (wanted !== '' && taken.includes(wanted)) {
    throw sqlError('42710', `constraint "${wanted}" for domain "${base.name}" already exists`);
  }
  const name = wanted === '' ? checkName(base.name, [], [], taken) : wanted;
  return {
    oid: await ctx.catalog.catalog.ids.next(),
    name,
    expressionSql: shownValue(compiled.sql),
    validated: c['skip_validation'] !== true,
  };
}

/** The functions of users that the text calls. */
function calledBy(ctx: DdlContext, sql: string): UsedRoutine[] {
  return [...new Set(pinsIn(sql))].flatMap((oid) => ctx.catalog.routinesInUse.find(oid) ?? []);
}

/** A domain holds the definitions of what its checks and its default call, which may name no types that could be made of it. */
function refuseTypesOf({ name, routine }: UsedRoutine, what: 'check' | 'default'): void {
  const types = [routine.typeOid, ...routine.parameters.map((p) => p.typeOid)];
  if (types.some(isHandle) || routine.columns !== null)
    throw sqlError(
      '0A000',
      `a ${what} of a domain that calls function ${name} of a type that a user made is not supported`,
    );
}

/** With the definitions of all that its checks and its default call. */
function withRoutines(ctx: DdlContext, { usedRoutines = [], ...type }: DomainType): DomainType {
  const called = [...type.checks.map((check) => check.expressionSql), type.defaultSql ?? ''].flatMap(pinsIn);
  const used = [...new Set(called)].flatMap(
    (oid) => ctx.catalog.routinesInUse.find(oid) ?? usedRoutines.find(({ routine }) => routine.oid === oid) ?? [],
  );
  return used.length === 0 ? type : { ...type, usedRoutines: used };
}

/** What the default of a domain, or of one that it is over, may call. */
export function noteDomainRoutines(ctx: DdlContext, typeOid: number): void {
  for (let type = userTypeOf(typeOid); type?.kind === 'domain'; type = userTypeOf(type.typeOid))
    ctx.catalog.routinesInUse.note(type.usedRoutines as readonly UsedRoutine[] | undefined);
}

/** After a change of a function: the domain with the function as it is now. */
export async function changeRoutineOf(ctx: DdlContext, descriptor: TypeDescriptor): Promise<void> {
  const type = userTypeOf(descriptor.typeOid);
  if (type?.kind !== 'domain') return;
  const users = await changeType(ctx, { descriptor, type }, withRoutines(ctx, type));
  for (const user of users)
    if (user.kind === 'table' || user.kind === 'view') ctx.catalog.routinesInUse.note(user.usedRoutines);
}

/** The checks that call the function. */
export function checksCalling(descriptor: TypeDescriptor, oid: number): readonly DomainCheck[] {
  const type = userTypeOf(descriptor.typeOid);
  return type?.kind === 'domain' ? type.checks.filter((check) => pinsIn(check.expressionSql).includes(oid)) : [];
}

export function defaultCalls(descriptor: TypeDescriptor, oid: number): boolean {
  const type = userTypeOf(descriptor.typeOid);
  return type?.kind === 'domain' && type.defaultSql !== null && pinsIn(type.defaultSql).includes(oid);
}

export async function dropChecksCalling(ctx: DdlContext, descriptor: TypeDescriptor, oid: number): Promise<void> {
  const type = userTypeOf(descriptor.typeOid);
  if (type?.kind !== 'domain') return;
  const gone = checksCalling(descriptor, oid);
  const checks = type.checks.filter((check) => !gone.includes(check));
  await changeType(ctx, { descriptor, type }, withRoutines(ctx, { ...type, checks }));
}

/** The column that stands for the value is written as PostgreSQL writes it; the grammar reads both alike. */
function shownValue(sql: string): string {
  return sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|\bvalue\b/g, (found) => (found === 'value' ? 'VALUE' : found));
}

export async function runAlterDomain(ctx: DdlContext, body: Loose): Promise<string> {
  const name = qualifiedName(strings(body['typeName']));
  const opened = await requireType(ctx, name);
  const { type } = opened;
  if (type.kind !== 'domain') throw sqlError('42809', `${formatType(opened.descriptor.typeOid)} is not a domain`);
  switch (body['subtype']) {
    case 'T': {
      const node = body['def'];
      const defaultSql = node === undefined ? null : domainDefaultText(ctx, node, type);
      await changeType(ctx, opened, withRoutines(ctx, { ...type, defaultSql }));
      break;
    }
    case 'N':
      await changeType(ctx, opened, { ...type, notNull: false });
      break;
    case 'O':
      if (!type.notNull)
        await constrain(ctx, opened, { ...type, notNull: true }, { ...type, notNull: true, checks: [] });
      break;
    case 'C':
      await addConstraint(ctx, opened, type, of(body['def'] as Loose, 'Constraint'));
      break;
    case 'X':
      await dropConstraint(ctx, opened, type, text(body['name']), body['missing_ok'] === true);
      break;
    case 'V': {
      const check = existing(type, text(body['name']));
      const checks = type.checks.map((one) => (one === check ? { ...one, validated: true } : one));
      await constrain(ctx, opened, { ...type, checks }, { ...type, notNull: false, checks: [check] });
      break;
    }
    default:
      throw unsupported('this ALTER DOMAIN');
  }
  return 'ALTER DOMAIN';
}

async function addConstraint(ctx: DdlContext, opened: OpenedType, type: DomainType, c: Loose): Promise<void> {
  if (c['contype'] !== 'CONSTR_CHECK') throw refusedConstraint(String(c['contype']));
  const check = await checkOf(ctx, type, type.checks, c);
  const changed = withRoutines(ctx, { ...type, checks: inOrder([...type.checks, check]) });
  if (check.validated) await constrain(ctx, opened, changed, { ...changed, notNull: false, checks: [check] });
  else await changeType(ctx, opened, changed);
}

function existing(type: DomainType, name: string): DomainCheck {
  const check = type.checks.find((one) => one.name === name);
  if (check === undefined) throw sqlError('42704', `constraint "${name}" of domain "${type.name}" does not exist`);
  return check;
}

async function dropConstraint(
  ctx: DdlContext,
  opened: OpenedType,
  type: DomainType,
  name: string,
  missingOk: boolean,
): Promise<void> {
  if (missingOk && !type.checks.some((one) => one.name === name)) {
    notice(ctx, '00000', `constraint "${name}" of domain "${type.name}" does not exist, skipping`);
    return;
  }
  const check = existing(type, name);
  await changeType(ctx, opened, withRoutines(ctx, { ...type, checks: type.checks.filter((one) => one !== check) }));
}

export async function renameDomainConstraint(ctx: DdlContext, body: Loose, to: string): Promise<string> {
  const opened = await requireType(ctx, qualifiedName(strings(of(body['object'] as Loose, 'List')['items'])));
  if (opened.type.kind !== 'domain') throw sqlError('42809', `"${opened.type.name}" is not a domain`);
  const { type } = opened;
  const check = existing(type, text(body['subname']));
  if (type.checks.some((one) => one.name === to)) {
    throw sqlError('42710', `constraint "${to}" for domain ${type.name} already exists`);
  }
  const checks = type.checks.map((one) => (one === check ? { ...one, name: to } : one));
  await changeType(ctx, opened, { ...type, checks: inOrder(checks) });
  return 'ALTER DOMAIN';
}

/** Changes the type once all rows are seen to be as `only`, which has just the new constraints, wants them. */
async function constrain(ctx: DdlContext, opened: OpenedType, changed: DomainType, only: DomainType): Promise<void> {
  const probe = internType({ ...only, oid: opened.type.oid });
  const users = await usersOf(ctx, opened.type);
  refuseContainers(users, opened.type as DomainType);
  for (const user of users) if (user.kind === 'table') await checkRows(ctx, user, opened.type as DomainType, probe);
  await changeType(ctx, opened, changed);
}

async function checkRows(ctx: DdlContext, table: TableDescriptor, type: DomainType, probe: number): Promise<void> {
  const { columns } = tableCodec(table);
  const concerned = columns.flatMap((column, position) =>
    namesType(column.typeOid, type) ? [{ column, position, typeOid: probe + (column.typeOid % 2) }] : [],
  );
  if (domainAsks(probe)) await ctx.knowNames();
  const exec = ctx.execContext();
  await scanRows(ctx, table, async (values) => {
    for (const { column, position, typeOid } of concerned) {
      try {
        await checkDomainLater(typeOid, values[position]!, exec);
      } catch (error) {
        const state = (error as { sqlstate?: string }).sqlstate;
        if (state !== '23502' && state !== '23514') throw error;
        throw sqlError(
          state,
          state === '23502'
            ? `column "${column.name}" of table "${table.name}" contains null values`
            : `column "${column.name}" of table "${table.name}" contains values that violate the new constraint`,
          { ...fieldsOfTable(ctx, table), column: column.name },
        );
      }
    }
  });
}

/** Values inside of arrays, composite values and ranges are not looked at, as in PostgreSQL. */
function refuseContainers(users: readonly Descriptor[], type: DomainType): void {
  for (const user of users) {
    if (user.kind !== 'table') continue;
    const column = user.columns.find((c) => !c.dropped && holds(c.typeOid, type));
    if (column === undefined) continue;
    const place = `${user.name}.${column.name}`;
    throw sqlError('0A000', `cannot alter type "${type.name}" because column "${place}" uses it`);
  }
}

/** Whether values of the type have some of the domain, or of one over it, inside of them. */
function holds(oid: number, domain: DomainType): boolean {
  const type = userTypeIn(oid);
  if (type === null) return false;
  const inside = (one: number): boolean => isOver(one, domain) || holds(one, domain);
  if (oid % 2 === 1) return inside(oid - 1);
  if (type.kind === 'composite') return type.fields.some((field) => inside(field.typeOid));
  if (type.kind === 'domain') return type.oid !== domain.oid && holds(type.typeOid, domain);
  return type.kind !== 'enum' && inside(type.typeOid);
}

function isOver(oid: number, domain: DomainType): boolean {
  const type = userTypeOf(oid);
  return type?.kind === 'domain' && (type.oid === domain.oid || isOver(type.typeOid, domain));
}
