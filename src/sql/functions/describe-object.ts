/**
 * What the functions about objects by (catalog, oid, part) say: pg_describe_object in words, pg_identify_object and
 * pg_identify_object_as_address for programs, which pg_get_object_address (object-address.ts) reads again.
 *
 * Limit: operator classes and families and their members, casts and conversions are as if they were not there.
 */
import { LANGUAGES } from '../catalog/languages.js';
import { extensionsOf } from '../catalog/extensions.js';
import type { ExecContext } from '../contract.js';
import { sqlError } from '../../base/errors.js';
import { PgArray, PgRecord, type Datum } from '../types/datum.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { OID } from '../types/oids.js';
import { fn } from './define.js';
import {
  identifyDefault,
  identifyRelation,
  identifyRule,
  identifyStatistics,
  typeOfMissing,
} from './identify-relations.js';
import {
  identifyCollation,
  identifyConstraint,
  identifyOperator,
  identifyRoutine,
  identifyType,
} from './identify-schema-objects.js';
import { type Identify, type Identity, named } from './object-identity.js';

export const TABLESPACES: ReadonlyMap<number, string> = new Map([
  [1663, 'pg_default'],
  [1664, 'pg_global'],
]);

export const ACCESS_METHODS: ReadonlyMap<number, string> = new Map([
  [2, 'heap'],
  [403, 'btree'],
  [405, 'hash'],
  [783, 'gist'],
  [2742, 'gin'],
  [3580, 'brin'],
  [4000, 'spgist'],
]);

/** An object that is in no schema. */
function global(type: string, name: string | null | undefined): Identity | null {
  return name == null ? null : named(type, null, name);
}

const DEFAULT_KINDS = {
  table: ['r', 'tables', 'relations'],
  sequence: ['S', 'sequences', 'sequences'],
  function: ['f', 'functions', 'functions'],
  type: ['T', 'types', 'types'],
  schema: ['n', 'schemas', 'schemas'],
} as const;

const identifyDefaultAcl: Identify = (oid, _sub, { services }) => {
  const found = services.access?.database(services.database)?.defaultAcls?.find((one) => one.oid === oid);
  const role = found === undefined ? null : services.access!.roleName(found.roleId);
  if (found === undefined || role === null) return null;
  const [letter, plural, words] = DEFAULT_KINDS[found.kind];
  const schema = found.schemaId === 0 ? null : services.schemaNameOf(found.schemaId);
  const within = schema === null ? '' : ` in schema ${quoteIdentifier(schema)}`;
  return {
    type: 'default acl',
    schema: null,
    name: null,
    identity: `for role ${quoteIdentifier(role)}${within} on ${plural}`,
    names: schema === null ? [role] : [role, schema],
    args: [letter],
    words: `default privileges on new ${words} belonging to role ${role}${schema === null ? '' : ` in schema ${schema}`}`,
  };
};

/** By the oid of the catalog that has the object: what its objects are called, and how one is found. */
const CLASSES: ReadonlyMap<number, readonly [type: string, identify: Identify]> = new Map<
  number,
  readonly [string, Identify]
