/**
 * Assignment to a part of a column: SET address.city = …, a[1] = …, a[2:3] = …, j['k']['l'] = …, and the same in the
 * column list of an INSERT. It is bound as the column's whole new value, made of the old one.
 *
 * Limits: constraints of domains inside of the column are looked at where those of composite values are.
 */
import type { Node } from 'libpg-query';
import type { ColumnDescriptor } from '../catalog/descriptor.js';
import { assignElement, assignField, assignInJson, assignSlice } from '../functions/assign-part.js';
import { ownFunction } from '../functions/entry.js';
import type { FunctionEntry } from '../functions/entry.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { arrayOidOf, elementOidOf, formatType, isVectorType } from '../types/registry.js';
import { baseOidOf, domainTypmod, fieldsOf } from '../types/user-types.js';
import { as, locationOf } from './ast.js';
import { columnExpr, errorAt } from './binder.js';
import type { ExprContext } from './binder.js';
import { jsonbStep } from './bind-subscript.js';
import { coerce, tryCoerce, typeOfExpr } from './coerce.js';
import { constant } from './expr.js';
import type { Expr } from './expr.js';
import type { Plan } from './logical.js';

/** What a value is wanted for: a column, or a part of one. */
export interface Place {
  readonly oid: number;
  readonly typmod: number;
  /** The message for a value of another type; null: it is a column's. */
  readonly mismatch: ((from: string) => string) | null;
  /** Of the target, where the mismatch is told. */
  readonly location: number;
}

export interface PartTarget {
  readonly column: string;
  readonly parts: readonly Node[];
  /** Of the target in the statement. */
  readonly location: number;
}

function call(name: string, args: readonly Expr[], oid: number, impl: FunctionEntry['impl']): Expr {
  const argOids = args.map((arg) => arg.oid);
  const entry = ownFunction({ name, argOids, resultOid: oid, volatility: 'immutable', impl });
  return { kind: 'call', operator: false, entry, args, info: { argOids, resultOid: oid }, oid, typmod: -1 };
}

/** The whole value: `old` with the part changed to what `value` gives for its place. */
export function bindAssignedPart(
  ctx: ExprContext,
  target: PartTarget,
  old: Expr,
  type: { readonly typeOid: number; readonly typmod: number },
  value: (place: Place) => Expr,
): Expr {
  return partFrom(
    ctx,
    target,
    0,
    old,
    { oid: type.typeOid, typmod: type.typmod, mismatch: null, location: target.location },
    value,
  );
}

function partFrom(
  ctx: ExprContext,
  target: PartTarget,
  at: number,
  old: Expr,
  place: Place,
  value: (place: Place) => Expr,
): Expr {
  const { parts } = target;
  if (at === parts.length) return value(place);
  const oid = baseOidOf(place.oid);
  const name = as(parts[at], 'String')?.sval;
  if (name !== undefined) return fieldPart(ctx, target, at, old, oid, name, value);
  if (as(parts[at], 'A_Indices') === undefined) {
    throw errorAt('0A000', 'row expansion via "*" is not supported here', target.location);
  }
  let end = at;
  while (end < parts.length && as(parts[end], 'A_Indices') !== undefined) end++;
  const indices = parts.slice(at, end);
  if (oid === OID.jsonb) return jsonPart(ctx, target, at, end, old, value);
  return arrayPart(ctx, target, end, indices, old, oid, domainTypmod(place.oid, place.typmod), value);
}

function fieldPart(
  ctx: ExprContext,
  target: PartTarget,
  at: number,
  old: Expr,
  oid: number,
  name: string,
  value: (place: Place) => Expr,
): Expr {
  const fields = fieldsOf(oid);
  if (fields === null) {
    throw errorAt(
      '42804',
      `cannot assign to field "${name}" of column "${target.column}" because its type ${formatType(oid)} is not a composite type`,
      target.location,
    );
  }
  const index = fields.findIndex((field) => field.name === name);
  if (index < 0) {
    throw errorAt(
      '42703',
      `cannot assign to field "${name}" of column "${target.column}" because there is no such column in data type ${formatType(oid)}`,
      target.location,
    );
  }
  const { typeOid, typmod } = fields[index]!;
  const mismatch = (from: string): string =>
    `subfield "${name}" is of type ${formatType(typeOid)} but expression is of type ${from}`;
  const inner: Expr = { kind: 'field', arg: old, index, oid: baseOidOf(typeOid), typmod };
  const made = partFrom(
    ctx,
    target,
    at + 1,
    inner,
    { oid: typeOid, typmod, mismatch, location: target.location },
    value,
  );
  return call('assign_field', [old, made], oid, ([record, field]) =>
    assignField(record as Datum, fields, index, field as Datum),
  );
}

function subscripted(target: PartTarget, oid: number): (from: string) => string {
  return (from) =>
    `subscripted assignment to "${target.column}" requires type ${formatType(oid)} but expression is of type ${from}`;
}

function jsonPart(
  ctx: ExprContext,
  target: PartTarget,
  at: number,
  end: number,
  old: Expr,
  value: (place: Place) => Expr,
): Expr {
  const steps = target.parts.slice(at, end).map((node) => jsonbStep(ctx, as(node, 'A_Indices')!));
  const isArray = steps[0]!.isInteger;
  const { location } = target;
  const place: Place = { oid: OID.jsonb, typmod: -1, mismatch: subscripted(target, OID.jsonb), location };
  // A field of what is found there is refused, jsonb not being a composite type.
  const made = partFrom(ctx, target, end, old, place, value);
  const path = steps.map((step) => step.text);
  return call('assign_in_json', [old, made, ...path], OID.jsonb, ([document, item, ...keys]) =>
    assignInJson(document as Datum, keys, isArray, item as Datum),
  );
}

