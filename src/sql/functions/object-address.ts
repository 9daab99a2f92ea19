/**
 * pg_get_object_address: the catalog, oid and part of an object from the words that pg_identify_object_as_address tells.
 *
 * Limit: operator classes and families and their members, casts and conversions are not found.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import { defaultOid } from '../catalog/default-oids.js';
import { constraintOids } from '../catalog/descriptor.js';
import { extensionsOf } from '../catalog/extensions.js';
import { ruleOid } from '../catalog/rule-oids.js';
import type { ExecContext } from '../contract.js';
import { type Datum, type PgArray, PgRecord } from '../types/datum.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { OID } from '../types/oids.js';
import { parseOid } from '../types/scalar-input.js';
import { typeByOid } from '../types/registry.js';
import { userTypeOf } from '../types/user-types.js';
import { fn } from './define.js';
import { languageOid } from '../catalog/languages.js';
import { ACCESS_METHODS, TABLESPACES } from './describe-object.js';
import { identifyRoutine } from './identify-schema-objects.js';
import { relationIdentity } from './identify-relations.js';
import { shortTypeName } from './object-identity.js';

/** The catalog's oid, the object's, and its part. */
type Address = readonly [catalog: number, oid: number, sub: number];
interface Wanted {
  readonly type: string;
  readonly names: readonly string[];
  readonly args: readonly string[];
  readonly ctx: ExecContext;
}
type Find = (wanted: Wanted) => Address;

function absent(what: string, name: string, sqlstate = '42704'): Error {
  return sqlError(sqlstate, `${what} "${name}" does not exist`);
}
function exactly(list: readonly string[], count: number, what: 'name' | 'argument'): void {
  if (list.length !== count) throw sqlError('22023', `${what} list length must be exactly ${count}`);
}
function atLeast(list: readonly string[], count: number): void {
  if (list.length < count) throw sqlError('22023', `name list length must be at least ${count}`);
}
const written = (names: readonly string[]): string => names.map(quoteIdentifier).join('.');

/** One name, of a kind that has no schemas. `oidOf`: null where there is none. */
function single(catalog: number, what: string, oidOf: (name: string, ctx: ExecContext) => number | null): Find {
  return ({ names, ctx }) => {
    exactly(names, 1, 'name');
    const oid = oidOf(names[0]!, ctx);
    if (oid === null)
      throw absent(what, names[0]!, what === 'schema' ? '3F000' : what === 'database' ? '3D000' : '42704');
    return [catalog, oid, 0];
  };
}

const keyOf = (map: ReadonlyMap<number, string>, name: string): number | null =>
  [...map].find(([, known]) => known === name)?.[0] ?? null;

// ---- relations ----

function relationOf(names: readonly string[], ctx: ExecContext): number {
  if (names.length > 3) throw sqlError('42601', `improper relation name (too many dotted names): ${names.join('.')}`);
  const local = names.length === 3 && names[0] === ctx.services.database ? names.slice(1) : names;
  if (local.length === 3)
    throw sqlError('0A000', `cross-database references are not implemented: "${names.join('.')}"`);
  return typeByOid(OID.regclass).input(written(local), -1, ctx.format) as number;
}

const relation: Find = ({ type, names, ctx }) => {
  const oid = relationOf(names, ctx);
  const is = relationIdentity(oid, ctx)!.type;
  if (is !== type) throw sqlError('42809', `"${names.at(-1)}" is not ${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`);
  return [1259, oid, 0];
};

/** Its last name is the column's. */
function columnAddress({ names, ctx }: Wanted): { readonly relation: number; readonly column: number } {
  if (names.length < 2) throw sqlError('42601', 'column name must be qualified');
  const oid = relationOf(names.slice(0, -1), ctx);
  const columns = ctx.services.tableByOid(oid)?.columns ?? ctx.services.viewByOid(oid)?.columns ?? [];
  const column = columns.find(({ name }) => name === names.at(-1));
  if (column === undefined)
    throw sqlError('42703', `column "${names.at(-1)}" of relation "${names.slice(0, -1).join('.')}" does not exist`);
  return { relation: oid, column: column.id };
}

const defaultValue: Find = (wanted) => {
  const { relation: id, column } = columnAddress(wanted);
  const { services } = wanted.ctx;
  const stored = services.tableByOid(id)?.columns.find((one) => one.id === column);
  const ofView = services.viewByOid(id)?.columns.find((one) => one.id === column);
  if ((stored?.generated?.expressionSql ?? stored?.defaultSql ?? ofView?.defaultSql ?? null) === null) {
    const table = wanted.names.slice(0, -1).join('.');
    throw sqlError('42703', `default value for column "${wanted.names.at(-1)}" of relation "${table}" does not exist`);
  }
  return [2604, defaultOid({ id }, { id: column }), 0];
};

