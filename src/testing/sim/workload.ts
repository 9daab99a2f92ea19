/**
 * What clients of a simulated run do. A workload owns its tables; it records what its clients saw
 * and says at the end whether that can have been a correct database.
 */
import type { Verdict } from '../judges/history.js';
import type { SimSession } from './session.js';

export interface Workload {
  readonly name: string;
  /** DDL and first rows, in order; run before any fault. */
  setup(): readonly string[];
  /** One transaction or statement of one client. */
  step(session: SimSession, process: number): Promise<void>;
  /** Final reads on the healed cluster, by a client that does nothing else. */
  finish(session: SimSession): Promise<void>;
  judge(): readonly Verdict[];
}

/** A read that must succeed because nothing is wrong any more; retried a bounded number of times. */
export async function readHealed(session: SimSession, text: string): Promise<readonly (readonly (string | null)[])[]> {
  for (let attempt = 0; ; attempt++) {
    const { result, error } = await session.statement(text);
    if (result !== null) return result.rows;
    if (attempt >= 20)
      throw new Error(`the healed cluster does not answer "${text}": ${error?.code} ${error?.message}`);
    await session.sleep(250_000);
  }
}

/** The rows of a result by the number in their first column. @throws Error when one comes twice: no judge would see it. */
export function byKey(rows: readonly (readonly (string | null)[])[]): Map<number, string | null> {
  const found = new Map(rows.map(([key, value]) => [Number(key), value ?? null]));
  if (found.size !== rows.length) throw new Error(`a result has rows twice: ${rows.map(([key]) => key).join(', ')}`);
  return found;
}
