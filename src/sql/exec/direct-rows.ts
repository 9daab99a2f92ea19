/**
 * Subqueries that look up a few rows of one catalog by values from outside, perhaps with what others have of them, and
 * give them or an aggregate of them: without operators, which would be made and thrown away for each row of the query that they stand in. Tools ask so for what
 * belongs to each table, index or constraint of a schema.
 */
import { after, type Soon } from '../../base/soon.js';
import type { AggregatePlan, JoinPlan, Plan, ProjectPlan, VirtualPlan } from '../plan/logical.js';
import { isVolatilePlan } from '../plan/volatility.js';
import type { Datum } from '../types/datum.js';
import { compileFold } from './aggregate.js';
import { compileRow, compileTest, type Layout, layoutOf } from './eval.js';
import { type Stage, stageOf } from './mapped-chain.js';
import type { MappedRight } from './mapped-join.js';
import type { Row, Run } from './run.js';
import { FEW_ROWS, fewest, lookupsOf, picker } from './virtual-scan.js';

/** null: there are many rows to look through, which operators do with rests in between. */
export type DirectRows = (run: Run) => Soon<readonly Row[] | null>;

interface Source {
  readonly rows: DirectRows;
  readonly layout: Layout;
}

/** null: the plan does something else. */
export function compileDirect(plan: Plan): DirectRows | null {
  const source = sourceOf(plan);
  return source === null ? null : ownRows(plan, source);
}

/** Of the plan's columns and no others. */
function ownRows(plan: Plan, { rows }: Source): DirectRows {
  return plan.kind === 'virtual' ? mapped(rows, picker(plan.columns.map((c) => c.position))) : rows;
}

function sourceOf(plan: Plan): Source | null {
  switch (plan.kind) {
    case 'virtual':
      return lookUp(plan);
    case 'project':
      return project(plan);
    case 'aggregate':
      return aggregate(plan);
    case 'join':
      return join(plan);
    default:
      return null;
  }
}

function mapped(rows: DirectRows, make: (row: Row, run: Run) => Row): DirectRows {
  return (run) =>
    after<readonly Row[] | null, readonly Row[] | null>(rows(run), (found) =>
      found === null ? null : found.map((row) => make(row, run)),
    );
}

/** The relation's rows as they are. */
function lookUp(plan: VirtualPlan): Source | null {
  const layout = new Map(plan.columns.map((c) => [c.id, c.position]));
  const lookups = lookupsOf(plan, layout);
  const test = compileTest(plan.filter, layout);
  if (lookups.length === 0 || test?.waits === true) return null;
  const found = (all: readonly Row[], run: Run): readonly Row[] | null => {
    const few = fewest(all, lookups, run);
    if (few.length > FEW_ROWS) return null;
    return test === null ? few : few.filter((row) => test.now(row, run));
  };
  const positions = plan.columns.map((c) => c.position);
  const rows: DirectRows = (run) => {
    const all = plan.relation.rows(run.ctx, positions);
    return all instanceof Promise ? all.then((known) => found(known, run)) : found(all, run);
  };
  return { rows, layout };
}

function project(plan: ProjectPlan): Source | null {
  const input = sourceOf(plan.input);
  if (input === null) return null;
  const made = compileRow(
    plan.items.map((item) => item.expr),
    input.layout,
  );
  return made.waits ? null : { rows: mapped(input.rows, made.now), layout: layoutOf(plan.columns) };
}

function aggregate(plan: AggregatePlan): Source | null {
  const input = sourceOf(plan.input);
  const fold = input === null ? null : compileFold(plan, input.layout);
  if (input === null || fold === null) return null;
  const rows: DirectRows = (run) =>
    after<readonly Row[] | null, readonly Row[] | null>(input.rows(run), (found) =>
      found === null ? null : after(fold(found, run), (row) => [row]),
    );
  return { rows, layout: layoutOf(plan.columns) };
}

/** Rows that a join may give here. */
const JOINED_MAX = 8 * FEW_ROWS;

function join(plan: JoinPlan): Source | null {
  // Where there are too many rows after all, operators do all of it again.
  const source = isVolatilePlan(plan) ? null : sourceOf(plan.left);
  const stage = source === null ? null : stageOf(plan);
  if (source === null || stage === null) return null;
  const left = ownRows(plan.left, source);
  const width = plan.columns.length;
  const rows: DirectRows = (run) =>
    after<readonly Row[] | null, readonly Row[] | null>(left(run), (found) => {
      if (found === null || found.length === 0) return found;
      return after<MappedRight, readonly Row[] | null>(stage.open(run), (right) => {
        try {
          return joined(found, right, stage, width, run);
        } finally {
          right.release();
        }
      });
    });
  return { rows, layout: layoutOf(plan.columns) };
}

function joined(
  found: readonly Row[],
  right: MappedRight,
  { test, outer, at, positions }: Stage,
  width: number,
  run: Run,
): readonly Row[] | null {
  const out: Row[] = [];
  const rowOf = (left: Row, from: Row | null): Row => {
    const row = new Array<Datum>(width);
    for (let i = 0; i < at; i++) row[i] = left[i]!;
    for (let i = 0; i < positions.length; i++) row[at + i] = from === null ? null : from[positions[i]!]!;
    return row;
  };
  for (const left of found) {
    // None of the keys waits.
    const candidates = right.candidates(left) as readonly Row[];
    if (out.length + candidates.length > JOINED_MAX) return null;
    const before = out.length;
    for (const candidate of candidates) {
      const row = rowOf(left, candidate);
      if (test === null || test.now(row, run)) out.push(row);
    }
    if (outer && out.length === before) out.push(rowOf(left, null));
  }
  return out;
}
