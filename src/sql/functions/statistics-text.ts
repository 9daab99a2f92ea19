/** Extended statistics as SQL: pg_get_statisticsobjdef and its relatives. */
import type { StatisticsDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import type { ExecContext } from '../contract.js';
import { PgArray } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { fn } from './define.js';
import { expressionColumns, shownSql } from './shown-sql.js';
import { quoteIdentifier } from './strings.js';

const STABLE = { volatility: 'stable' } as const;
const NAMES = [
  ['d', 'ndistinct'],
  ['f', 'dependencies'],
  ['m', 'mcv'],
] as const;

interface Found {
  readonly table: TableDescriptor;
  readonly statistics: StatisticsDescriptor;
}

function find(oid: number, ctx: ExecContext): Found | null {
  for (const table of ctx.services.allTables()) {
    const statistics = table.statistics?.find((one) => one.oid === oid);
    if (statistics !== undefined) return { table, statistics };
  }
  return null;
}

function columnsText({ table, statistics }: Found, ctx: ExecContext): string {
  const names = statistics.columnIds.map((id) => quoteIdentifier(table.columns.find((c) => c.id === id)?.name ?? '?'));
  return [
    ...names,
    ...statistics.expressions.map((e) => shownSql(e.expressionSql, ctx, expressionColumns(table))),
  ].join(', ');
}

function text(found: Found, ctx: ExecContext): string {
  const { table, statistics } = found;
  const schema = ctx.services.schemaNameOf(statistics.schemaId) ?? 'public';
  const { kinds } = statistics;
  const given = NAMES.filter(([kind]) => kinds.includes(kind)).map(([, name]) => name);
  const isSingle = statistics.columnIds.length === 0 && statistics.expressions.length === 1;
  const shown = given.length === NAMES.length || isSingle ? '' : ` (${given.join(', ')})`;
  const relation = ctx.services.relationName(table.id) ?? quoteIdentifier(table.name);
  const name = `${quoteIdentifier(schema)}.${quoteIdentifier(statistics.name)}`;
  return `CREATE STATISTICS ${name}${shown} ON ${columnsText(found, ctx)} FROM ${relation}`;
}

const ofFound =
  <T>(give: (found: Found, ctx: ExecContext) => T) =>
  (oid: number, ctx: ExecContext): T | null => {
    const found = find(oid, ctx);
    return found === null ? null : give(found, ctx);
  };

fn('pg_get_statisticsobjdef(oid) text', ofFound(text), STABLE);
fn('pg_get_statisticsobjdef_columns(oid) text', ofFound(columnsText), STABLE);
fn(
  'pg_get_statisticsobjdef_expressions(oid) _text',
  ofFound(({ table, statistics: { expressions } }, ctx) =>
    expressions.length === 0
      ? null
      : new PgArray(
          OID.text,
          expressions.map((e) => shownSql(e.expressionSql, ctx, expressionColumns(table))),
        ),
  ),
  STABLE,
);