function arrayPart(
  ctx: ExprContext,
  target: PartTarget,
  end: number,
  indices: readonly Node[],
  old: Expr,
  oid: number,
  typmod: number,
  value: (place: Place) => Expr,
): Expr {
  const element = elementOidOf(oid);
  if (element === 0) {
    throw errorAt(
      '42804',
      `cannot subscript type ${formatType(oid)} because it does not support subscripting`,
      target.location,
    );
  }
  const args: Expr[] = [];
  const position = (node: Node | undefined): number => {
    if (node === undefined) return -1;
    return args.push(coerce(ctx.binder, ctx.bind(ctx, node), OID.int4, 'assignment', locationOf(node))) - 1;
  };
  const bounds = indices.map((node) => {
    const index = as(node, 'A_Indices')!;
    return { lower: position(index.lidx), upper: position(index.uidx), isSlice: index.is_slice ?? false };
  });
  const isSlice = bounds.some((bound) => bound.isSlice);
  const shape = bounds.map(({ lower, upper, isSlice: slice }) => ({
    lower: lower < 0 ? null : args[lower]!,
    upper: upper < 0 ? null : args[upper]!,
    slice,
  }));
  const { location } = target;
  // With a part of it changed a vector is an array, from which nothing leads back.
  if (isVectorType(oid))
    throw errorAt('42846', `cannot cast type ${formatType(arrayOidOf(element))} to ${formatType(oid)}`, location);
  const wanted = isSlice ? oid : element;
  const inner: Expr = { kind: 'subscript', arg: old, subscripts: shape, slice: isSlice, oid: wanted, typmod: -1 };
  const place: Place = { oid: wanted, typmod, mismatch: subscripted(target, wanted), location };
  const made = partFrom(ctx, target, end, inner, place, value);
  return call('assign_part', [old, made, ...args], oid, ([array, item, ...values]) => {
    const at = (index: number): Datum | undefined => (index < 0 ? undefined : values[index]!);
    if (!isSlice) {
      return assignElement(
        array as Datum,
        element,
        bounds.map((bound) => at(bound.upper)!),
        item as Datum,
      );
    }
    // A single subscript among slices stands for all up to it.
    const slices = bounds.map((bound) =>
      bound.isSlice ? { lower: at(bound.lower), upper: at(bound.upper) } : { lower: 1, upper: at(bound.upper) },
    );
    return assignSlice(array as Datum, element, slices, item as Datum);
  });
}

/** @throws QuoralError 42804 */
export function coercePart(ctx: ExprContext, expr: Expr, place: Place, location: number): Expr {
  const b = ctx.binder;
  const typmod = domainTypmod(place.oid, place.typmod);
  const made = tryCoerce(b, expr, baseOidOf(place.oid), typmod, 'assignment', location);
  if (made !== null) return made;
  throw errorAt('42804', place.mismatch!(formatType(typeOfExpr(b, expr))), place.location, {
    hint: 'You will need to rewrite or cast the expression.',
  });
}

/** DEFAULT has no meaning for a part. */
export function refuseDefault({ parts, location }: PartTarget): void {
  const last = as(parts[0], 'A_Indices') === undefined ? 'a subfield' : 'an array element';
  throw errorAt('0A000', `cannot set ${last} to DEFAULT`, location);
}

/** What an INSERT gives for the column at a position: one value, or parts of it by and by. */
export function bindCells(
  ctx: ExprContext,
  named: readonly number[],
  parts: readonly (PartTarget | null)[],
  position: number,
  column: { readonly typeOid: number; readonly typmod: number },
  cell: { whole(i: number): Expr; part(i: number, place: Place): Expr },
): Expr {
  let made: Expr | null = null;
  named.forEach((of, i) => {
    if (of !== position) return;
    const part = parts[i] ?? null;
    const old: Expr = made ?? constant(null, baseOidOf(column.typeOid));
    made = part === null ? cell.whole(i) : bindAssignedPart(ctx, part, old, column, (place) => cell.part(i, place));
  });
  return made!;
}

/** The column, with the type of its part that is given. */
export function leafColumn<T extends { readonly typeOid: number; readonly typmod: number }>(
  ctx: ExprContext,
  column: T,
  part: PartTarget | null | undefined,
): T {
  if (part == null) return column;
  let leaf = column;
  bindAssignedPart(ctx, part, constant(null, baseOidOf(column.typeOid)), column, (place) => {
    leaf = { ...column, typeOid: place.oid, typmod: place.typmod };
    return constant(null, baseOidOf(place.oid));
  });
  return leaf;
}

/** Rows of parts, as rows of the columns at the positions. */
export function withParts(
  ctx: ExprContext,
  input: Plan,
  named: readonly number[],
  parts: readonly (PartTarget | null)[],
  positions: readonly number[],
  columns: readonly ColumnDescriptor[],
): Plan {
  const value = (i: number): Expr => columnExpr(input.columns[i]!);
  const items = positions.map((position) => {
    const column = columns[position]!;
    const expr = bindCells(ctx, named.slice(0, input.columns.length), parts, position, column, {
      whole: value,
      part: value,
    });
    return { column: ctx.binder.column(column.name, expr.oid, expr.typmod), expr };
  });
  return { kind: 'project', columns: items.map((item) => item.column), input, items };
}
