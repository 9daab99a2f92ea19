/**
 * Which unique indexes an ON CONFLICT clause means, by PostgreSQL's inference: those over exactly the named columns
 * and expressions, and with the collations and operator classes if it names such. A partial one is meant only if the clause's WHERE implies its predicate.
 *
 * Where the clause names parameters (`WHERE active = $2`), their values decide, as in a plan that PostgreSQL makes for
 * one execution; its plans for all values refuse such a clause, which ours do not.
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
import { conjuncts, mapChildren, walk } from './expr.js';
import type { PlannerSettings } from '../contract.js';
import type { Datum } from '../types/datum.js';
import type { FormatContext } from '../types/type-info.js';
import type { Expr } from './expr.js';
import { fold } from './fold.js';
import { implies } from './implication.js';
import { refuseSubquery } from './refuse-subquery.js';
import { isSystemName } from './system-columns.js';
import { bindOverTable, boundIndex, sameValue } from './index-expressions.js';
import type { ArbiterElement, ArbiterInference, ConflictClause } from './logical.js';

/** As PostgreSQL calls one, and many. */
interface Place {
  readonly one: string;
  readonly many: string;
}
const KEY: Place = { one: 'index expression', many: 'index expressions' };
const PREDICATE: Place = { one: 'index predicate', many: 'index predicates' };

interface Inferred extends Pick<ConflictClause, 'arbiters' | 'inference'> {
  /** Ids of the table's columns that the clause reads. */
  readonly reads: ReadonlySet<number>;
}

export function inferArbiters(b: Binder, infer: InferClause, target: WriteTarget, alias: string): Inferred {
  const { table } = target;
  if (infer.conname !== undefined) {
    const constraints = target.views.length === 0 ? table.indexes : [];
    const found = constraints.find((i) => i.name === infer.conname && i.unique && i.constraintOid !== null);
    if (found === undefined)
      throw errorAt('42704', `constraint "${infer.conname}" for table "${target.name}" does not exist`, -1);
    return { arbiters: [found], inference: null, reads: new Set(found.columns.map((c) => c.columnId)) };
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
  const bind = (node: Node, place: Place): Expr => {
    refuseSubquery(node, place.one);
    return bindOverTable(node, named, alias, place.many, false, settings, [], b);
  };
  const elements = (infer.indexElems ?? []).map((node) =>
    readElement(b, as(node, 'IndexElem')!, named, bind, infer.location ?? -1),
  );
  const where = infer.whereClause === undefined ? [] : conjuncts(bind(infer.whereClause, PREDICATE));
  const inference = { elements, where };
  const reads = new Set(elements.flatMap(({ value }) => (typeof value === 'number' ? [value] : [])));
  let hasParameters = false;
  const exprs = [...where, ...elements.flatMap(({ value }) => (typeof value === 'number' ? [] : [value]))];
  for (const expr of exprs)
    walk(expr, (e) => {
      if (e.kind === 'column') reads.add(e.id);
      if (e.kind === 'param') hasParameters = true;
    });
  return hasParameters
    ? { arbiters: table.indexes.filter((index) => index.unique), inference, reads }
    : { arbiters: fitting(table, inference), inference: null, reads };
}

function fitting(table: TableDescriptor, { elements, where }: ArbiterInference): readonly IndexDescriptor[] {
  return table.indexes.filter((index) => index.unique && fits(table, index, elements, where));
}

/** The indexes that are meant with these values. @throws QuoralError 42P10 */
export function decideArbiters(
  table: TableDescriptor,
  inference: ArbiterInference,
  parameters: readonly Datum[],
  format: FormatContext,
): readonly IndexDescriptor[] {
  const known = (e: Expr): Expr =>
    e.kind === 'param'
      ? { kind: 'const', value: parameters[e.index] ?? null, oid: e.oid, typmod: e.typmod }
      : mapChildren(e, known);
  const settled = (e: Expr): Expr => fold(known(e), format);
  const arbiters = fitting(table, {
    elements: inference.elements.map((element) =>
      typeof element.value === 'number' ? element : { ...element, value: settled(element.value) },
    ),
    where: inference.where.flatMap((e) => conjuncts(settled(e))),
  });
  requireArbiter({ arbiters });
  return arbiters;
}

/** Looked at when all else of the statement is bound. @throws QuoralError 42P10 */
export function requireArbiter(conflict: { readonly arbiters: readonly IndexDescriptor[] | null } | null): void {
  if (conflict?.arbiters?.length === 0)
    throw errorAt('42P10', 'there is no unique or exclusion constraint matching the ON CONFLICT specification', -1);
}

function readElement(
  b: Binder,
  element: IndexElem,
  columns: readonly ColumnDescriptor[],
  bind: (node: Node, place: Place) => Expr,
  at: number,
): ArbiterElement {
  if ((element.ordering ?? 'SORTBY_DEFAULT') !== 'SORTBY_DEFAULT')
    throw errorAt('42P10', 'ASC/DESC is not allowed in ON CONFLICT clause', at);
  if ((element.nulls_ordering ?? 'SORTBY_NULLS_DEFAULT') !== 'SORTBY_NULLS_DEFAULT')
    throw errorAt('42P10', 'NULLS FIRST/LAST is not allowed in ON CONFLICT clause', at);
  const value = elementValue(element, columns, bind, at);
  const collation =
    element.collation === undefined ? undefined : b.collation(stringsOf(element.collation), element, at);
  return { value, collation, classOid: classOf(b, element) };
}

function elementValue(
  element: IndexElem,
  columns: readonly ColumnDescriptor[],
  bind: (node: Node, place: Place) => Expr,
  at: number,
): number | Expr {
  if (element.expr !== undefined) {
    const expr = bind(element.expr, KEY);
    if (expr.kind === 'row' && expr.names !== undefined)
      throw errorAt('0A000', 'whole row unique index inference specifications are not supported', -1);
    // A column in parentheses is still a column.
    return expr.kind === 'column' ? expr.id : expr;
  }
  const column = columns.find((c) => c.name === element.name && !c.hidden);
  // No index has them.
  if (column === undefined && isSystemName(element.name!)) return -1;
  if (column === undefined) throw errorAt('42703', `column "${element.name}" does not exist`, at);
  return column.id;
}

function classOf(b: Binder, element: IndexElem): number | undefined {
  const names = stringsOf(element.opclass ?? []);
  if (names.length === 0) return undefined;
  const [schema, ...rest] = names;
  if (
    rest.length === 1 &&
    schema !== 'pg_catalog' &&
    b.catalog.routines?.({ schema: schema!, name: '', isRoutine: true }) === null
  )
    throw errorAt('3F000', `schema "${schema}" does not exist`, -1);
  const name = schema === 'pg_catalog' ? names.at(-1)! : names.join('.');
  const found = namedOperatorClass('btree', name);
  if (found === undefined)
    throw errorAt('42704', `operator class "${name}" does not exist for access method "btree"`, -1);
  return found.oid;
}

/** Whether some part of the index for the value has the collation and the class that were asked for. */
function hasPart(
  table: TableDescriptor,
  index: IndexDescriptor,
  { value, collation, classOid }: ArbiterElement,
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
  wanted: readonly ArbiterElement[],
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
