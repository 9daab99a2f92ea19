/**
 * Functions of users that a statement turns out to mean while it is bound. Names of columns and of built-in functions are
 * not looked up among them beforehand, as nearly all of them are just that. Where a column is missing, or no built-in
 * function takes the arguments, the error says by which name a function could stand there, and who has the catalog at
 * hand binds once more.
 */
import type { CatalogSnapshot, RelationName } from '../contract.js';

const wanted = new WeakMap<object, string>();

/** The error, which a function of that name would make right. */
export function wants(error: unknown, name: string): unknown {
  if (typeof error === 'object' && error !== null && !wanted.has(error)) wanted.set(error, name);
  return error;
}

/** What `make` gives for the names and those that it shows to be missing. */
export async function withWanted<S extends CatalogSnapshot, T>(
  names: readonly RelationName[],
  look: (names: readonly RelationName[]) => Promise<S>,
  make: (snapshot: S) => T | Promise<T>,
): Promise<{ readonly made: T; readonly snapshot: S }> {
  const known = [...names];
  let snapshot = await look(known);
  for (;;) {
    try {
      return { made: await make(snapshot), snapshot };
    } catch (error) {
      const name = typeof error === 'object' && error !== null ? wanted.get(error) : undefined;
      if (name === undefined || snapshot.routines?.({ schema: null, name, isRoutine: true }) != null) throw error;
      known.push({ schema: null, name, isRoutine: true });
      snapshot = await look(known);
    }
  }
}
