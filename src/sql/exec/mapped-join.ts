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
import type { JoinKey } from './join-keys.js';
import { type Row, rowBytes, type Run } from './run.js';
import { type ByValue, rowsByValue } from '../catalog/virtual/value-maps.js';
import { lookupsOf, picker } from './virtual-scan.js';

export interface Candidate {
  readonly row: Row;
  matched: boolean;
}

export interface MappedRight {
  candidates(left: Row): readonly Candidate[];
  release(): void;
}

interface MappedKey extends JoinKey {
  readonly position: number;
}

const NONE: readonly Candidate[] = [];
/** Rows of a value, on average, that are looked through rather than to try the map of another column. */
const ROWS_PER_VALUE = 8;

export interface MappedJoin {
  /** What candidates have in common with their left row; several: one of them, as it turns out. */
  readonly keys: readonly JoinKey[];
  readonly open: (run: Run) => Soon<MappedRight>;
}

/** null: not such a join. */
export function compileMappedRight({ type, right }: JoinPlan, keys: readonly JoinKey[]): MappedJoin | null {
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
  const pick = picker(right.columns.map((c) => c.position));
  const opened = (all: readonly Row[], run: Run): MappedRight => {
    const { rows, key } = chooseMap(all, mapped);
    const found = new Map<unknown, readonly Candidate[]>();
    let bytes = 0;
    const candidatesOf = (value: unknown): readonly Candidate[] => {
      const candidates: Candidate[] = [];
      for (const row of rows.get(value) ?? []) {
        if (test !== null && !test.now(row, run)) continue;
        const candidate = { row: pick(row), matched: false };
        const more = rowBytes(candidate.row) + 64;
        bytes += more;
        run.ctx.memory.grow(more);
        candidates.push(candidate);
      }
      return candidates;
    };
    return {
      candidates: (left) => {
        const wanted: Datum = key.leftEval(left, run);
        if (wanted === null) return NONE;
        const value = key.key(wanted);
        let candidates = found.get(value);
        if (candidates === undefined) found.set(value, (candidates = candidatesOf(value)));
        return candidates;
      },
      release: () => {
        run.ctx.memory.shrink(bytes);
        bytes = 0;
        found.clear();
      },
    };
  };
  return { keys: mapped, open: (run) => after(right.relation.rows(run.ctx), (all) => opened(all, run)) };
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
