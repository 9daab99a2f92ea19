/**
 * Which unique indexes an ON CONFLICT clause means, by PostgreSQL's inference: those over exactly the named columns
 * and expressions. A partial one is meant only if the clause's WHERE implies its predicate.
 */
import type { InferClause, Node } from 'libpg-query';
import type { IndexDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import { typeCollation } from '../types/collated.js';
import { domainCollation } from '../types/user-types.js';
import { as, stringsOf } from './ast.js';
import type { WriteTarget } from './bind-view-target.js';
import { errorAt } from './binder.js';
import type { Binder } from './binder.js';
import { conjuncts } from './expr.js';
import type { PlannerSettings } from '../contract.js';
import type { Expr } from './expr.js';
import { implies } from './implication.js';
import { bindOverTable, boundIndex, sameValue } from './index-expressions.js';

const PLACE = 'index expressions';

export function inferArbiters(
  b: Binder,
  infer: InferClause,
  target: WriteTarget,
  alias: string,
): readonly IndexDescriptor[] {
  const { table } = target;
  if (infer.conname !== undefined) {
    const constraints = target.views.length === 0 ? table.indexes : [];
    const found = constraints.find((i) => i.name === infer.conname && i.unique && i.constraintOid !== null);
    if (found === undefined)
      throw errorAt('42704', `constraint "${infer.conname}" for table "${target.name}" does not exist`, -1);
    return [found];
  }
  const named = target.columns.flatMap((c) =>
    c.position < 0 ? [] : [{ ...table.columns[c.position]!, name: c.name }],
  );
  const settings: PlannerSettings = {
    ...b.settings,
    userTypes: (name) => b.catalog.type(name),
    userCollations: (name) => b.catalog.collation?.(name) ?? null,
    userRoutines: { named: (name) => b.catalog.routines?.(name) ?? null, pinned: () => null },
  };
  const bind = (node: Node, isCondition: boolean): Expr =>
    bindOverTable(node, named, alias, PLACE, isCondition, settings);
  const columns = new Set<number>();
  const expressions: Expr[] = [];
  const collations = new Map<number, string>();
  for (const node of infer.indexElems ?? []) {
    const element = as(node, 'IndexElem');
    if (element?.name !== undefined) {
      const column = named.find((c) => c.name === element.name && !c.hidden);
      if (column === undefined) throw errorAt('42703', `column "${element.name}" does not exist`, infer.location ?? -1);
      columns.add(column.id);
      if (element.collation !== undefined)
        collations.set(column.id, b.collation(stringsOf(element.collation), element, infer.location ?? -1));
    } else if (element?.expr !== undefined) {
      const expr = bind(element.expr, false);
      // A column in parentheses is still a column.
      if (expr.kind === 'column') columns.add(expr.id);
      else expressions.push(expr);
    }
  }
  const where = infer.whereClause === undefined ? [] : conjuncts(bind(infer.whereClause, true));
  const found = table.indexes.filter(
    (index) =>
      index.unique && fits(table, index, columns, expressions, where) && hasCollations(table, index, collations),
  );
  return found;
}

/** Looked at when all else of the statement is bound. @throws QuoralError 42P10 */
export function requireArbiter(conflict: { readonly arbiters: readonly IndexDescriptor[] | null } | null): void {
  if (conflict?.arbiters?.length === 0)
    throw errorAt('42P10', 'there is no unique or exclusion constraint matching the ON CONFLICT specification', -1);
}

/** A column of an index counts for ON CONFLICT (column COLLATE …) only if it was made with that collation. */
function hasCollations(table: TableDescriptor, index: IndexDescriptor, wanted: ReadonlyMap<number, string>): boolean {
  if (wanted.size === 0) return true;
  return index.columns.every(({ columnId, collation }) => {
    const key = wanted.get(columnId);
    if (key === undefined) return true;
    const column = table.columns.find((c) => c.id === columnId)!;
    return key === (collation ?? column.collation ?? domainCollation(column.typeOid) ?? typeCollation(column.typeOid));
  });
}

function fits(
  table: TableDescriptor,
  index: IndexDescriptor,
  columns: ReadonlySet<number>,
  expressions: readonly Expr[],
  where: readonly Expr[],
): boolean {
  const plain = new Set(index.columns.filter((c) => c.expression == null).map((c) => c.columnId));
  if (plain.size !== columns.size || [...plain].some((id) => !columns.has(id))) return false;
  if (index.columns.length === plain.size && expressions.length > 0) return false;
  const { keys, predicate } = boundIndex(table, index);
  const computed = keys.filter((e) => e !== null);
  const within = (some: readonly Expr[], all: readonly Expr[]): boolean =>
    some.every((e) => all.some((other) => sameValue(e, other)));
  if (!within(computed, expressions) || !within(expressions, computed)) return false;
  return predicate === null || implies(where, predicate);
}
