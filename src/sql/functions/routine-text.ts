/**
 * Functions and procedures of users as SQL: pg_get_functiondef and its relatives.
 *
 * Limits: a body in standard SQL that changes rows is shown as it was written, PostgreSQL shows it made anew from its tree.
 */
import { sqlError } from '../../base/errors.js';
import type { Routine, RoutineParameter } from '../catalog/descriptor.js';
import type { ExecContext } from '../contract.js';
import { catalogOidOf, findTypeByOid, formatType } from '../types/registry.js';
import { formatFloat4 } from '../types/float.js';
import { isHandle } from '../types/user-types.js';
import { shownSql } from './shown-sql.js';
import { quoteIdentifier, quoteLiteral } from './strings.js';

const MODES = { in: '', out: 'OUT ', inout: 'INOUT ', variadic: 'VARIADIC ', table: '' } as const;

/** RETURN … or BEGIN ATOMIC … END, which PostgreSQL keeps as a tree. */
export function standardBodyOf({ language, body }: Routine): string | null {
  const found = language === 'sql' ? /^\s*(return\b|begin\s+atomic\b)/i.exec(body) : null;
  if (found === null) return null;
  return found[1]!.toUpperCase().replace(/\s+/, ' ') + body.slice(found[0].length).trimEnd();
}

/** As PostgreSQL makes it anew from its tree. null: the body is a string. */
export function shownBody(name: string, routine: Routine, ctx: ExecContext): string | null {
  if (routine.trees === undefined) return standardBodyOf(routine);
  return ctx.services.bodyText?.(name, routine) ?? standardBodyOf(routine);
}

function shownType(oid: number, ctx: ExecContext): string {
  const known = !isHandle(oid) && findTypeByOid(oid) !== null;
  return known ? formatType(oid) : (ctx.services.typeName(catalogOidOf(oid)) ?? formatType(oid));
}

function shownParameter(p: RoutineParameter, procedure: boolean, defaults: boolean, ctx: ExecContext): string {
  const mode = p.mode === 'in' && procedure ? 'IN ' : MODES[p.mode];
  const name = p.name === '' ? '' : `${quoteIdentifier(p.name)} `;
  const value = defaults && p.defaultSql !== null ? ` DEFAULT ${shownSql(p.defaultSql, ctx)}` : '';
  return mode + name + shownType(p.typeOid, ctx) + value;
}

export function argumentsText(routine: Routine, defaults: boolean, ctx: ExecContext): string {
  const { parameters, procedure, aggregate } = routine;
  const shown = parameters.filter((p) => p.mode !== 'table').map((p) => shownParameter(p, procedure, defaults, ctx));
  const direct = aggregate?.direct;
  if (direct === undefined) return shown.join(', ');
  return `${shown.slice(0, direct.count).join(', ')}${direct.count > 0 ? ' ' : ''}ORDER BY ${shown.slice(direct.count).join(', ')}`;
}

/** null: a procedure, which has none. */
export function resultText(routine: Routine, ctx: ExecContext): string | null {
  if (routine.procedure) return null;
  const table = routine.parameters.filter((p) => p.mode === 'table');
  if (table.length > 0) return `TABLE(${table.map((p) => shownParameter(p, false, false, ctx)).join(', ')})`;
  const relation = routine.rowsOf == null ? null : ctx.services.relationName(routine.rowsOf);
  return (routine.set ? 'SETOF ' : '') + (relation ?? shownType(routine.typeOid, ctx));
}

const NAME_LISTS = /^(search_path|temp_tablespaces|(session|shared|local)_preload_libraries)$/;

function settingText(entry: string): string {
  const [name = '', ...rest] = entry.split('=');
  const value = rest.join('=');
  const values = NAME_LISTS.test(name) ? namesIn(value) : [value];
  return ` SET ${quoteIdentifier(name)} TO ${values.map(quoteLiteral).join(', ')}\n`;
}

/** Of a list of names, the names. */
function namesIn(value: string): string[] {
  return [...value.matchAll(/"((?:[^"]|"")*)"|[^,\s"]+/g)].map((m) => m[1]?.replaceAll('""', '"') ?? m[0]);
}

function estimatesText({ cost, rows, set }: Routine): string[] {
  return [
    cost === undefined || cost === 100 ? '' : ` COST ${formatFloat4(cost)}`,
    !set || rows === undefined || rows === 1000 ? '' : ` ROWS ${formatFloat4(rows)}`,
  ];
}

/** The statement that would make it again. */
export function routineText(schema: string, name: string, routine: Routine, ctx: ExecContext): string {
  if (routine.aggregate !== undefined) throw sqlError('42809', `"${name}" is an aggregate function`);
  const kind = routine.procedure ? 'procedure' : 'function';
  const full = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
  const result = resultText(routine, ctx);
  const facts = [
    routine.volatility === 'volatile' ? '' : ` ${routine.volatility.toUpperCase()}`,
    routine.parallel === undefined ? '' : ` PARALLEL ${routine.parallel.toUpperCase()}`,
    routine.strict ? ' STRICT' : '',
    routine.securityDefiner ? ' SECURITY DEFINER' : '',
    routine.leakproof === true ? ' LEAKPROOF' : '',
    ...estimatesText(routine),
  ].join('');
  const head = [
    `CREATE OR REPLACE ${kind.toUpperCase()} ${full}(${argumentsText(routine, true, ctx)})\n`,
    result === null ? '' : ` RETURNS ${result}\n`,
    ` LANGUAGE ${routine.language}\n`,
    facts === '' ? '' : `${facts}\n`,
    ...(routine.config ?? []).map(settingText),
  ].join('');
  const standard = shownBody(name, routine, ctx);
  if (standard !== null) return `${head}${standard}\n`;
  let quote = `$${kind}`;
  while (routine.body.includes(quote)) quote += 'x';
  return `${head}AS ${quote}$${routine.body}${quote}$\n`;
}
