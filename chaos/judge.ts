/**
 * Where the histories of the workloads meet the judges of src/testing/judges. The simple accounts (set,
 * unique names, counters, bank) are recorded as what they are and are judged here by their own sums.
 */
import { checkBank } from '../src/testing/judges/bank.js';
import { checkCounters, type CounterOperation } from '../src/testing/judges/counter.js';
import { checkListAppend } from '../src/testing/judges/elle-list.js';
import { checkRegisters } from '../src/testing/judges/elle-register.js';
import type { Anomaly, AnomalyName, History, IsolationLevel, Outcome, Verdict } from '../src/testing/judges/history.js';
import { checkLinearizable, registerOperations, type RegisterOperation } from '../src/testing/judges/linearizable.js';
import { checkSet } from '../src/testing/judges/set.js';
import { checkUnique } from '../src/testing/judges/unique.js';

export interface BankTransfer {
  readonly invokedAt: number;
  readonly completedAt: number;
  readonly from: number;
  readonly to: number;
  readonly amount: number;
  readonly outcome: Outcome;
  readonly level: IsolationLevel;
}

export interface BankRead {
  readonly invokedAt: number;
  readonly completedAt: number;
  readonly balances: readonly (readonly [account: number, balance: number])[];
  readonly level: IsolationLevel;
  readonly past: boolean;
  readonly node: string;
}

export interface SetAdd {
  readonly value: number;
  readonly invokedAt: number;
  readonly completedAt: number;
  readonly outcome: Outcome;
}

export interface SetRead {
  readonly values: readonly number[];
  readonly invokedAt: number;
  readonly completedAt: number;
  readonly byIndex: boolean;
  readonly node: string;
}

export interface ClaimAttempt {
  readonly name: string;
  readonly owner: number;
  readonly outcome: Outcome;
  /** Refused because somebody has the name. */
  readonly taken: boolean;
}

export interface Increment {
  readonly counter: number;
  readonly isRead: boolean;
  readonly invokedAt: number;
  readonly completedAt: number;
  readonly outcome: Outcome;
  /** The value that was answered. */
  readonly seen: number | null;
}

/** Explanations beyond these only repeat it. */
const ANOMALIES_MAX = 20;

class Findings {
  readonly anomalies: Anomaly[] = [];
  count = 0;

  add(name: AnomalyName, explanation: string): void {
    this.count++;
    if (this.anomalies.length < ANOMALIES_MAX) this.anomalies.push({ name, explanation, transactions: [] });
  }

  verdict(checker: string, stats: Readonly<Record<string, number>>): Verdict {
    return { checker, ok: this.count === 0, anomalies: this.anomalies, stats };
  }
}

export function judgeLists(history: History): Verdict[] {
  return [listVersions(history), checkListAppend(history)];
}

export function judgeRegisters(history: History): Verdict[] {
  const linearizable = checkLinearizable([...registerOperations(history), ...compareAndSets(history)]);
  const { undecided } = linearizable;
  return [checkRegisters(history), { ...linearizable, stats: { ...linearizable.stats, undecided: undecided.length } }];
}

/** A compare-and-set that succeeded is recorded as a read and a write in one transaction. */
function compareAndSets(history: History): RegisterOperation[] {
  return history.transactions.flatMap(({ id, process, invokedAt, completedAt, outcome, ops }) => {
    const [read, write] = ops;
    if (ops.length !== 2 || read?.f !== 'read' || write?.f !== 'write' || read.value === undefined) return [];
    const action = { f: 'cas', expected: read.value, value: write.value, applied: true } as const;
    return [{ id, process, key: write.key, invokedAt, completedAt, outcome, action }];
  });
}

