/** Cursor variables: OPEN, FETCH, MOVE and CLOSE. What they name are portals of the session, which outlive the call. */
import { sqlError } from '../../base/errors.js';
import type { Datum } from '../types/datum.js';
import type { Evaluation } from './evaluation.js';
import type { Frame } from './frame.js';
import type { BlockCursor, CursorMove, SqlHost, SqlResult } from './host.js';
import type { CursorSource, FetchDirection, SqlPiece, Variable } from './tree.js';

export interface Fetched {
  readonly columns: SqlResult['columns'];
  readonly row: readonly Datum[] | null;
  readonly count: number;
}

export class Cursors {
  readonly #host: SqlHost;
  readonly #sql: Evaluation;
  readonly #frame: Frame;

  constructor(host: SqlHost, sql: Evaluation, frame: Frame) {
    this.#host = host;
    this.#sql = sql;
    this.#frame = frame;
  }

  #nameIn(cursor: Variable): string | null {
    return this.#frame.scalars[cursor.index] as string | null;
  }

  async open(cursor: Variable, source: CursorSource): Promise<BlockCursor> {
    const { cursors } = this.#host;
    const name = this.#nameIn(cursor);
    cursors.check(name);
    const result =
      source.kind === 'bound'
        ? await this.#rowsOf(cursor, source.args)
        : source.kind === 'query'
          ? await this.#sql.rowsOf(source.query, 'cursor', true)
          : await this.#sql.dynamicRows(source.query, source.using, 'cursor', true);
    const scroll = source.kind === 'bound' ? cursor.cursor!.scroll : source.scroll;
    if (name === null && cursor.constant) {
      result.release();
      throw sqlError('22005', `variable "${cursor.name}" is declared CONSTANT`);
    }
    const given = name ?? cursors.newName();
    if (name === null) this.#frame.put(cursor.index, given);
    return cursors.open(given, result, scroll);
  }

  /** All rows of a bound cursor. */
  async #rowsOf(cursor: Variable, args: readonly SqlPiece[]): Promise<SqlResult> {
    const bound = cursor.cursor!;
    for (const [i, piece] of args.entries())
      this.#frame.assign(bound.args[i]!, await this.#sql.typed(piece), this.#host);
    return this.#sql.rowsOf(bound.query, 'cursor', true);
  }

  #find(cursor: Variable): BlockCursor {
    const name = this.#nameIn(cursor);
    if (name === null) throw sqlError('22004', `cursor variable "${cursor.name}" is null`);
    const open = this.#host.cursors.find(name);
    if (open === null) throw sqlError('34000', `cursor "${name}" does not exist`);
    return open;
  }

  /** Moves, and gives the row it stands on. `moves`: what counts are the rows passed. */
  async fetch(cursor: Variable, direction: FetchDirection, moves: boolean): Promise<Fetched> {
    const open = this.#find(cursor);
    const { columns } = open;
    const move = await this.#evaluated(direction);
    if (moves) return { columns, row: null, count: await open.move(move) };
    const row = await open.fetch(move);
    return { columns, row, count: row === null ? 0 : 1 };
  }

  async #evaluated(direction: FetchDirection): Promise<CursorMove> {
    if (!('count' in direction)) return direction;
    const { kind } = direction;
    const count = typeof direction.count === 'number' ? direction.count : await this.#sql.int(direction.count);
    if (count === null) throw sqlError('22004', 'relative or absolute cursor position is null');
    return { kind, count };
  }

  closeOne(cursor: Variable): void {
    const open = this.#find(cursor);
    if (open.pinned) throw sqlError('24000', `cannot drop pinned portal "${this.#nameIn(cursor)!}"`);
    open.close();
  }
}
