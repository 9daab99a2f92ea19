/**
 * Builds function entries from a signature such as 'substr(text, int4, int4) text' and a plain function of
 * that many arguments, followed by the context and the call's types. Types are pg_type names; `variadic`
 * before the last one marks it. Entries land in the lists that the resolver and the catalogs read.
 */
import { assert } from '../../base/assert.js';
import type { ExecContext } from '../contract.js';
import type { Datum } from '../types/datum.js';
import { typeByName } from '../types/registry.js';
import type { AggregateEntry, CallInfo, FunctionEntry, Volatility } from './entry.js';
import { FUNCTION_OIDS, OPERATOR_OIDS } from './oid-table.js';
import { aclOfBuiltIn, checkCaller } from './restricted.js';

/** Any function of data: its own parameter types are checked where it is written. */
type Implementation = (...args: never[]) => Datum | Promise<Datum>;
type SetImplementation = (...args: never[]) => Iterable<Datum>;
type Spread = (...args: unknown[]) => Datum | Promise<Datum>;

export interface DefineOptions {
  readonly strict?: boolean;
  readonly volatility?: Volatility;
  readonly mayWait?: boolean;
  readonly defaults?: readonly Datum[];
  readonly resultColumns?: FunctionEntry['resultColumns'];
  /** As of FunctionEntry. */
  readonly columnName?: string;
}

const functions: FunctionEntry[] = [];
const operators: FunctionEntry[] = [];
const aggregates: AggregateEntry[] = [];
const functionIndex = new Map<string, FunctionEntry[]>();
const operatorIndex = new Map<string, FunctionEntry[]>();
const aggregateIndex = new Map<string, AggregateEntry[]>();

export function allFunctions(): readonly FunctionEntry[] {
  return functions;
}
export function allOperators(): readonly FunctionEntry[] {
  return operators;
}
export function allAggregates(): readonly AggregateEntry[] {
  return aggregates;
}
export function functionsNamed(name: string): readonly FunctionEntry[] {
  return functionIndex.get(name) ?? [];
}
export function operatorsNamed(name: string): readonly FunctionEntry[] {
  return operatorIndex.get(name) ?? [];
}
export function aggregatesNamed(name: string): readonly AggregateEntry[] {
  return aggregateIndex.get(name) ?? [];
}

function push<E>(index: Map<string, E[]>, name: string, entry: E): void {
  const list = index.get(name);
  if (list === undefined) index.set(name, [entry]);
  else list.push(entry);
}

export function oidOfName(name: string): number {
  const type = typeByName(name);
  assert(type !== null, () => `no type ${name}`);
  return type.oid;
}

export interface Signature {
  readonly name: string;
  readonly argOids: readonly number[];
  readonly argNames: readonly string[];
  readonly resultOid: number;
  readonly variadic: boolean;
}

export function parseSignature(text: string): Signature {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  assert(open > 0 && close > open, () => `bad signature ${text}`);
  let variadic = false;
  const inside = text.slice(open + 1, close).trim();
  const argNames = (inside === '' ? [] : inside.split(',')).map((part) => {
    const trimmed = part.trim();
    if (!trimmed.startsWith('variadic ')) return trimmed;
    variadic = true;
    return trimmed.slice(9);
  });
  return {
    name: text.slice(0, open).trim(),
    argOids: argNames.map(oidOfName),
    argNames,
    resultOid: oidOfName(text.slice(close + 1).trim()),
    variadic,
  };
}

/** Stable by PostgreSQL's word, because its locale settings count: so no index and no generated column may use them. */
const LOCALISED: ReadonlySet<string> = new Set(['to_char', 'to_date', 'to_number', 'convert_from', 'convert_to']);

function makeEntry(
  signature: Signature,
  oid: number,
  impl: Spread | null,
  rows: FunctionEntry['rows'],
  options: DefineOptions,
): FunctionEntry {
  const arity = signature.argOids.length;
  const direct = impl !== null && !signature.variadic;
  return {
    oid,
    name: signature.name,
    argOids: signature.argOids,
    resultOid: signature.resultOid,
    strict: options.strict ?? true,
    volatility: options.volatility ?? (LOCALISED.has(signature.name) ? 'stable' : 'immutable'),
    variadic: signature.variadic,
    defaults: options.defaults ?? [],
    mayWait: options.mayWait ?? false,
    returnsSet: rows !== null,
    resultColumns: options.resultColumns ?? null,
    ...(options.columnName === undefined ? {} : { columnName: options.columnName }),
    impl:
      impl === null
        ? notScalar(signature.name)
        : direct
          ? byArity(impl, arity)
          : (args, ctx, call) => impl(args, ctx, call),
    call1: direct && arity === 1 ? (impl as FunctionEntry['call1']) : null,
    call2: direct && arity === 2 ? (impl as FunctionEntry['call2']) : null,
    rows,
  };
}

