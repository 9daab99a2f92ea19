/** What an assignment to x[…] makes of the value of x: an element or a slice of an array, a place in a jsonb document. */
import { sqlError } from '../../base/errors.js';
import { assignElement, assignInJson, assignSlice, type SliceBounds } from '../functions/assign-part.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { elementOidOf, formatType, isArrayType } from '../types/registry.js';
import type { Evaluation } from './evaluation.js';
import type { Typed } from './frame.js';
import type { Place, SqlPiece } from './tree.js';

/** `old` of type `oid` with the part replaced. @throws QuoralError 42804, 22004, 2202E */
export async function withPart(
  old: Datum,
  oid: number,
  subscripts: Place['subscripts'],
  sql: Evaluation,
  cast: (to: number) => Datum,
): Promise<Datum> {
  if (oid === OID.jsonb) return inJson(old, subscripts, sql, cast(OID.jsonb));
  if (!isArrayType(oid))
    throw sqlError('42804', `cannot subscript type ${formatType(oid)} because it does not support subscripting`);
  const element = elementOidOf(oid);
  const int = async (piece: SqlPiece | null): Promise<Datum | undefined> =>
    piece === null ? undefined : await sql.int(piece);
  if (subscripts.every(isElement)) {
    const at: Datum[] = [];
    for (const { from } of subscripts) at.push(await sql.int(from!));
    return assignElement(old, element, at, cast(element));
  }
  const bounds: SliceBounds[] = [];
  for (const subscript of subscripts) {
    // Beside a slice a single subscript is that of a slice from 1.
    const lower = isElement(subscript) ? 1 : await int(subscript.from);
    bounds.push({ lower, upper: await int(subscript.to) });
  }
  return assignSlice(old, element, bounds, cast(oid));
}

function isElement({ from, to }: Place['subscripts'][number]): boolean {
  return from !== null && from === to;
}

const INTEGERS: ReadonlySet<number> = new Set([OID.int2, OID.int4, OID.int8]);

async function inJson(old: Datum, subscripts: Place['subscripts'], sql: Evaluation, value: Datum): Promise<Datum> {
  if (!subscripts.every(isElement)) throw sqlError('42804', 'jsonb subscript does not support slices');
  const steps: Typed[] = [];
  for (const { from } of subscripts) steps.push(await sql.typed(from!));
  const path = steps.map((step) => (step.value === null ? null : String(step.value as string | number | bigint)));
  return assignInJson(old, path, INTEGERS.has(steps[0]!.oid), value);
}
