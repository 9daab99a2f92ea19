/**
 * Type coercion as PostgreSQL does it: unknown literals and untyped parameters take the type that the
 * context wants; everything else goes through pg_cast's rules. Literals are read at once where the
 * result can depend on no setting and no clock; otherwise once per execution.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import { assert } from '../../base/assert.js';
import { findCast, identityCast, isBinaryCoercible, canCoerce, selectCommonType } from '../types/casts.js';
import type { CastContext } from '../types/casts.js';
import type { Datum, PgArray } from '../types/datum.js';
import { typeCollation } from '../types/collated.js';
import { leftOutType } from '../types/left-out.js';
import { OID } from '../types/oids.js';
import {
  findTypeByOid,
  formatType,
  elementOidOf,
  makeTypmod,
  typeByOid,
  isArrayType,
  arrayOidOf,
} from '../types/registry.js';
import { domainCast, isConstrained } from '../functions/domains.js';
import type { CompositeField } from '../types/composite.js';
import { baseOidOf, domainTypmod, fieldsOf, userTypeOf } from '../types/user-types.js';
import type { Node, TypeName } from 'libpg-query';
import type { FindCollation } from './collation-names.js';
import { as, builtInType, typeNameOf } from './ast.js';
import { addPosition, errorAt } from './binder.js';
import type { Binder } from './binder.js';
import { declaredOid } from './declared-types.js';
import { constant } from './expr.js';
import type { Expr } from './expr.js';

const SETTING_FREE: ReadonlySet<number> = new Set<number>([
  OID.bool,
  OID.bytea,
  OID.char,
  OID.name,
  OID.int8,
  OID.int2,
  OID.int4,
  OID.text,
  OID.oid,
  OID.json,
  OID.jsonb,
  OID.float4,
  OID.float8,
  OID.bpchar,
  OID.varchar,
  OID.interval,
  OID.numeric,
  OID.uuid,
  OID.unknown,
  OID.refcursor,
  OID.xid,
  OID.cid,
  OID.tid,
  OID.int2vector,
  OID.oidvector,
  OID.record,
  OID.regtype,
  OID.bit,
  OID.varbit,
  OID.inet,
  OID.cidr,
  OID.macaddr,
  OID.macaddr8,
  OID.pgLsn,
  OID.pgSnapshot,
  OID.txidSnapshot,
  OID.jsonpath,
  3904, // int4range, numrange, int8range and their multiranges
  3906,
  3926,
  4451,
  4532,
  4536,
]);
const TEXT_DEPENDENT: ReadonlySet<number> = new Set<number>([
  OID.bytea,
  OID.float4,
  OID.float8,
  OID.interval,
  OID.record,
]);
const STRINGS: ReadonlySet<number> = new Set<number>([OID.text, OID.varchar, OID.bpchar, OID.name]);

/** True if reading this literal as that type gives the same value for ever. */
function literalIsImmutable(text: string, oid: number): boolean {
  const element = isArrayType(oid) ? elementOidOf(oid) : oid;
  if (SETTING_FREE.has(element) || userTypeOf(element)?.kind === 'enum') return true;
  if (element !== oid) return false;
  if (oid === OID.date || oid === OID.timestamp)
    return /^\s*\d{4}-\d\d-\d\d([ T]\d|\s*$)/.test(text) && !/[a-su-y]/i.test(text.replace('T', ' '));
  if (oid === OID.time) return /^\s*\d\d:\d\d/.test(text) && !/[a-z]/i.test(text);
  return (
    oid === OID.timestamptz && /^\s*\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?\s*(Z|[+-]\d\d(:?\d\d)?)\s*$/.test(text)
  );
}

/** Its text is written and read by a function that does not know how immutable those of the elements are. */
function isContainer(oid: number): boolean {
  return isArrayType(oid) || typeByOid(oid).category === 'R';
}

/** The text of an enum's value is not: its label may be renamed. */
export function castIsImmutable(from: number, to: number): boolean {
  if (isContainer(from) !== isContainer(to)) return false;
  const f = isArrayType(from) ? elementOidOf(from) : from;
  const t = isArrayType(to) ? elementOidOf(to) : to;
  if (STRINGS.has(t) && TEXT_DEPENDENT.has(f)) return false;
  if ((f === OID.date && t === OID.timestamp) || (f === OID.timestamp && t === OID.date)) return true;
  return f === t || (SETTING_FREE.has(f) && SETTING_FREE.has(t) && t !== OID.regtype && f !== OID.regtype);
}

export function typeOfExpr(b: Binder, e: Expr): number {
  if (e.kind === 'param' && e.oid === OID.unknown) {
    const known = b.parameterOids[e.index];
    if (known !== undefined && known !== 0 && known !== OID.unknown) return baseOidOf(known);
  }
  return e.oid;
}

