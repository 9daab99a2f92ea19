/**
 * Texts of statements that take long to parse and to plan: between the steps of that others get their turn, and a
 * cancel request or a time-out is seen. Short texts, nearly all there are, go through without a look at the clock.
 */
import { heapRoom } from '../../base/heap.js';
import type { Steps } from '../../base/steps.js';
import type { ParsedStatement } from '../contract.js';
import { parseInSteps } from '../parse/parser.js';
import type { Session } from './session.js';

const LONG = 16_384;

export function isLong(text: string): boolean {
  return text.length >= LONG;
}

/** @throws the reason for which the statement was cancelled meanwhile */
export async function restIfDue(session: Session): Promise<void> {
  const { pace } = session.server.shared;
  if (pace?.due() !== true) return;
  await pace.rest();
  if (session.signal.aborted) throw session.signal.reason;
  heapRoom(0);
}

export async function paced<T>(session: Session, steps: Steps<T>): Promise<T> {
  for (;;) {
    const step = steps.next();
    await restIfDue(session);
    if (step.done === true) return step.value;
  }
}

export function parseLong(session: Session, text: string): Promise<readonly ParsedStatement[]> {
  return paced(session, parseInSteps(text));
}