>([
  [1259, ['relation', identifyRelation]],
  [1247, ['type', identifyType]],
  [1255, ['routine', identifyRoutine]],
  [2606, ['constraint', identifyConstraint]],
  [2604, ['default value', identifyDefault]],
  [2618, ['rule', identifyRule]],
  [3381, ['statistics object', identifyStatistics]],
  [3456, ['collation', identifyCollation]],
  [2617, ['operator', identifyOperator]],
  [826, ['default acl', identifyDefaultAcl]],
  [2615, ['schema', (oid, _sub, { services }) => global('schema', services.schemaNameOf(oid))]],
  [1260, ['role', (oid, _sub, { services }) => global('role', services.access?.roleName(oid))]],
  [1262, ['database', (oid, _sub, { services }) => global('database', services.access?.database(oid)?.name)]],
  [1213, ['tablespace', (oid) => global('tablespace', TABLESPACES.get(oid))]],
  [2601, ['access method', (oid) => global('access method', ACCESS_METHODS.get(oid))]],
  [2612, ['language', (oid) => global('language', LANGUAGES.get(oid)?.name)]],
  [
    3079,
    [
      'extension',
      (oid, _sub, { services }) => {
        const database = services.access?.database(services.database);
        return global('extension', extensionsOf(database ?? undefined).find((one) => one.oid === oid)?.name);
      },
    ],
  ],
  // Of which there are none, or none that is told here.
  ...(
    [
      [2605, 'cast'],
      [2607, 'conversion'],
      [2613, 'large object'],
      [2616, 'operator class'],
      [2753, 'operator family'],
      [2602, 'operator of access method'],
      [2603, 'function of access method'],
      [2620, 'trigger'],
      [3601, 'text search parser'],
      [3600, 'text search dictionary'],
      [3764, 'text search template'],
      [3602, 'text search configuration'],
      [2328, 'foreign-data wrapper'],
      [1417, 'server'],
      [1418, 'user mapping'],
      [3466, 'event trigger'],
      [3256, 'policy'],
      [6104, 'publication'],
      [6106, 'publication relation'],
      [6237, 'publication namespace'],
      [6100, 'subscription'],
      [3576, 'transform'],
      [6243, 'parameter ACL'],
    ] as const
  ).map(([oid, type]): [number, readonly [string, Identify]] => [oid, [type, () => null]]),
]);

function classOf(catalog: number): readonly [string, Identify] {
  const found = CLASSES.get(catalog);
  if (found === undefined) throw sqlError('XX000', `unrecognized object class: ${catalog}`);
  return found;
}

const RELATIONS = 1259;

/** What there is of the object, and what kind of thing it is or would be. */
function found(
  catalog: number,
  oid: number,
  sub: number,
  ctx: ExecContext,
): { readonly type: string; readonly object: Identity | null } {
  const [type, identify] = classOf(catalog);
  if (sub !== 0 && catalog !== RELATIONS)
    throw sqlError('XX000', `invalid non-zero objectSubId for object class ${catalog}`);
  const object = identify(oid, sub, ctx);
  if (object !== null) return { type: object.type, object };
  return { type: catalog === RELATIONS ? typeOfMissing(oid, sub, ctx) : type, object: null };
}

fn(
  'pg_describe_object(oid, oid, int4) text',
  (catalog: number, oid: number, sub: number, ctx: ExecContext) => {
    if (catalog === 0 && oid === 0) return null;
    return found(catalog, oid, sub, ctx).object?.words ?? null;
  },
  { volatility: 'stable' },
);

fn(
  'pg_identify_object(oid, oid, int4) record',
  (catalog: number, oid: number, sub: number, ctx: ExecContext): Datum => {
    const { type, object } = found(catalog, oid, sub, ctx);
    const quoted = (name: string | null | undefined): string | null => (name == null ? null : quoteIdentifier(name));
    return new PgRecord(
      [OID.text, OID.text, OID.text, OID.text],
      [type, quoted(object?.schema), quoted(object?.name), object?.identity ?? null],
    );
  },
  {
    volatility: 'stable',
    resultColumns: ['type', 'schema', 'name', 'identity'].map((name) => ({ name, typeOid: OID.text })),
  },
);

const TEXTS = 1009;
fn(
  'pg_identify_object_as_address(oid, oid, int4) record',
  (catalog: number, oid: number, sub: number, ctx: ExecContext): Datum => {
    const { type, object } = found(catalog, oid, sub, ctx);
    const texts = (items: readonly string[] | undefined): Datum =>
      items === undefined ? null : new PgArray(OID.text, [...items]);
    return new PgRecord([OID.text, TEXTS, TEXTS], [type, texts(object?.names), texts(object?.args)]);
  },
  {
    volatility: 'stable',
    resultColumns: [
      { name: 'type', typeOid: OID.text },
      { name: 'object_names', typeOid: TEXTS },
      { name: 'object_args', typeOid: TEXTS },
    ],
  },
);
