/**
 * Queries of views. What a name in the query means is settled when the view is made: each relation in the
 * stored parse tree carries a pin, its id and its columns' ids with the names that they had. So a renamed table
 * or column changes nothing, and a column that is added does not appear in `*` (PostgreSQL chapter 39.2).
 * What is not pinned is a name of the query's own WITH, or of a catalog relation. A star is written out.
 *
 * Types and functions that users made are named by their oids. Operators are built in and need no pins.
 */
import type { FuncCall, Node, RangeVar, TypeName } from 'libpg-query';
import { sqlError } from '../../base/errors.js';
import type { UsedRoutine, ViewDescriptor } from '../catalog/descriptor.js';
import type { CatalogSnapshot, CompiledView, ParsedStatement, PlannerSettings, StoredQuery } from '../contract.js';
import { OID } from '../types/oids.js';
import { PINNED, pinnedRoutineName } from '../types/pinned-types.js';
import { catalogOidOf } from '../types/registry.js';
import { userTypeOf } from '../types/user-types.js';
import { stringsOf } from './ast.js';
import { bindStatement } from './bind-statement.js';
import { Binder } from './binder.js';
import { collateWithColumns, derivedCollation } from './collate-plan.js';
import { collationParts } from './collation-names.js';
import type { CollationState } from './collation-state.js';
import type { FunctionPlan, Plan, PlanColumn } from './logical.js';
import { walkPlan } from './plan-walk.js';
import type { Pin } from '../catalog/pins.js';
import { refuseParameters } from './refuse-parameters.js';
import type { VariableNames } from './variables.js';

/** @throws sqlError what is wrong with the query; 42701 for two columns of one name. */
export function compileView(
  statement: ParsedStatement,
  catalog: CatalogSnapshot,
  settings: PlannerSettings,
  kind: 'views' | 'materialized views' = 'views',
): CompiledView {
  refuseParameters(statement);
  const pins = new Map<object, Pin>();
  const binder = new Binder(catalog, settings, [], pins);
  const plan = bindStatement(binder, statement.node as unknown as Node);
  if (binder.modifies)
    throw sqlError(
      '0A000',
      `${kind} must not ${kind === 'views' ? 'contain' : 'use'} data-modifying statements in WITH`,
    );
  const { states } = collateWithColumns(binder, plan);
  const columns = plan.columns.map((c, i) => ({
    name: c.name,
    typeOid: c.oid === OID.unknown ? OID.text : (c.domain ?? c.oid),
    typmod: c.domain === undefined ? c.typmod : -1,
    ...(states[i] === undefined ? {} : columnCollation(c, states[i])),
  }));
  return { columns, ...storedQuery(binder, statement, plan, pins, () => false) };
}

/** @throws sqlError what is wrong with the query, and 0A000 if it changes rows */
export function compileBodyQuery(
  statement: ParsedStatement,
  catalog: CatalogSnapshot,
  settings: PlannerSettings,
  names: VariableNames,
  parameterOids: readonly number[],
  keeps: (used: UsedRoutine) => boolean,
): StoredQuery {
  const pins = new Map<object, Pin>();
  names.begin();
  const binder = new Binder(catalog, settings, parameterOids, pins, names);
  const plan = bindStatement(binder, statement.node as unknown as Node);
  if (binder.modifies) throw sqlError('0A000', 'a stored statement that changes rows is not supported');
  collateWithColumns(binder, plan);
  return storedQuery(binder, statement, plan, pins, keeps);
}

