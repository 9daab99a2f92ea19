/**
 * CREATE TYPE … AS RANGE. A range type comes with a multirange type, which has a descriptor and a name of its own but
 * is made, changed and dropped with the range.
 *
 * Limits: the subtype is no domain; no canonical function; the operator class is the subtype's own, and a
 * subtype_diff is checked and forgotten, for it has no effect here.
 */
import { sqlError } from '../../base/errors.js';
import { isKeyEncodable } from '../encoding/key-codec.js';
import { functionsNamed } from '../functions/define.js';
import { resolveTypeName } from '../plan/coerce.js';
import { OID } from '../types/oids.js';
import { formatType, typeByName, typeByOid } from '../types/registry.js';
import { internType, multirangeOf, userTypeOf } from '../types/user-types.js';
import type { RangeType } from '../types/user-types.js';
import type { RelationName } from '../contract.js';
import { requireCollation } from './collations.js';
import type { DdlContext } from './context.js';
import { initialAcl } from './default-privileges.js';
import { creationSchema } from './objects.js';
import { claimTypeName } from './user-types.js';
import { list, of, qualifiedName, stringOf, strings, unsupported } from './tree.js';
import type { Loose } from './tree.js';

const NAME_BYTES_MAX = 63;
const ATTRIBUTES: ReadonlySet<string> = new Set([
  'subtype',
  'subtype_opclass',
  'collation',
  'canonical',
  'subtype_diff',
  'multirange_type_name',
]);
/** The functions that PostgreSQL has for it and that cannot be called here. */
const DIFFERENCES: ReadonlyMap<string, number> = new Map<string, number>([
  ['float8mi', OID.float8],
  ['int4range_subdiff', OID.int4],
  ['int8range_subdiff', OID.int8],
  ['numrange_subdiff', OID.numeric],
  ['daterange_subdiff', OID.date],
  ['tsrange_subdiff', OID.timestamp],
  ['tstzrange_subdiff', OID.timestamptz],
]);

/** The definition's arguments by their names; each is a TypeName, for names are read as such. */
function readAttributes(body: Loose): ReadonlyMap<string, Loose> {
  const given = new Map<string, Loose>();
  for (const param of list(body['params']).map((p) => of(p, 'DefElem'))) {
    const name = stringOf({ String: { sval: param['defname'] } });
    if (!ATTRIBUTES.has(name)) throw sqlError('42601', `type attribute "${name}" not recognized`);
    if (given.has(name)) throw sqlError('42601', 'conflicting or redundant options');
    given.set(name, param['arg'] as Loose);
  }
  return given;
}

function nameIn(arg: Loose): RelationName {
  const typeName = of(arg, 'TypeName');
  return qualifiedName(arg['String'] === undefined ? strings(typeName['names']) : [stringOf(arg)]);
}

