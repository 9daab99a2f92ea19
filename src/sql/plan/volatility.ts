/** Whether running a plan twice may give different rows or effects within one statement. */
import type { Plan } from './logical.js';
import { walkPlan } from './plan-walk.js';

const known = new WeakMap<Plan, boolean>();

export function isVolatilePlan(plan: Plan): boolean {
  let volatile = known.get(plan);
  if (volatile === undefined) {
    let found = false;
    walkPlan(
      plan,
      (e) => {
        if ((e.kind === 'call' || e.kind === 'srf') && e.entry.volatility === 'volatile') found = true;
      },
      (p) => {
        if (p.kind === 'insert' || p.kind === 'update' || p.kind === 'delete' || p.kind === 'merge') found = true;
      },
    );
    volatile = found;
    known.set(plan, volatile);
  }
  return volatile;
}
