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
import { asOrderedSet } from '../functions/ordered-set.js';
import { concreteTypes, isPolymorphic } from '../functions/polymorphic.js';
import { resolveFunction, type ResolveOptions } from '../functions/resolve.js';
import { type Datum, PgArray, PgRecord } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { arrayOidOf, elementOidOf } from '../types/registry.js';
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

/**
 * The collection for a call with these types; the same object for the same types. `variadic`: the last argument was written
 * VARIADIC. @throws QuoralError 42883, 42804
 */
export function resolveUserAggregate(
  name: string,
  candidates: readonly FunctionEntry[],
  oids: readonly number[],
  options: Pick<ResolveOptions, 'variadic' | 'declared'> = {},
): ResolvedCall<AggregateEntry> {
  const variadic = options.variadic === true;
  if (oids.length === 0 && !candidates.some((c) => c.argOids.length === 0))
    throw sqlError('42883', `function ${name}() does not exist`, {
      hint: 'No function matches the given name and argument types. You might need to add explicit type casts.',
    });
  const { entry, argOids } = resolveFunction(name, oids, { ...options, routines: candidates });
  const routine = entry.routine!;
  let known = collections.get(routine);
  if (known === undefined) collections.set(routine, (known = new Map()));
  // Single arguments become an array.
  const packFrom = entry.variadic && !variadic ? entry.argOids.length - 1 : -1;
  const key = `${packFrom}:${argOids.join()}`;
  let made = known.get(key);
  if (made === undefined) {
    if (known.size >= KEPT_MAX) known.clear();
    known.set(key, (made = collectionFor(name, routine, argOids, packFrom)));
  }
  return { entry: made, argOids, resultOid: RECORDS };
}

const RECORDS = 2287;

function collectionFor(name: string, routine: Routine, argOids: readonly number[], packFrom: number): AggregateEntry {
  const entry: AggregateEntry = {
    oid: routine.oid,
    routine,
    name,
    argOids,
    resultOid: RECORDS,
    strict: false,
    emptyResult: null,
    // The functions get the rows as they come: sorting is theirs, as in PostgreSQL.
    ...(routine.aggregate!.direct === undefined ? {} : { unsorted: true }),
    ...(packFrom < 0 && routine.parameters.at(-1)?.mode === 'variadic' ? { variadic: true } : {}),
    init: (call) => new Collection(call.argOids),
  };
  folds.set(entry, foldFor(name, routine, argOids, packFrom));
  return routine.aggregate!.direct === undefined ? entry : asOrderedSet(entry);
}

function foldFor(name: string, routine: Routine, called: readonly number[], packFrom: number): Fold {
  const parts = routine.aggregate!;
  const argOids = packFrom < 0 ? called : [...called.slice(0, packFrom), arrayOidOf(called[packFrom]!)];
  const direct = parts.direct?.count ?? 0;
  const concrete = concreteTypes(
    routine.parameters.map((p) => p.typeOid),
    argOids,
  );
  const stateOid = isPolymorphic(parts.typeOid) ? concrete(parts.typeOid) : parts.typeOid;
  const step = resolveStored(parts.step, [stateOid, ...argOids.slice(direct)]);
  const finalTypes = [stateOid, ...argOids.slice(0, direct), ...(parts.finalExtra ? argOids.slice(direct) : [])];
  const final = parts.final === null ? null : resolveStored(parts.final, finalTypes);
  const resultOid = final?.resultOid ?? stateOid;
  const entry = ownFunction({
    name,
    argOids: [RECORDS, stateOid, ...called.slice(0, direct)],
    resultOid,
    volatility: 'volatile',
    mayWait: true,
    impl: ([rows, initial, ...given], ctx) =>
      fold({ step, final, direct: given, packFrom }, rows as PgArray | null, initial!, ctx),
  });
  foldEntries.add(entry);
  return { routine, entry, initial: parts.initial, stateOid, resultOid };
}

function resolveStored({ name, used }: StoredCall, oids: readonly number[]): ResolvedCall<FunctionEntry> {
  if (used === null) return resolveFunction(name, oids);
  // One with VARIADIC gets its array as such.
  return resolveFunction(name, oids, { routines: [{ ...routineEntry(used.name, used.routine), variadic: false }] });
}

interface Run {
  readonly step: ResolvedCall<FunctionEntry>;
  readonly final: ResolvedCall<FunctionEntry> | null;
  /** What is given once for the group. */
  readonly direct: readonly Datum[];
  /** From which argument on they are one array; -1: they are not. */
  readonly packFrom: number;
}

/** What the step takes of a row. */
function taken({ values }: PgRecord, { step, direct, packFrom }: Run): readonly Datum[] {
  const given = values.slice(direct.length);
  if (packFrom < 0) return given;
  const at = packFrom - direct.length;
  return [...given.slice(0, at), new PgArray(elementOidOf(step.argOids[at + 1]!), given.slice(at))];
}

async function fold(run: Run, rows: PgArray | null, initial: Datum, ctx: ExecContext): Promise<Datum> {
  const { step, final, direct } = run;
  const info: CallInfo = { argOids: step.argOids, resultOid: step.resultOid };
  const { strict } = step.entry;
  let state = initial;
  // A strict function without an initial state begins with the first value there is.
  let begun = !strict || initial !== null;
  for (const row of rows?.elements ?? []) {
    const values = taken(row as PgRecord, run);
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
  const extra = final.argOids.slice(1 + direct.length).map(() => null);
  if (final.entry.strict && [state, ...direct].includes(null)) return null;
  return final.entry.impl([state, ...direct, ...extra], ctx, { argOids: final.argOids, resultOid: final.resultOid });
}

/** Of the call of a user's aggregate: the aggregate that it was written as. */
export function unfolded(e: Expr): Expr {
  return e.kind === 'call' && foldEntries.has(e.entry) ? unfolded(e.args[0]!) : e;
}

export function routineOf(entry: AggregateEntry): Routine | null {
  return folds.get(entry)?.routine ?? null;
}

/** The aggregate's value, from the expression that stands for its collection and what is given once for a group. */
export function folded(b: Binder, entry: AggregateEntry, collection: Expr, direct: readonly Expr[] = []): Expr {
  const known = folds.get(entry);
  if (known === undefined) return collection;
  const { stateOid, resultOid, initial } = known;
  const start =
    initial === null ? constant(null, stateOid) : coerce(b, constant(initial, OID.unknown), stateOid, 'explicit');
  return {
    kind: 'call',
    operator: false,
    entry: known.entry,
    args: [collection, start, ...direct],
    info: { argOids: known.entry.argOids, resultOid },
    oid: resultOid,
    typmod: -1,
  };
}
