/** Relations and what belongs to one: columns, defaults, views' rules, extended statistics. */
import { columnOfDefault } from '../catalog/default-oids.js';
import { isMaterialized } from '../catalog/materialized.js';
import { viewOfRule } from '../catalog/rule-oids.js';
import type { ExecContext } from '../contract.js';
import { quoteIdentifier, splitName } from '../types/identifiers.js';
import { type Identify, type Identity, named, qualify } from './object-identity.js';
import { catalogLayout, columnsOfRelation } from './relation-columns.js';

function kindOf(oid: number, { services }: ExecContext): string {
  const table = services.tableByOid(oid);
  if (table !== null) return isMaterialized(table) ? 'materialized view' : 'table';
  if (services.viewByOid(oid) !== null) return 'view';
  if (services.tableOfIndex(oid) !== null) return 'index';
  if (catalogLayout(oid)?.kind === 'v') return 'view';
  const kind = services.access?.descriptor(oid)?.kind;
  if (kind === 'type') return 'composite type';
  if (kind === 'sequence') return 'sequence';
  return services.relationName(oid)?.endsWith('_index') === true ? 'index' : 'table';
}

/** Of one that is named so in words. */
function schemaOf(oid: number, shown: string, { services }: ExecContext): string {
  const parts = splitName(shown);
  if (parts.length > 1) return parts[0]!;
  const holder = services.tableOfIndex(oid) ?? services.access?.descriptor(oid) ?? null;
  const schema = holder !== null && 'schemaId' in holder ? services.schemaNameOf(holder.schemaId) : null;
  return schema ?? 'pg_catalog';
}

interface FoundRelation extends Identity {
  /** As the search path lets it be written. */
  readonly shown: string;
}

export function relationIdentity(oid: number, ctx: ExecContext): FoundRelation | null {
  const shown = ctx.services.relationName(oid);
  if (shown === null) return null;
  const schema = schemaOf(oid, shown, ctx);
  return { ...named(kindOf(oid, ctx), schema, splitName(shown).at(-1)!, shown), shown };
}

/** What the oid is of, when there is no such relation, or it has no such column. */
export function typeOfMissing(oid: number, sub: number, ctx: ExecContext): string {
  const relation = sub === 0 ? null : relationIdentity(oid, ctx);
  return relation === null ? 'relation' : `${relation.type} column`;
}

export const identifyRelation: Identify = (oid, sub, ctx) => {
  const relation = relationIdentity(oid, ctx);
  if (relation === null || sub === 0) return relation;
  const column = columnsOfRelation(oid, ctx).find(({ id }) => id === sub)?.name;
  if (column === undefined) return null;
  return {
    ...relation,
    type: `${relation.type} column`,
    identity: `${relation.identity}.${quoteIdentifier(column)}`,
    names: [...relation.names, column],
    words: `column ${column} of ${relation.words}`,
  };
};

export const identifyDefault: Identify = (oid, _sub, ctx) => {
  const at = columnOfDefault(oid);
  const column = at === null ? null : identifyRelation(at.relation, at.column, ctx);
  if (column === null) return null;
  return {
    ...column,
    type: 'default value',
    schema: null,
    name: null,
    identity: `for ${column.identity}`,
    words: `default value for ${column.words}`,
  };
};

export const identifyRule: Identify = (oid, _sub, ctx) => {
  const id = viewOfRule(oid);
  const view = id === null ? null : relationIdentity(id, ctx);
  if (view === null) return null;
  return {
    type: 'rule',
    schema: null,
    name: null,
    identity: `"_RETURN" on ${view.identity}`,
    names: [...view.names, '_RETURN'],
    args: [],
    words: `rule _RETURN on ${view.words}`,
  };
};

export const identifyStatistics: Identify = (oid, _sub, { services }) => {
  for (const table of services.allTables()) {
    const found = table.statistics?.find((one) => one.oid === oid);
    const schema = found === undefined ? null : services.schemaNameOf(found.schemaId);
    if (found === undefined || schema === null) continue;
    const isVisible = services.searchPath.includes(schema);
    return named(
      'statistics object',
      schema,
      found.name,
      isVisible ? quoteIdentifier(found.name) : qualify(schema, found.name),
    );
  }
  return null;
};