/** For a parameter whose type was settled after this reference was bound. */
export function settle(b: Binder, e: Expr): Expr {
  const oid = typeOfExpr(b, e);
  return oid === e.oid ? e : ({ ...e, oid } as Expr);
}

/** null if there is no such coercion in this context. */
export function tryCoerce(
  b: Binder,
  expr: Expr,
  oid: number,
  typmod: number,
  context: CastContext,
  location = -1,
): Expr | null {
  if (oid === OID.any || oid === 0) return settle(b, expr);
  if (expr.collate !== undefined) {
    // What is cast is inside of it, as long as there is something to collate.
    const { collate, ...bare } = expr;
    const made = tryCoerce(b, bare, oid, typmod, context, location);
    return made === null || typeCollation(made.oid) === null ? made : { ...made, collate };
  }
  if (isConstrained(oid)) return toDomain(b, expr, oid, context, location);
  const fields = fieldsOf(oid);
  if (fields !== null && expr.kind === 'row' && expr.oid === OID.record)
    return toComposite(b, expr, oid, fields, context, location);
  if (expr.kind === 'param' && typeOfExpr(b, expr) === OID.unknown) {
    if (oid === OID.unknown) return expr;
    b.parameterOids[expr.index] = oid;
    const param: Expr = { ...expr, oid };
    if (typmod < 0) return param;
    b.parameterFits[expr.index] = { typmod, explicit: context === 'explicit' };
    return applyCast(b, param, oid, typmod, context);
  }
  const e = settle(b, expr);
  if (e.kind === 'const' && e.oid === OID.unknown)
    return coerceLiteral(b, e.value, oid, typmod, context, e.location ?? location);
  if (e.oid === oid) {
    // Written, it takes the domain and the modifier away.
    if (context === 'explicit' && declaredOid(e) !== oid) return applyCast(b, e, oid, typmod, context);
    if (typmod === e.typmod || (typmod < 0 && context !== 'explicit')) return e;
    return applyCast(b, e, oid, typmod, context);
  }
  if (e.oid === OID.unknown) {
    // A column of unknown type cannot be made by our binder except through a subquery's literal.
    return applyCast(b, { ...e } as Expr, oid, typmod, context);
  }
  if (e.kind === 'row' && oid === OID.record) return e;
  // To be of any type, or any array's, changes nothing of a value.
  if (oid === OID.anyelement || (oid === OID.anyarray && isArrayType(e.oid))) return e;
  const isNull = e.kind === 'const' && e.value === null;
  if (isNull && b.notes === null && canCoerce(e.oid, oid, context)) return constant(null, oid, typmod);
  if (!canCoerce(e.oid, oid, context) || findCast(e.oid, oid, context) === null) return null;
  // Whoever writes the query again shows the cast of the whole.
  if (e.kind === 'array' && !e.nested && isArrayType(oid) && isArrayType(e.oid) && b.notes === null) {
    const element = elementOidOf(oid);
    const items = e.elements.map((item) => tryCoerce(b, item, element, typmod, context, location));
    if (items.every((item) => item !== null)) return { ...e, elements: items, oid, typmod };
  }
  return applyCast(b, e, oid, typmod, context);
}

/** ROW(…) as a composite type: each field by itself. @throws QuoralError 42846 for another number of fields */
function toComposite(
  b: Binder,
  row: Extract<Expr, { kind: 'row' }>,
  oid: number,
  fields: readonly CompositeField[],
  context: CastContext,
  location: number,
): Expr | null {
  if (row.args.length !== fields.length) {
    throw errorAt('42846', `cannot cast type record to ${formatType(oid)}`, location, {
      detail: `Input has too ${row.args.length < fields.length ? 'few' : 'many'} columns.`,
    });
  }
  if (fields.some((field) => field.collation !== undefined)) b.collated = true;
  const { written = row.args, ...bare } = row;
  const args = fields.map((field, i) => tryCoerce(b, written[i]!, field.typeOid, field.typmod, context, location));
  const bad = args.indexOf(null);
  if (bad >= 0) {
    const given = formatType(typeOfExpr(b, row.args[bad]!));
    throw errorAt('42846', `cannot cast type record to ${formatType(oid)}`, location, {
      detail: `Cannot cast type ${given} to ${formatType(fields[bad]!.typeOid)} in column ${bad + 1}.`,
    });
  }
  return { ...bare, args: args as Expr[], names: fields.map((field) => field.name), oid };
}

/** A parameter that nothing has given a type yet. */
export function isUntyped(b: Binder, e: Expr): e is Extract<Expr, { kind: 'param' }> {
  return e.kind === 'param' && typeOfExpr(b, e) === OID.unknown;
}

