/**
 * What a workload is: tables of its own, a step that a client repeats, a last look when everything is
 * healed, and a verdict. And the shape of one recorded transaction, which all of them share.
 */
import type { IsolationLevel, Verdict } from '../../src/testing/judges/history.js';
import type { HistoryRecorder, RecordedTransaction, Sent } from '../../src/testing/judges/recorder.js';
import type { Session } from '../session.js';

export interface Workload {
  readonly name: string;
  /** How many clients repeat `step` side by side. */
  readonly clients: number;
  setup(session: Session): Promise<void>;
  step(session: Session): Promise<void>;
  /** Through a connection to each node in turn, after the faults. Errors are findings. */
  finish(session: Session): Promise<void>;
  judge(): Verdict[];
}

export interface Context {
  readonly nowUs: () => number;
  /** A number no one else has been given. */
  readonly unique: () => number;
  /** A client identity for the history; a new one after an unknown outcome, as the old one may still act. */
  readonly processOf: (session: Session) => number;
  readonly retire: (session: Session) => void;
}

export function pickLevel(session: Session): IsolationLevel {
  const dice = session.random.next();
  return dice < 0.6 ? 'serializable' : dice < 0.8 ? 'repeatable read' : 'read committed';
}

/** Runs a transaction block, records it, and counts its outcome. */
export async function transaction(
  context: Context,
  recorder: HistoryRecorder,
  session: Session,
  level: IsolationLevel,
  body: (recorded: RecordedTransaction) => Promise<void>,
): Promise<void> {
  const recorded = recorder.begin({ process: context.processOf(session), level, node: session.node });
  let sent: Sent = 'statement';
  try {
    await session.query(`BEGIN ISOLATION LEVEL ${level.toUpperCase()}`);
    await body(recorded);
    sent = 'commit';
    const { command } = await session.query('COMMIT');
    if (command !== 'COMMIT') throw new RolledBack(`COMMIT was answered with ${command}`);
    recorded.done();
    session.tally.ok++;
  } catch (error) {
    if (error instanceof RolledBack) {
      recorded.failed(error);
      session.tally.failed++;
      return;
    }
    await settle(context, session, recorded, error, sent);
  }
}

export class RolledBack extends Error {
  override readonly name = 'RolledBack';
}

/** Runs single statements outside of any block. */
export async function autocommit(
  context: Context,
  recorder: HistoryRecorder,
  session: Session,
  level: IsolationLevel,
  body: (recorded: RecordedTransaction) => Promise<void>,
): Promise<void> {
  const recorded = recorder.begin({ process: context.processOf(session), level, node: session.node });
  try {
    await body(recorded);
    recorded.done();
    session.tally.ok++;
  } catch (error) {
    if (error instanceof RolledBack) {
      recorded.failed(error);
      session.tally.failed++;
      return;
    }
    await settle(context, session, recorded, error, 'autocommit');
  }
}

async function settle(
  context: Context,
  session: Session,
  recorded: RecordedTransaction,
  error: unknown,
  sent: Sent,
): Promise<void> {
  const outcome = recorded.settle(error, sent);
  session.tally[outcome === 'unknown' ? 'unknown' : 'failed']++;
  session.note(error, sent);
  if (outcome === 'unknown') context.retire(session);
  await session.recover(error);
}