export async function runCreateRange(ctx: DdlContext, body: Loose): Promise<string> {
  const name = qualifiedName(strings(body['typeName']));
  const given = readAttributes(body);
  const subtype = given.get('subtype');
  if (given.has('canonical')) {
    throw sqlError('42P17', 'cannot specify a canonical function without a pre-created shell type', {
      hint: 'Create the type as a shell type, then create its canonicalization function, then do a full CREATE TYPE.',
    });
  }
  if (subtype === undefined) throw sqlError('42601', 'type attribute "subtype" is required');
  const typeOid = subtypeOf(ctx, subtype);
  const opclass = given.get('subtype_opclass');
  if (opclass !== undefined) throw unsupported('subtype_opclass of a range type');
  const collation = given.get('collation');
  if (collation !== undefined) {
    if (typeByOid(typeOid).category !== 'S')
      throw sqlError('42809', 'range collation specified but subtype does not support collation');
  }
  const difference = given.get('subtype_diff');
  if (difference !== undefined) await checkDifference(ctx, nameIn(difference), typeOid);

  const schema = await creationSchema(ctx, name);
  const wanted = given.get('multirange_type_name');
  const builtIn = wanted === undefined ? null : builtInType(nameIn(wanted));
  if (builtIn !== null) throw sqlError('42710', `type "${builtIn}" already exists`);
  const multirange = wanted === undefined ? { schema: name.schema, name: multirangeName(name.name) } : nameIn(wanted);
  const multirangeSchema =
    wanted === undefined || multirange.schema === name.schema ? schema : await creationSchema(ctx, multirange);
  const next = (): Promise<number> => ctx.catalog.catalog.ids.next();
  const type: RangeType = {
    kind: 'range',
    oid: await next(),
    arrayOid: await next(),
    name: name.name,
    typeOid,
    collation: collation === undefined ? null : (await requireCollation(ctx, nameIn(collation))).key,
    multirange: { oid: await next(), arrayOid: await next(), name: multirange.name },
  };
  const handle = internType(type);
  await claimTypeName(ctx, schema.id, type.name, type.oid);
  const shown =
    wanted === undefined
      ? {
          detail: `Failed while creating a multirange type for type "${type.name}".`,
          hint: 'You can manually specify a multirange type name using the "multirange_type_name" attribute.',
        }
      : {};
  await claimTypeName(ctx, multirangeSchema.id, multirange.name, type.multirange.oid, shown);
  for (const [definition, typeHandle, schemaId] of [
    [type, handle, schema.id],
    [multirangeOf(type, handle), internType(multirangeOf(type, handle)), multirangeSchema.id],
  ] as const) {
    ctx.catalog.putNew(ctx.txn, {
      kind: 'type',
      id: definition.oid,
      name: definition.name,
      databaseId: ctx.catalog.databaseId,
      schemaId,
      version: 1,
      owner: ctx.session.userId,
      ...(await initialAcl(ctx, 'type', schemaId)),
      typeOid: typeHandle,
      comment: null,
    });
  }
  return 'CREATE TYPE';
}

/** `int` is written for pg_catalog's int4. */
function builtInType({ schema, name }: RelationName): string | null {
  return schema === 'pg_catalog' ? (typeByName(name)?.name ?? null) : null;
}

function subtypeOf(ctx: DdlContext, node: Loose): number {
  // Without a place, as PostgreSQL tells of it.
  const name = { ...of(node, 'TypeName'), location: -1 };
  const { oid } = resolveTypeName(name as Parameters<typeof resolveTypeName>[0], ctx.types);
  if (typeByOid(oid).category === 'P') throw sqlError('42804', `range subtype cannot be ${formatType(oid)}`);
  if (userTypeOf(oid)?.kind === 'domain') throw unsupported(`a range over ${formatType(oid)}, a domain,`);
  if (isKeyEncodable(oid)) return oid;
  throw sqlError('42704', `data type ${formatType(oid)} has no default operator class for access method "btree"`, {
    hint: 'You must specify an operator class for the range type or define a default operator class for the subtype.',
  });
}

async function checkDifference(ctx: DdlContext, name: RelationName, typeOid: number): Promise<void> {
  if (DIFFERENCES.get(name.name) === typeOid) return;
  const fits = functionsNamed(name.name).some(
    ({ argOids, resultOid }) => argOids.length === 2 && argOids.every((a) => a === typeOid) && resultOid === OID.float8,
  );
  if (fits) return;
  const own = await ctx.catalog.routines(name, ctx.session.searchPath, ctx.wait);
  const takesTwo = own?.some((group) =>
    group.routines.some((r) => r.typeOid === OID.float8 && r.parameters.every((p) => p.typeOid === typeOid)),
  );
  if (takesTwo === true) return;
  const shown = formatType(typeOid);
  throw sqlError('42883', `function ${name.name}(${shown}, ${shown}) does not exist`);
}

/** As PostgreSQL makes it of the range's name. */
function multirangeName(name: string): string {
  const made = name.includes('range') ? name.replace('range', 'multirange') : `${name}_multirange`;
  if (Buffer.byteLength(made) <= NAME_BYTES_MAX) return made;
  return Buffer.from(made)
    .subarray(0, NAME_BYTES_MAX)
    .toString('utf8')
    .replace(/\ufffd+$/, '');
}