/** What a relation has under a name of its own: constraints, rules; triggers and policies, of which there are none. */
function ofRelation(catalog: number, find: (id: number, name: string, ctx: ExecContext) => number | null): Find {
  return ({ type, names, ctx }) => {
    atLeast(names, 2);
    const holder = names.slice(0, -1);
    const name = names.at(-1)!;
    const oid = find(relationOf(holder, ctx), name, ctx);
    const whose = type === 'rule' ? 'relation' : 'table';
    const what = type === 'table constraint' ? 'constraint' : type;
    if (oid === null) throw sqlError('42704', `${what} "${name}" for ${whose} "${holder.at(-1)}" does not exist`);
    return [catalog, oid, 0];
  };
}

// ---- types and what belongs to one ----

function typeOf(name: string, ctx: ExecContext): number {
  return typeByOid(OID.regtype).input(name, -1, ctx.format) as number;
}

const type: Find = ({ names, ctx }) => {
  exactly(names, 1, 'name');
  return [1247, typeOf(names[0]!, ctx), 0];
};

const domainConstraint: Find = ({ names, args, ctx }) => {
  exactly(names, 1, 'name');
  exactly(args, 1, 'argument');
  const oid = typeOf(names[0]!, ctx);
  const descriptor = ctx.services.access?.descriptor(oid) ?? null;
  const domain = descriptor?.kind === 'type' ? userTypeOf(descriptor.typeOid) : null;
  const check = domain?.kind === 'domain' ? domain.checks.find(({ name }) => name === args[0]) : undefined;
  if (check === undefined)
    throw sqlError('42704', `constraint "${args[0]}" for domain ${shortTypeName(oid, ctx)} does not exist`);
  return [2606, check.oid, 0];
};

const routine: Find = ({ type: wanted, names, args, ctx }) => {
  const types = args.map((name) => typeOf(name, ctx));
  const shown = `${names.join('.')}(${types.map((oid) => shortTypeName(oid, ctx)).join(', ')})`;
  const signature = `${written(names)}(${args.join(',')})`;
  let oid: number;
  try {
    oid = typeByOid(OID.regprocedure).input(signature, -1, ctx.format) as number;
  } catch (error) {
    if (!(error instanceof QuoralError) || error.sqlstate !== '42883') throw error;
    throw sqlError('42883', `${wanted} ${shown} does not exist`);
  }
  const is = identifyRoutine(oid, 0, ctx)!.type;
  if (wanted === 'aggregate' && is !== wanted) throw sqlError('42809', `function ${shown} is not an aggregate`);
  if (wanted === 'procedure' ? is !== wanted : is === 'procedure')
    throw sqlError('42809', `${shown} is not a ${wanted}`);
  return [1255, oid, 0];
};

const operator: Find = ({ names, args, ctx }) => {
  atLeast(names, 1);
  exactly(args, 2, 'argument');
  const schema = names.slice(0, -1).map((name) => `${quoteIdentifier(name)}.`);
  const signature = `${schema.join('')}${names.at(-1)}(${args.join(',')})`;
  return [2617, typeByOid(OID.regoperator).input(signature, -1, ctx.format) as number, 0];
};

// ---- others ----

const LETTERS = { r: 'table', S: 'sequence', f: 'function', T: 'type', n: 'schema' } as const;

const defaultAcl: Find = ({ names, args, ctx }) => {
  atLeast(names, 1);
  exactly(args, 1, 'argument');
  const [role = '', schema] = names;
  const kind = (LETTERS as Readonly<Record<string, (typeof LETTERS)['r' | 'S' | 'f' | 'T' | 'n']>>)[args[0]!.charAt(0)];
  if (kind === undefined)
    throw sqlError('22023', `unrecognized default ACL object type "${args[0]!.charAt(0)}"`, {
      hint: 'Valid object types are "r", "S", "f", "T", "n".',
    });
  const { access, database } = ctx.services;
  const roleId = access?.roleOid(role) ?? null;
  if (roleId === null) throw absent('role', role);
  const schemaId =
    schema === undefined ? 0 : (typeByOid(OID.regnamespace).input(quoteIdentifier(schema), -1, ctx.format) as number);
  const found = access!
    .database(database)
    ?.defaultAcls?.find((one) => one.roleId === roleId && one.schemaId === schemaId && one.kind === kind);
  if (found === undefined) {
    const within = schema === undefined ? '' : ` in schema "${schema}"`;
    throw sqlError('42704', `default ACL for user "${role}"${within} on ${kind}s does not exist`);
  }
  return [826, found.oid, 0];
};

const statistics: Find = ({ names, ctx }) => {
  const { services } = ctx;
  const schemas = names.length > 1 ? [names.at(-2)!] : services.searchPath;
  for (const schema of schemas)
    for (const table of services.allTables())
      for (const one of table.statistics ?? [])
        if (one.name === names.at(-1) && services.schemaNameOf(one.schemaId) === schema) return [3381, one.oid, 0];
  throw absent('statistics object', names.join('.'));
};