function storedQuery(
  binder: Binder,
  statement: ParsedStatement,
  plan: Plan,
  pins: ReadonlyMap<object, Pin>,
  keeps: (used: UsedRoutine) => boolean,
): StoredQuery {
  const routinePins = new Map([...(binder.routinePins ?? [])].filter(([, used]) => !keeps(used)));
  const queryTree = JSON.stringify(statement.node, (key, value: unknown) => {
    const call = calledBy(binder, value);
    if (call !== undefined) return call;
    if (key === 'targetList') return (value as Node[]).flatMap((item) => binder.stars?.get(item) ?? [item]);
    const type = typeof value === 'object' && value !== null ? binder.typePins?.get(value) : undefined;
    if (type !== undefined) {
      return { ...(value as TypeName), names: [{ String: { sval: `${PINNED}${catalogOidOf(type)}` } }] };
    }
    const collation = typeof value === 'object' && value !== null ? binder.collationPins?.get(value) : undefined;
    if (collation !== undefined) {
      const collname = collationParts(collation).map((sval) => ({ String: { sval } }));
      return { ...(value as object), collname };
    }
    const routine = typeof value === 'object' && value !== null ? routinePins.get(value) : undefined;
    if (routine !== undefined) return pinnedCall(value as FuncCall, routine.routine.oid);
    const rows = typeof value === 'object' && value !== null ? binder.rowPins?.get(value) : undefined;
    if (rows !== undefined) return { ...(value as object), quoral: rows };
    const pin = typeof value === 'object' && value !== null ? pins.get(value) : undefined;
    return pin === undefined ? value : { ...(value as RangeVar), quoral: pin };
  });
  const usedTypes = [...new Set(binder.typePins?.values())].map((typeOid) => ({ typeOid }));
  const usedRoutines = [...new Map([...routinePins].map(([, used]) => [used.routine.oid, used])).values()];
  return { queryTree, sources: sourcesOf(plan, pins, binder.keysUsed ?? new Map()), usedTypes, usedRoutines };
}

/** The call that stands for a reference to a column that there is not. */
function calledBy({ callPins }: Binder, value: unknown): Node | undefined {
  if (callPins === null || callPins.size === 0 || typeof value !== 'object' || value === null) return undefined;
  const { ColumnRef, A_Indirection } = value as { readonly ColumnRef?: object; readonly A_Indirection?: object };
  const reference = ColumnRef ?? A_Indirection;
  return reference === undefined ? undefined : callPins.get(reference);
}

/** @throws QuoralError 42P22 */
function columnCollation(c: PlanColumn, state: CollationState): { readonly collation?: string } {
  const collation = derivedCollation(c, state);
  if (collation === null)
    throw sqlError('42P22', `could not determine which collation to use for view column "${c.name}"`, {
      hint: 'Use the COLLATE clause to set the collation explicitly.',
    });
  return collation === undefined ? {} : { collation };
}

function pinnedCall(call: FuncCall, oid: number): FuncCall {
  const written = stringsOf(call.funcname).at(-1) ?? '';
  return { ...call, funcname: [{ String: { sval: pinnedRoutineName(oid, written) } }] };
}

/** The relations that are named, and those of their columns that the query uses. */
function sourcesOf(
  plan: Plan,
  pins: ReadonlyMap<object, Pin>,
  keysUsed: ReadonlyMap<number, number>,
): ViewDescriptor['sources'] {
  const used = new Set<number>(plan.columns.map((c) => c.id));
  walkPlan(plan, (expr) => {
    if (expr.kind === 'column' && expr.ofRow !== true) used.add(expr.id);
    if (expr.kind === 'subquery') for (const { id } of expr.plan.columns) used.add(id);
  });
  const columns = new Map<number, Set<number>>();
  for (const pin of pins.values()) columns.set(pin.id, new Set());
  const visit = (node: Plan): void => {
    if (node.kind === 'scan') {
      const ids = columns.get(node.table.id);
      for (const c of node.columns) if (used.has(c.id)) ids?.add(node.table.columns[c.position]!.id);
    }
    if (node.kind === 'function')
      for (const { relationId, columnId } of usedOfRows(node, used))
        columns.set(relationId, (columns.get(relationId) ?? new Set()).add(columnId));
  };
  walkPlan(plan, () => undefined, visit);
  return [...columns].map(([id, ids]) => {
    const keys = [...keysUsed].flatMap(([oid, table]) => (table === id ? [oid] : []));
    return { id, columnIds: [...ids].sort((a, b) => a - b), ...(keys.length === 0 ? {} : { keys }) };
  });
}

/** The columns of relations that functions give the rows of. */
function* usedOfRows(
  { calls, columns }: FunctionPlan,
  used: ReadonlySet<number>,
): Generator<{ readonly relationId: number; readonly columnId: number }> {
  let at = 0;
  for (const { expr, width, record } of calls) {
    const type = record ? userTypeOf(expr.oid) : null;
    if (type?.kind === 'composite' && type.ofRelation === true) {
      for (const [i, { id }] of type.fields.entries())
        if (used.has(columns[at + i]!.id)) yield { relationId: type.oid, columnId: id };
    }
    at += width;
  }
}
