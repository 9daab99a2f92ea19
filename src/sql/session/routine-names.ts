/** Functions and procedures that users made by oid and by name, among what a statement sees: for regproc and the catalog's functions. */
import { sqlError } from '../../base/errors.js';
import type { Routine, RoutineDescriptor } from '../catalog/descriptor.js';
import { isTemporarySchema } from '../catalog/temporary-names.js';
import type { CatalogView } from '../catalog/transaction-catalog.js';
import type { FoundRoutine } from '../contract.js';
import { inputsOf } from '../plan/routines.js';
import { catalogOidOf } from '../types/registry.js';

interface RoutineIndex {
  readonly byOid: ReadonlyMap<number, FoundRoutine>;
  /** By schema and name. */
  readonly groups: ReadonlyMap<string, RoutineDescriptor>;
}

const indexes = new WeakMap<CatalogView, RoutineIndex>();

function indexOf(view: CatalogView): RoutineIndex {
  let index = indexes.get(view);
  if (index === undefined) {
    const byOid = new Map<number, FoundRoutine>();
    const groups = new Map<string, RoutineDescriptor>();
    for (const group of view.descriptors) {
      if (group.kind !== 'routine' || group.databaseId !== view.databaseId) continue;
      groups.set(`${group.schemaId} ${group.name}`, group);
      for (const routine of group.routines) byOid.set(routine.oid, { group, routine });
    }
    index = { byOid, groups };
    indexes.set(view, index);
  }
  return index;
}

export function routineWithOid(view: CatalogView, oid: number): FoundRoutine | null {
  return indexOf(view).byOid.get(oid) ?? null;
}

function typesOf(routine: Routine): readonly number[] {
  return inputsOf(routine).map((p) => catalogOidOf(p.typeOid));
}

/** In the schemas, in their order; one that an earlier schema hides is left out. `types` null: of any. */
function named(
  view: CatalogView,
  schemaIds: readonly number[],
  name: string,
  types: readonly number[] | null,
): Routine[] {
  const found = new Map<string, Routine>();
  for (const schemaId of schemaIds) {
    for (const routine of indexOf(view).groups.get(`${schemaId} ${name}`)?.routines ?? []) {
      const key = typesOf(routine).join();
      if ((types === null || types.join() === key) && !found.has(key)) found.set(key, routine);
    }
  }
  return [...found.values()];
}

/** Its oid; null if there is none. @throws 42725 if there are several */
export function oidOfRoutine(
  view: CatalogView,
  schemaIds: readonly number[],
  name: string,
  types: readonly number[] | null,
): number | null {
  const found = named(view, schemaIds, name, types);
  if (found.length > 1) throw sqlError('42725', `more than one function named "${name}"`);
  return found[0]?.oid ?? null;
}

/** Found by its name alone. */
export function isOnlyOfName(view: CatalogView, path: readonly (number | null)[], name: string): boolean {
  const schemaIds = path.filter((id) => id !== null);
  return named(view, schemaIds, name, null).length === 1;
}

/** Found by its name and the arguments of a call: in no other schema are there functions of the name. */
export function isOnlySchemaOf(view: CatalogView, path: readonly (number | null)[], name: string): boolean {
  const schemaIds = path.filter((id) => id !== null);
  return new Set(schemaIds.filter((id) => indexOf(view).groups.has(`${id} ${name}`))).size === 1;
}

/** Found by its name and arguments alone. */
export function isVisibleRoutine(
  view: CatalogView,
  path: readonly (number | null)[],
  { group, routine }: FoundRoutine,
): boolean {
  if (isTemporarySchema(group.schemaId)) return false;
  const schemaIds = path.filter((id) => id !== null);
  return named(view, schemaIds, group.name, typesOf(routine)).some((r) => r.oid === routine.oid);
}
