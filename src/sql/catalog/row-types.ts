/**
 * The types of rows: a table's or view's name is that of a composite type with its columns. It is made when it is first
 * named, from the relation's descriptor, whose id it has for an oid: relations and types are numbered apart from each
 * other where it is shown. A relation that changes has another type, so what was planned with the old one is stale with the
 * relation's version.
 *
 * Only functions keep such types, in their parameters and results. They are given the relation's columns of now each
 * time that they are looked up; the relation is refused to go before them.
 */
import type { CompositeField } from '../types/composite.js';
import { internType, typesWithin, userTypeOf } from '../types/user-types.js';
import { withType } from './codec.js';
import type { Descriptor, RoutineDescriptor, TableDescriptor, ViewDescriptor } from './descriptor.js';

/** Arrays of rows are numbered from here on, beyond all ids. */
const FIRST_ARRAY = 2 ** 31;

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
    const named = { oid: relation.id, arrayOid: FIRST_ARRAY + relation.id, name: relation.name };
    handle = internType({ kind: 'composite', ...named, fields, nextField: 0, ofRelation: true });
    handles.set(relation, handle);
  }
  return handle;
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

const currentGroups = new WeakMap<RoutineDescriptor, { readonly key: string; readonly group: RoutineDescriptor }>();

/** The functions with the columns that the relations have now. One that is gone leaves them as they were. */
export function withCurrentRows(group: RoutineDescriptor, relations: readonly Rows[]): RoutineDescriptor {
  const key = relations.map(rowTypeOf).join();
  const known = currentGroups.get(group);
  if (known?.key === key) return known.group;
  let current = group;
  for (const relation of relations) {
    const to = rowTypeOf(relation);
    for (const from of handlesOf(current, relation.id)) if (from !== to) current = withType(current, from, to);
  }
  currentGroups.set(group, { key, group: current });
  return current;
}

function handlesOf(group: RoutineDescriptor, oid: number): readonly number[] {
  const found = new Set<number>();
  JSON.stringify(group, (key, value: unknown) => {
    if (key === 'typeOid')
      for (const handle of typesWithin(value as number)) if (userTypeOf(handle)?.oid === oid) found.add(handle);
    return value;
  });
  return [...found];
}
