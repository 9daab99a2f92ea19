/** DECLARE, FETCH, MOVE, CLOSE: portals by SQL, forward only. They end with their transaction. */
import { sqlError } from '../../base/errors.js';
import type { ParsedStatement } from '../contract.js';
import type { ResultSink } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import { CountingSink, REFUSING } from './counting-sink.js';
import { planFor } from './planning.js';
import { closePortal, newPortal, Prepared } from './portal.js';
import type { Portal } from './portal.js';
import { innerStatement } from './prepared-statements.js';
import type { Session } from './session.js';
import type { Loose } from './tree.js';

const CURSOR_HOLD = 0x20;

export async function declareCursor(session: Session, statement: ParsedStatement, body: Loose): Promise<string> {
  const name = String(body['portalname']);
  if ((Number(body['options'] ?? 0) & CURSOR_HOLD) !== 0)
    throw sqlError('0A000', 'WITH HOLD cursors are not supported');
  if (!session.state.inBlock) throw sqlError('25P01', 'DECLARE CURSOR can only be used in transaction blocks');
  if (session.portals.has(name)) throw sqlError('42P03', `cursor "${name}" already exists`);
  const prepared = new Prepared(statement.text, innerStatement(body['query'], statement), [], false);
  const plan = await planFor(session, prepared);
  const portal = newPortal(name, prepared, [], true);
  const memory = session.newMemory();
  session.transaction.ensureTxn().beginStatement();
  if (plan.needsView) await session.services.loadView();
  portal.execution = plan.compiled.start(session.execContext([], memory, REFUSING, false));
  portal.compiled = plan.compiled;
  portal.memory = memory;
  session.portals.set(name, portal);
  return 'DECLARE CURSOR';
}

/** libpg-query writes FETCH_ALL as the largest long. */
const FETCH_ALL = 2 ** 31 - 1;

/** Passes rows on and counts them; the cursor's own completion is FETCH's. */
class FetchSink extends CountingSink {
  readonly #inner: ResultSink | null;
  constructor(inner: ResultSink | null) {
    super();
    this.#inner = inner;
  }
  override row(values?: readonly Datum[]): void {
    this.rows++;
    if (values !== undefined) this.#inner?.row(values);
  }
  override slow(): null {
    return (this.#inner?.slow() ?? null) as null;
  }
}

export async function fetch(session: Session, body: Loose, sink: ResultSink, simple: boolean): Promise<string> {
  const name = String(body['portalname']);
  const portal = session.portals.get(name);
  if (portal === undefined) throw sqlError('34000', `cursor "${name}" does not exist`);
  const move = body['ismove'] === true;
  const direction = String(body['direction'] ?? 'FETCH_FORWARD');
  const many = Number(body['howMany'] ?? 0);
  if (direction !== 'FETCH_FORWARD' || many < 0) {
    if (!(direction === 'FETCH_RELATIVE' && many === 1))
      throw sqlError('55000', 'cursor can only scan forward', {
        hint: 'Declare it with SCROLL option to enable backward scan.',
      });
  }
  if (simple && !move && portal.prepared.columns !== null) sink.columns(portal.prepared.columns);
  const counter = new FetchSink(move ? null : sink);
  await advance(portal, many >= FETCH_ALL ? 0 : many, many === 0, counter);
  return `${move ? 'MOVE' : 'FETCH'} ${counter.rows}`;
}

async function advance(portal: Portal, maxRows: number, none: boolean, sink: FetchSink): Promise<void> {
  if (portal.done || none || portal.execution === null) return;
  if ((await portal.execution.run(sink, maxRows)) === 'done') {
    portal.done = true;
    closePortal(portal);
  }
  portal.position += sink.rows;
}

export function closeCursor(session: Session, body: Loose): string {
  const name = body['portalname'];
  if (name === undefined) {
    for (const portal of session.portals.values()) closePortal(portal);
    session.portals.clear();
    return 'CLOSE CURSOR ALL';
  }
  const portal = session.portals.get(String(name));
  if (portal === undefined) throw sqlError('34000', `cursor "${String(name)}" does not exist`);
  closePortal(portal);
  session.portals.delete(String(name));
  return 'CLOSE CURSOR';
}
