/**
 * EXISTS asks whether there is a row: what the query would give, and in which order, is not computed, so that it neither fails nor
 * calls anything. As in PostgreSQL not where the outputs decide how many rows there are, nor over aggregates and windows.
 */
import type { LimitPlan, Plan } from './logical.js';

export function existsPlan(plan: Plan): Plan {
  const rows = withoutOutputs(plan);
  return rows === null ? plan : { kind: 'project', columns: [], input: rows, items: [] };
}

/** null: the outputs count. */
function withoutOutputs(plan: Plan): Plan | null {
  switch (plan.kind) {
    case 'project':
    case 'sort':
    case 'distinct':
      return withoutOutputs(plan.input);
    case 'limit':
      return isHarmless(plan) ? withoutOutputs(plan.input) : null;
    case 'with': {
      const input = withoutOutputs(plan.input);
      return input === null ? null : { ...plan, columns: input.columns, input };
    }
    case 'aggregate':
      return plan.sets !== null || plan.aggregates.length > 0 || plan.groups.length === 0
        ? null
        : withoutOutputs(plan.input);
    case 'filter':
      return plan.input.kind === 'aggregate' ? null : plan;
    case 'window':
    case 'projectset':
    case 'setop':
      return null;
    default:
      return plan;
  }
}

/** At least one row of those that there are. */
function isHarmless({ count, offset }: LimitPlan): boolean {
  if (offset !== null) return false;
  const written = count?.kind === 'cast' ? count.arg : count;
  return written === null || (written.kind === 'const' && (written.value === null || Number(written.value) > 0));
}
