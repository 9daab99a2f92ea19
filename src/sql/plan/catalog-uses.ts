/**
 * Which expressions ask the catalog for names and objects as they run. A statement that has one gets a view of the whole
 * catalog before it runs; without it only what the node happens to have met is found, and the rest is taken not to exist:
 * `to_regclass(x) IS NULL` would be true of tables that are there. So what is not known to do without is taken to ask.
 */
import { domainAsks } from '../functions/domains.js';
import { NAMES_OF_OBJECTS, OID } from '../types/oids.js';
import { elementOidOf } from '../types/registry.js';
import { baseOidOf, fieldsOf } from '../types/user-types.js';
import { walk, type Expr } from './expr.js';

const ASKING =
  /^(pg_|to_reg|has_|row_security_active|acl|makeaclitem|format_type|currval|current_schema|obj_description|col_description|shobj_description)/;
const WITHOUT: ReadonlySet<string> = new Set([
  // They wait for what they look for.
  'nextval',
  'setval',
  'pg_sleep',
  'pg_sleep_for',
  'pg_sleep_until',
  'pg_backend_pid',
  'pg_notify',
  'pg_column_size',
  'pg_client_encoding',
]);

/** A name of an object, or what has one within. */
export function namesObject(oid: number, depth = 0): boolean {
  const base = baseOidOf(oid);
  if (NAMES_OF_OBJECTS.includes(base)) return true;
  const element = elementOidOf(base);
  if (element !== 0) return namesObject(element, depth);
  return depth < 10 && (fieldsOf(base)?.some((field) => namesObject(field.typeOid, depth + 1)) ?? false);
}

/** To make a value of this type may need names of objects. */
export function needsNames(oid: number): boolean {
  return namesObject(oid) || isCheckedByNames(oid);
}

/** The expression, or one within it, asks. */
export function anyAsksCatalog(expr: Expr): boolean {
  let asks = false;
  walk(expr, (e) => void (asks ||= asksCatalog(e)));
  return asks;
}

/** A value that becomes one of this type is looked at by a check that asks. */
export function isCheckedByNames(oid: number, depth = 0): boolean {
  if (domainAsks(oid)) return true;
  const base = baseOidOf(oid);
  const element = elementOidOf(base);
  if (element !== 0) return isCheckedByNames(element, depth);
  return depth < 10 && (fieldsOf(base)?.some((field) => isCheckedByNames(field.typeOid, depth + 1)) ?? false);
}

const NUMBERS: ReadonlySet<number> = new Set([OID.oid, OID.int2, OID.int4, OID.int8]);

/** Of the expression itself, not of those within it. */
export function asksCatalog(e: Expr): boolean {
  switch (e.kind) {
    case 'call':
    case 'srf':
      if (e.entry.routine !== undefined) return takesNames(e.args);
      if (WITHOUT.has(e.entry.name)) return false;
      if (ASKING.test(e.entry.name) || isCheckedByNames(e.entry.castsTo ?? e.oid)) return true;
      return namesObject(e.oid) || (e.entry.volatility !== 'immutable' && takesNames(e.args));
    case 'aggregate':
      return takesNames(e.args);
    case 'row':
      return takesNames(e.args);
    case 'cast':
      if (e.arg.kind === 'const' && e.arg.value === null) return false;
      return changesName(e.arg.oid, e.oid) || isCheckedByNames(e.oid);
    case 'sqlvalue':
      return e.name === 'current_schema';
    default:
      return false;
  }
}

function takesNames(args: readonly Expr[]): boolean {
  return args.some((arg) => namesObject(arg.oid));
}

function changesName(from: number, to: number): boolean {
  if (from === to || NUMBERS.has(baseOidOf(from)) || NUMBERS.has(baseOidOf(to))) return false;
  return namesObject(from) || namesObject(to);
}
