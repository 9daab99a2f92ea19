/** How many parts things may have, as in PostgreSQL. */
import { errorAt } from './binder.js';

const TARGETS_MAX = 1664;
const ARGUMENTS_MAX = 100;

/** @throws QuoralError 54011 */
export function checkTargets(count: number): void {
  if (count > TARGETS_MAX) throw errorAt('54011', `target lists can have at most ${TARGETS_MAX} entries`, -1);
}

/** @throws QuoralError 54023 */
export function checkArguments(count: number, location: number): void {
  if (count <= ARGUMENTS_MAX) return;
  throw errorAt('54023', `cannot pass more than ${ARGUMENTS_MAX} arguments to a function`, location);
}
