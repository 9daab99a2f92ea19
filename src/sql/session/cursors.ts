/**
 * DECLARE, FETCH, MOVE, CLOSE: portals by SQL. They end with their transaction, those WITH HOLD with the session.
 *
 * A query under way would see what its own transaction writes after it, and at READ COMMITTED the next
 * statement's snapshot; PostgreSQL's does not. So before such a statement the open ones are read to
 * their end (`settlePortals`).
 */
import { sqlError } from '../../base/errors.js';
import type { ParsedStatement } from '../contract.js';
import { LOCK_NAMES } from '../plan/bind-locks.js';
import { namesObject } from '../plan/catalog-uses.js';
import type { ResultSink } from '../session-api.js';
import { type Bound, innerStatement } from './bound-query.js';
import { REFUSING } from './counting-sink.js';
import { ALL, CursorRows, type Keep } from './cursor-rows.js';
import { planToRun } from './planning.js';
import { closePortal, closePortals, newPortal, Prepared, runPortal } from './portal.js';
import type { Portal } from './portal.js';
import type { Session } from './session.js';
import { list } from './tree.js';
import type { Loose } from './tree.js';

const BINARY = 0x1;
const SCROLL = 0x2;
const NO_SCROLL = 0x4;
const INSENSITIVE = 0x8;
const ASENSITIVE = 0x10;
const HOLD = 0x20;

/** @throws QuoralError 42P11, 0A000. Whether the query locks its rows. */
function checkOptions(options: number, query: Loose): boolean {
  const has = (bit: number): boolean => (options & bit) !== 0;
  if (has(SCROLL) && has(NO_SCROLL)) throw sqlError('42P11', 'cannot specify both SCROLL and NO SCROLL');
  if (has(INSENSITIVE) && has(ASENSITIVE)) throw sqlError('42P11', 'cannot specify both ASENSITIVE and INSENSITIVE');
  const locking = list(query['lockingClause'])[0]?.['LockingClause'] as Loose | undefined;
  if (locking === undefined) return false;
  const strength = LOCK_NAMES[String(locking['strength'])] ?? 'FOR UPDATE';
  if (has(HOLD)) {
    throw sqlError('0A000', `DECLARE CURSOR WITH HOLD ... ${strength} is not supported`, {
      detail: 'Holdable cursors must be READ ONLY.',
    });
  }
  if (has(SCROLL)) {
    throw sqlError('0A000', `DECLARE SCROLL CURSOR ... ${strength} is not supported`, {
      detail: 'Scrollable cursors must be READ ONLY.',
    });
  }
  if (has(INSENSITIVE)) {
    throw sqlError('42P11', `DECLARE INSENSITIVE CURSOR ... ${strength} is not valid`, {
      detail: 'Insensitive cursors must be READ ONLY.',
    });
  }
  return true;
}

export async function declareCursor(
  session: Session,
  statement: ParsedStatement,
  body: Loose,
  { oids, parameters, names }: Bound,
): Promise<string> {
  const name = String(body['portalname']);
  const options = Number(body['options'] ?? 0);
  const hold = (options & HOLD) !== 0;
  const inner = innerStatement(body['query'], statement);
  const query = inner.node[inner.kind] as Loose;
  // A function's statement is in a transaction, whatever the client began.
  const inFunction = names != null;
  if (!hold && !inFunction && !session.state.inAnyBlock && query['intoClause'] === undefined)
    throw sqlError('25P01', 'DECLARE CURSOR can only be used in transaction blocks');
  const locks = checkOptions(options, query);
  const changes = list((query['withClause'] as Loose | undefined)?.['ctes']).some(
    (c) => ((c['CommonTableExpr'] as Loose)['ctequery'] as Loose)['SelectStmt'] === undefined,
  );
  if (changes) throw sqlError('0A000', 'DECLARE CURSOR must not contain data-modifying statements in WITH');
  if (session.portals.has(name)) throw sqlError('42P03', `cursor "${name}" already exists`);
  session.checkPortals();
  const prepared = new Prepared(session.queryText, inner, oids, false, names);
  const plan = await planToRun(session, prepared);
  const portal = newPortal(name, prepared, parameters, {
    hold,
    binary: (options & BINARY) !== 0,
    createdAt: session.format.statementNow,
  });
  const settled = settlePortals(session, plan.compiled.readOnly, null);
  if (settled !== null) await settled;
  session.transaction.ensureTxn().beginStatement();
  if (plan.needsView) await session.services.loadView();
  const memory = session.newMemory();
  portal.compiled = plan.compiled;
  portal.query = plan.compiled.cursor?.() ?? null;
  const execution = (portal.query ?? plan.compiled).start(session.execContext(parameters, memory, REFUSING, false));
  const keep: Keep = (options & SCROLL) !== 0 ? 'all' : (options & NO_SCROLL) !== 0 || locks ? 'none' : 'some';
  portal.rows = new CursorRows(execution, memory, keep, 0, portal.query?.width);
  session.portals.set(name, portal);
  return 'DECLARE CURSOR';
}