/** To the domain's base type, and then a look at its constraints. */
function toDomain(b: Binder, expr: Expr, oid: number, context: CastContext, location: number): Expr | null {
  if (declaredOid(expr) === oid) return expr;
  const base = baseOidOf(oid);
  const typmod = domainTypmod(oid, -1);
  // One of another domain over the same type is that as it is.
  const untyped = isUntyped(b, expr);
  const fits = expr.oid === base && (typmod < 0 || typmod === expr.typmod) && declaredOid(expr) !== base;
  // What a parameter of the domain is given is read as an assigned value is.
  const arg = fits ? settle(b, expr) : tryCoerce(b, expr, base, typmod, untyped ? 'assignment' : context, location);
  if (arg === null) return null;
  if (untyped) b.parameterOids[expr.index] = oid;
  const info = { argOids: [base], resultOid: base };
  return { kind: 'call', entry: domainCast(oid), operator: false, args: [arg], info, oid: base, typmod };
}

function applyCast(b: Binder, arg: Expr, oid: number, typmod: number, context: CastContext): Expr | null {
  if (typmod < 0 && isBinaryCoercible(arg.oid, oid)) {
    // Whoever writes the query again shows what was written.
    if (arg.kind === 'const' && b.notes === null) return { ...arg, oid, typmod };
    return { kind: 'cast', arg, fn: identityCast, explicit: context === 'explicit', stable: false, oid, typmod };
  }
  const fn = findCast(arg.oid, oid, context);
  if (fn === null) return null;
  return {
    kind: 'cast',
    arg,
    fn,
    explicit: context === 'explicit',
    stable: !castIsImmutable(arg.oid, oid),
    oid,
    typmod,
  };
}

function coerceLiteral(
  b: Binder,
  value: Datum,
  oid: number,
  typmod: number,
  context: CastContext,
  location: number,
): Expr | null {
  if (value === null) return constant(null, oid, typmod);
  assert(typeof value === 'string', 'an unknown literal is text');
  if (oid === OID.unknown) return constant(value, oid);
  const type = typeByOid(oid);
  if (type.category === 'P' && oid !== OID.cstring && oid !== OID.record) {
    if (oid === OID.anyarray || oid === OID.anyelement) return constant(value, OID.text);
    return null;
  }
  if (literalIsImmutable(value, oid)) {
    const fn = findCast(OID.unknown, oid, context);
    if (fn === null) return null;
    // An interval's modifier says how to read it; other types are read first and then cut to length,
    // and only the reading's errors have a position.
    const readAs = oid === OID.interval ? typmod : -1;
    let read: Datum;
    try {
      read = fn(value, readAs, b.settings.format);
    } catch (error) {
      throw addPosition(error, location);
    }
    b.namesTypes ||= namesUserType(read, oid);
    const fitted =
      read === null || typmod < 0 || readAs === typmod ? read : type.applyTypmod(read, typmod, context === 'explicit');
    return constant(fitted, oid, typmod);
  }
  const fn = findCast(OID.unknown, oid, context);
  if (fn === null) return null;
  const cast: Expr = {
    kind: 'cast',
    arg: constant(value, OID.unknown),
    fn,
    explicit: context === 'explicit',
    stable: true,
    oid,
    typmod,
  };
  // A bad literal is an error even if no row is ever read.
  try {
    fn(value, typmod, b.settings.format);
  } catch (error) {
    throw addPosition(error, location);
  }
  return cast;
}

/** Those below are of what is built in. */
const FIRST_USER_OID = 16384;

function namesUserType(read: Datum, oid: number): boolean {
  if (oid === OID.regtype) return typeof read === 'number' && read >= FIRST_USER_OID;
  if (!isArrayType(oid) || elementOidOf(oid) !== OID.regtype) return false;
  return read !== null && (read as PgArray).elements.some((item) => namesUserType(item, OID.regtype));
}

export function coerce(b: Binder, expr: Expr, oid: number, context: CastContext, location = -1, typmod = -1): Expr {
  const result = tryCoerce(b, expr, oid, typmod, context, location);
  if (result === null) {
    throw errorAt('42846', `cannot cast type ${formatType(typeOfExpr(b, expr))} to ${formatType(oid)}`, location);
  }
  return result;
}

/** For an assignment to a column. */
export function coerceAssignment(
  b: Binder,
  expr: Expr,
  column: { name: string; typeOid: number; typmod: number },
  location: number,
): Expr {
  // Who writes the row looks at the constraints of a domain.
  const oid = baseOidOf(column.typeOid);
  const typmod = domainTypmod(column.typeOid, column.typmod);
  const untyped = isConstrained(column.typeOid) && isUntyped(b, expr);
  const result = tryCoerce(b, expr, oid, typmod, 'assignment', location);
  if (untyped) b.parameterOids[expr.index] = column.typeOid;
  if (result === null) {
    throw errorAt(
      '42804',
      `column "${column.name}" is of type ${formatType(column.typeOid)} but expression is of type ${formatType(typeOfExpr(b, expr))}`,
      location,
      { hint: 'You will need to rewrite or cast the expression.' },
    );
  }
  return result;
}

