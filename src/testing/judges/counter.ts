/**
 * Counters that only grow: what is read at any time is at least what was acknowledged before the read
 * began and at most what had been asked for when it ended; reads that follow each other in real time
 * never go back; the final value lies between the acknowledged and the possible.
 *
 * Limits: exactly which unanswered increments took effect is not searched for; a read inside the bounds
 * that no choice of increments makes is not found.
 */
import type { Anomaly, HistoryKey, Outcome, Verdict } from './history.js';
import { key as formatKey, milliseconds } from './words.js';

export interface CounterOperation {
  readonly id: number;
  readonly key: HistoryKey;
  readonly invokedAt: number;
  readonly completedAt: number;
  readonly outcome: Outcome;
  readonly action: { readonly f: 'add'; readonly amount: number } | { readonly f: 'read'; readonly value: number };
}

export interface CounterOptions {
  /** The value of every counter at first; default 0. */
  readonly initial?: number;
  /** Read after everything had ended. */
  readonly final?: ReadonlyMap<HistoryKey, number>;
}

const SHOWN = 10;

/** Throws if an increment is not positive: then nothing could be said. */
export function checkCounters(operations: readonly CounterOperation[], options: CounterOptions = {}): Verdict {
  const keys = new Map<HistoryKey, CounterOperation[]>();
  for (const operation of operations) {
    if (operation.action.f === 'add' && !(operation.action.amount > 0)) {
      throw new RangeError(`#${operation.id} adds ${operation.action.amount}: increments must be positive`);
    }
    const known = keys.get(operation.key);
    if (known === undefined) keys.set(operation.key, [operation]);
    else known.push(operation);
  }
  for (const key of options.final?.keys() ?? []) if (!keys.has(key)) keys.set(key, []);
  const anomalies: Anomaly[] = [];
  const add = (explanation: string, transactions: readonly number[]): void => {
    if (anomalies.length < SHOWN) anomalies.push({ name: 'counter', explanation, transactions });
  };
  const initial = options.initial ?? 0;
  for (const [key, own] of keys) {
    checkReads(key, own, initial, add);
    const final = options.final?.get(key);
    if (final !== undefined) checkFinal(key, own, initial, final, add);
  }
  const reads = operations.filter(({ action }) => action.f === 'read').length;
  const stats = { operations: operations.length, reads, keys: keys.size };
  return { checker: 'counter', ok: anomalies.length === 0, anomalies, stats };
}

type Add = (explanation: string, transactions: readonly number[]) => void;

function checkFinal(
  key: HistoryKey,
  operations: readonly CounterOperation[],
  initial: number,
  final: number,
  add: Add,
): void {
  let least = initial;
  let most = initial;
  for (const { action, outcome } of operations) {
    if (action.f !== 'add' || outcome === 'failed') continue;
    most += action.amount;
    if (outcome === 'done') least += action.amount;
  }
  const name = formatKey(key);
  if (final < least)
    add(`${name} ended at ${final}, but increments up to ${least} were acknowledged: ${least - final} is lost.`, []);
  if (final > most)
    add(
      `${name} ended at ${final}, but all increments together make ${most}: ${final - most} was added twice or though refused.`,
      [],
    );
}

interface CounterEvent {
  readonly at: number;
  readonly operation: CounterOperation;
  readonly isEnd: boolean;
}

function checkReads(key: HistoryKey, operations: readonly CounterOperation[], initial: number, add: Add): void {
  const events: CounterEvent[] = [];
  for (const operation of operations) {
    if (operation.outcome === 'failed') continue;
    events.push({ at: operation.invokedAt, operation, isEnd: false });
    if (operation.outcome === 'done') events.push({ at: operation.completedAt, operation, isEnd: true });
  }
  events.sort((a, b) => a.at - b.at || Number(a.isEnd) - Number(b.isEnd));
  const atLeast = new Map<CounterOperation, { value: number; by: CounterOperation | undefined }>();
  let asked = initial;
  let acknowledged = initial;
  let highest: { value: number; by: CounterOperation } | undefined;
  const name = formatKey(key);
  for (const { operation, isEnd } of events) {
    const { action, id } = operation;
    if (action.f === 'add') {
      if (isEnd) acknowledged += action.amount;
      else asked += action.amount;
      continue;
    }
    if (!isEnd) {
      const read = highest !== undefined && highest.value > acknowledged ? highest : undefined;
      atLeast.set(operation, { value: read?.value ?? acknowledged, by: read?.by });
      continue;
    }
    const bound = atLeast.get(operation) as { value: number; by: CounterOperation | undefined };
    if (action.value > asked) {
      add(`#${id} read ${name} = ${action.value}, but all increments begun by then make ${asked}.`, [id]);
    } else if (action.value < bound.value) {
      if (bound.by === undefined) {
        add(
          `#${id} read ${name} = ${action.value}, but increments up to ${bound.value} had been acknowledged before it began.`,
          [id],
        );
      } else {
        const earlier = milliseconds(operation.invokedAt - bound.by.completedAt);
        add(
          `#${id} read ${name} = ${action.value}, but #${bound.by.id} had read ${bound.value} and ended ${earlier} before #${id} began: the counter went back.`,
          [bound.by.id, id],
        );
      }
    }
    if (highest === undefined || action.value > highest.value) highest = { value: action.value, by: operation };
  }
}
