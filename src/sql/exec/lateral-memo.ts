/**
 * Rows of a lateral part by the values of the columns it reads from its left side, so that rows of the same values run it once (PostgreSQL's
 * Memoize). For parts that read tables or join, neither lock nor change from one call to the next, and whose columns have types of which a
 * short text tells all. It lives as long as its join: what is further outside stays as it is meanwhile.
 *
 * Bounded twice: by what the kept parts of a statement may hold together, and it gives up where values hardly ever come again.
 */
import type { JoinPlan } from '../plan/logical.js';
import { ctesOutside, locksRows, walkPlan } from '../plan/plan-walk.js';
import { isVolatilePlan } from '../plan/volatility.js';
import { releaseKept, reserveKept } from './given-alike.js';
import { KEYED, keyOf, KEYS_MAX } from './outer-key.js';
import { type Row, rowBytes, type Run } from './run.js';

const ENTRY_BYTES = 128;
/** So many times it is tried; then one of so many must have been known. */
const TRIED = 512;
const WORTH = 8;

/** `read`: the columns of the left side that the right one reads. */
export function canKeepLateral(plan: JoinPlan, read: readonly { readonly at: number }[]): boolean {
  const { left, right } = plan;
  if (read.length === 0 || read.length > KEYS_MAX || !read.every(({ at }) => KEYED.has(left.columns[at]!.oid)))
    return false;
  // WITH queries of outside may stem from a recursion that goes on, or run anew for another row.
  if (isVolatilePlan(right) || locksRows(right) || ctesOutside(right).length > 0) return false;
  let isWorth = false;
  walkPlan(
    right,
    () => undefined,
    (p) => {
      if (p.kind === 'scan' || p.kind === 'virtual' || p.kind === 'ctescan' || p.kind === 'join') isWorth = true;
    },
  );
  return isWorth;
}

export class LateralMemo {
  readonly #run: Run;
  readonly #byKey = new Map<string, readonly Row[]>();
  #bytes = 0;
  #asked = 0;
  #known = 0;
  #full = false;

  constructor(run: Run) {
    this.#run = run;
  }

  keyOf(left: Row, read: readonly { readonly at: number }[]): string {
    let key = '';
    for (const { at } of read) key += keyOf(left[at]!);
    return key;
  }

  find(key: string): readonly Row[] | undefined {
    const rows = this.#byKey.get(key);
    this.#asked++;
    if (rows !== undefined) this.#known++;
    else if (this.#asked >= TRIED && this.#known * WORTH < this.#asked) this.#giveUp();
    return rows;
  }

  keep(key: string, rows: readonly Row[]): void {
    if (this.#full) return;
    let bytes = ENTRY_BYTES + 2 * key.length;
    for (const row of rows) bytes += rowBytes(row);
    if (!reserveKept(this.#run, bytes)) {
      this.#full = true;
      return;
    }
    this.#bytes += bytes;
    this.#run.ctx.memory.grow(bytes);
    this.#byKey.set(key, rows);
  }

  #giveUp(): void {
    this.#full = true;
    this.close();
  }

  close(): void {
    this.#run.ctx.memory.shrink(this.#bytes);
    releaseKept(this.#run, this.#bytes);
    this.#bytes = 0;
    this.#byKey.clear();
  }
}
