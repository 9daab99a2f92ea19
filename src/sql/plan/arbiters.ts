/**
 * Which unique indexes an ON CONFLICT clause means, by PostgreSQL's inference: those over exactly the named columns
 * and expressions, and with the collations and operator classes if it names such. A partial one is meant only if the clause's WHERE implies its predicate.
 */
import type { IndexElem, InferClause, Node } from 'libpg-query';
import type { ColumnDescriptor, IndexDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import { namedOperatorClass, operatorClassOf, sameOrder } from '../catalog/virtual/operator-classes.js';
import { typeCollation } from '../types/collated.js';
import { baseOidOf, domainCollation } from '../types/user-types.js';
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
  const elements = (infer.indexElems ?? []).map((node) =>
    readElement(b, as(node, 'IndexElem')!, named, bind, infer.location ?? -1),
  );
  const where = infer.whereClause === undefined ? [] : conjuncts(bind(infer.whereClause, true));
  const found = table.indexes.filter((index) => index.unique && fits(table, index, elements, where));
  if (found.length === 0)
    throw errorAt('42P10', 'there is no unique or exclusion constraint matching the ON CONFLICT specification', -1);
  return found;
}

/** One of the list: a column or an expression, and the collation and the operator class that a part of the index must have. */
interface Wanted {
  readonly value: number | Expr;
  readonly collation: string | undefined;
  readonly classOid: number | undefined;
}

function readElement(
  b: Binder,
  element: IndexElem,
  columns: readonly ColumnDescriptor[],
  bind: (node: Node, isCondition: boolean) => Expr,
  at: number,
): Wanted {
  if ((element.ordering ?? 'SORTBY_DEFAULT') !== 'SORTBY_DEFAULT')
    throw errorAt('42P10', 'ASC/DESC is not allowed in ON CONFLICT clause', at);
  if ((element.nulls_ordering ?? 'SORTBY_NULLS_DEFAULT') !== 'SORTBY_NULLS_DEFAULT')
    throw errorAt('42P10', 'NULLS FIRST/LAST is not allowed in ON CONFLICT clause', at);
  const value = elementValue(element, columns, bind, at);
  const collation =
    element.collation === undefined ? undefined : b.collation(stringsOf(element.collation), element, at);
  return { value, collation, classOid: classOf(element) };
}

function elementValue(
  element: IndexElem,
  columns: readonly ColumnDescriptor[],
  bind: (node: Node, isCondition: boolean) => Expr,
  at: number,
): number | Expr {
  if (element.expr !== undefined) {
    const expr = bind(element.expr, false);
    // A column in parentheses is still a column.
    return expr.kind === 'column' ? expr.id : expr;
  }
  const column = columns.find((c) => c.name === element.name && !c.hidden);
  if (column === undefined) throw errorAt('42703', `column "${element.name}" does not exist`, at);
  return column.id;
}

function classOf(element: IndexElem): number | undefined {
  const names = stringsOf(element.opclass ?? []);
  if (names.length === 0) return undefined;
  const name = names[0] === 'pg_catalog' ? names.at(-1)! : names.join('.');
  const found = namedOperatorClass('btree', name);
  if (found === undefined)
    throw errorAt('42704', `operator class "${name}" does not exist for access method "btree"`, -1);
  return found.oid;
}

/** Whether some part of the index for the value has the collation and the class that were asked for. */
function hasPart(
  table: TableDescriptor,
  index: IndexDescriptor,
  { value, collation, classOid }: Wanted,
  keys: readonly (Expr | null)[],
): boolean {
  if (collation === undefined && classOid === undefined) return true;
  return index.columns.some((part, i) => {
    const key = keys[i]!;
    const column = key === null ? table.columns.find((c) => c.id === part.columnId)! : null;
    if (typeof value === 'number' ? column?.id !== value : key === null || !sameValue(value, key)) return false;
    const typeOid = column?.typeOid ?? key!.oid;
    const own = part.collation ?? column?.collation ?? domainCollation(typeOid) ?? typeCollation(typeOid);
    if (collation !== undefined && collation !== own) return false;
    return classOid === undefined || sameOrder(classOid, operatorClassOf(index, part, baseOidOf(typeOid)));
  });
}

function fits(
  table: TableDescriptor,
  index: IndexDescriptor,
  wanted: readonly Wanted[],
  where: readonly Expr[],
): boolean {
  const columns = new Set(wanted.flatMap(({ value }) => (typeof value === 'number' ? [value] : [])));
  const expressions = wanted.flatMap(({ value }) => (typeof value === 'number' ? [] : [value]));
  const plain = new Set(index.columns.filter((c) => c.expression == null).map((c) => c.columnId));
  if (plain.size !== columns.size || [...plain].some((id) => !columns.has(id))) return false;
  if (index.columns.length === plain.size && expressions.length > 0) return false;
  const { keys, predicate } = boundIndex(table, index);
  const computed = keys.filter((e) => e !== null);
  const within = (some: readonly Expr[], all: readonly Expr[]): boolean =>
    some.every((e) => all.some((other) => sameValue(e, other)));
  if (!within(computed, expressions) || !within(expressions, computed)) return false;
  if (!wanted.every((one) => hasPart(table, index, one, keys))) return false;
  return predicate === null || implies(where, predicate);
}