function findPortal(session: Session, name: string): Portal {
  const portal = session.portals.get(name);
  if (portal === undefined) throw sqlError('34000', `cursor "${name}" does not exist`);
  return portal;
}

/** Before more rows of it are made or shown: the view of the statement that began it is gone. */
export async function knowNames(session: Session, portal: Portal): Promise<void> {
  const { compiled, prepared } = portal;
  const shows = compiled === null && prepared.columns?.some(({ typeOid }) => namesObject(typeOid)) === true;
  if (shows || compiled?.namesObjects === true) await session.services.view();
}

/** libpg-query writes FETCH_ALL as the largest 32-bit number. */
const FETCH_ALL = 2 ** 31 - 1;

export async function fetch(session: Session, body: Loose, sink: ResultSink, simple: boolean): Promise<string> {
  const portal = findPortal(session, String(body['portalname']));
  const move = body['ismove'] === true;
  const written = Number(body['howMany'] ?? 0);
  const many = Math.abs(written) >= FETCH_ALL ? Math.sign(written) * ALL : written;
  // By the extended protocol the client says in which format it wants the rows.
  const binary = portal.cursor?.binary === true;
  if (simple && !move && portal.prepared.columns !== null) sink.columns(portal.prepared.columns, binary);
  const rows = portal.rows ?? rowsOf(portal) ?? (await begin(session, portal));
  const out = move ? null : sink;
  await knowNames(session, portal);
  const direction = String(body['direction'] ?? 'FETCH_FORWARD');
  const count = await runPortal(portal, async () => (rows === null ? 0 : go(rows, direction, many, out)));
  return `${move ? 'MOVE' : 'FETCH'} ${count}`;
}

/** A query that the protocol bound and has not run yet, as rows; null: it is no query, or has given its rows. */
async function begin(session: Session, portal: Portal): Promise<CursorRows | null> {
  const { prepared, done, failed, parameters } = portal;
  if (done || failed || prepared.statement?.kind !== 'SelectStmt' || prepared.columns === null) return null;
  const plan = await planToRun(session, prepared);
  if (!plan.compiled.readOnly) return null;
  session.transaction.ensureTxn().beginStatement();
  if (plan.needsView) await session.services.loadView();
  portal.memory = session.newMemory();
  portal.compiled = plan.compiled;
  portal.execution = plan.compiled.start(session.execContext(parameters, portal.memory, REFUSING, false));
  portal.begunAt = session.format.statementNow;
  return rowsOf(portal);
}

function go(rows: CursorRows, direction: string, many: number, out: ResultSink | null): Promise<number> {
  switch (direction) {
    case 'FETCH_BACKWARD':
      // To fetch nothing backwards is still backwards, for a cursor that cannot.
      if (many === 0 && out !== null) rows.backward(0, null);
      return rows.step(-many, out);
    case 'FETCH_ABSOLUTE':
      return rows.absolute(many, out);
    case 'FETCH_RELATIVE':
      return rows.relative(many, out);
    default:
      return rows.step(many, out);
  }
}

/** A portal of the protocol that stopped at a row limit, as the rows that are still to come. */
function rowsOf(portal: Portal): CursorRows | null {
  if (portal.execution === null || portal.memory === null) return null;
  portal.rows = new CursorRows(portal.execution, portal.memory, 'none');
  portal.execution = null;
  portal.memory = null;
  return portal.rows;
}

function isOpen(portal: Portal): boolean {
  return !portal.failed && (portal.rows === null ? portal.execution !== null : !portal.rows.settled);
}

/**
 * Reads to their end the portals that the next statement would disturb; `own`: the one that runs it. null: there are
 * none, as nearly always.
 */
export function settlePortals(session: Session, readOnly: boolean, own: Portal | null): Promise<void> | null {
  if (readOnly && session.modes.isolation !== 'read committed') return null;
  let open: Portal[] | null = null;
  for (const portal of session.portals.values()) if (portal !== own && isOpen(portal)) (open ??= []).push(portal);
  return open === null ? null : settleAll(session, open, true);
}

async function settleAll(session: Session, portals: readonly Portal[], late: boolean): Promise<void> {
  for (const portal of portals) {
    await knowNames(session, portal);
    await (portal.rows ?? rowsOf(portal))?.settle(late);
  }
}

/** Before the commit: what WITH HOLD promises to have afterwards is read now. */
export function readHeldPortals(session: Session): Promise<void> | null {
  let held: Portal[] | null = null;
  for (const portal of session.portals.values())
    if (portal.cursor?.hold === true && isOpen(portal)) (held ??= []).push(portal);
  return held === null ? null : settleAll(session, held, false);
}

export function closeCursor(session: Session, body: Loose): string {
  const name = body['portalname'];
  if (name === undefined) {
    closePortals(session.portals);
    return 'CLOSE CURSOR ALL';
  }
  const portal = findPortal(session, String(name));
  closePortal(portal);
  session.portals.delete(portal.name);
  return 'CLOSE CURSOR';
}
