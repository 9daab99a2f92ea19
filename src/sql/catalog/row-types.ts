/**
 * The types of rows: a table's or view's name is that of a composite type with its columns. It is made when it is first
 * named, from the relation's descriptor, whose id it has for an oid: relations and types are numbered apart from each
 * other where it is shown. A relation that changes has another type, so what was planned with the old one is stale with the
 * relation's version.
 *
 * Whatever keeps such a type (a column, a view, a type made of it) holds its definition as it does of every type that users
 * make (ddl/user-types.ts), and a row under the relation's id says that it does: a change of the relation finds it there and
 * writes it anew (ddl/row-type-users.ts). Functions are given the relation's columns of now each time that they are looked up.
 */
import { sqlError } from '../../base/errors.js';
import { SYSTEM_KEYS } from '../../encoding/keyspace.js';
import type { KvTxn } from '../../txn/kv-txn.js';
import type { ResolvedRoutines } from '../contract.js';
import type { CompositeField } from '../types/composite.js';
import { internType, isHandle, typesWithin, userTypeOf } from '../types/user-types.js';
import { withType } from './codec.js';
import type { Descriptor, RoutineDescriptor, TableDescriptor, ViewDescriptor } from './descriptor.js';
import { isTemporary } from './temporary-names.js';

/** Arrays of rows are numbered from here on, beyond all ids; some clients take an oid for a signed number. */
const FIRST_ARRAY = 2 ** 30;

type Rows = TableDescriptor | ViewDescriptor;

const handles = new WeakMap<Rows, number>();

export function isRelationWithRows(d: Descriptor | null | undefined): d is Rows {
  return d?.kind === 'table' || d?.kind === 'view';
}

export function rowTypeOf(relation: Rows): number {
  let handle = handles.get(relation);
  if (handle === undefined) {
    const columns =
      relation.kind === 'view' ? relation.columns : relation.columns.filter((c) => !c.dropped && !c.hidden);
    const fields = columns.map(({ id, name, typeOid, typmod }): CompositeField => ({ id, name, typeOid, typmod }));
    const named = { oid: relation.id, arrayOid: rowArrayOid(relation.id), name: relation.name };
    const ofType = relation.kind === 'table' && relation.ofType != null ? { ofType: relation.ofType } : {};
    handle = internType({ kind: 'composite', ...named, fields, nextField: 0, ofRelation: true, ...ofType });
    handles.set(relation, handle);
  }
  return handle;
}

export function rowArrayOid(relationId: number): number {
  return FIRST_ARRAY + relationId;
}

/** The relation whose rows the array type of that oid is of. */
export function relationOfArray(oid: number): number | null {
  return oid >= FIRST_ARRAY ? oid - FIRST_ARRAY : null;
}

/** The relations whose row types these are, or are made of. */
export function relationsWithin(typeOids: readonly number[]): number[] {
  const found = new Set<number>();
  for (const handle of typeOids.flatMap((oid) => typesWithin(oid))) {
    const type = userTypeOf(handle);
    if (type?.kind === 'composite' && type.ofRelation === true) found.add(type.oid);
  }
  return [...found];
}

const relationsOfGroups = new WeakMap<RoutineDescriptor, readonly number[]>();

export function relationsOfGroup(group: RoutineDescriptor): readonly number[] {
  let found = relationsOfGroups.get(group);
  if (found === undefined) {
    found = relationsWithin(group.routines.flatMap((r) => [r.typeOid, ...r.parameters.map((p) => p.typeOid)]));
    relationsOfGroups.set(group, found);
  }
  return found;
}

const relationsOfDescriptors = new WeakMap<Descriptor, readonly number[]>();

/** The relations whose row types the descriptor holds, wherever in it they are. */
export function relationsHeld(descriptor: Descriptor): readonly number[] {
  let found = relationsOfDescriptors.get(descriptor);
  if (found === undefined) {
    const handles = new Set<number>();
    JSON.stringify(descriptor, (key, value: unknown) => {
      if (key === 'typeOid' && isHandle(value as number)) handles.add(value as number);
      return value;
    });
    found = relationsWithin([...handles]);
    relationsOfDescriptors.set(descriptor, found);
  }
  return found;
}

const PRESENT = Buffer.from('1', 'latin1');

/**
 * With a descriptor that is written: so that who changes or drops a relation finds those that hold its row type. A row stays
 * when its reason is gone: who reads it looks at the descriptor. @throws 0A000
 */
export function noteRowTypes(txn: KvTxn, descriptor: Descriptor, known: (id: number) => Descriptor | null): void {
  if (descriptor.kind === 'routine') return;
  for (const id of relationsHeld(descriptor)) {
    if (isTemporary(known(id)) && !isTemporary(descriptor))
      throw sqlError('0A000', `the row type of a temporary table in something that stays is not supported`);
    if (id !== descriptor.id) txn.put(SYSTEM_KEYS.dependency(id, descriptor.id), PRESENT);
  }
}

/** The descriptor with the row type that the relation has now. */
export function withRowType<D extends Descriptor>(descriptor: D, relation: Rows): D {
  if (!relationsHeld(descriptor).includes(relation.id)) return descriptor;
  const to = rowTypeOf(relation);
  let current = descriptor;
  for (const from of handlesOf(current, relation.id)) if (from !== to) current = withType(current, from, to);
  return current;
}

const currentGroups = new WeakMap<RoutineDescriptor, { readonly key: string; readonly group: RoutineDescriptor }>();

/** The functions with the columns that the relations have now. One that is gone leaves them as they were. */
export function withCurrentRows(group: RoutineDescriptor, relations: readonly Rows[]): RoutineDescriptor {
  const key = relations.map(rowTypeOf).join();
  const known = currentGroups.get(group);
  if (known?.key === key) return known.group;
  let current = group;
  for (const relation of relations) current = withRowType(current, relation);
  currentGroups.set(group, { key, group: current });
  return current;
}

function handlesOf(group: Descriptor, oid: number): readonly number[] {
  const found = new Set<number>();
  JSON.stringify(group, (key, value: unknown) => {
    if (key === 'typeOid')
      for (const handle of typesWithin(value as number)) if (userTypeOf(handle)?.oid === oid) found.add(handle);
    return value;
  });
  return [...found];
}

/** The group with its types of rows as they are now, and the relations that they are of. */
export async function currentRows(
  group: RoutineDescriptor,
  descriptor: (id: number) => Promise<Descriptor | null>,
): Promise<Pick<ResolvedRoutines, 'routines'> & Partial<Pick<ResolvedRoutines, 'rowsOf'>>> {
  const ids = relationsOfGroup(group);
  if (ids.length === 0) return { routines: group.routines };
  const rowsOf: (TableDescriptor | ViewDescriptor)[] = [];
  for (const id of ids) {
    const relation = await descriptor(id);
    if (isRelationWithRows(relation)) rowsOf.push(relation);
  }
  return { routines: withCurrentRows(group, rowsOf).routines, rowsOf };
}
