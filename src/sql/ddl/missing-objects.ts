/**
 * DROP of objects of kinds that the database has none of, or none of users: what PostgreSQL says when one is
 * missing, as an error or, with IF EXISTS, as a notice. Migrations that drop before they create come by here.
 */
import { LANGUAGES } from '../catalog/languages.js';
import { isReader, kindName } from '../catalog/materialized.js';
import { ACCESS_METHODS, TABLESPACES } from '../functions/describe-object.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import { resolveTypeName } from '../plan/coerce.js';
import { formatType } from '../types/registry.js';
import { findOperator } from '../types/reg-operators.js';
import type { DdlContext } from './context.js';
import { notice } from './context.js';
import type { RelationName } from '../contract.js';
import { lacksSchema, visibleName } from './objects.js';
import { typeOf } from './routine-parameters.js';
import { list, of, qualifiedName, stringOf, strings } from './tree.js';
import type { Loose } from './tree.js';

/** An error, whose text is also the notice's unless that has its own. */
interface Missing {
  readonly sqlstate: string;
  readonly message: string;
  readonly skipped?: string;
  /** IF EXISTS does not help. */
  readonly always?: boolean;
  readonly hint?: string;
}

const KINDS: Readonly<Record<string, string>> = {
  OBJECT_TRIGGER: 'trigger',
  OBJECT_POLICY: 'policy',
  OBJECT_RULE: 'rule',
  OBJECT_PUBLICATION: 'publication',
  OBJECT_FOREIGN_TABLE: 'foreign table',
  OBJECT_CONVERSION: 'conversion',
  OBJECT_TSPARSER: 'text search parser',
  OBJECT_TSDICTIONARY: 'text search dictionary',
  OBJECT_TSTEMPLATE: 'text search template',
  OBJECT_TSCONFIGURATION: 'text search configuration',
  OBJECT_LANGUAGE: 'language',
  OBJECT_FDW: 'foreign-data wrapper',
  OBJECT_FOREIGN_SERVER: 'server',
  OBJECT_ACCESS_METHOD: 'access method',
  OBJECT_EVENT_TRIGGER: 'event trigger',
  OBJECT_STATISTIC_EXT: 'statistics object',
  OBJECT_OPERATOR: 'operator',
  OBJECT_OPCLASS: 'operator class',
  OBJECT_OPFAMILY: 'operator family',
  OBJECT_CAST: 'cast',
  OBJECT_SUBSCRIPTION: 'subscription',
  OBJECT_TABLESPACE: 'tablespace',
  OBJECT_TRANSFORM: 'transform',
};
const TAGS: Readonly<Record<string, string>> = {
  OBJECT_FDW: 'FOREIGN DATA WRAPPER',
  OBJECT_STATISTIC_EXT: 'STATISTICS',
};
const INDEX_METHODS: ReadonlySet<string> = new Set(['btree', 'hash', 'gist', 'gin', 'spgist', 'brin']);

export async function dropMissing(ctx: DdlContext, body: Loose): Promise<string> {
  const type = String(body['removeType']);
  for (const object of list(body['objects'])) {
    const { sqlstate, message, skipped, always, hint } = await missing(ctx, type, object);
    if (body['missing_ok'] !== true || always === true)
      throw sqlError(sqlstate, message, hint === undefined ? {} : { hint });
    notice(ctx, '00000', `${skipped ?? message}, skipping`);
  }
  return `DROP ${TAGS[type] ?? (KINDS[type] ?? 'object').toUpperCase()}`;
}

/** Kinds of which there is none built in. */
const NEVER: ReadonlySet<string> = new Set([
  'OBJECT_TRIGGER',
  'OBJECT_POLICY',
  'OBJECT_RULE',
  'OBJECT_PUBLICATION',
  'OBJECT_EVENT_TRIGGER',
  'OBJECT_FDW',
  'OBJECT_FOREIGN_SERVER',
  'OBJECT_SUBSCRIPTION',
  'OBJECT_TSPARSER',
  'OBJECT_TSDICTIONARY',
  'OBJECT_TSTEMPLATE',
  'OBJECT_TSCONFIGURATION',
  'OBJECT_CONVERSION',
]);
/** Kinds of which all are built in. */
const BUILT_IN: Readonly<Record<string, ReadonlyMap<number, string>>> = {
  OBJECT_LANGUAGE: new Map([...LANGUAGES].map(([oid, { name }]) => [oid, name])),
  OBJECT_TABLESPACE: TABLESPACES,
  OBJECT_ACCESS_METHOD: ACCESS_METHODS,
};

