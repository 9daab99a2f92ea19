/**
 * Scans of catalog tables. Their rows are made from descriptors, thousands of them, and most queries want those of
 * one table: an equality between a column and a value that does not depend on the row finds its rows in a map, which
 * is kept as long as the array of rows it was made of (the catalog gives the same array while nothing changed).
 * The whole condition is tested on what is found, so the map only finds candidates; only their columns are copied.
 */
import { after } from '../../base/soon.js';
import { conjuncts, isVolatile } from '../plan/expr.js';
import type { CallExpr, Expr } from '../plan/expr.js';
import type { HashKey } from '../plan/join-equality.js';
import type { VirtualPlan } from '../plan/logical.js';
import { columnsOf } from '../plan/plan-walk.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import { compileSync, compileTest, type SyncEval } from './eval.js';
import { LazyRows, type OperatorFactory, type Row, type Run } from './run.js';
import { filterRows } from './scan.js';
import { usageOf } from '../usage/session-usage.js';
import { rowsByValue } from '../catalog/virtual/value-maps.js';

interface Lookup {
  /** In the relation's rows. */
  readonly position: number;
  readonly key: HashKey;
  readonly value: SyncEval;
}

const NO_LAYOUT = new Map<number, number>();
const NO_ROW: Row = [];
const NO_ROWS: readonly Row[] = [];
/** Below, looking at each row costs no more than the map. */
export const FEW_ROWS = 32;

export function compileVirtual(plan: VirtualPlan): OperatorFactory {
  const pickRow = picker(plan.columns.map((c) => c.position));
  return virtualRows(plan, (rows) => rows.map(pickRow));
}

/** As compileVirtual, with the relation's rows as they are: of them, only the plan's columns are meant. */
export function compileWholeRows(plan: VirtualPlan): OperatorFactory {
  return virtualRows(plan, (rows) => rows);
}

function virtualRows(plan: VirtualPlan, pick: (rows: readonly Row[]) => readonly Row[]): OperatorFactory {
  // Over the relation's rows as they are.
  const layout = new Map(plan.columns.map((c) => [c.id, c.position]));
  const test = compileTest(plan.filter, layout);
  const positions = plan.columns.map((c) => c.position);
  const lookups = lookupsOf(plan, layout);
  return (run) =>
    new LazyRows(() =>
      after<readonly Row[], readonly Row[]>(plan.relation.rows(run.ctx, positions), (all) => {
        const few = fewest(all, lookups, run);
        const use = usageOf(run.ctx.txn)?.relation(plan.relation.oid) ?? null;
        if (use !== null) {
          use.scans++;
          use.returned += few.length;
        }
        return after(filterRows(few, test, run), pick);
      }),
    );
}

/** The fewest that one of the lookups leaves. */
export function fewest(all: readonly Row[], lookups: readonly Lookup[], run: Run): readonly Row[] {
  let rows = all;
  for (const lookup of lookups) {
    if (rows.length < FEW_ROWS) break;
    const found = candidates(all, lookup, run);
    if (found.length < rows.length) rows = found;
  }
  return rows;
}

/** Makes rows of the values at the given places. */
export function picker(positions: readonly number[]): (row: Row) => Row {
  const width = positions.length;
  return (row) => {
    const picked = new Array<Datum>(width);
    for (let i = 0; i < width; i++) picked[i] = row[positions[i]!]!;
    return picked;
  };
}

/** The conditions that a map can serve. */
export function lookupsOf(plan: VirtualPlan, layout: ReadonlyMap<number, number>): readonly Lookup[] {
  const lookups: Lookup[] = [];
  for (const part of conjuncts(plan.filter)) {
    if (part.kind !== 'call' || !isEquality(part)) continue;
    const [a, b] = part.args as readonly [Expr, Expr];
    const found = sideOf(a, b, layout) ?? sideOf(b, a, layout);
    if (found === null) continue;
    // An oid leaves the fewest.
    if (a.oid === OID.oid) lookups.unshift(found);
    else lookups.push(found);
  }
  return lookups;
}

function isEquality(expr: CallExpr): boolean {
  return expr.operator && expr.entry.name === '=' && expr.args.length === 2 && expr.entry.strict;
}

function sideOf(column: Expr, value: Expr, layout: ReadonlyMap<number, number>): Lookup | null {
  if (column.kind !== 'column' || column.oid !== value.oid || isVolatile(value)) return null;
  const position = layout.get(column.id);
  if (position === undefined) return null;
  for (const id of columnsOf(value)) if (layout.has(id)) return null;
  const evaluate = compileSync(value, NO_LAYOUT);
  return evaluate === null ? null : { position, key: typeByOid(column.oid).hashKey, value: evaluate };
}

function candidates(all: readonly Row[], { position, key, value }: Lookup, run: Run): readonly Row[] {
  let wanted;
  try {
    wanted = value(NO_ROW, run);
  } catch {
    // Whether the value is reached at all is for the condition to say, which then gives the same error.
    return all;
  }
  if (wanted === null) return NO_ROWS;
  return rowsByValue(all, position, key).get(key(wanted)) ?? NO_ROWS;
}
