/** What the catalog's functions tell of functions and procedures: built-in ones, and those of users. */
import { languageHandlers, typeFunctions, type Uncalled, windowFunctions } from '../catalog/virtual/type-functions.js';
import type { ExecContext } from '../contract.js';
import type { Datum, PgArray } from '../types/datum.js';
import { formatType } from '../types/registry.js';
import { fn } from './define.js';
import { argumentNames } from './argument-names.js';
import { quoteIdentifier } from './strings.js';
import { procedureByOid } from './procedure-oids.js';
import { shownSql } from './shown-sql.js';
import { argumentsText, resultText, routineText, shownBody } from './routine-text.js';

const STABLE = { volatility: 'stable' } as const;

/** Of functions that catalogs name and that nothing here calls. */
let uncalled: ReadonlyMap<number, Uncalled> | null = null;

function uncalledByOid(oid: number): Uncalled | undefined {
  uncalled ??= new Map([...typeFunctions(), ...windowFunctions(), ...languageHandlers()].map((one) => [one.oid, one]));
  return uncalled.get(oid);
}

function argumentTypes(oid: number): Datum {
  const procedure = procedureByOid(oid);
  if (procedure === null) {
    const types = uncalledByOid(oid)?.proargtypes as PgArray | undefined;
    return types?.elements.map((type) => formatType(type as number)).join(', ') ?? null;
  }
  const { entry } = procedure;
  const { argOids } = entry;
  const variadic = 'variadic' in entry && entry.variadic;
  const names = argumentNames(oid);
  const named = (i: number): string =>
    names?.[i] === undefined || names[i] === '' ? '' : `${quoteIdentifier(names[i])} `;
  const taken = argOids.map(
    (arg, i) => (variadic && i === argOids.length - 1 ? 'VARIADIC ' : '') + named(i) + formatType(arg),
  );
  const given = (('resultColumns' in entry && entry.resultColumns) || []).map(
    ({ name, typeOid }) => `OUT ${quoteIdentifier(name)} ${formatType(typeOid)}`,
  );
  return [...taken, ...given].join(', ');
}
function argumentsOf(oid: number, defaults: boolean, ctx: ExecContext): Datum {
  const found = ctx.services.routineByOid?.(oid) ?? null;
  return found === null ? argumentTypes(oid) : argumentsText(found.routine, defaults, ctx);
}
fn('pg_get_function_arguments(oid) text', (oid: number, ctx: ExecContext) => argumentsOf(oid, true, ctx), STABLE);
fn(
  'pg_get_function_identity_arguments(oid) text',
  (oid: number, ctx: ExecContext) => argumentsOf(oid, false, ctx),
  STABLE,
);
/** Of a parameter that takes something in, by its number among all; null: it has none, or is not there. */
function defaultOf(oid: number, number: number, ctx: ExecContext): Datum {
  const parameter = ctx.services.routineByOid?.(oid)?.routine.parameters[number - 1];
  if (parameter === undefined || parameter.mode === 'out' || parameter.mode === 'table') return null;
  return parameter.defaultSql == null ? null : shownSql(parameter.defaultSql, ctx);
}
fn('pg_get_function_arg_default(oid, int4) text', defaultOf, STABLE);
fn(
  'pg_get_function_result(oid) text',
  (oid: number, ctx: ExecContext) => {
    const found = ctx.services.routineByOid?.(oid) ?? null;
    if (found !== null) return resultText(found.routine, ctx);
    const entry = procedureByOid(oid)?.entry;
    if (entry === undefined) {
      const type = uncalledByOid(oid)?.prorettype;
      return type === undefined ? null : formatType(type as number);
    }
    return ('returnsSet' in entry && entry.returnsSet ? 'SETOF ' : '') + formatType(entry.resultOid);
  },
  STABLE,
);
fn(
  'pg_get_function_sqlbody(oid) text',
  (oid: number, ctx: ExecContext) => {
    const found = ctx.services.routineByOid?.(oid) ?? null;
    return found === null ? null : shownBody(found.group.name, found.routine, ctx);
  },
  STABLE,
);
fn(
  'pg_get_functiondef(oid) text',
  (oid: number, ctx: ExecContext) => {
    const found = ctx.services.routineByOid?.(oid) ?? null;
    if (found === null) return null;
    const schema = ctx.services.schemaNameOf(found.group.schemaId) ?? 'public';
    return routineText(schema, found.group.name, found.routine, ctx);
  },
  STABLE,
);
