/**
 * pg_describe_object: an object of the catalogs in words, as psql's \dx+ lists the members of an extension.
 *
 * Limit: relations, columns, functions, types, schemas, constraints, languages, extensions; NULL for anything else.
 */
import { isMaterialized } from '../catalog/materialized.js';
import type { ExecContext } from '../contract.js';
import { OID } from '../types/oids.js';
import { formatType, typeByOid } from '../types/registry.js';
import { fn } from './define.js';

type Describe = (oid: number, sub: number, ctx: ExecContext) => string | null;

const describeRelation: Describe = (oid, sub, ctx) => {
  const { services } = ctx;
  const name = services.relationName(oid);
  if (name === null) return null;
  const table = services.tableByOid(oid);
  const view = services.viewByOid(oid);
  const kind =
    table !== null
      ? isMaterialized(table)
        ? 'materialized view'
        : 'table'
      : view !== null
        ? 'view'
        : services.tableOfIndex(oid) !== null
          ? 'index'
          : 'sequence';
  if (sub === 0) return `${kind} ${name}`;
  const column = (table?.columns ?? view?.columns ?? []).find((one) => one.id === sub);
  return column === undefined ? null : `column ${column.name} of ${kind} ${name}`;
};

const describeConstraint: Describe = (oid, _sub, ctx) => {
  const { services } = ctx;
  const ofDomain = services.domainCheck(oid);
  if (ofDomain !== null) return `constraint ${ofDomain.name}`;
  const table = services.tableOfConstraint(oid);
  if (table === null) return null;
  const all = [
    ...table.indexes.map((one) => ({ oid: one.constraintOid, name: one.name })),
    ...table.checks,
    ...(table.foreignKeys ?? []),
  ];
  const found = all.find((one) => one.oid === oid);
  return found === undefined
    ? null
    : `constraint ${found.name} on table ${services.relationName(table.id) ?? table.name}`;
};

/** By the oid of the catalog that has the object. */
const DESCRIBE: ReadonlyMap<number, Describe> = new Map<number, Describe>([
  [1259, describeRelation],
  [2606, describeConstraint],
  [1247, (oid, _sub, { services }) => `type ${services.typeName(oid) ?? formatType(oid)}`],
  [
    1255,
    (oid, _sub, ctx) => {
      const text = typeByOid(OID.regprocedure).output(oid, ctx.format);
      return text === String(oid) ? null : `function ${text}`;
    },
  ],
  [
    2615,
    (oid, _sub, { services }) => {
      const name = services.schemaNameOf(oid);
      return name === null ? null : `schema ${name}`;
    },
  ],
]);

fn(
  'pg_describe_object(oid, oid, int4) text',
  (catalog: number, oid: number, sub: number, ctx: ExecContext) => DESCRIBE.get(catalog)?.(oid, sub, ctx) ?? null,
  { volatility: 'stable' },
);
