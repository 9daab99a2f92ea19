/**
 * Access paths: which conditions on a scan become constraints on the leading columns of an index, and which
 * index is best. Heuristics without statistics: a whole unique key beats everything, then the number
 * of columns bound by equality, then a range, then covering and primary indexes.
 */
import type { ColumnDescriptor, IndexDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import { isOrdered } from '../catalog/descriptor.js';
import { ownFunction, type FunctionEntry } from '../functions/entry.js';
import { identityCast } from '../types/casts.js';
import { OID } from '../types/oids.js';
import { elementOidOf } from '../types/registry.js';
import { isOrderedOtherwise } from '../types/user-types.js';
import { INT8_MAX, INT8_MIN } from '../types/scalar-input.js';
import { hasSubquery, isVolatile, sameExpr } from './expr.js';
import type { Expr, SortKey } from './expr.js';
import { implies } from './implication.js';
import { boundIndex, normal, overScan, predicateOver } from './index-expressions.js';
import { itemConstraints } from './inverted-access.js';
import type { Access, KeyConstraint, ScanColumn, ScanPlan } from './logical.js';
import { columnsOf } from './plan-walk.js';

/** A condition understood as a constraint on one column of an index: a column of the scan, or an expression over them. */
interface Sarg {
  readonly columnId: number;
  readonly condition: Expr;
  readonly constraint: KeyConstraint;
  /** The constraint says exactly what the condition says. */
  readonly exact: boolean;
}

const TEXTS: ReadonlySet<number> = new Set<number>([OID.text, OID.varchar]);
const INTEGERS: ReadonlySet<number> = new Set<number>([OID.int2, OID.int4, OID.int8]);
const FLIPPED: Readonly<Record<string, string>> = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

function isEquality({ name, uncollated }: FunctionEntry): boolean {
  return name === '=' && uncollated === undefined;
}

function bare(e: Expr): Expr {
  return e.kind === 'cast' && e.fn === identityCast ? bare(e.arg) : e;
}

/** Values of `other` encode as keys of a column of type `column`. */
function fits(column: number, other: number): boolean {
  return column === other || (TEXTS.has(column) && TEXTS.has(other));
}

function limits(oid: number): readonly [bigint, bigint] {
  return oid === OID.int2 ? [-32768n, 32767n] : oid === OID.int4 ? [-2147483648n, 2147483647n] : [INT8_MIN, INT8_MAX];
}

/** Turns an integer of another width into the column's; out of range gives NULL, which equals nothing. */
function widthCast(from: number, to: number): FunctionEntry {
  const [low, high] = limits(to);
  const convert = (v: unknown): number | bigint | null => {
    const n = BigInt(v as number | bigint);
    if (n < low || n > high) return null;
    return to === OID.int8 ? n : Number(n);
  };
  return ownFunction({
    name: 'int_key',
    argOids: [from],
    resultOid: to,
    strict: true,
    volatility: 'immutable',
    impl: (args) => convert(args[0]),
    call1: (v) => convert(v),
  });
}

/** The operand as a value of the column's own type; null if that cannot be had. */
function operand(column: KeyColumn, other: Expr, equality: boolean): Expr | null {
  if (fits(column.oid, other.oid)) return other;
  if (!INTEGERS.has(column.oid) || !INTEGERS.has(other.oid)) return null;
  if (other.kind === 'const') {
    if (other.value === null) return { ...other, oid: column.oid };
    const n = BigInt(other.value as number | bigint);
    const [low, high] = limits(column.oid);
    if (n < low || n > high) return equality ? { ...other, value: null, oid: column.oid } : null;
    return { ...other, value: column.oid === OID.int8 ? n : Number(n), oid: column.oid };
  }
  const widening = column.oid === OID.int8 || (column.oid === OID.int4 && other.oid === OID.int2);
  if (!equality && !widening) return null;
  const entry = widthCast(other.oid, column.oid);
  return {
    kind: 'call',
    entry,
    operator: false,
    args: [other],
    info: { argOids: [other.oid], resultOid: column.oid },
    oid: column.oid,
    typmod: -1,
  };
}

/** What an index can be over. */
type KeyColumn = Pick<ScanColumn, 'id' | 'oid'>;

interface KeyExpression extends KeyColumn {
  readonly expr: Expr;
}

const expressionsOfScans = new WeakMap<TableDescriptor, readonly Expr[]>();

/** The different expressions of a table's indexes, in normal form over the ids of its columns. */
function indexExpressions(table: TableDescriptor): readonly Expr[] {
  let found = expressionsOfScans.get(table);
  if (found === undefined) {
    const all: Expr[] = [];
    for (const index of table.indexes) {
      if (!index.columns.some((c) => c.expression != null)) continue;
      for (const key of boundIndex(table, index).keys) {
        if (key === null) continue;
        const plain = normal(key);
        // Left out is what encodes otherwise than it compares, after a cast that normal form does not show.
        if (fits(key.oid, plain.oid) && !all.some((e) => sameExpr(e, plain))) all.push(plain);
      }
    }
    found = all;
    expressionsOfScans.set(table, found);
  }
  return found;
}

/** Ids that no column has, one for each expression. */
function expressionId(at: number): number {
  return -2 - at;
}

/** The expression at this place of an index over the scan's columns; null if a column stands there. */
export function keyExpression(scan: ScanPlan, index: IndexDescriptor, at: number): Expr | null {
  if (index.columns[at]?.expression == null) return null;
  const key = boundIndex(scan.table, index).keys[at] ?? null;
  return key === null ? null : overScan(key, scan);
}

export class SargFinder {
  readonly #columns: ReadonlyMap<number, ScanColumn>;
  readonly #expressions: readonly KeyExpression[];
  constructor(scan: ScanPlan) {
    this.#columns = new Map(scan.columns.map((c) => [c.id, c]));
    this.#expressions = indexExpressions(scan.table).map((e, at) => ({
      id: expressionId(at),
      oid: e.oid,
      expr: overScan(e, scan),
    }));
  }

  /** The column or index expression that this is. */
  column(e: Expr): KeyColumn | null {
    const b = bare(e);
    if (b.kind === 'column') return this.#columns.get(b.id) ?? null;
    if (this.#expressions.length === 0) return null;
    const plain = normal(e);
    return this.#expressions.find((k) => sameExpr(k.expr, plain)) ?? null;
  }

  /** Free of the scan's own columns and safe to evaluate before it. */
  outside(e: Expr): boolean {
    if (isVolatile(e) || hasSubquery(e)) return false;
    for (const id of columnsOf(e)) if (this.#columns.has(id)) return false;
    return true;
  }

  /** What the condition says: at most of one column, and of the expression that it is itself. */
  find(condition: Expr): readonly Sarg[] {
    return [this.#understood(condition), this.#itself(condition)].filter((s) => s !== null);
  }

  /** A condition that is an index's own expression holds where that is true. */
  #itself(condition: Expr): Sarg | null {
    const column = this.column(condition);
    if (column === null || column.oid !== OID.bool) return null;
    return {
      columnId: column.id,
      condition,
      constraint: { kind: 'equal', values: [{ kind: 'const', value: true, oid: OID.bool, typmod: -1 }] },
      exact: false,
    };
  }

  #understood(condition: Expr): Sarg | null {
    switch (condition.kind) {
      case 'call':
        return this.#comparison(condition);
      case 'in': {
        const column = this.column(condition.left);
        if (column === null || condition.negated || !isEquality(condition.entry)) return null;
        if (!condition.items.every((i) => this.outside(i))) return null;
        const values = condition.items.map((i) => operand(column, i, true));
        if (!values.every((v) => v !== null)) return null;
        return { columnId: column.id, condition, constraint: { kind: 'equal', values }, exact: false };
      }
      case 'anyall': {
        const column = this.column(condition.left);
        if (column === null || condition.all || !isEquality(condition.entry) || !this.outside(condition.right))
          return null;
        if (!fits(column.oid, elementOidOf(condition.right.oid))) return null;
        return { columnId: column.id, condition, constraint: { kind: 'anyof', array: condition.right }, exact: false };
      }
      case 'isnull': {
        const column = condition.negated || condition.ofRow === true ? null : this.column(condition.arg);
        return column === null
          ? null
          : { columnId: column.id, condition, constraint: { kind: 'isnull' }, exact: false };
      }
      default:
        return null;
    }
  }

  #comparison(condition: Extract<Expr, { kind: 'call' }>): Sarg | null {
    // The order of a language is none that an index has.
    if (!condition.operator || condition.args.length !== 2 || condition.entry.uncollated !== undefined) return null;
    let symbol = condition.entry.name;
    if (FLIPPED[symbol] === undefined) return null;
    let [left, right] = condition.args as [Expr, Expr];
    let column = this.column(left);
    if (column === null || !this.outside(right)) {
      column = this.column(right);
      if (column === null || !this.outside(left)) return null;
      [left, right] = [right, left];
      symbol = FLIPPED[symbol]!;
    }
    // The comparison must be the column type's own, not one after a conversion.
    const compared = left.oid;
    if (!fits(column.oid, compared) && !(INTEGERS.has(column.oid) && INTEGERS.has(compared))) return null;
    const value = operand(column, right, symbol === '=');
    if (value === null) return null;
    if (symbol === '=')
      return { columnId: column.id, condition, constraint: { kind: 'equal', values: [value] }, exact: true };
    if (isOrderedOtherwise(column.oid)) return null;
    const bound = [{ expr: value, inclusive: symbol.endsWith('=') }];
    const lower = symbol.startsWith('>');
    return {
      columnId: column.id,
      condition,
      constraint: { kind: 'range', lower: lower ? bound : [], upper: lower ? [] : bound },
      exact: false,
    };
  }
}