function notScalar(name: string): FunctionEntry['impl'] {
  return () => {
    throw new Error(`set-returning function ${name} called as a scalar`);
  };
}

function byArity(f: Spread, arity: number): FunctionEntry['impl'] {
  switch (arity) {
    case 0:
      return (_args, ctx, call) => f(ctx, call);
    case 1:
      return (args, ctx, call) => f(args[0], ctx, call);
    case 2:
      return (args, ctx, call) => f(args[0], args[1], ctx, call);
    case 3:
      return (args, ctx, call) => f(args[0], args[1], args[2], ctx, call);
    default:
      return (args: readonly Datum[], ctx: ExecContext, call: CallInfo) => f(...args, ctx, call);
  }
}

function guarded(name: string, impl: Spread): Spread {
  const acl = aclOfBuiltIn(name);
  if (acl === null) return impl;
  return (...args) => {
    // The context is the last but one: behind it are the call's types.
    checkCaller(name, acl, args[args.length - 2] as ExecContext);
    return impl(...args);
  };
}

/** A variadic function's implementation gets (args, ctx, call): the list as it was called. */
export function fn(signatureText: string, impl: Implementation, options: DefineOptions = {}): void {
  const signature = parseSignature(signatureText);
  const oid = FUNCTION_OIDS[`${signature.name}(${signature.argNames.join(',')})`] ?? 0;
  addFunction(makeEntry(signature, oid, guarded(signature.name, impl as unknown as Spread), null, options));
}

/** A function that has been made of another entry. */
export function addFunction(entry: FunctionEntry): void {
  functions.push(entry);
  push(functionIndex, entry.name, entry);
}

/** Several signatures, one implementation. */
export function fns(signatures: readonly string[], impl: Implementation, options: DefineOptions = {}): void {
  for (const signature of signatures) fn(signature, impl, options);
}

/** Set-returning; a strict one gives no rows for a NULL argument (the caller's duty). */
export function srf(signatureText: string, rows: SetImplementation, options: DefineOptions = {}): void {
  const signature = parseSignature(signatureText);
  const spread = rows as unknown as (...args: unknown[]) => Iterable<Datum>;
  const oid = FUNCTION_OIDS[`${signature.name}(${signature.argNames.join(',')})`] ?? 0;
  const entry = makeEntry(
    signature,
    oid,
    null,
    (args, ctx, call) => (signature.variadic ? spread(args, ctx, call) : spread(...args, ctx, call)),
    options,
  );
  addFunction(entry);
}

/** 'int4 + int4 = int4'; a prefix operator is '- int4 = int4'. */
export function op(text: string, impl: Implementation, options: DefineOptions = {}): void {
  const equals = text.lastIndexOf(' = ');
  const parts = text.slice(0, equals).trim().split(/\s+/);
  const symbol = parts[parts.length - 2]!;
  const argNames = parts.length === 3 ? [parts[0]!, parts[2]!] : [parts[1]!];
  const signature: Signature = {
    name: symbol,
    argOids: argNames.map(oidOfName),
    argNames,
    resultOid: oidOfName(text.slice(equals + 3).trim()),
    variadic: false,
  };
  const oid = OPERATOR_OIDS[`${symbol}(${argNames.join(',')})`] ?? 0;
  const entry = makeEntry(signature, oid, impl as unknown as Spread, null, options);
  operators.push(entry);
  push(operatorIndex, symbol, entry);
}

export function aggregate(
  signatureText: string,
  options: { readonly strict?: boolean; readonly emptyResult?: Datum },
  init: AggregateEntry['init'],
): AggregateEntry {
  const signature = parseSignature(signatureText);
  const entry: AggregateEntry = {
    oid: FUNCTION_OIDS[`${signature.name}(${signature.argNames.join(',')})`] ?? 0,
    name: signature.name,
    argOids: signature.argOids,
    resultOid: signature.resultOid,
    strict: options.strict ?? true,
    emptyResult: options.emptyResult ?? null,
    init,
  };
  aggregates.push(entry);
  push(aggregateIndex, entry.name, entry);
  return entry;
}
