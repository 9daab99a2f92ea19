/** Parameters where a statement has none: nobody has sent values for them. */
import type { ParsedStatement } from '../contract.js';
import { errorAt } from './error-at.js';

/** @throws QuoralError 42P02 naming the first one */
export function refuseParameters(statement: ParsedStatement): void {
  if (statement.parameterCount === 0) return;
  const found: Parameter[] = [];
  collect(statement.node, found);
  const [first] = found.sort((a, b) => (a.location ?? -1) - (b.location ?? -1));
  // One of AS OF SYSTEM TIME is in no tree.
  throw errorAt(
    '42P02',
    `there is no parameter $${first?.number ?? 1}`,
    first === undefined ? -1 : (first.location ?? 0),
  );
}

interface Parameter {
  readonly number?: number;
  readonly location?: number;
}

function collect(value: unknown, found: Parameter[]): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    if (key === 'ParamRef') found.push(child as Parameter);
    else collect(child, found);
  }
}
