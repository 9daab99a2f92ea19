/** Whether the statement is to go on. */
import { QuoralError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';

/** @throws QuoralError why not: 57014, or what the session ended with */
export function checkCancelled(ctx: ExecContext): void {
  if (!ctx.signal.aborted) return;
  const reason: unknown = ctx.signal.reason;
  if (reason instanceof QuoralError) throw reason;
  throw new QuoralError('57014', 'canceling statement due to user request');
}
