/**
 * Subqueries that look up a few rows of one catalog by values from outside, and give them or an aggregate of them: without
 * operators, which would be made and thrown away for each row of the query that they stand in. Tools ask so for what
 * belongs to each table, index or constraint of a schema.
 */
import { after, type Soon } from '../../base/soon.js';
import type { AggregatePlan, Plan, ProjectPlan, VirtualPlan } from '../plan/logical.js';
import { compileFold } from './aggregate.js';
import { compileRow, compileTest, type Layout, layoutOf } from './eval.js';
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
  if (source === null || plan.kind !== 'virtual') return source?.rows ?? null;
  return mapped(source.rows, picker(plan.columns.map((c) => c.position)));
}

function sourceOf(plan: Plan): Source | null {
  switch (plan.kind) {
    case 'virtual':
      return lookUp(plan);
    case 'project':
      return project(plan);
    case 'aggregate':
      return aggregate(plan);
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