/** @throws QuoralError as dropMissing does, if it is a kind of which there are no objects, or not this one */
export async function refuseIfNever(ctx: DdlContext, type: unknown, object: Loose): Promise<void> {
  const names = BUILT_IN[String(type)]?.values();
  const isMissing = names === undefined ? NEVER.has(String(type)) : ![...names].includes(namesOf(object).at(-1)!);
  if (isMissing) await refuseMissing(ctx, String(type), object);
}

/** ALTER of a kind of which there are no objects. @throws QuoralError as dropMissing does */
export async function refuseMissing(ctx: DdlContext, type: string, object: Loose): Promise<never> {
  const { sqlstate, message } = await missing(ctx, type, object);
  throw sqlError(sqlstate, message);
}

async function missing(ctx: DdlContext, type: string, object: Loose): Promise<Missing> {
  const kind = KINDS[type] ?? 'object';
  const names = namesOf(object);
  switch (type) {
    case 'OBJECT_TRIGGER':
    case 'OBJECT_POLICY':
    case 'OBJECT_RULE':
      return onRelation(ctx, kind, names);
    case 'OBJECT_OPERATOR':
      return operator(ctx, object, names);
    case 'OBJECT_CAST':
      return cast(ctx, object);
    case 'OBJECT_OPCLASS':
    case 'OBJECT_OPFAMILY': {
      const [method = '', ...rest] = names;
      if (!INDEX_METHODS.has(method))
        return { sqlstate: '42704', message: `access method "${method}" does not exist`, always: true };
      const within = await missingSchema(ctx, rest);
      const message = `${kind} "${rest.join('.')}" does not exist for access method "${method}"`;
      return within ?? { sqlstate: '42704', message };
    }
    case 'OBJECT_FOREIGN_TABLE':
      return (
        (await missingSchema(ctx, names)) ?? {
          sqlstate: '42704',
          message: `foreign table "${names.at(-1)!}" does not exist`,
        }
      );
    default:
      return (
        (await missingSchema(ctx, names)) ?? {
          sqlstate: '42704',
          message: `${kind} "${names.join('.')}" does not exist`,
        }
      );
  }
}

function namesOf(object: Loose): string[] {
  if (object['List'] !== undefined) return list(of(object, 'List')['items']).map(stringOf);
  if (object['TypeName'] !== undefined) return list(of(object, 'TypeName')['names']).map(stringOf);
  if (object['ObjectWithArgs'] !== undefined) return list(of(object, 'ObjectWithArgs')['objname']).map(stringOf);
  return [stringOf(object)];
}

async function missingSchema(ctx: DdlContext, names: readonly string[]): Promise<Missing | null> {
  const schema = names.at(-2);
  if (schema === undefined || schema === 'pg_catalog' || (await ctx.catalog.schemaId(schema)) !== null) return null;
  return { sqlstate: '3F000', message: `schema "${schema}" does not exist` };
}

async function onRelation(ctx: DdlContext, kind: string, names: readonly string[]): Promise<Missing> {
  const relation = names.slice(0, -1);
  const within = await missingSchema(ctx, relation);
  if (within !== null) return within;
  const name = { schema: relation.at(-2) ?? null, name: relation.at(-1)! };
  const shown = relation.join('.');
  const found = await ctx.catalog.relation(name, ctx.session.searchPath, ctx.wait);
  if (found === null) return { sqlstate: '42P01', message: `relation "${shown}" does not exist` };
  const reader = found.kind === 'view' ? found.view : found.kind === 'table' ? found.table : null;
  if (kind === 'rule' && names.at(-1) === '_RETURN' && reader !== null && isReader(reader)) {
    const view = `${kindName(reader)} ${await visibleName(ctx, reader)}`;
    const message = `cannot drop rule _RETURN on ${view} because ${view} requires it`;
    return { sqlstate: '2BP01', message, hint: `You can drop ${view} instead.`, always: true };
  }
  const what = `${kind} "${names.at(-1)!}"`;
  const skipped = `${what} for relation "${name.name}" does not exist`;
  const message = kind === 'rule' ? skipped : `${what} for table "${name.name}" does not exist`;
  return { sqlstate: '42704', message, skipped };
}

/** The type's number, or what is said of one that is not there. */
async function typeNamed(ctx: DdlContext, node: Loose): Promise<number | Missing> {
  const within = await missingSchema(ctx, namesOf(node));
  if (within !== null) return within;
  try {
    return resolveTypeName(of(node, 'TypeName') as never, ctx.types).oid;
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    return { sqlstate: error.sqlstate, message: error.message };
  }
}

