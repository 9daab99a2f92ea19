/**
 * Whether the last statement of a function in SQL gives what the function returns. Asked when the function is made, and again
 * when it is called: `check_function_bodies` may have been off, and tables may have changed since.
 */
import { sqlError } from '../../base/errors.js';
import type { Routine } from '../catalog/descriptor.js';
import { outputsOf } from '../plan/routines.js';
import { canCoerce } from '../types/casts.js';
import { OID } from '../types/oids.js';
import { formatType } from '../types/registry.js';
import { baseOidOf, fieldsOf } from '../types/user-types.js';

export interface WantedResult {
  readonly typeOid: number;
  /** Types of the columns of a row, where they are known. */
  readonly fields: readonly number[] | null;
}

/** As far as CREATE FUNCTION says it. */
export function declaredResult(routine: Routine): WantedResult {
  const { typeOid, procedure } = routine;
  const outputs = outputsOf(routine);
  // A procedure gives a row of its outputs, though it be one alone.
  const isRow = typeOid !== OID.record && !procedure;
  const fields = isRow ? fieldsOf(baseOidOf(typeOid)) : outputs.length > 1 || procedure ? outputs : null;
  // Of void, a procedure without outputs, nothing is wanted.
  const shown = procedure && typeOid !== OID.void ? OID.record : typeOid;
  return { typeOid: shown, fields: fields?.map((f) => f.typeOid) ?? null };
}

/**
 * `columns`: of the last statement, null where it gives none.
 * @throws QuoralError 42P13
 */
export function checkResult(
  { typeOid, fields }: WantedResult,
  columns: readonly { readonly typeOid: number }[] | null,
): void {
  if (typeOid === OID.void) return;
  const mismatch = (detail: string): Error =>
    sqlError('42P13', `return type mismatch in function declared to return ${formatType(typeOid)}`, { detail });
  if (columns === null) throw mismatch("Function's final statement must be SELECT or INSERT/UPDATE/DELETE RETURNING.");
  if (fields === null) {
    if (typeOid === OID.record) return;
    if (columns.length !== 1) throw mismatch('Final statement must return exactly one column.');
    const own = ownType(columns[0]!);
    if (!isAssigned(own, typeOid)) throw mismatch(`Actual return type is ${formatType(own)}.`);
    return;
  }
  const [single] = columns;
  if (columns.length === 1 && (ownType(single!) === OID.record || isAssigned(ownType(single!), typeOid))) return;
  fields.forEach((wanted, i) => {
    const column = columns[i];
    if (column === undefined) throw mismatch('Final statement returns too few columns.');
    if (!isAssigned(ownType(column), wanted))
      throw mismatch(
        `Final statement returns ${formatType(ownType(column))} instead of ${formatType(wanted)} at column ${i + 1}.`,
      );
  });
  if (columns.length > fields.length) throw mismatch('Final statement returns too many columns.');
}

/** A literal that nothing has given a type is text. */
function ownType({ typeOid }: { readonly typeOid: number }): number {
  return typeOid === OID.unknown ? OID.text : typeOid;
}

function isAssigned(from: number, to: number): boolean {
  const base = baseOidOf(to);
  return from === base || canCoerce(from, base, 'assignment');
}
