/**
 * Cursors that PL/pgSQL opens are portals of the session, as those of DECLARE: a call that returns its cursor's name leaves it to
 * whoever fetches, and it ends with the transaction or the savepoint in which it was opened. A body may also fetch from
 * what DECLARE made.
 *
 * A cursor is opened with all of its rows, which count towards the memory of a statement. Limit: what the session may
 * have of portals bounds those that a transaction opens and does not close.
 */
import { sqlError } from '../../base/errors.js';
import type { BlockCursor, BlockCursors, CursorMove, SqlResult } from '../plpgsql/host.js';
import type { ResultColumn } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import { CountingSink } from './counting-sink.js';
import { ALL, CursorRows } from './cursor-rows.js';
import { closePortal, newPortal, Prepared, runPortal } from './portal.js';
import type { Portal } from './portal.js';
import type { Session } from './session.js';

/** Keeps the last row. */
class LastRow extends CountingSink {
  last: readonly Datum[] | null = null;
  override row(values: readonly Datum[] = []): void {
    this.last = values.slice();
  }
}

class PortalCursor implements BlockCursor {
  readonly #portals: Map<string, Portal>;
  readonly #portal: Portal;
  readonly #rows: CursorRows;

  constructor(portals: Map<string, Portal>, portal: Portal, rows: CursorRows) {
    this.#portals = portals;
    this.#portal = portal;
    this.#rows = rows;
  }

  get columns(): readonly ResultColumn[] {
    return this.#portal.prepared.columns ?? [];
  }
  get pinned(): boolean {
    return this.#portal.pinned;
  }
  set pinned(pinned: boolean) {
    this.#portal.pinned = pinned;
  }

  async fetch(move: CursorMove): Promise<readonly Datum[] | null> {
    const sink = new LastRow();
    await runPortal(this.#portal, () =>
      move.kind === 'relative' ? this.#rows.relative(move.count, sink) : this.#go(move, sink),
    );
    return sink.last;
  }

  move(move: CursorMove): Promise<number> {
    return runPortal(this.#portal, () =>
      move.kind === 'relative' ? this.#rows.step(move.count, null) : this.#go(move, null),
    );
  }

  #go(move: Exclude<CursorMove, { kind: 'relative' }>, sink: LastRow | null): Promise<number> {
    if (move.kind === 'absolute') return this.#rows.absolute(move.count, sink);
    return move.kind === 'last'
      ? this.#rows.absolute(-1, sink)
      : this.#rows.step(move.kind === 'all' ? ALL : -ALL, sink);
  }

  close(): void {
    if (this.#portals.get(this.#portal.name) !== this.#portal) return;
    closePortal(this.#portal);
    this.#portals.delete(this.#portal.name);
  }
}

export class SessionCursors implements BlockCursors {
  readonly #session: Session;
  #unnamed = 0;
  writing = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  newName(): string {
    for (;;) {
      const name = `<unnamed portal ${++this.#unnamed}>`;
      if (!this.#session.portals.has(name)) return name;
    }
  }

  /** @throws QuoralError 42P03, 53000 */
  check(name: string | null): void {
    if (name !== null && this.#session.portals.has(name)) throw sqlError('42P03', `cursor "${name}" already in use`);
    this.#session.checkPortals();
  }

  open(name: string, result: SqlResult, scroll: boolean | null): BlockCursor {
    const session = this.#session;
    const statement = result.statement ?? null;
    const prepared = new Prepared(statement?.text ?? '', statement, [], false);
    prepared.columns = result.columns;
    const portal = newPortal(name, prepared, [], { hold: false, createdAt: session.format.statementNow });
    portal.query = result.query ?? null;
    const rows = CursorRows.of(result.rows, result.release, scroll === false ? 'none' : 'all', portal.query?.width);
    portal.rows = rows;
    session.portals.set(name, portal);
    return new PortalCursor(session.portals, portal, rows);
  }

  find(name: string): BlockCursor | null {
    const portal = this.#session.portals.get(name);
    return portal === undefined || portal.cursor === null || portal.rows === null
      ? null
      : new PortalCursor(this.#session.portals, portal, portal.rows);
  }
}
