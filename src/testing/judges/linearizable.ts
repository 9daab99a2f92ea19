/**
 * Linearizability of single registers: is there a moment between call and answer of each operation such
 * that, taken in that order, every answer is right? The search of Wing and Gong with Lowe's memory of
 * states already tried ("Testing for linearizability", 2017), key by key, since a history is
 * linearizable exactly if each key's part is.
 *
 * Outcomes: a failed operation has no effect and is left out; one without an answer may take effect at
 * any time after its call, or never.
 *
 * Limits: exponential in the worst case, so it stops after `statesMax` states for a key and says
 * `undecided`, which is neither right nor wrong. Sets of operations are remembered by a 96-bit hash: a
 * collision, which would hide a valid order, has a chance below 1 in 10^15 at a million states.
 */
import type { Anomaly, History, HistoryKey, HistoryValue, Outcome, Verdict } from './history.js';
import { formatValue, key as formatKey, milliseconds } from './words.js';

export type RegisterAction =
  /** null writes no row (a delete). */
  | { readonly f: 'write'; readonly value: HistoryValue | null }
  | { readonly f: 'read'; readonly value: HistoryValue | null }
  /** `applied`: what it answered; it writes `value` if the register held `expected`. */
  | {
      readonly f: 'cas';
      readonly expected: HistoryValue | null;
      readonly value: HistoryValue;
      readonly applied: boolean;
    };

export interface RegisterOperation {
  readonly id: number;
  readonly process: number;
  readonly key: HistoryKey;
  readonly invokedAt: number;
  readonly completedAt: number;
  readonly outcome: Outcome;
  readonly action: RegisterAction;
}

export interface LinearizableOptions {
  /** What every register holds at first; default null (no row). */
  readonly initial?: HistoryValue | null;
  /** States tried for one key; default 1,000,000. */
  readonly statesMax?: number;
}

export interface LinearizableVerdict extends Verdict {
  /** Keys for which the budget ran out: `ok` says nothing about them. */
  readonly undecided: readonly HistoryKey[];
}

/** The single-operation transactions of a history; with more than one operation a transaction is not one. */
export function registerOperations(history: History): RegisterOperation[] {
  const operations: RegisterOperation[] = [];
  for (const { id, process, invokedAt, completedAt, outcome, ops, stale } of history.transactions) {
    const [op] = ops;
    if (ops.length !== 1 || op === undefined || stale === true) continue;
    const base = { id, process, key: op.key, invokedAt, completedAt, outcome };
    if (op.f === 'write') operations.push({ ...base, action: { f: 'write', value: op.value } });
    if (op.f === 'read' && op.value !== undefined) operations.push({ ...base, action: { f: 'read', value: op.value } });
  }
  return operations;
}

export function checkLinearizable(
  operations: readonly RegisterOperation[],
  options: LinearizableOptions = {},
): LinearizableVerdict {
  const keys = new Map<HistoryKey, RegisterOperation[]>();
  for (const operation of operations) {
    const known = keys.get(operation.key);
    if (known === undefined) keys.set(operation.key, [operation]);
    else known.push(operation);
  }
  const anomalies: Anomaly[] = [];
  const undecided: HistoryKey[] = [];
  let states = 0;
  for (const [key, own] of keys) {
    const relevant = own.filter((operation) => matters(operation, own));
    const result = new Search(relevant, options.initial ?? null, options.statesMax ?? 1_000_000).run();
    states += result.states;
    if (result.kind === 'undecided') undecided.push(key);
    if (result.kind === 'wrong') anomalies.push(describe(key, relevant, result, options.initial ?? null));
  }
  return {
    checker: 'linearizable',
    ok: anomalies.length === 0,
    anomalies,
    undecided,
    stats: { operations: operations.length, keys: keys.size, states, undecided: undecided.length },
  };
}

/**
 * Leaves out what cannot change the answer: failed operations, reads without an answer, and unanswered
 * writes of a value that nobody saw, unless a compare-and-set may have failed because of it.
 */