/** What can be said of lists one key at a time: prefixes, no loss, nothing refused, nothing invented, nothing stale. */
function listVersions(history: History): Verdict {
  const findings = new Findings();
  const writers = new Map<string, { readonly outcome: Outcome; readonly completedAt: number; readonly id: number }>();
  const reads = new Map<string, { values: readonly string[]; invokedAt: number; completedAt: number; id: number }[]>();
  for (const { id, ops, outcome, invokedAt, completedAt } of history.transactions) {
    for (const op of ops) {
      if (op.f === 'append') writers.set(`${op.key}/${op.value}`, { outcome, completedAt, id });
      if (op.f !== 'read-list' || op.values === undefined || outcome !== 'done') continue;
      const list = reads.get(String(op.key)) ?? [];
      list.push({ values: op.values.map(String), invokedAt, completedAt, id });
      reads.set(String(op.key), list);
    }
  }
  for (const [key, list] of reads) {
    const longest = list.reduce((a, b) => (b.values.length > a.values.length ? b : a));
    for (const read of list) {
      if (read.values.some((value, i) => value !== longest.values[i])) {
        findings.add('incompatible-order', `key ${key}: T${read.id} and T${longest.id} disagree about the order`);
      }
    }
    longest.values.forEach((value, i) => {
      const writer = writers.get(`${key}/${value}`);
      if (writer === undefined) findings.add('unwritten-value', `key ${key}: T${longest.id} read ${value}`);
      else if (writer.outcome === 'failed') findings.add('G1a', `key ${key}: ${value} of T${writer.id}, which failed`);
      if (longest.values.indexOf(value) !== i) findings.add('duplicate-value', `key ${key}: ${value} twice`);
    });
    const last = list.reduce((a, b) => (b.invokedAt > a.invokedAt ? b : a));
    for (const [name, writer] of writers) {
      if (!name.startsWith(`${key}/`) || writer.outcome !== 'done' || writer.completedAt > last.invokedAt) continue;
      if (!last.values.includes(name.slice(key.length + 1))) {
        findings.add(
          'lost-write',
          `key ${key}: ${name} of T${writer.id} was acknowledged; T${last.id} does not see it`,
        );
      }
    }
  }
  return findings.verdict('list-versions', { transactions: history.transactions.length, keys: reads.size });
}

export function judgeBank(account: {
  readonly accounts: number;
  readonly total: number;
  readonly transfers: readonly BankTransfer[];
  readonly reads: readonly BankRead[];
}): Verdict[] {
  const findings = new Findings();
  for (const read of account.reads) {
    const total = read.balances.reduce((sum, [, balance]) => sum + balance, 0);
    const shown = read.balances.map(([id, balance]) => `${id}:${balance}`).join(' ');
    const where = `${read.past ? 'a read of the past' : 'a read'} at ${read.node} (${read.level}): ${shown}`;
    if (total !== account.total) findings.add('bank-total', `${where}: the total is ${total}, not ${account.total}`);
    if (read.balances.length !== account.accounts) findings.add('bank-total', `${where}: accounts are missing`);
    if (read.balances.some(([, balance]) => balance < 0)) findings.add('bank-total', `${where}: below zero`);
  }
  const own = findings.verdict('bank-reads', {
    reads: account.reads.length,
    pastReads: account.reads.filter((read) => read.past).length,
    transfers: account.transfers.filter((transfer) => transfer.outcome === 'done').length,
  });
  const initial = new Map(Array.from({ length: account.accounts }, (_, id) => [id, account.total / account.accounts]));
  const final = account.reads.at(-1);
  const transfers = account.transfers.map((transfer, id) => ({ ...transfer, id }));
  const reads = account.reads.map(({ balances, node }, id) => ({ id, balances: new Map(balances), node }));
  const history = { initial, reads, transfers, ...(final === undefined ? {} : { final: new Map(final.balances) }) };
  return [own, checkBank(history, { nonNegative: true })];
}

export function judgeSet(adds: readonly SetAdd[], reads: readonly SetRead[]): Verdict[] {
  const findings = new Findings();
  const known = new Map(adds.map((add) => [add.value, add]));
  for (const read of reads) {
    const seen = new Set(read.values);
    const way = `${read.byIndex ? 'by the index' : 'by the table'} at ${read.node}`;
    const name = read.byIndex ? 'index' : 'lost-write';
    if (seen.size !== read.values.length) findings.add('duplicate-value', `${way}: an element was read twice`);
    for (const value of seen) {
      const add = known.get(value);
      if (add === undefined) {
        findings.add('unwritten-value', `${way}: ${value} was never added`);
      } else if (add.outcome === 'failed') findings.add('G1a', `${way}: ${value} is there though its insert failed`);
    }
    for (const add of adds) {
      if (add.outcome !== 'done' || add.completedAt > read.invokedAt || seen.has(add.value)) continue;
      findings.add(name, `${way}: ${add.value} was acknowledged before the read began and is not there`);
    }
  }
  const acknowledged = adds.filter((add) => add.outcome === 'done').length;
  const own = findings.verdict('set-reads', { acknowledged, adds: adds.length, reads: reads.length });
  const inserts = adds.map((add, id) => ({ ...add, id }));
  return [own, checkSet(inserts, reads.findLast((read) => !read.byIndex)?.values ?? [])];
}