const none = (): null => null;
const noLargeObject: Find = ({ names }) => {
  exactly(names, 1, 'name');
  throw sqlError('42704', `large object ${parseOid(names[0]!)} does not exist`);
};

const FINDERS: ReadonlyMap<string, Find> = new Map<string, Find>([
  ...['table', 'sequence', 'view', 'materialized view', 'index', 'foreign table'].map((kind): [string, Find] => [
    kind,
    relation,
  ]),
  ...['table column', 'foreign table column'].map((kind): [string, Find] => [
    kind,
    (wanted) => {
      const { relation: oid, column } = columnAddress(wanted);
      return [1259, oid, column];
    },
  ]),
  ['default value', defaultValue],
  [
    'table constraint',
    ofRelation(2606, (id, name, { services }) => {
      const table = services.tableByOid(id);
      return table === null ? null : (constraintOids(table).get(name) ?? null);
    }),
  ],
  [
    'rule',
    ofRelation(2618, (id, name, { services }) =>
      name === '_RETURN' && services.viewByOid(id) !== null ? ruleOid({ id }) : null,
    ),
  ],
  ['trigger', ofRelation(2620, none)],
  ['policy', ofRelation(3256, none)],
  ['type', type],
  ['domain constraint', domainConstraint],
  ...['function', 'procedure', 'aggregate'].map((kind): [string, Find] => [kind, routine]),
  ['operator', operator],
  [
    'collation',
    ({ names, ctx }) => {
      atLeast(names, 1);
      return [3456, typeByOid(OID.regcollation).input(written(names), -1, ctx.format) as number, 0];
    },
  ],
  ['statistics object', statistics],
  ['default acl', defaultAcl],
  ['large object', noLargeObject],
  ['schema', single(2615, 'schema', (name, ctx) => schemaOid(name, ctx))],
  ['role', single(1260, 'role', (name, { services }) => services.access?.roleOid(name) ?? null)],
  ['database', single(1262, 'database', (name, { services }) => services.access?.database(name)?.id ?? null)],
  ['tablespace', single(1213, 'tablespace', (name) => keyOf(TABLESPACES, name))],
  ['access method', single(2601, 'access method', (name) => keyOf(ACCESS_METHODS, name))],
  ['language', single(2612, 'language', languageOid)],
  [
    'extension',
    single(3079, 'extension', (name, { services }) => {
      const database = services.access?.database(services.database);
      return extensionsOf(database ?? undefined).find((one) => one.name === name)?.oid ?? null;
    }),
  ],
  ...(
    [
      ['foreign-data wrapper', 2328],
      ['server', 1417],
      ['event trigger', 3466],
      ['publication', 6104],
      ['subscription', 6100],
      ['parameter ACL', 6243],
    ] as const
  ).map(([kind, catalog]): [string, Find] => [kind, single(catalog, kind, none)]),
]);

function schemaOid(name: string, { format, services }: ExecContext): number | null {
  try {
    return typeByOid(OID.regnamespace).input(quoteIdentifier(name), -1, format) as number;
  } catch {
    return services.access?.schemaOid(name) ?? null;
  }
}

/** Known by name, of objects that are not told here. */
const NOT_TOLD: ReadonlySet<string> = new Set([
  ...[
    'cast',
    'conversion',
    'operator class',
    'operator family',
    'operator of access method',
    'function of access method',
  ],
  ...['text search parser', 'text search dictionary', 'text search template', 'text search configuration'],
  ...['user mapping', 'publication relation', 'publication namespace', 'transform'],
]);
/** Types of objects that have no address of their own. */
const NO_ADDRESS: ReadonlySet<string> = new Set([
  ...['toast table', 'index column', 'sequence column', 'toast table column', 'view column'],
  ...['materialized view column', 'composite type', 'composite type column'],
]);

fn(
  'pg_get_object_address(text, _text, _text) record',
  (kind: string, nameArray: PgArray, argArray: PgArray, ctx: ExecContext): Datum => {
    const find = FINDERS.get(kind);
    if (find === undefined && NO_ADDRESS.has(kind)) throw sqlError('22023', `unsupported object type "${kind}"`);
    if (find === undefined && !NOT_TOLD.has(kind)) throw sqlError('22023', `unrecognized object type "${kind}"`);
    const texts = (array: PgArray): string[] =>
      array.elements.map((item) => {
        if (item === null) throw sqlError('22023', 'name or argument lists may not contain nulls');
        return String(item);
      });
    const names = texts(nameArray);
    const args = texts(argArray);
    atLeast(names, 1);
    if (find === undefined) throw sqlError('0A000', `addresses of objects of type "${kind}" are not supported`);
    return new PgRecord([OID.oid, OID.oid, OID.int4], [...find({ type: kind, names, args, ctx })]);
  },
  {
    volatility: 'stable',
    resultColumns: [
      { name: 'classid', typeOid: OID.oid },
      { name: 'objid', typeOid: OID.oid },
      { name: 'objsubid', typeOid: OID.int4 },
    ],
  },
);