export interface ChosenAccess {
  readonly access: Access;
  readonly score: number;
  /** Conditions that the access path answers by itself (of the primary index, by equality). */
  readonly answered: ReadonlySet<Expr>;
  /** Leading index columns bound to single values. */
  readonly equalColumns: number;
}

function columnIdOf(scan: ScanPlan, column: ColumnDescriptor | undefined): number {
  if (column === undefined) return -1;
  return scan.columns.find((c) => scan.table.columns[c.position] === column)?.id ?? -1;
}

/** Columns of an index as column ids of the scan, or of its expressions; -1 where the scan does not give the column. */
export function indexColumnIds(scan: ScanPlan, index: IndexDescriptor): number[] {
  return index.columns.map((k, at) => {
    if (k.expression == null)
      return columnIdOf(
        scan,
        scan.table.columns.find((c) => c.id === k.columnId),
      );
    const key = normal(boundIndex(scan.table, index).keys[at]!);
    return expressionId(indexExpressions(scan.table).findIndex((e) => sameExpr(e, key)));
  });
}

/** Whether the index has an entry for every row for which the conditions hold. */
export function hasEntries(scan: ScanPlan, index: IndexDescriptor, conditions: readonly Expr[]): boolean {
  return index.predicate == null || predicateOver(scan, index).every((part) => implies(conditions, part));
}

