/** Functions by name, as regproc and regprocedure read and show them. The built-in ones come from functions/index.ts. */
import { sqlError } from '../../base/errors.js';
import { quoteIdentifier, splitName } from './identifiers.js';
import type { FormatContext } from './type-info.js';

/** Names of built-in functions, given by the function registry at load (a higher module of this layer). */
export interface BuiltInNames {
  find(oid: number): { readonly name: string; readonly argOids: readonly number[]; readonly isOnly: boolean } | null;
  /** Of that name, with the types if they are given. */
  oidsOf(name: string, argOids: readonly number[] | null): readonly number[];
}
let builtIn: BuiltInNames = { find: () => null, oidsOf: () => [] };
export function registerProcedureNames(names: BuiltInNames): void {
  builtIn = names;
}

const BUILT_IN_SCHEMAS: ReadonlySet<string> = new Set(['pg_catalog', 'public', 'information_schema']);

export interface TypeNames {
  read(text: string, ctx: FormatContext): number;
  show(oid: number, ctx: FormatContext): string;
}

function missing(text: string): Error {
  return sqlError('42883', `function "${text}" does not exist`);
}

/** @throws QuoralError 3F000 */
export function requireSchema(schema: string | null, ctx: FormatContext): void {
  if (schema === null || BUILT_IN_SCHEMAS.has(schema)) return;
  if (ctx.names?.schemaOid?.(schema) === null) throw sqlError('3F000', `schema "${schema}" does not exist`);
}

/** 'f(int, text)' into the name and what stands within the parentheses. @throws QuoralError 22P02 */
export function splitSignature(text: string): { readonly name: string; readonly types: readonly string[] } {
  const open = plainPlaces(text).find((at) => text[at] === '(');
  if (open === undefined) throw sqlError('22P02', 'expected a left parenthesis');
  const rest = text.slice(open + 1).trimEnd();
  if (!rest.endsWith(')')) throw sqlError('22P02', 'expected a right parenthesis');
  const inside = rest.slice(0, -1);
  const types: string[] = [];
  let depth = 0;
  let from = 0;
  for (const at of plainPlaces(inside)) {
    const c = inside[at]!;
    if (c === '(' || c === '[') depth++;
    else if (c === ')' || c === ']') depth--;
    else if (c === ',' && depth === 0) {
      types.push(inside.slice(from, at).trim());
      from = at + 1;
    }
    if (depth < 0) throw sqlError('22P02', 'improper type name');
  }
  if (depth !== 0) throw sqlError('22P02', 'improper type name');
  const last = inside.slice(from).trim();
  if (last !== '') types.push(last);
  else if (types.length > 0) throw sqlError('22P02', 'expected a type name');
  return { name: text.slice(0, open), types };
}

/** Places of the characters that are not within double quotes. */
function plainPlaces(text: string): number[] {
  const places: number[] = [];
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') quoted = !quoted;
    else if (!quoted) places.push(at);
  }
  return places;
}

/** @throws QuoralError 42601, 42704 */
export function readTypeName(type: string, ctx: FormatContext, typeNames: TypeNames): number {
  if (!/\w/.test(type))
    throw sqlError('42601', type === '' ? 'invalid type name ""' : `syntax error at or near "${type}"`);
  return typeNames.read(type, ctx);
}

/** The only function that is built in and not of pg_catalog. */
const EXPAND_ARRAY = '_pg_expandarray';

/** @throws QuoralError 42883, 42725, 42704, 22P02, 3F000 */
export function readProcedure(text: string, signature: boolean, ctx: FormatContext, typeNames: TypeNames): number {
  const { name, types } = signature ? splitSignature(text) : { name: text, types: null };
  const parts = splitName(name);
  const own = parts.at(-1)!;
  const schema = parts.length > 1 ? parts.at(-2)! : null;
  const argOids = types?.map((type) => readTypeName(type, ctx, typeNames)) ?? null;
  const home = own === EXPAND_ARRAY ? 'information_schema' : 'pg_catalog';
  const found = schema === home || (schema === null && own !== EXPAND_ARRAY) ? builtIn.oidsOf(own, argOids) : [];
  if (found.length > 1) throw sqlError('42725', `more than one function named "${text}"`);
  if (found[0] !== undefined) return found[0];
  if (schema === 'pg_catalog' || (schema === home && own === EXPAND_ARRAY)) throw missing(text);
  requireSchema(schema, ctx);
  const oid = ctx.names?.routineOid?.(name, argOids) ?? null;
  if (oid === null) throw missing(text);
  return oid;
}

export function showProcedure(oid: number, signature: boolean, ctx: FormatContext, typeNames: TypeNames): string {
  if (oid === 0) return '-';
  const found = builtIn.find(oid);
  if (found === null) return ctx.names?.routineName?.(oid, signature) ?? String(oid);
  const name = found.name === EXPAND_ARRAY ? `information_schema.${EXPAND_ARRAY}` : quoteIdentifier(found.name);
  if (!signature) return found.isOnly ? name : `pg_catalog.${name}`;
  return `${name}(${found.argOids.map((type) => typeNames.show(type, ctx)).join(',')})`;
}
