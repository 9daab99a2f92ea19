/**
 * Cursors of a call, which calls inside it may use as well. A cursor is opened with all of its rows, which count towards the
 * statement's memory; it is closed at the latest when the call ends. Known limit: the client cannot FETCH from a refcursor that a function
 * has returned.
 */
import { sqlError } from '../../base/errors.js';
import type { Datum } from '../types/datum.js';
import type { Evaluation } from './evaluation.js';
import type { Frame } from './frame.js';
import type { PositionedCursor, SqlHost, SqlResult } from './host.js';
import type { CursorSource, FetchDirection, SqlPiece, Variable } from './tree.js';

class OpenCursor implements PositionedCursor {
  readonly name: string;
  readonly result: SqlResult;
  /** 0: before the first row; rows.length + 1: behind the last. */
  at = 0;
  /** A loop goes over it. */
  pinned = false;

  constructor(name: string, result: SqlResult) {
    this.name = name;
    this.result = result;
  }

  get query(): PositionedCursor['query'] {
    return this.result.query ?? null;
  }
  get current(): readonly Datum[] | null {
    return this.result.rows[this.at - 1] ?? null;
  }
  /** The row that it is on, of its own columns only. */
  get row(): readonly Datum[] | null {
    const { current } = this;
    const width = this.result.columns?.length ?? 0;
    return current === null || current.length === width ? current : current.slice(0, width);
  }
}

export interface Fetched {
  readonly columns: SqlResult['columns'];
  readonly row: readonly Datum[] | null;
  readonly count: number;
}

const CURSORS_MAX = 1_000;

export class Cursors {
  readonly #host: SqlHost;
  readonly #sql: Evaluation;
  readonly #frame: Frame;
  /** Those that this call has opened. */
  readonly #own = new Set<OpenCursor>();

  constructor(host: SqlHost, sql: Evaluation, frame: Frame) {
    this.#host = host;
    this.#sql = sql;
    this.#frame = frame;
  }

  async open(cursor: Variable, source: CursorSource): Promise<OpenCursor> {
    let name = this.#frame.scalars[cursor.index] as string | null;
    const { cursors } = this.#host;
    if (name !== null && cursors.find(name) !== undefined) throw sqlError('42P03', `cursor "${name}" already in use`);
    if (cursors.size >= CURSORS_MAX) throw sqlError('53000', 'too many open cursors in functions');
    const result =
      source.kind === 'bound'
        ? await this.#rowsOf(cursor, source.args)
        : source.kind === 'query'
          ? await this.#sql.run(source.query, 0, true)
          : await this.#sql.dynamic(source.query, source.using, 0, true);
    if (result.columns === null) {
      result.release();
      throw sqlError('42601', 'cannot open a query that returns no rows as a cursor');
    }
    if (name === null) {
      name = cursor.cursor === null ? cursors.newName() : cursor.name;
      this.#frame.put(cursor.index, name);
    }
    const open = new OpenCursor(name, result);
    this.#own.add(open);
    cursors.add(name, open);
    return open;
  }

  /** All rows of a bound cursor. */
  async #rowsOf(cursor: Variable, args: readonly SqlPiece[]): Promise<SqlResult> {
    const bound = cursor.cursor!;
    for (const [i, piece] of args.entries())
      this.#frame.assign(bound.args[i]!, await this.#sql.typed(piece), this.#host);
    return this.#sql.run(bound.query, 0, true);
  }

  #find(cursor: Variable): OpenCursor {
    const name = this.#frame.scalars[cursor.index] as string | null;
    if (name === null) throw sqlError('22004', `cursor variable "${cursor.name}" is null`);
    const open = this.#host.cursors.find(name);
    if (!(open instanceof OpenCursor)) throw sqlError('34000', `cursor "${name}" does not exist`);
    return open;
  }

  /** Moves, and gives the row it stands on. `moves`: what counts are the rows passed. */
  async fetch(cursor: Variable, direction: FetchDirection, moves: boolean): Promise<Fetched> {
    const open = this.#find(cursor);
    const { rows, columns } = open.result;
    const before = open.at;
    const end = rows.length + 1;
    const to = await this.#goal(direction, before, rows.length);
    open.at = Math.max(0, Math.min(end, to));
    const { row } = open;
    if (!moves) return { columns, row, count: row === null ? 0 : 1 };
    const passed = Math.abs(open.at - before);
    const offEnd = row === null && passed > 0 ? 1 : 0;
    const single = direction.kind === 'last' || direction.kind === 'absolute';
    return { columns, row, count: single ? (row === null ? 0 : 1) : passed - offEnd };
  }

  async #goal(direction: FetchDirection, before: number, length: number): Promise<number> {
    if (direction.kind === 'last') return length;
    if (direction.kind === 'all') return length + 1;
    if (!('count' in direction)) return 0;
    const count = typeof direction.count === 'number' ? direction.count : await this.#sql.int(direction.count);
    if (count === null) throw sqlError('22004', 'relative or absolute cursor position is null');
    if (direction.kind === 'relative') return before + count;
    return count < 0 ? length + 1 + count : count;
  }

  closeOne(cursor: Variable): void {
    const open = this.#find(cursor);
    if (open.pinned) throw sqlError('24000', `cannot drop pinned portal "${open.name}"`);
    this.end(open);
  }

  /** Closes it unless it is closed. */
  end(open: OpenCursor): void {
    this.#own.delete(open);
    if (this.#host.cursors.find(open.name) !== open) return;
    open.result.release();
    this.#host.cursors.remove(open.name);
  }

  close(): void {
    for (const open of [...this.#own]) this.end(open);
  }
}
