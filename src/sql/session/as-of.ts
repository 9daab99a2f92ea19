/**
 * AS OF SYSTEM TIME: an interval back from now ('-10s'), a time stamp, or an HLC time in decimal. Times in
 * the future are refused, and so are those that are no constant.
 */
import { sqlError } from '../../base/errors.js';
import type { ExecContext, ParsedStatement } from '../contract.js';
import { Interval, Numeric } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import type { Session } from './session.js';
import { StatementMemory } from './memory.js';

const EPOCH_2000_US = 946684800000000;

export async function asOfTimestamp(session: Session, text: string): Promise<number> {
  const { deps } = session.server;
  const settings = { format: session.format, user: session.user, database: session.database };
  const compiled = deps.planner.compileExpression(text, [], settings, null);
  const memory = new StatementMemory(session.server.memory, 1 << 20);
  const throwaway = deps.db.begin({ isolation: 'serializable', readOnly: true });
  let value: unknown;
  try {
    const ctx = { ...bareContext(session, memory), txn: throwaway };
    value = await compiled.evaluate([], ctx);
  } finally {
    await throwaway.rollback();
  }
  const now = deps.db.now();
  const timestamp = toTimestamp(value, compiled.typeOid, now, session);
  if (timestamp > now) throw sqlError('22023', 'AS OF SYSTEM TIME: cannot specify timestamp in the future');
  return timestamp;
}

/**
 * The transaction reads as of the time that its first statement says, which is not told later what others read.
 * @throws QuoralError 25001, 0A000, and what asOfTimestamp throws
 */
export async function readPast(session: Session, { asOfSystemTime, kind }: ParsedStatement): Promise<void> {
  if (asOfSystemTime === null) return;
  if (kind === 'PrepareStmt') throw pastRefused('of a statement that PREPARE keeps');
  const asOf = await asOfTimestamp(session, asOfSystemTime);
  if (session.txn === null) session.modes = { ...session.modes, readOnly: true, asOf };
  else if (session.modes.asOf === null)
    throw sqlError('25001', 'AS OF SYSTEM TIME must come before any query of its transaction');
}

export function pastRefused(where: string): Error {
  return sqlError('0A000', `AS OF SYSTEM TIME ${where} is not supported`);
}

function toTimestamp(value: unknown, oid: number, now: number, session: Session): number {
  if (value instanceof Interval) return now + intervalMicros(value);
  if (typeof value === 'bigint' && (oid === OID.timestamptz || oid === OID.timestamp))
    return Number(value) + EPOCH_2000_US;
  if (typeof value === 'bigint' || typeof value === 'number') return Number(value);
  if (value instanceof Numeric) return Number(value.unscaled / 10n ** BigInt(value.scale));
  if (typeof value === 'string') {
    if (/^\d{15,17}$/.test(value.trim())) return Number(value);
    if (/^\s*[-+]?\s*\d+(\.\d+)?\s*[a-z]/i.test(value)) {
      const interval = typeByOid(OID.interval).input(value, -1, session.format) as Interval;
      return now + intervalMicros(interval);
    }
    return Number(typeByOid(OID.timestamptz).input(value, -1, session.format) as bigint) + EPOCH_2000_US;
  }
  throw sqlError('22023', 'AS OF SYSTEM TIME: expected timestamp, decimal, or interval');
}

function intervalMicros(v: Interval): number {
  return Number(v.micros) + (v.days + v.months * 30) * 86_400_000_000;
}

/** For expressions that do not touch the session's transaction; the caller gives one. */
function bareContext(session: Session, memory: StatementMemory): Omit<ExecContext, 'txn'> {
  return {
    ...session.server.shared,
    parameters: [],
    format: session.format,
    services: session.services,
    memory,
    signal: session.signal,
    implicit: false,
    notice: (notice) => session.notice(notice),
  };
}