async function typesNamed(ctx: DdlContext, nodes: readonly Loose[]): Promise<number[] | Missing> {
  const oids: number[] = [];
  for (const node of nodes) {
    const oid = await typeNamed(ctx, node);
    if (typeof oid !== 'number') return oid;
    oids.push(oid);
  }
  return oids;
}

/** @throws QuoralError 42883, 42601, 42704 */
export async function requireOperator(ctx: DdlContext, object: Loose): Promise<void> {
  const node = of(object, 'ObjectWithArgs');
  const args = list(node['objargs']);
  if (args[1]?.['TypeName'] === undefined) throw sqlError('42601', 'postfix operators are not supported');
  const oids = await typesNamed(
    ctx,
    args.filter((arg) => arg['TypeName'] !== undefined),
  );
  if (!Array.isArray(oids)) throw sqlError(oids.sqlstate, oids.message);
  const names = list(node['objname']).map(stringOf);
  const isBuiltIn = names.length === 1 || (names.length === 2 && names[0] === 'pg_catalog');
  if (isBuiltIn && findOperator(names.at(-1)!, oids) !== null) return;
  const shown = oids.map((oid) => formatType(oid));
  const call = [...(shown.length > 1 ? [shown.shift()!] : []), names.join('.'), ...shown].join(' ');
  throw sqlError('42883', `operator does not exist: ${call}`);
}

async function operator(ctx: DdlContext, object: Loose, names: readonly string[]): Promise<Missing> {
  if (list(of(object, 'ObjectWithArgs')['objargs'])[1]?.['TypeName'] === undefined)
    return {
      sqlstate: '42601',
      message: 'postfix operators are not supported',
      skipped: `operator ${names.join('.')} does not exist`,
    };
  const within = await missingSchema(ctx, names);
  if (within !== null) return within;
  const args = list(of(object, 'ObjectWithArgs')['objargs']);
  const oids = await typesNamed(
    ctx,
    args.filter((arg) => arg['TypeName'] !== undefined),
  );
  if (!Array.isArray(oids)) return oids;
  const name = names.join('.');
  const shown = args.map((arg) => (arg['TypeName'] === undefined ? '' : formatType(oids.shift()!)));
  const call = [shown[0] ?? '', name, shown[1] ?? ''].filter((part) => part !== '').join(' ');
  return {
    sqlstate: '42883',
    message: `operator does not exist: ${call}`,
    skipped: `operator ${name} does not exist`,
  };
}

async function cast(ctx: DdlContext, object: Loose): Promise<Missing> {
  const nodes = list(of(object, 'List')['items']);
  const oids = await typesNamed(ctx, nodes);
  if (!Array.isArray(oids)) return oids;
  const message = `cast from type ${formatType(oids[0]!)} to type ${formatType(oids[1]!)} does not exist`;
  return { sqlstate: '42704', message };
}

/** As the grammar has it: with the schema of those that it knows itself. */
export function writtenType(type: Loose): string {
  return strings(type['names']).join('.') + '[]'.repeat(list(type['arrayBounds']).length);
}

/** IF EXISTS of a routine that cannot be there, since its schema or a type of its arguments is not: told, and true. */
export async function skippedFor(ctx: DdlContext, name: RelationName, args: readonly Loose[]): Promise<boolean> {
  const skip = (what: string): true => {
    notice(ctx, '00000', `${what} does not exist, skipping`);
    return true;
  };
  if (await lacksSchema(ctx, name)) return skip(`schema "${name.schema!}"`);
  for (const arg of args) {
    const missing = await missingType(ctx, arg);
    if (missing !== null) return skip(missing.what);
  }
  return false;
}

/** Of a type that is not there: that, or its schema. */
async function missingType(ctx: DdlContext, arg: Loose): Promise<{ sqlstate: string; what: string } | null> {
  try {
    typeOf(ctx, arg['TypeName']);
    return null;
  } catch (error) {
    if (!(error instanceof QuoralError) || !['42704', '0A000'].includes(error.sqlstate)) throw error;
    const type = of(arg, 'TypeName');
    const name = qualifiedName(strings(type['names']));
    if (await lacksSchema(ctx, name)) return { sqlstate: '3F000', what: `schema "${name.schema!}"` };
    return { sqlstate: '42704', what: `type "${writtenType(type)}"` };
  }
}

/** @throws QuoralError 42704, 3F000, without a place: PostgreSQL gives none for what is named by its arguments */
export async function argumentTypes(ctx: DdlContext, args: readonly Loose[]): Promise<number[]> {
  for (const arg of args) {
    const missing = await missingType(ctx, arg);
    if (missing !== null) throw sqlError(missing.sqlstate, `${missing.what} does not exist`);
  }
  return args.map((arg) => typeOf(ctx, arg['TypeName']));
}