/** An argument of EXECUTE. */
export function coerceParameter(b: Binder, expr: Expr, number: number, oid: number, location: number): Expr {
  const result = tryCoerce(b, expr, oid, -1, 'assignment', location);
  if (result !== null) return result;
  const [from, to] = [formatType(typeOfExpr(b, expr)), formatType(oid)];
  throw errorAt(
    '42804',
    `parameter $${number} of type ${from} cannot be coerced to the expected type ${to}`,
    location,
    {
      hint: 'You will need to rewrite or cast the expression.',
    },
  );
}

/** Must be boolean: WHERE, AND, CASE WHEN, … */
export function coerceBoolean(b: Binder, expr: Expr, what: string, location: number): Expr {
  const result = tryCoerce(b, expr, OID.bool, -1, 'implicit', location);
  if (result === null || result.oid !== OID.bool) {
    throw errorAt(
      '42804',
      `argument of ${what} must be type boolean, not type ${formatType(typeOfExpr(b, expr))}`,
      location,
    );
  }
  return result;
}

/** Everything still unknown becomes text, as for an output column. */
export function resolveUnknown(b: Binder, expr: Expr): Expr {
  const e = settle(b, expr);
  if (e.oid !== OID.unknown) return e;
  return tryCoerce(b, e, OID.text, -1, 'implicit') ?? e;
}

/** `locations`: of each, or one for all. */
export function commonType(
  b: Binder,
  exprs: readonly Expr[],
  what: string,
  locations: number | readonly number[] = -1,
): number {
  return selectCommonType(
    exprs.map((e) => typeOfExpr(b, e)),
    what,
    (message, i) => errorAt('42804', message, typeof locations === 'number' ? locations : (locations[i] ?? -1)),
  );
}

/** Where names of types that users made are looked up. */
export interface TypeScope {
  /** `node` is the parse node that names it. */
  userType(schema: string | null, name: string, node: object): number | null;
  /** Of users, as those. */
  readonly findCollation?: FindCollation;
}
export const BUILT_IN_ONLY: TypeScope = { userType: () => null };

/** The type that a written name means, with its modifier. */
/** For statements whose errors about types have no place. @throws QuoralError as resolveTypeName does */
export function resolveUnplaced(type: TypeName, scope: TypeScope): { readonly oid: number; readonly typmod: number } {
  try {
    return resolveTypeName(type, scope);
  } catch (error) {
    if (!(error instanceof QuoralError) || error.sqlstate !== '42704') throw error;
    throw sqlError('42704', error.message);
  }
}

export function resolveTypeName(type: TypeName, scope: TypeScope): { readonly oid: number; readonly typmod: number } {
  const written = typeNameOf(type);
  const builtIn = builtInType(written.schema, written.name);
  const userOid = builtIn === null ? scope.userType(written.schema, written.name, type) : null;
  const found = builtIn ?? (userOid === null ? null : typeByOid(userOid));
  if (found === null) {
    const shown = written.schema === null ? written.name : `${written.schema}.${written.name}`;
    const leftOut = [null, 'pg_catalog'].includes(written.schema) ? leftOutType(written.name) : null;
    if (leftOut !== null) throw addPosition(leftOut, written.location);
    throw errorAt('42704', `type "${shown}" does not exist`, written.location);
  }
  let typmod = -1;
  if (written.typmods.length > 0) {
    const numbers = written.typmods.map((m: Node) => {
      const c = as(m, 'A_Const');
      if (c?.ival === undefined)
        throw errorAt('22023', 'type modifiers must be simple constants or identifiers', written.location);
      return c.ival.ival ?? 0;
    });
    try {
      typmod = makeTypmod(found.oid, numbers);
    } catch (error) {
      throw addPosition(error, written.location);
    }
  } else if (found.oid === OID.bpchar && written.schema === 'pg_catalog' && written.name === 'bpchar') {
    // CHAR without a length is CHAR(1): the grammar gives that typmod itself, so none here means bpchar.
    typmod = -1;
  }
  if (!written.isArray) return { oid: found.oid, typmod };
  // Its values would be arrays of arrays of their own, which there are none of.
  if (userOid !== null && isArrayType(baseOidOf(found.oid)) && baseOidOf(found.oid) !== found.oid)
    throw sqlError('0A000', 'an array of a domain over an array is not supported');
  const array = arrayOidOf(found.oid) || (isArrayType(found.oid) ? found.oid : 0);
  if (array === 0 || findTypeByOid(array) === null) throw sqlError('42704', `type "${written.name}[]" does not exist`);
  return { oid: array, typmod };
}
