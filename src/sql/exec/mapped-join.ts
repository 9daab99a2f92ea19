/**
 * The right side of a join that is a relation of the catalogs: what a left row may join with is looked up in a map by
 * value (value-maps.ts), so that a join of few rows with a catalog of thousands reads few of them, and no table is
 * made for each execution. The right side's own condition is tested on what is found, once for each value.
 *
 * Only where every row that comes out has a left one, and where the right side's condition finds few rows by a map of
 * its own, it is read as any other.
 */
import { after, type Soon } from '../../base/soon.js';
import { identityCast } from '../types/casts.js';
import type { Expr } from '../plan/expr.js';
import type { JoinPlan } from '../plan/logical.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { compileTest } from './eval.js';
import type { WaitingJoinKey } from './join-keys.js';
import type { Row, Run } from './run.js';
import { type ByValue, rowsByValue } from '../catalog/virtual/value-maps.js';
import { lookupsOf } from './virtual-scan.js';

export interface MappedRight {
  /** The relation's rows as they are: of them, only `positions` are the right side's columns. */
  candidates(left: Row): Soon<readonly Row[]>;
  release(): void;
}

interface MappedKey extends WaitingJoinKey {
  readonly position: number;
}

const NONE: readonly Row[] = [];
/** Rows of a value, on average, that are looked through rather than to try the map of another column. */
const ROWS_PER_VALUE = 8;

export interface MappedJoin {
  /** What candidates have in common with their left row; several: one of them, as it turns out. */
  readonly keys: readonly WaitingJoinKey[];
  readonly open: (run: Run) => Soon<MappedRight>;
  readonly positions: readonly number[];
}

/** null: not such a join. */
export function compileMappedRight({ type, right }: JoinPlan, keys: readonly WaitingJoinKey[]): MappedJoin | null {
  if (right.kind !== 'virtual' || type === 'right' || type === 'full') return null;
  const layout = new Map(right.columns.map((c) => [c.id, c.position]));
  const mapped = keys.flatMap((key): MappedKey[] => {
    const position = positionOf(key.right, layout);
    return position === undefined ? [] : [{ ...key, position }];
  });
  // An oid tells rows apart; a name may be that of a column of many tables.
  mapped.sort((a, b) => Number(b.right.oid === OID.oid) - Number(a.right.oid === OID.oid));
  const test = compileTest(right.filter, layout);
  if (mapped.length === 0 || test?.waits === true || lookupsOf(right, layout).length > 0) return null;
  const opened = (all: readonly Row[], run: Run): MappedRight => {
    const { rows, key } = chooseMap(all, mapped);
    const tested = new Map<unknown, readonly Row[]>();
    let bytes = 0;
    const withValue = (wanted: Datum): readonly Row[] => {
      if (wanted === null) return NONE;
      const value = key.key(wanted);
      if (test === null) return rows.get(value) ?? NONE;
      let candidates = tested.get(value);
      if (candidates === undefined) {
        candidates = (rows.get(value) ?? NONE).filter((row) => test.now(row, run));
        const more = 64 + 8 * candidates.length;
        bytes += more;
        run.ctx.memory.grow(more);
        tested.set(value, candidates);
      }
      return candidates;
    };
    return {
      candidates: (left) => {
        const wanted = key.leftEval(left, run);
        return wanted instanceof Promise ? wanted.then(withValue) : withValue(wanted);
      },
      release: () => {
        run.ctx.memory.shrink(bytes);
        bytes = 0;
        tested.clear();
      },
    };
  };
  const positions = right.columns.map((c) => c.position);
  return { keys: mapped, positions, open: (run) => after(right.relation.rows(run.ctx), (all) => opened(all, run)) };
}

/** The column of the relation that the expression is, whatever type it is taken for. */
function positionOf(expr: Expr, layout: ReadonlyMap<number, number>): number | undefined {
  if (expr.kind === 'cast' && expr.fn === identityCast) return positionOf(expr.arg, layout);
  return expr.kind === 'column' ? layout.get(expr.id) : undefined;
}

/** The map of the first column that tells rows apart well, else of the best. */
function chooseMap(
  all: readonly Row[],
  keys: readonly MappedKey[],
): { readonly rows: ByValue; readonly key: MappedKey } {
  let best: { rows: ByValue; key: MappedKey } | null = null;
  for (const key of keys) {
    const rows = rowsByValue(all, key.position, key.key);
    if (best === null || rows.size > best.rows.size) best = { rows, key };
    if (rows.size * ROWS_PER_VALUE >= all.length) break;
  }
  return best!;
}
