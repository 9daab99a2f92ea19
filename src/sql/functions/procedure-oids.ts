/**
 * Oids of functions and aggregates as pg_proc lists them, each once. A function that PostgreSQL has none like takes
 * an oid from a range that PostgreSQL does not give to anything, in order of definition: such an oid is stable
 * within one version of this program only.
 */
import { allAggregates, allFunctions } from './define.js';
import type { AggregateEntry, FunctionEntry } from './entry.js';

const FIRST_OWN_FUNCTION = 14000;

export interface Procedure {
  readonly oid: number;
  readonly entry: FunctionEntry | AggregateEntry;
}

/** Several entries may share an oid, where PostgreSQL has one function and we have two implementations. */
export function numberEntries<E extends { readonly oid: number }>(
  entries: readonly E[],
  firstOwn: number,
): { readonly oid: number; readonly entry: E }[] {
  const seen = new Set<number>();
  const result: { readonly oid: number; readonly entry: E }[] = [];
  let next = firstOwn;
  for (const entry of entries) {
    const oid = entry.oid === 0 ? next++ : entry.oid;
    if (seen.has(oid)) continue;
    seen.add(oid);
    result.push({ oid, entry });
  }
  return result;
}

let procedures: readonly Procedure[] | null = null;
let byOid: ReadonlyMap<number, Procedure> | null = null;

/** Complete once every module of functions has been loaded, which any call of this comes after. */
export function allProcedures(): readonly Procedure[] {
  procedures ??= numberEntries<FunctionEntry | AggregateEntry>(
    [...allFunctions(), ...allAggregates()],
    FIRST_OWN_FUNCTION,
  );
  return procedures;
}

export function procedureByOid(oid: number): Procedure | null {
  byOid ??= new Map(allProcedures().map((procedure) => [procedure.oid, procedure]));
  return byOid.get(oid) ?? null;
}

export function isAggregate(entry: FunctionEntry | AggregateEntry): entry is AggregateEntry {
  return 'init' in entry;
}