function accessOf(scan: ScanPlan, index: IndexDescriptor, sargs: readonly Sarg[]): ChosenAccess | null {
  const ids = indexColumnIds(scan, index);
  const constraints: KeyConstraint[] = [];
  const answered = new Set<Expr>();
  let score = 0;
  let single = 0;
  let allSingle = true;
  let equalities = 0;
  for (const id of ids) {
    const own = sargs.filter((s) => s.columnId === id);
    const equal =
      own.find((s) => s.exact) ??
      own.find((s) => s.constraint.kind === 'equal') ??
      own.find((s) => s.constraint.kind === 'anyof');
    const ordered = isOrdered(index);
    const chosen = equal ?? (ordered ? own.find((s) => s.constraint.kind === 'isnull') : undefined);
    if (chosen !== undefined) {
      constraints.push(chosen.constraint);
      if (chosen.exact && index.primary) answered.add(chosen.condition);
      score += chosen.exact ? 20 : 15;
      if (chosen.constraint.kind !== 'isnull') equalities++;
      if (allSingle && (chosen.exact || chosen.constraint.kind === 'isnull')) single++;
      else allSingle = false;
      continue;
    }
    const ranges = own
      .filter((s) => s.constraint.kind === 'range')
      .map((s) => s.constraint as Extract<KeyConstraint, { kind: 'range' }>);
    if (ordered && ranges.length > 0) {
      constraints.push({ kind: 'range', lower: ranges.flatMap((r) => r.lower), upper: ranges.flatMap((r) => r.upper) });
      score += ranges.some((r) => r.lower.length > 0) && ranges.some((r) => r.upper.length > 0) ? 8 : 5;
    }
    break;
  }
  if (constraints.length === 0) {
    // The whole of a partial index has fewer rows than the table.
    if (index.predicate == null || !isOrdered(index)) return null;
    score = 4;
  }
  // Under a deferrable constraint a key may have several rows for a while.
  const unique = index.unique && index.deferrable == null && equalities === ids.length;
  if (unique) score += 1000;
  if (index.primary) score += 2;
  const keyIds = new Set(scan.table.indexes[0]!.columns.map((c) => c.columnId));
  const covering = !index.primary && scan.columns.every((c) => keyIds.has(c.columnNumber));
  return { access: { index, constraints, reverse: false, covering, unique }, score, answered, equalColumns: single };
}

