/**
 * Transfers between accounts, and reads of all of them: whatever happens, every read of all accounts,
 * also one of the past, has the same total and no account below zero.
 */
import type { IsolationLevel, Verdict } from '../../src/testing/judges/history.js';
import { outcomeOf, type Sent } from '../../src/testing/judges/recorder.js';
import { judgeBank, type BankTransfer, type BankRead } from '../judge.js';
import type { Session } from '../session.js';
import { pickLevel, RolledBack, type Context, type Workload } from './workload.js';

const ACCOUNTS = 10;
const OPENING = 100;
const PAST_US = 2_000_000;
/** By which the clocks may differ, and more. */
const CLOCKS_US = 500_000;

export class BankWorkload implements Workload {
  readonly name = 'bank';
  readonly clients = 4;
  readonly #context: Context;
  readonly #transfers: BankTransfer[] = [];
  readonly #reads: BankRead[] = [];
  /** When the accounts were there: before that the past has none, and no total. */
  #openedAt = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  async setup(session: Session): Promise<void> {
    await session.query('CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)');
    const rows = Array.from({ length: ACCOUNTS }, (_, id) => `(${id}, ${OPENING})`);
    await session.query(`INSERT INTO accounts VALUES ${rows.join(', ')}`);
    this.#openedAt = this.#context.nowUs();
    await session.query('ALTER TABLE accounts SPLIT AT VALUES (3), (6)');
  }

  async step(session: Session): Promise<void> {
    const dice = session.random.next();
    if (dice < 0.3) await this.#readAll(session, pickLevel(session), '');
    else if (dice < 0.35) {
      const past = this.#context.nowUs() - this.#openedAt > PAST_US + CLOCKS_US;
      await this.#readAll(session, 'serializable', past ? ` AS OF SYSTEM TIME '-2s'` : '');
    } else await this.#transfer(session);
  }

  async finish(session: Session): Promise<void> {
    await this.#readAll(session, 'serializable', '');
  }

  judge(): Verdict[] {
    return judgeBank({ accounts: ACCOUNTS, total: ACCOUNTS * OPENING, transfers: this.#transfers, reads: this.#reads });
  }

  async #transfer(session: Session): Promise<void> {
    const { random } = session;
    const level = pickLevel(session);
    const from = random.between(0, ACCOUNTS - 1);
    const to = (from + random.between(1, ACCOUNTS - 1)) % ACCOUNTS;
    const amount = random.between(1, 20);
    const invokedAt = this.#context.nowUs();
    let sent: Sent = 'statement';
    const end = (outcome: BankTransfer['outcome']): void => {
      session.tally[outcome === 'done' ? 'ok' : outcome]++;
      this.#transfers.push({ invokedAt, completedAt: this.#context.nowUs(), from, to, amount, outcome, level });
    };
    try {
      await session.query(`BEGIN ISOLATION LEVEL ${level.toUpperCase()}`);
      if (level === 'read committed') await this.#moveByStatement(session, from, to, amount);
      else await this.#moveByValue(session, from, to, amount);
      sent = 'commit';
      const { command } = await session.query('COMMIT');
      if (command !== 'COMMIT') throw new RolledBack('');
      end('done');
    } catch (error) {
      if (error instanceof RolledBack) {
        if (sent === 'statement')
          await session.recover(Object.assign(new Error('not enough money'), { code: '25P02' }));
        end('failed');
        return;
      }
      end(outcomeOf(error, sent));
      session.note(error, `bank ${sent}`);
      await session.recover(error);
    }
  }

  /** Safe at every level: what is checked and what is changed is one statement each. */
  async #moveByStatement(session: Session, from: number, to: number, amount: number): Promise<void> {
    const taken = await session.query(
      'UPDATE accounts SET balance = balance - $2 WHERE id = $1 AND balance >= $2::int',
      [from, amount],
    );
    if (taken.rowCount !== 1) throw new RolledBack('not enough money');
    await session.query('UPDATE accounts SET balance = balance + $2 WHERE id = $1', [to, amount]);
  }

  /** Reads, computes here, writes: only an isolation that prevents lost updates keeps the total. */
  async #moveByValue(session: Session, from: number, to: number, amount: number): Promise<void> {
    const { rows } = await session.query('SELECT id, balance FROM accounts WHERE id = $1 OR id = $2', [from, to]);
    const balances = new Map(rows.map((row) => [Number(row['id']), Number(row['balance'])]));
    const rich = balances.get(from) ?? 0;
    if (rich < amount) throw new RolledBack('not enough money');
    await session.query('UPDATE accounts SET balance = $2 WHERE id = $1', [from, rich - amount]);
    await session.query('UPDATE accounts SET balance = $2 WHERE id = $1', [to, (balances.get(to) ?? 0) + amount]);
  }

  async #readAll(session: Session, level: IsolationLevel, past: string): Promise<void> {
    const invokedAt = this.#context.nowUs();
    try {
      const { rows } = await session.query(`SELECT id, balance FROM accounts${past}`);
      session.tally.ok++;
      const balances = rows.map((row) => [Number(row['id']), Number(row['balance'])] as const);
      this.#reads.push({
        invokedAt,
        completedAt: this.#context.nowUs(),
        balances,
        level,
        past: past !== '',
        node: session.node,
      });
    } catch (error) {
      session.tally.failed++;
      session.note(error, 'bank read');
      await session.recover(error);
    }
  }
}
