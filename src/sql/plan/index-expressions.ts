/**
 * Expressions and predicates of indexes, bound from their stored text. A column in them has its id in the table for
 * an id, so that one binding serves every scan of the table: `overScan` puts a scan's own ids in their place.
 *
 * Two expressions are compared in normal form: casts that change nothing of the value are left out, because the
 * stored text writes them all and a query writes few.
 */
import type { Node } from 'libpg-query';
import type { ColumnDescriptor, IndexDescriptor, TableDescriptor, UsedRoutine } from '../catalog/descriptor.js';
import type { PlannerSettings } from '../contract.js';
import '../functions/index.js';
import { identityCast } from '../types/casts.js';
import { STORED_FORMAT } from '../types/stored-format.js';
import { baseOidOf, domainCollation, domainTypmod } from '../types/user-types.js';
import { expressionTree } from './expression-tree.js';
import { bindExpr } from './bind-expr.js';
import { exprContext } from './bind-select.js';
import { Binder, Scope } from './binder.js';
import { coerceBoolean, resolveUnknown } from './coerce.js';
import { collateExpr } from './collate-plan.js';
import { conjuncts, mapChildren, sameExpr } from './expr.js';
import type { Expr } from './expr.js';
import { fold, readLiterals } from './fold.js';
import type { ScanPlan } from './logical.js';

export interface BoundIndex {
  /** By position in the index; null for a plain column. */
  readonly keys: readonly (Expr | null)[];
  /** Rows for which it is true have an entry; null = all rows. */
  readonly predicate: Expr | null;
}

const SETTINGS: PlannerSettings = { format: STORED_FORMAT, user: '', database: '' };

/** An expression over the table's row, in normal form. `within`: of the statement whose parameters and variables it may name. */
export function bindOverTable(
  node: Node,
  columns: readonly ColumnDescriptor[],
  alias: string,
  place: string,
  isCondition: boolean,
  settings: PlannerSettings = SETTINGS,
  used: readonly UsedRoutine[] = [],
  within: Binder | null = null,
): Expr {
  const catalog = {
    database: settings.database,
    searchPath: [],
    relation: () => null,
    type: settings.userTypes ?? (() => null),
    routines: settings.userRoutines?.named ?? (() => null),
    ...(settings.userCollations === undefined ? {} : { collation: settings.userCollations }),
  };
  const binder = new Binder(catalog, settings, within?.parameterOids ?? [], null, within?.variables ?? null);
  binder.knowTypes(columns);
  for (const { id, typeOid, collation } of columns) {
    const declared = collation ?? domainCollation(typeOid);
    if (declared !== null) binder.declareCollation(id, declared);
  }
  binder.knowRoutines(used);
  const visible = columns
    .filter((c) => !c.dropped && !c.hidden)
    .map((c) => ({
      column: {
        id: c.id,
        name: c.name,
        oid: baseOidOf(c.typeOid),
        typmod: domainTypmod(c.typeOid, c.typmod),
        tableOid: 0,
        columnNumber: c.id,
      },
      hidden: false,
    }));
  const scope = new Scope(null, [{ alias, schema: null, columns: visible, table: null }], visible);
  const bound = bindExpr(exprContext(binder, scope, place), node);
  const typed = isCondition ? coerceBoolean(binder, bound, 'WHERE', -1) : resolveUnknown(binder, bound);
  within?.learnParameters(binder);
  return fold(readLiterals(collateExpr(binder, typed), settings.format), settings.format);
}

const known = new WeakMap<TableDescriptor, Map<number, BoundIndex>>();

export function boundIndex(table: TableDescriptor, index: IndexDescriptor): BoundIndex {
  let ofTable = known.get(table);
  if (ofTable === undefined) {
    ofTable = new Map();
    known.set(table, ofTable);
  }
  let bound = ofTable.get(index.id);
  if (bound === undefined) {
    const bind = (sql: string, isCondition: boolean): Expr =>
      bindOverTable(
        expressionTree(sql),
        table.columns,
        table.name,
        'index expressions',
        isCondition,
        SETTINGS,
        table.usedRoutines,
      );
    bound = {
      keys: index.columns.map(({ expression }) => (expression == null ? null : bind(expression.expressionSql, false))),
      predicate: index.predicate == null ? null : bind(index.predicate.expressionSql, true),
    };
    ofTable.set(index.id, bound);
  }
  return bound;
}

/** Over the columns of a scan; columns that the scan does not give keep an id that nothing has. */
export function overScan(expr: Expr, scan: ScanPlan): Expr {
  const ids = new Map(scan.columns.map((c) => [c.columnNumber, c.id]));
  const replace = (e: Expr): Expr =>
    e.kind === 'column' ? { ...e, id: ids.get(e.id) ?? -1 } : mapChildren(e, replace);
  return replace(expr);
}

export function normal(expr: Expr): Expr {
  const e = mapChildren(expr, normal);
  if (e.kind !== 'cast') return e;
  if (e.fn === identityCast) return e.arg;
  return e.typmod < 0 && !e.explicit ? { ...e, explicit: true } : e;
}

export function sameValue(a: Expr, b: Expr): boolean {
  return sameExpr(normal(a), normal(b));
}

/** The predicate's parts over a scan's columns. */
export function predicateOver(scan: ScanPlan, index: IndexDescriptor): readonly Expr[] {
  const { predicate } = boundIndex(scan.table, index);
  return predicate === null ? [] : conjuncts(overScan(predicate, scan));
}