function matters(operation: RegisterOperation, all: readonly RegisterOperation[]): boolean {
  if (operation.outcome === 'done') return true;
  if (operation.outcome === 'failed' || operation.action.f === 'read') return false;
  const { value } = operation.action;
  return all.some(
    ({ action, outcome }) =>
      (action.f === 'read' && action.value === value && outcome === 'done') ||
      (action.f === 'cas' && (action.expected === value || !action.applied || outcome === 'unknown')),
  );
}

interface Entry {
  readonly operation: RegisterOperation;
  readonly index: number;
  readonly isCall: boolean;
  /** The answer's entry of a call; absent if there was no answer. */
  answer: Entry | undefined;
  before: Entry | undefined;
  after: Entry | undefined;
}

type SearchResult =
  | { readonly kind: 'right' | 'undecided'; readonly states: number }
  | { readonly kind: 'wrong'; readonly states: number; readonly order: readonly number[]; readonly stuck: number };

class Search {
  readonly #operations: readonly RegisterOperation[];
  readonly #initial: HistoryValue | null;
  readonly #statesMax: number;
  readonly #hashes: Int32Array;

  constructor(operations: readonly RegisterOperation[], initial: HistoryValue | null, statesMax: number) {
    this.#operations = operations;
    this.#initial = initial;
    this.#statesMax = statesMax;
    this.#hashes = hashesOf(operations.length);
  }

  run(): SearchResult {
    const head = this.#entries();
    const tried = new Set<string>();
    const stack: { entry: Entry; state: HistoryValue | null }[] = [];
    const hash = new Int32Array(3);
    let state = this.#initial;
    let left = this.#operations.filter(({ outcome }) => outcome === 'done').length;
    let order: readonly number[] = [];
    let stuck = -1;
    let entry = head.after;
    while (left > 0) {
      if (entry?.isCall === true) {
        const next = apply(state, entry.operation);
        if (next !== undefined && this.#isNew(tried, hash, entry.index, next.state)) {
          stack.push({ entry, state });
          state = next.state;
          lift(entry);
          if (entry.answer !== undefined) left--;
          if (tried.size > this.#statesMax) return { kind: 'undecided', states: tried.size };
          entry = head.after;
        } else {
          entry = entry.after;
        }
        continue;
      }
      // An answer whose call has no place yet: everything that could come first was tried.
      if (stuck < 0 || stack.length > order.length) {
        order = stack.map((taken) => taken.entry.index);
        stuck = entry === undefined ? -1 : entry.index;
      }
      const taken = stack.pop();
      if (taken === undefined) return { kind: 'wrong', states: tried.size, order, stuck };
      state = taken.state;
      this.#toggle(hash, taken.entry.index);
      unlift(taken.entry);
      if (taken.entry.answer !== undefined) left++;
      entry = taken.entry.after;
    }
    return { kind: 'right', states: tried.size };
  }

  #isNew(tried: Set<string>, hash: Int32Array, index: number, state: HistoryValue | null): boolean {
    this.#toggle(hash, index);
    const name = `${hash[0]},${hash[1]},${hash[2]},${typeof state === 'string' ? 's' : ''}${state}`;
    if (!tried.has(name)) {
      tried.add(name);
      return true;
    }
    this.#toggle(hash, index);
    return false;
  }

  #toggle(hash: Int32Array, index: number): void {
    for (let i = 0; i < 3; i++) hash[i] = (hash[i] as number) ^ (this.#hashes[3 * index + i] as number);
  }

  /** Calls and answers as one linked list in the order of time; the head is an entry of its own. */
  #entries(): Entry {
    const events: { at: number; entry: Entry }[] = [];
    this.#operations.forEach((operation, index) => {
      const call: Entry = { operation, index, isCall: true, answer: undefined, before: undefined, after: undefined };
      events.push({ at: operation.invokedAt, entry: call });
      if (operation.outcome !== 'done') return;
      call.answer = { ...call, isCall: false };
      events.push({ at: operation.completedAt, entry: call.answer });
    });
    // At the same time calls come first, so that the two overlap.
    events.sort((a, b) => a.at - b.at || Number(b.entry.isCall) - Number(a.entry.isCall));
    const none = { process: -1, key: '', invokedAt: 0, completedAt: 0, id: -1, outcome: 'failed' } as const;
    const operation: RegisterOperation = { ...none, action: { f: 'read', value: null } };
    const head: Entry = { operation, index: -1, isCall: false, answer: undefined, before: undefined, after: undefined };
    let last = head;
    for (const { entry } of events) {
      entry.before = last;
      last.after = entry;
      last = entry;
    }
    return head;
  }
}

