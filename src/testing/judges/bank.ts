/**
 * The bank: transfers move money between accounts, so whoever reads all accounts in one transaction
 * finds the same total, now or at any past timestamp, and at the end.
 *
 * - Every read has every account and the total; reads at one past timestamp agree with each other.
 * - No balance below zero, where transfers refuse to overdraw.
 * - With the transfers given, the final balances are what acknowledged transfers make, plus some of
 *   those without an answer: a transfer lost, booked twice or in half shows even if the total is right.
 *
 * Limits: which of the unanswered transfers took effect is searched for only up to 16 of them; with more,
 * each account is only held to the bounds that they allow. Amounts are integers (cents).
 */
import type { Anomaly, HistoryKey, Outcome, Verdict } from './history.js';
import { key as formatKey } from './words.js';

export type Balances = ReadonlyMap<HistoryKey, number>;

export interface BankRead {
  /** Its transaction's id. */
  readonly id: number;
  readonly balances: Balances;
  /** Set if it was read at a past timestamp (AS OF SYSTEM TIME, a follower read), in microseconds. */
  readonly asOf?: number;
  readonly node?: string;
}

export interface Transfer {
  readonly id: number;
  readonly from: HistoryKey;
  readonly to: HistoryKey;
  readonly amount: number;
  readonly outcome: Outcome;
}

export interface BankHistory {
  readonly initial: Balances;
  readonly reads: readonly BankRead[];
  readonly final?: Balances;
  readonly transfers?: readonly Transfer[];
}

export interface BankOptions {
  /** Whether transfers refuse to overdraw; default false: negative balances are allowed. */
  readonly nonNegative?: boolean;
}

const UNKNOWN_MAX = 16;
const SHOWN = 10;

export function checkBank(history: BankHistory, options: BankOptions = {}): Verdict {
  const anomalies: Anomaly[] = [];
  const add = (explanation: string, transactions: readonly number[]): void => {
    if (anomalies.length < SHOWN) anomalies.push({ name: 'bank-total', explanation, transactions });
  };
  const total = sum(history.initial);
  const past = new Map<number, BankRead>();
  for (const read of history.reads) {
    const what = `T${read.id}${read.node === undefined ? '' : ` on ${read.node}`}${read.asOf === undefined ? '' : ` as of ${read.asOf}`}`;
    const problem = problemOf(read.balances, history.initial, total, options);
    if (problem !== undefined) add(`${what} ${problem}`, [read.id]);
    if (read.asOf === undefined) continue;
    const same = past.get(read.asOf);
    if (same === undefined) past.set(read.asOf, read);
    else compare(same, read, add);
  }
  if (history.final !== undefined) {
    const problem = problemOf(history.final, history.initial, total, options);
    if (problem !== undefined) add(`The final state ${problem}`, []);
    else if (history.transfers !== undefined) checkTransfers(history, history.final, history.transfers, add);
  }
  const stats = {
    reads: history.reads.length,
    pastReads: history.reads.filter((read) => read.asOf !== undefined).length,
    accounts: history.initial.size,
    transfers: history.transfers?.length ?? 0,
  };
  return { checker: 'bank', ok: anomalies.length === 0, anomalies, stats };
}

function sum(balances: Balances): number {
  let total = 0;
  for (const balance of balances.values()) total += balance;
  return total;
}

function problemOf(balances: Balances, initial: Balances, total: number, options: BankOptions): string | undefined {
  for (const account of initial.keys()) {
    if (!balances.has(account))
      return `has no account ${formatKey(account)} (${balances.size} of ${initial.size} are there).`;
  }
  for (const [account, balance] of balances) {
    if (!initial.has(account)) return `has an account ${formatKey(account)} that nobody opened.`;
    if (options.nonNegative === true && balance < 0)
      return `has ${balance} on ${formatKey(account)}: it was overdrawn.`;
  }
  const found = sum(balances);
  if (found === total) return undefined;
  const listed = [...balances].map(([account, balance]) => `${formatKey(account)}: ${balance}`).join(', ');
  const shown = listed.length > 300 ? `${listed.slice(0, 300)}…` : listed;
  return `adds up to ${found}, not ${total}: ${Math.abs(found - total)} ${found > total ? 'too much' : 'missing'} (${shown}).`;
}

type Add = (explanation: string, transactions: readonly number[]) => void;

function compare(first: BankRead, second: BankRead, add: Add): void {
  for (const [account, balance] of first.balances) {
    const other = second.balances.get(account);
    if (other === balance || other === undefined) continue;
    add(
      `T${first.id} and T${second.id} both read as of ${first.asOf}, but found ${balance} and ${other} on ${formatKey(account)}: the past changed.`,
      [first.id, second.id],
    );
    return;
  }
}

function checkTransfers(history: BankHistory, final: Balances, transfers: readonly Transfer[], add: Add): void {
  const left = new Map<HistoryKey, number>();
  for (const [account, balance] of final) left.set(account, balance - (history.initial.get(account) ?? 0));
  const move = (transfer: Transfer, sign: number): void => {
    left.set(transfer.from, (left.get(transfer.from) ?? 0) + sign * transfer.amount);
    left.set(transfer.to, (left.get(transfer.to) ?? 0) - sign * transfer.amount);
  };
  for (const transfer of transfers) if (transfer.outcome === 'done') move(transfer, 1);
  const unknown = transfers.filter(({ outcome }) => outcome === 'unknown');
  if (unknown.length <= UNKNOWN_MAX ? canExplain(unknown, left, move) : withinBounds(unknown, left)) return;
  const off = [...left].filter(([, balance]) => balance !== 0);
  const words = off
    .map(([account, balance]) => `${formatKey(account)} by ${balance > 0 ? '+' : ''}${balance}`)
    .join(', ');
  add(
    `The final balances differ from what the ${transfers.length - unknown.length} answered transfers make: ${words}. No choice of the ${unknown.length} unanswered ones explains that: a transfer was lost, booked twice, or booked though it was refused.`,
    [],
  );
}

/** Tries every choice of the unanswered ones, in the order of a Gray code: one move for each step. */
function canExplain(
  unknown: readonly Transfer[],
  left: ReadonlyMap<HistoryKey, number>,
  move: (transfer: Transfer, sign: number) => void,
): boolean {
  const balanced = (): boolean => [...left.values()].every((balance) => balance === 0);
  if (balanced()) return true;
  const booked = new Array<boolean>(unknown.length).fill(false);
  for (let step = 1; step < 2 ** unknown.length; step++) {
    const which = 31 - Math.clz32(step & -step);
    booked[which] = booked[which] !== true;
    move(unknown[which] as Transfer, booked[which] === true ? 1 : -1);
    if (balanced()) return true;
  }
  // After the whole code one transfer is still booked; take it back for the message.
  unknown.forEach((transfer, index) => booked[index] === true && move(transfer, -1));
  return false;
}

function withinBounds(unknown: readonly Transfer[], left: ReadonlyMap<HistoryKey, number>): boolean {
  const most = new Map<HistoryKey, number>();
  const least = new Map<HistoryKey, number>();
  for (const { from, to, amount } of unknown) {
    least.set(from, (least.get(from) ?? 0) - amount);
    most.set(to, (most.get(to) ?? 0) + amount);
  }
  return [...left].every(([account, off]) => off >= (least.get(account) ?? 0) && off <= (most.get(account) ?? 0));
}
