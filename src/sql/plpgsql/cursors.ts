/**
 * Cursors of a call. A cursor is opened with all of its rows, which count towards the statement's memory; it is
 * closed at the latest when the call ends. Known limit: the client cannot FETCH from a refcursor that a function
 * has returned.
 */
import { sqlError } from '../../base/errors.js';
import type { Datum } from '../types/datum.js';
import type { Evaluation } from './evaluation.js';
import type { Frame } from './frame.js';
import type { SqlHost, SqlResult } from './host.js';
import type { CursorSource, FetchDirection, SqlPiece, Variable } from './tree.js';

interface OpenCursor {
  readonly result: SqlResult;
  /** 0: before the first row; rows.length + 1: behind the last. */
  at: number;
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
  readonly #open = new Map<string, OpenCursor>();
  #unnamed = 0;

  constructor(host: SqlHost, sql: Evaluation, frame: Frame) {
    this.#host = host;
    this.#sql = sql;
    this.#frame = frame;
  }

  async open(cursor: Variable, source: CursorSource): Promise<void> {
    let name = this.#frame.scalars[cursor.index] as string | null;
    if (name !== null && this.#open.has(name)) throw sqlError('42P03', `cursor "${name}" already in use`);
    if (this.#open.size >= CURSORS_MAX) throw sqlError('53000', 'too many open cursors in this function');
    const result =
      source.kind === 'bound'
        ? await this.rowsOf(cursor, source.args)
        : source.kind === 'query'
          ? await this.#sql.run(source.query, 0)
          : await this.#sql.dynamic(source.query, source.using, 0);
    if (result.columns === null) {
      result.release();
      throw sqlError('42601', 'cannot open a query that returns no rows as a cursor');
    }
    if (name === null) {
      name = cursor.cursor === null ? `<unnamed portal ${++this.#unnamed}>` : cursor.name;
      this.#frame.put(cursor.index, name);
    }
    this.#open.set(name, { result, at: 0 });
  }

  /** All rows of a bound cursor. */
  async rowsOf(cursor: Variable, args: readonly SqlPiece[]): Promise<SqlResult> {
    const bound = cursor.cursor!;
    for (const [i, piece] of args.entries())
      this.#frame.assign(bound.args[i]!, await this.#sql.typed(piece), this.#host.format);
    return this.#sql.run(bound.query, 0);
  }

  #find(cursor: Variable): { readonly name: string; readonly open: OpenCursor } {
    const name = this.#frame.scalars[cursor.index] as string | null;
    if (name === null) throw sqlError('22004', `cursor variable "${cursor.name}" is null`);
    const open = this.#open.get(name);
    if (open === undefined) throw sqlError('34000', `cursor "${name}" does not exist`);
    return { name, open };
  }

  /** Moves, and gives the row it stands on. `moves`: what counts are the rows passed. */
  async fetch(cursor: Variable, direction: FetchDirection, moves: boolean): Promise<Fetched> {
    const { open } = this.#find(cursor);
    const { rows, columns } = open.result;
    const before = open.at;
    const end = rows.length + 1;
    const to = await this.#goal(direction, before, rows.length);
    open.at = Math.max(0, Math.min(end, to));
    const row = rows[open.at - 1] ?? null;
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
    const { name, open } = this.#find(cursor);
    open.result.release();
    this.#open.delete(name);
  }

  close(): void {
    for (const { result } of this.#open.values()) result.release();
    this.#open.clear();
  }
}