function lift(entry: Entry): void {
  for (const part of [entry, entry.answer]) {
    if (part === undefined) continue;
    (part.before as Entry).after = part.after;
    if (part.after !== undefined) part.after.before = part.before;
  }
}

function unlift(entry: Entry): void {
  for (const part of [entry.answer, entry]) {
    if (part === undefined) continue;
    (part.before as Entry).after = part;
    if (part.after !== undefined) part.after.before = part;
  }
}

/** The state after it, or undefined if its answer cannot be given in this state. */
function apply(state: HistoryValue | null, operation: RegisterOperation): { state: HistoryValue | null } | undefined {
  const { action, outcome } = operation;
  switch (action.f) {
    case 'read':
      return action.value === state ? { state } : undefined;
    case 'write':
      return { state: action.value };
    case 'cas':
      if (outcome === 'done' && action.applied !== (state === action.expected)) return undefined;
      return { state: state === action.expected ? action.value : state };
  }
}

/** Three pseudo-random words for each operation, the same in every run. */
function hashesOf(count: number): Int32Array {
  const hashes = new Int32Array(3 * count);
  let seed = 0x9e3779b9 | 0;
  for (let i = 0; i < hashes.length; i++) {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    hashes[i] = mixed ^ (mixed >>> 14);
  }
  return hashes;
}

function describe(
  key: HistoryKey,
  operations: readonly RegisterOperation[],
  result: { readonly order: readonly number[]; readonly stuck: number },
  initial: HistoryValue | null,
): Anomaly {
  const stuck = operations[result.stuck] as RegisterOperation;
  const origin = Math.min(
    ...result.order.slice(-4).map((index) => (operations[index] as RegisterOperation).invokedAt),
    stuck.invokedAt,
  );
  let state = initial;
  for (const index of result.order) state = (apply(state, operations[index] as RegisterOperation) ?? { state }).state;
  const recent = result.order.slice(-4).map((index) => operations[index] as RegisterOperation);
  const placed = new Set(result.order);
  const open = operations.filter(
    (operation, index) => !placed.has(index) && operation !== stuck && operation.invokedAt < stuck.completedAt,
  );
  const lines = [
    `not-linearizable: no order of the operations on ${formatKey(key)} explains every answer. The furthest one ends:`,
    ...recent.map((operation) => `  ${describeOperation(operation, origin)}`),
    `and leaves ${formatKey(key)} = ${formatValue(state)}. What must come next does not fit:`,
    ...[stuck, ...open.slice(0, 4)].map((operation) => `  ${describeOperation(operation, origin)}`),
  ];
  const transactions = [...recent, stuck].map(({ id }) => id);
  return { name: 'not-linearizable', explanation: lines.join('\n'), transactions };
}

function describeOperation(
  { id, process, action, invokedAt, completedAt, outcome }: RegisterOperation,
  origin: number,
): string {
  const until = outcome === 'done' ? milliseconds(completedAt - origin) : 'no answer';
  return `#${id} process ${process}, ${milliseconds(invokedAt - origin)} to ${until}: ${describeAction(action)}`;
}

function describeAction(action: RegisterAction): string {
  switch (action.f) {
    case 'read':
      return `read ${formatValue(action.value)}`;
    case 'write':
      return `wrote ${formatValue(action.value)}`;
    case 'cas':
      return `compared with ${formatValue(action.expected)} to set ${formatValue(action.value)}: ${action.applied ? 'applied' : 'refused'}`;
  }
}
