/**
 * What the binder and the executor know of a function, operator or aggregate. All of them are data, so
 * that pg_proc and the documentation are generated from the same lists that run.
 *
 * Calling convention: a strict entry is never called with a NULL argument (the caller answers NULL).
 * `impl` always exists; `call1`/`call2` are the same function without the argument array, for the hot
 * path. An entry with `mayWait` can return a promise; every other entry is synchronous.
 */
import type { Routine } from '../catalog/descriptor.js';
import type { ExecContext } from '../contract.js';
import type { Collation } from '../types/collation.js';
import type { Datum } from '../types/datum.js';

export type Value = Exclude<Datum, null>;
export type Volatility = 'immutable' | 'stable' | 'volatile';

/** The types of one call site, for functions that accept anything. */
export interface CallInfo {
  readonly argOids: readonly number[];
  readonly resultOid: number;
  /** Of a function that gives records of any shape: the columns that the call wants. */
  readonly record?: readonly { readonly name: string; readonly typeOid: number; readonly typmod: number }[];
  /** Of a hypothetical-set aggregate: the order that WITHIN GROUP gives. */
  readonly order?: readonly {
    readonly descending: boolean;
    readonly nullsFirst: boolean;
    readonly collation?: Collation | null;
  }[];
  /** Of its arguments, where it is not the default; null: they have several, and none prevails. */
  readonly collation?: Collation | null;
}

export interface FunctionEntry {
  /** pg_proc.oid (or pg_operator.oid); 0 if PostgreSQL has none like it. */
  readonly oid: number;
  /** Function name, or the operator's symbol. */
  readonly name: string;
  /** A prefix operator has one. The last one is the array type for a variadic function. */
  readonly argOids: readonly number[];
  /** `argOids` with the domains that some of them are. */
  readonly declaredOids?: readonly number[];
  readonly resultOid: number;
  readonly strict: boolean;
  readonly volatility: Volatility;
  readonly variadic: boolean;
  /** Trailing arguments that may be left out. */
  readonly defaults: readonly Datum[];
  readonly mayWait: boolean;
  /** Set-returning: `rows` is there and `impl` is not to be called. */
  readonly returnsSet: boolean;
  /** Columns of a set-returning function that gives records (PgRecord), else null. */
  readonly resultColumns: readonly { readonly name: string; readonly typeOid: number }[] | null;
  /** It is a cast to this domain, or array of a domain. */
  readonly castsTo?: number;
  impl(args: readonly Datum[], ctx: ExecContext, call: CallInfo): Datum | Promise<Datum>;
  readonly call1: ((a: Value, ctx: ExecContext, call: CallInfo) => Datum | Promise<Datum>) | null;
  readonly call2: ((a: Value, b: Value, ctx: ExecContext, call: CallInfo) => Datum | Promise<Datum>) | null;
  readonly rows:
    ((args: readonly Datum[], ctx: ExecContext, call: CallInfo) => Iterable<Datum> | Promise<Iterable<Datum>>) | null;
  /** One that a user made. */
  readonly routine?: Routine;
  /** Of the one column that it gives in FROM, if that is not called as the function is. */
  readonly columnName?: string;
  /** The entry of which this is the form under a collation that makes a difference to it; see collated-entries.ts. */
  readonly uncollated?: FunctionEntry;
}

/** A function of the planner's own: in no catalog, of any arguments, that waits for nothing. */
export function ownFunction(
  own: Pick<FunctionEntry, 'name' | 'argOids' | 'resultOid' | 'impl'> & Partial<FunctionEntry>,
): FunctionEntry {
  return {
    oid: 0,
    strict: false,
    volatility: 'stable',
    variadic: false,
    defaults: [],
    mayWait: false,
    returnsSet: false,
    resultColumns: null,
    call1: null,
    call2: null,
    rows: null,
    ...own,
  };
}

/** Running state of one group. NULLs are passed to `step` only if the entry is not strict. */
export interface Accumulator {
  step(args: readonly Datum[], ctx: ExecContext): void;
  final(ctx: ExecContext): Datum;
  /** Takes in the state of another part of the same group. */
  combine(other: Accumulator): void;
}

export interface AggregateEntry {
  readonly oid: number;
  readonly name: string;
  /** count(*) has none. */
  readonly argOids: readonly number[];
  readonly resultOid: number;
  /** Rows with a NULL argument are skipped. */
  readonly strict: boolean;
  /** Result over no rows. */
  readonly emptyResult: Datum;
  /** It is the user's, whose name depends on who asks. */
  readonly routine?: Routine;
  /** The last argument is written VARIADIC. */
  readonly variadic?: true;
  /** WITHIN GROUP says no order of the rows that it gets. */
  readonly unsorted?: true;
  /** As of FunctionEntry. */
  readonly uncollated?: AggregateEntry;
  init(call: CallInfo): Accumulator;
}

/** A resolved call: coerce the arguments to `argOids`, call the entry, get `resultOid`. */
export interface ResolvedCall<E> {
  readonly entry: E;
  /** One for each actual argument (a variadic call's arguments are packed by the entry itself). */
  readonly argOids: readonly number[];
  readonly resultOid: number;
}
