/**
 * Aggregates that users made. What runs over the rows is a collection of their arguments; a function that takes the
 * collection then passes it, row by row, to the aggregate's own functions, which may wait as any function of a user does.
 *
 * Limit: a group's rows are held until its last one is there, in a window for each row's frame.
 */
import { sqlError } from '../../base/errors.js';
import type { Routine, StoredCall } from '../catalog/descriptor.js';
import type { ExecContext } from '../contract.js';
import type { Accumulator, AggregateEntry, CallInfo, FunctionEntry, ResolvedCall } from '../functions/entry.js';
import { ownFunction } from '../functions/entry.js';
import { concreteTypes, isPolymorphic } from '../functions/polymorphic.js';
import { resolveFunction } from '../functions/resolve.js';
import { type Datum, PgArray, PgRecord } from '../types/datum.js';
import { OID } from '../types/oids.js';
import type { Binder } from './binder.js';
import { coerce } from './coerce.js';
import { constant } from './expr.js';
import type { Expr } from './expr.js';
import { routineEntry } from './routines.js';

interface Fold {
  readonly routine: Routine;
  readonly entry: FunctionEntry;
  readonly initial: string | null;
  readonly stateOid: number;
  readonly resultOid: number;
}

const folds = new WeakMap<AggregateEntry, Fold>();
const foldEntries = new WeakSet<FunctionEntry>();
const collections = new WeakMap<Routine, Map<string, AggregateEntry>>();
/** Types that one polymorphic aggregate is kept for. */
const KEPT_MAX = 64;

class Collection implements Accumulator {
  readonly #oids: readonly number[];
  readonly rows: Datum[] = [];
  constructor(oids: readonly number[]) {
    this.#oids = oids;
  }
  step(args: readonly Datum[]): void {
    this.rows.push(new PgRecord(this.#oids, [...args]));
  }
  combine(other: Accumulator): void {
    for (const row of (other as Collection).rows) this.rows.push(row);
  }
  final(): Datum {
    // In a window more rows come after a value was taken.
    return new PgArray(OID.record, [...this.rows]);
  }
}

/** The collection for a call with these types; the same object for the same types. @throws QuoralError 42883, 42804 */
export function resolveUserAggregate(
  name: string,
  candidates: readonly FunctionEntry[],
  oids: readonly number[],
): ResolvedCall<AggregateEntry> {
  if (oids.length === 0 && !candidates.some((c) => c.argOids.length === 0))
    throw sqlError('42883', `function ${name}() does not exist`, {
      hint: 'No function matches the given name and argument types. You might need to add explicit type casts.',
    });
  const { entry, argOids } = resolveFunction(name, oids, { routines: candidates });
  const routine = entry.routine!;
  let known = collections.get(routine);
  if (known === undefined) collections.set(routine, (known = new Map()));
  const key = argOids.join();
  let made = known.get(key);
  if (made === undefined) {
    if (known.size >= KEPT_MAX) known.clear();
    known.set(key, (made = collectionFor(name, routine, argOids)));
  }
  return { entry: made, argOids, resultOid: RECORDS };
}

const RECORDS = 2287;

function collectionFor(name: string, routine: Routine, argOids: readonly number[]): AggregateEntry {
  const entry: AggregateEntry = {
    oid: routine.oid,
    name,
    argOids,
    resultOid: RECORDS,
    strict: false,
    emptyResult: null,
    init: (call) => new Collection(call.argOids),
  };
  folds.set(entry, foldFor(name, routine, argOids));
  return entry;
}

function foldFor(name: string, routine: Routine, argOids: readonly number[]): Fold {
  const parts = routine.aggregate!;
  const concrete = concreteTypes(
    routine.parameters.map((p) => p.typeOid),
    argOids,
  );
  const stateOid = isPolymorphic(parts.typeOid) ? concrete(parts.typeOid) : parts.typeOid;
  const step = resolveStored(parts.step, [stateOid, ...argOids]);
  const finalTypes = parts.finalExtra ? [stateOid, ...argOids] : [stateOid];
  const final = parts.final === null ? null : resolveStored(parts.final, finalTypes);
  const resultOid = final?.resultOid ?? stateOid;
  const entry = ownFunction({
    name,
    argOids: [RECORDS, stateOid],
    resultOid,
    volatility: 'volatile',
    mayWait: true,
    impl: (args, ctx) => fold(step, final, args[0] as PgArray | null, args[1]!, ctx),
  });
  foldEntries.add(entry);
  return { routine, entry, initial: parts.initial, stateOid, resultOid };
}

function resolveStored({ name, used }: StoredCall, oids: readonly number[]): ResolvedCall<FunctionEntry> {
  return resolveFunction(name, oids, used === null ? {} : { routines: [routineEntry(used.name, used.routine)] });
}

async function fold(
  step: ResolvedCall<FunctionEntry>,
  final: ResolvedCall<FunctionEntry> | null,
  rows: PgArray | null,
  initial: Datum,
  ctx: ExecContext,
): Promise<Datum> {
  const info: CallInfo = { argOids: step.argOids, resultOid: step.resultOid };
  const { strict } = step.entry;
  let state = initial;
  // A strict function without an initial state begins with the first value there is.
  let begun = !strict || initial !== null;
  for (const row of rows?.elements ?? []) {
    const { values } = row as PgRecord;
    if (strict && values.includes(null)) continue;
    if (!begun) {
      begun = true;
      state = values[0]!;
      continue;
    }
    // Once it is NULL, a strict function never sees it again.
    if (strict && state === null) continue;
    state = await step.entry.impl([state, ...values], ctx, info);
  }
  if (final === null) return state;
  if (final.entry.strict && state === null) return null;
  const extra = final.argOids.slice(1).map(() => null);
  return final.entry.impl([state, ...extra], ctx, { argOids: final.argOids, resultOid: final.resultOid });
}

/** Of the call of a user's aggregate: the aggregate that it was written as. */
export function unfolded(e: Expr): Expr {
  return e.kind === 'call' && foldEntries.has(e.entry) ? unfolded(e.args[0]!) : e;
}

export function routineOf(entry: AggregateEntry): Routine | null {
  return folds.get(entry)?.routine ?? null;
}

/** The aggregate's value, from the expression that stands for its collection. */
export function folded(b: Binder, entry: AggregateEntry, collection: Expr): Expr {
  const known = folds.get(entry);
  if (known === undefined) return collection;
  const { stateOid, resultOid, initial } = known;
  const start =
    initial === null ? constant(null, stateOid) : coerce(b, constant(initial, OID.unknown), stateOid, 'explicit');
  return {
    kind: 'call',
    operator: false,
    entry: known.entry,
    args: [collection, start],
    info: { argOids: [RECORDS, stateOid], resultOid },
    oid: resultOid,
    typmod: -1,
  };
}
