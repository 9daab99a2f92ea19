/**
 * Constraints of domains. A value of a domain is one of its base type, so all that a domain does is to look at values
 * that become one: at a cast, and at each row that a table with such a column gets (row-writer.ts).
 *
 * CHECK expressions see the value as VALUE. How they are compiled is the planner's business, which gives it here
 * when it is loaded.
 */
import { type ErrorFields, sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { PgArray, PgRecord } from '../types/datum.js';
import type { Datum } from '../types/datum.js';
import { baseOidOf, userTypeIn, userTypeOf } from '../types/user-types.js';
import type { CompositeField } from '../types/composite.js';
import type { DomainCheck, DomainType } from '../types/user-types.js';
import { ownFunction } from './entry.js';
import type { FunctionEntry } from './entry.js';

/** It waits where the check calls a function of a user. */
export type DomainTest = (value: Datum, ctx: ExecContext) => Datum | Promise<Datum>;

export interface CompiledCheck {
  readonly test: DomainTest;
  /** It asks the catalog for names or objects. */
  readonly asks: boolean;
}

let compileTest: (domain: DomainType, check: DomainCheck) => CompiledCheck = () => {
  throw new Error('the planner is not loaded');
};
export function registerDomainTests(compile: typeof compileTest): void {
  compileTest = compile;
}

interface Constraints {
  /** A check calls a function of a user. */
  readonly waits: boolean;
  readonly notNull: boolean;
  readonly tests: readonly ({ readonly name: string } & CompiledCheck)[];
}

/** By handle, from the innermost domain out, as PostgreSQL checks them. */
const compiled = new Map<number, readonly Constraints[]>();

function constraintsOf(handle: number): readonly Constraints[] {
  let all = compiled.get(handle);
  if (all === undefined) {
    const type = userTypeOf(handle);
    if (type?.kind !== 'domain') return [];
    const own: Constraints = {
      waits: type.usedRoutines !== undefined,
      notNull: type.notNull,
      tests: type.checks.map((check) => ({ name: check.name, ...compileTest(type, check) })),
    };
    all = [...constraintsOf(type.typeOid), own];
    compiled.set(handle, all);
  }
  return all;
}

/** True for a domain and an array of one. */
export function isConstrained(oid: number): boolean {
  return userTypeIn(oid)?.kind === 'domain';
}

const holding = new Map<number, boolean>();

/** As isConstrained, and for composite types with such a field, at any depth: what a row that is written is asked for. */
export function holdsDomain(oid: number): boolean {
  if (isConstrained(oid)) return true;
  const type = userTypeIn(oid);
  if (type?.kind !== 'composite') return false;
  let holds = holding.get(oid);
  if (holds === undefined) {
    holds = type.fields.some((field) => holdsDomain(field.typeOid));
    holding.set(oid, holds);
  }
  return holds;
}

/** Whether looking at a value of the type has to wait: of a domain, of an array of such, or with one in a field. */
export function domainWaits(oid: number): boolean {
  const handle = userTypeOf(oid) === null ? oid - 1 : oid;
  if (isConstrained(oid) && constraintsOf(handle).some(({ waits }) => waits)) return true;
  return fieldsWithin(oid).some((field) => domainWaits(field.typeOid));
}

/** Of the composite type that it is, is an array of, or is a domain over. */
function fieldsWithin(oid: number): readonly CompositeField[] {
  if (!holdsDomain(oid)) return [];
  const type = userTypeIn(oid)!;
  const composite = type.kind === 'domain' ? userTypeIn(baseOidOf(oid)) : type;
  return composite?.kind === 'composite' ? composite.fields : [];
}

const asking = new Map<number, boolean>();

/** A check of the domain, or of the elements of an array of such, asks the catalog. */
export function domainAsks(oid: number): boolean {
  if (!isConstrained(oid)) return false;
  const handle = userTypeOf(oid) === null ? oid - 1 : oid;
  let asks = asking.get(handle);
  if (asks === undefined) {
    // A check may come back to its own domain, by a composite type.
    asking.set(handle, false);
    asks = constraintsOf(handle).some(({ tests }) => tests.some((test) => test.asks));
    asking.set(handle, asks);
  }
  return asks;
}

/** As messages name it. */
function shown(domain: DomainType, { services }: ExecContext): string {
  return services.typeName(domain.oid) ?? domain.name;
}

function placeOf({ oid, name }: DomainType, { services }: ExecContext): Pick<ErrorFields, 'schema' | 'dataType'> {
  return { schema: services.typeSchema?.(oid) ?? undefined, dataType: name };
}

function violation(domain: DomainType, constraint: string, ctx: ExecContext): Error {
  return sqlError('23514', `value for domain ${shown(domain, ctx)} violates check constraint "${constraint}"`, {
    ...placeOf(domain, ctx),
    constraint,
  });
}

/** As checkDomain, wherever it may wait. */
export async function checkDomainLater(oid: number, value: Datum, ctx: ExecContext): Promise<void> {
  const type = userTypeOf(oid);
  if (type === null) {
    if (value instanceof PgArray) for (const item of value.elements) await checkDomainLater(oid - 1, item, ctx);
    return;
  }
  if (type.kind === 'domain') {
    for (const { notNull, tests } of constraintsOf(oid)) {
      if (notNull && value === null) throw nullRefused(type, ctx);
      for (const { name: constraint, test } of tests)
        if ((await test(value, ctx)) === false) throw violation(type, constraint, ctx);
    }
  }
  if (!(value instanceof PgRecord)) return;
  for (const [i, { typeOid }] of fieldsWithin(oid).entries()) {
    const field = value.values[i] ?? null;
    if (field !== null && holdsDomain(typeOid)) await checkDomainLater(typeOid, field, ctx);
  }
}

function nullRefused(domain: DomainType, ctx: ExecContext): Error {
  return sqlError('23502', `domain ${shown(domain, ctx)} does not allow null values`, placeOf(domain, ctx));
}

/**
 * A value of a domain, of an array of such, or of a composite type that has one within.
 * @throws QuoralError 23502, 23514; 0A000 where a check would have to wait
 */
export function checkDomain(oid: number, value: Datum, ctx: ExecContext): void {
  const type = userTypeOf(oid);
  if (type === null) {
    // An array: of a domain over something, each element of it is looked at.
    if (value instanceof PgArray) for (const item of value.elements) checkDomain(oid - 1, item, ctx);
    return;
  }
  // As PostgreSQL, constraints of the domains underneath are told of as this one's.
  if (type.kind === 'domain') {
    for (const { notNull, tests, waits } of constraintsOf(oid)) {
      if (notNull && value === null) throw nullRefused(type, ctx);
      if (waits)
        throw sqlError('0A000', `domain ${type.name} has a check that calls a function, which is not supported here`);
      for (const { name: constraint, test } of tests)
        if (test(value, ctx) === false) throw violation(type, constraint, ctx);
    }
  }
  if (!(value instanceof PgRecord)) return;
  for (const [i, { typeOid }] of fieldsWithin(oid).entries()) {
    // The type may have got the field after the value was made: that of NULL is not asked.
    const field = value.values[i] ?? null;
    if (field !== null && holdsDomain(typeOid)) checkDomain(typeOid, field, ctx);
  }
}

const entries = new Map<number, FunctionEntry>();

/** A cast to the domain, of a value of its base type. */
export function domainCast(oid: number): FunctionEntry {
  let entry = entries.get(oid);
  if (entry === undefined) {
    const base = baseOidOf(oid);
    const waits = domainWaits(oid);
    const cast = (value: Datum, ctx: ExecContext): Datum => {
      checkDomain(oid, value, ctx);
      return value;
    };
    const later = async (value: Datum, ctx: ExecContext): Promise<Datum> => {
      await checkDomainLater(oid, value, ctx);
      return value;
    };
    entry = ownFunction({
      name: userTypeIn(oid)!.name,
      argOids: [base],
      resultOid: base,
      castsTo: oid,
      ...(waits
        ? { mayWait: true, volatility: 'volatile', impl: (args, ctx) => later(args[0]!, ctx) }
        : { impl: (args, ctx) => cast(args[0]!, ctx), call1: (value, ctx) => cast(value, ctx) }),
    });
    entries.set(oid, entry);
  }
  return entry;
}
