/** Operators by name, as regoper and regoperator read and show them. They all come from functions/index.ts. */
import { sqlError } from '../../base/errors.js';
import { splitName } from './identifiers.js';
import { readTypeName, requireSchema, splitSignature, type TypeNames } from './reg-procedures.js';
import type { FormatContext } from './type-info.js';

export interface NamedOperator {
  readonly oid: number;
  readonly name: string;
  /** One for a prefix operator, else two. */
  readonly argOids: readonly number[];
}

/** Given by the operators' lists at load (a higher module of this layer). */
export interface BuiltInOperators {
  find(oid: number): NamedOperator | null;
  named(name: string): readonly NamedOperator[];
}
let builtIn: BuiltInOperators = { find: () => null, named: () => [] };
export function registerOperatorNames(operators: BuiltInOperators): void {
  builtIn = operators;
}

function candidates(written: string, ctx: FormatContext): readonly NamedOperator[] {
  const parts = splitName(written);
  if (parts.length > 3) throw sqlError('42601', `improper qualified name (too many dotted names): ${parts.join('.')}`);
  if (parts.length === 3) throw sqlError('0A000', `cross-database references are not implemented: ${parts.join('.')}`);
  const schema = parts.length === 2 ? parts[0]! : null;
  if (schema !== null && schema !== 'pg_catalog') {
    requireSchema(schema, ctx);
    return [];
  }
  return builtIn.named(parts.at(-1)!);
}

/** A built-in one of exactly these arguments: one for a prefix operator. */
export function findOperator(name: string, argOids: readonly number[]): number | null {
  const found = builtIn
    .named(name)
    .find((one) => one.argOids.length === argOids.length && one.argOids.every((oid, i) => oid === argOids[i]));
  return found?.oid ?? null;
}

function missing(text: string): Error {
  return sqlError('42883', `operator does not exist: ${text}`);
}

/** @throws QuoralError 42883, 42725, 42602, 3F000 */
export function readOperator(text: string, ctx: FormatContext): number {
  const found = candidates(text, ctx);
  if (found.length > 1) throw sqlError('42725', `more than one operator named ${text}`);
  if (found[0] === undefined) throw missing(text);
  return found[0].oid;
}

/** '+(int4, int4)' or '-(NONE, int4)'. @throws QuoralError 42883, 42P02, 54023, 42704, 42602, 22P02 */
export function readOperatorSignature(text: string, ctx: FormatContext, typeNames: TypeNames): number {
  const { name, types } = splitSignature(text);
  const isNone = (type: string): boolean => /^none$/i.test(type);
  const argOids = types.map((type) => (isNone(type) ? 0 : readTypeName(type, ctx, typeNames)));
  if (argOids.length === 1)
    throw sqlError('42P02', 'missing argument', {
      hint: 'Use NONE to denote the missing argument of a unary operator.',
    });
  if (argOids.length !== 2)
    throw sqlError('54023', 'too many arguments', { hint: 'Provide two argument types for operator.' });
  const wanted = argOids[0] === 0 ? argOids.slice(1) : argOids;
  const parts = splitName(name);
  // A schema that is not there has no operators either.
  const found = parts.length === 1 || parts[0] === 'pg_catalog' ? candidates(name, ctx) : [];
  const one = found.find(
    (operator) => operator.argOids.length === wanted.length && operator.argOids.every((oid, i) => oid === wanted[i]),
  );
  if (one === undefined) throw missing(text);
  return one.oid;
}

export function showOperator(oid: number): string {
  if (oid === 0) return '0';
  const found = builtIn.find(oid);
  if (found === null) return String(oid);
  return builtIn.named(found.name).length === 1 ? found.name : `pg_catalog.${found.name}`;
}

export function showOperatorSignature(oid: number, ctx: FormatContext, typeNames: TypeNames): string {
  if (oid === 0) return '0';
  const found = builtIn.find(oid);
  if (found === null) return String(oid);
  const types = found.argOids.map((type) => typeNames.show(type, ctx));
  return `${found.name}(${types.length === 1 ? 'NONE,' : ''}${types.join(',')})`;
}
