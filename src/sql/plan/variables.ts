/**
 * Names that are no columns: variables and arguments of a function whose body the statement stands in. They are
 * parameters of the compiled statement. Where a name is also a column's, the function says which one is meant.
 */
import { sqlError } from '../../base/errors.js';
import type { UsedRoutine } from '../catalog/descriptor.js';
import { OID } from '../types/oids.js';
import { baseOidOf, fieldsOf } from '../types/user-types.js';
import { type Binder, errorAt } from './binder.js';
import { coerce } from './coerce.js';
import type { Expr, ParamExpr } from './expr.js';
import { declaredAs, fieldOf } from './declared-types.js';

export interface VariableField {
  readonly name: string;
  /** Of the parameter, from 0. */
  readonly index: number;
  readonly oid: number;
  readonly typmod: number;
  /** The key of the collation that the variable was declared with. */
  readonly collation?: string;
}

export type VariableReference =
  /** `part`: of a composite value the field of that name. */
  | { readonly kind: 'value'; readonly value: VariableField; readonly part?: string }
  /** `oid`: of the composite type that it is of. */
  | { readonly kind: 'record'; readonly fields: readonly VariableField[]; readonly oid?: number };

/** What a stored tree names by oids. */
export interface PinnedNames {
  readonly usedRoutines?: readonly UsedRoutine[];
  readonly usedTypes?: readonly { readonly typeOid: number }[];
}

export interface VariableNames {
  /** Of a statement that is kept as a tree. */
  readonly pinned?: PinnedNames | undefined;
  /** What a name means that is also a column's. */
  readonly conflict: 'error' | 'variable' | 'column';
  /** Of texts among them, if it is not their types'. */
  readonly collation?: string | undefined;
  /** The statement is bound, or bound anew: its parameters are counted from the first. */
  begin(): void;
  /** Whether there is such a variable, whatever it holds. */
  has(names: readonly string[]): boolean;
  /** null: no variable has that name. @throws QuoralError 42703, 55000 */
  find(names: readonly string[]): VariableReference | null;
}

/** The variable of that name; null if there is none. */
export function bindVariable(b: Binder, names: readonly string[]): Expr | null {
  const found = b.variables?.find(names) ?? null;
  if (found === null) return null;
  if (found.kind === 'value') {
    const whole = parameter(b, found.value);
    return found.part === undefined ? whole : (partsOf(whole).find(({ name }) => name === found.part)?.expr ?? null);
  }
  const args = found.fields.map((field) => parameter(b, field));
  const fieldNames = found.fields.map(({ name }) => name);
  const row: Expr = { kind: 'row', args, names: fieldNames, oid: OID.record, typmod: -1 };
  return found.oid === undefined ? row : coerce(b, row, found.oid, 'explicit');
}

function partsOf(arg: Expr): { readonly name: string; readonly expr: Expr }[] {
  return (fieldsOf(arg.oid) ?? []).map(({ name, typeOid, typmod }, index) => ({
    name,
    expr: fieldOf(arg, index, { typeOid, typmod }),
  }));
}

function parameter(b: Binder, field: VariableField): Expr {
  while (b.parameterOids.length <= field.index) b.parameterOids.push(0);
  b.parameterOids[field.index] = field.oid;
  // What is in it has been a value of its domain since it was assigned.
  const oid = baseOidOf(field.oid);
  const bare: ParamExpr = { kind: 'param', index: field.index, name: field.name, oid, typmod: field.typmod };
  const param = declaredAs(bare, field.oid);
  if (field.collation === undefined) return param;
  b.collated = true;
  return { ...param, collation: field.collation };
}

/** The variable in place of a column of the same name, if the function wants it so. @throws QuoralError 42702 */
export function variableBeforeColumn(b: Binder, names: readonly string[], location: number): Expr | null {
  const { variables } = b;
  if (variables === null || variables.conflict === 'column' || !variables.has(names)) return null;
  if (variables.conflict === 'variable') return bindVariable(b, names);
  throw errorAt('42702', `column reference "${names.join('.')}" is ambiguous`, location, {
    detail: 'It could refer to either a PL/pgSQL variable or a table column.',
  });
}

/** $n in the body of a function. */
export function bindArgument(b: Binder, n: number, location: number): Expr {
  const found = bindVariable(b, [`$${n}`]);
  if (found === null) throw errorAt('42P02', `there is no parameter $${n}`, location);
  return found;
}

/** The fields of a record in place of record.*; null if that is no record. */
export function variableStar(b: Binder, names: readonly string[]): readonly { name: string; expr: Expr }[] | null {
  const found = b.variables?.find(names) ?? null;
  if (found === null) return null;
  if (found.kind === 'value' && found.part === undefined && fieldsOf(found.value.oid) !== null)
    return partsOf(parameter(b, found.value));
  if (found.kind === 'value') throw sqlError('42809', `column notation .* applied to a value that is no row`);
  return found.fields.map((field) => ({ name: field.name, expr: parameter(b, field) }));
}