export function judgeUnique(
  attempts: readonly ClaimAttempt[],
  owners: readonly { readonly name: string; readonly owner: number }[],
): Verdict[] {
  const findings = new Findings();
  const ownerOf = new Map<string, number>();
  for (const { name, owner } of owners) {
    if (ownerOf.has(name)) findings.add('unique', `"${name}" has two owners: ${ownerOf.get(name)} and ${owner}`);
    ownerOf.set(name, owner);
  }
  const mayHave = new Set<string>();
  for (const { name, owner, outcome } of attempts) {
    if (outcome !== 'failed') mayHave.add(name);
    if (outcome === 'done' && ownerOf.get(name) !== owner) {
      findings.add('unique', `"${name}" was given to ${owner}, but ${ownerOf.get(name) ?? 'nobody'} has it`);
    }
    if (outcome === 'failed' && ownerOf.get(name) === owner) {
      findings.add('G1a', `"${name}" belongs to ${owner}, whose claim failed`);
    }
  }
  for (const { name, taken } of attempts) {
    if (taken && !mayHave.has(name)) findings.add('unique', `"${name}" was said to be taken, but nobody ever got it`);
  }
  const own = findings.verdict('names', { attempts: attempts.length, names: ownerOf.size });
  const inserts = attempts.map(({ name, owner, outcome }, id) => ({ id, key: name, owner, outcome }));
  const rows = owners.map(({ name, owner }) => ({ key: name, owner }));
  return [own, checkUnique(inserts, rows)];
}

export function judgeCounters(increments: readonly Increment[], finals: ReadonlyMap<number, number>): Verdict[] {
  const findings = new Findings();
  for (const [counter, final] of finals) {
    const own = increments.filter((increment) => increment.counter === counter);
    const writes = own.filter((increment) => !increment.isRead);
    const done = writes.filter((increment) => increment.outcome === 'done').length;
    const unknown = writes.filter((increment) => increment.outcome === 'unknown').length;
    if (final < done || final > done + unknown) {
      findings.add(
        'counter',
        `counter ${counter} is ${final}; ${done} increments were acknowledged, ${unknown} unknown`,
      );
    }
    const given = writes.flatMap((write) => (write.outcome === 'done' && write.seen !== null ? [write.seen] : []));
    if (new Set(given).size !== given.length) {
      findings.add('counter', `counter ${counter}: two increments were answered with the same value`);
    }
    judgeMonotonic(counter, own, findings);
  }
  const own = findings.verdict('increments', { operations: increments.length, counters: finals.size });
  const operations = increments.flatMap<CounterOperation>(
    ({ counter, isRead, seen, invokedAt, completedAt, outcome }, id) => {
      const base = { id, key: counter, invokedAt, completedAt, outcome };
      if (!isRead) return [{ ...base, action: { f: 'add', amount: 1 } }];
      return seen === null ? [] : [{ ...base, action: { f: 'read', value: seen } }];
    },
  );
  return [own, checkCounters(operations, { final: finals })];
}

/** What an operation sees is not below what any operation saw that had ended before it began. */
function judgeMonotonic(counter: number, operations: readonly Increment[], findings: Findings): void {
  const seen = operations.filter((operation) => operation.outcome === 'done' && operation.seen !== null);
  const byEnd = [...seen].sort((a, b) => a.completedAt - b.completedAt);
  const byStart = [...seen].sort((a, b) => a.invokedAt - b.invokedAt);
  let ended = 0;
  let highest = 0;
  for (const operation of byStart) {
    for (; ended < byEnd.length && (byEnd[ended] as Increment).completedAt < operation.invokedAt; ended++) {
      highest = Math.max(highest, (byEnd[ended] as Increment).seen as number);
    }
    const value = operation.seen as number;
    const least = operation.isRead ? highest : highest + 1;
    if (value < least) {
      findings.add('counter', `counter ${counter} went backwards: ${value} after ${highest} had been answered`);
    }
  }
}
