/**
 * The tables that a change of one table's rows concerns by foreign keys: those whose rows must exist, those
 * whose rows refer to it, and on from the latter when they are changed as well.
 */
import type { LinkedTable } from '../contract.js';
import type { ForeignKeyDescriptor, TableDescriptor } from './descriptor.js';

/** True if the parent's change changes the child's rows. */
export function hasActions({ onDelete, onUpdate }: ForeignKeyDescriptor): boolean {
  return [onDelete, onUpdate].some((action) => action !== 'no action' && action !== 'restrict');
}

/** The foreign keys of `child` that refer to `parent`. */
export function foreignKeysTo(child: TableDescriptor, parent: TableDescriptor): ForeignKeyDescriptor[] {
  return (child.foreignKeys ?? []).filter((fk) => fk.parentId === parent.id);
}

export async function linkedTables(
  root: TableDescriptor,
  load: (id: number) => Promise<LinkedTable | null>,
): Promise<ReadonlyMap<number, LinkedTable>> {
  const found = new Map<number, LinkedTable>();
  const changed = [root];
  const seen = new Set([root.id]);
  const look = async (id: number): Promise<TableDescriptor | null> => {
    if (id === root.id) return root;
    const known = found.get(id);
    if (known !== undefined) return known.table;
    const loaded = await load(id);
    if (loaded === null) return null;
    found.set(id, loaded);
    return loaded.table;
  };
  for (let table = changed.pop(); table !== undefined; table = changed.pop()) {
    for (const fk of table.foreignKeys ?? []) await look(fk.parentId);
    for (const id of table.referencedBy ?? []) {
      const child = await look(id);
      if (child === null || seen.has(id) || !foreignKeysTo(child, table).some(hasActions)) continue;
      seen.add(id);
      changed.push(child);
    }
  }
  return found;
}