function invertedAccessOf(
  scan: ScanPlan,
  index: IndexDescriptor,
  conditions: readonly Expr[],
  finder: SargFinder,
): ChosenAccess | null {
  const found = itemConstraints(index, indexColumnIds(scan, index), conditions, finder);
  if (found === null) return null;
  const { constraints, score } = found;
  const access: Access = { index, constraints, reverse: false, covering: false, unique: false };
  return { access, score, answered: new Set(), equalColumns: 0 };
}

/** The best index for these conditions, or null if none helps. */
export function chooseAccess(scan: ScanPlan, conditions: readonly Expr[]): ChosenAccess | null {
  const finder = new SargFinder(scan);
  const sargs = conditions.flatMap((c) => finder.find(c));
  if (conditions.length === 0) return null;
  let best: ChosenAccess | null = null;
  for (const index of scan.table.indexes) {
    if (!hasEntries(scan, index, conditions)) continue;
    const candidate =
      index.method === 'gin' ? invertedAccessOf(scan, index, conditions, finder) : accessOf(scan, index, sargs);
    if (candidate !== null && (best === null || candidate.score > best.score)) best = candidate;
  }
  return best;
}

/** Column ids that the conditions bind to one value each. */
function boundIds(scan: ScanPlan, conditions: readonly Expr[]): ReadonlySet<number> {
  const finder = new SargFinder(scan);
  return new Set(
    conditions
      .flatMap((c) => finder.find(c))
      .filter((s) => s.exact)
      .map((s) => s.columnId),
  );
}

/**
 * Whether reading this index gives rows in the order of `keys` (over the scan's columns): 'forward',
 * 'reverse', or null. `equal` is how many leading index columns have one value only.
 */
export function orderOf(
  scan: ScanPlan,
  index: IndexDescriptor,
  keys: readonly SortKey[],
  equal: number,
  conditions: readonly Expr[],
): 'forward' | 'reverse' | null {
  if (!isOrdered(index) || !hasEntries(scan, index, conditions)) return null;
  const ids = indexColumnIds(scan, index);
  const bound = boundIds(scan, conditions);
  const finder = new SargFinder(scan);
  let at = 0;
  let direction: 'forward' | 'reverse' | null = null;
  for (const key of keys) {
    const e = finder.column(key.expr);
    if (e === null) return null;
    if (bound.has(e.id)) continue;
    if (key.byCodePoints === true || key.collation !== undefined || isOrderedOtherwise(key.expr.oid)) return null;
    while (at < ids.length && ids[at] !== e.id && (at < equal || bound.has(ids[at]!))) at++;
    if (at >= ids.length) return index.unique && index.primary ? (direction ?? 'forward') : null;
    // NULLs sort last ascending and first descending; the other way round the index does not serve.
    if (ids[at] !== e.id || key.nullsFirst !== key.descending) return null;
    const same = key.descending === index.columns[at]!.descending;
    const wanted = same ? 'forward' : 'reverse';
    if (direction !== null && direction !== wanted) return null;
    direction = wanted;
    at++;
  }
  return direction ?? 'forward';
}
