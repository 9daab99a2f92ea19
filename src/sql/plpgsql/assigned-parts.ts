/**
 * Assignments to parts of a variable: x[1], r.items[2].price, r.address.city, doc['a']['b']. What is missing on the way
 * is made, as PostgreSQL makes it. Also values that are no records, assigned to a variable that is one.
 */
import { sqlError } from '../../base/errors.js';
import {
  assignElement,
  assignField,
  assignInJson,
  assignSlice,
  elementAt,
  type SliceBounds,
} from '../functions/assign-part.js';
import { type CompositeField, compositeBehaviour } from '../types/composite.js';
import { type Datum, PgRecord } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { elementOidOf, formatType, isArrayType, typeByOid } from '../types/registry.js';
import type { FormatContext } from '../types/type-info.js';
import { baseOidOf, fieldsOf } from '../types/user-types.js';
import type { Evaluation } from './evaluation.js';
import type { Frame, Typed } from './frame.js';
import { noField } from './frame.js';
import type { Place, PlaceStep, SqlPiece, Subscript } from './tree.js';
import { castValue, type Conversion, type Field } from './types.js';

interface Assignment {
  readonly value: Typed;
  readonly sql: Evaluation;
  readonly conversion: Conversion;
}

/** Where on the way the assignment is. */
interface At {
  readonly old: Datum;
  readonly oid: number;
  readonly typmod: number;
  readonly steps: readonly PlaceStep[];
  /** Of the field before, or of the variable, as messages tell it. */
  readonly name: string;
}

/** @throws QuoralError 42703, 42804, 22004, 2202E, and what casts and domains refuse */
export async function putPart(
  { variable, field, steps, written }: Place,
  value: Typed,
  frame: Frame,
  sql: Evaluation,
  conversion: Conversion,
): Promise<void> {
  const assignment = { value, sql, conversion };
  const type = frame.types[variable.index]!;
  if (field === null) {
    const oid = type.kind === 'scalar' ? baseOidOf(type.oid) : (type.oid ?? OID.record);
    const old = frame.valueOf(variable);
    const made = await withSteps({ old, oid, typmod: -1, steps, name: written }, assignment);
    return frame.assign(variable, { value: made, oid }, conversion);
  }
  const record = frame.recordOf(variable);
  const column = record.columns.findIndex((c) => c.name === field);
  if (column < 0) throw noField(variable, field);
  const oid = baseOidOf(record.columns[column]!.oid);
  const made = await withSteps({ old: record.values[column]!, oid, typmod: -1, steps, name: written }, assignment);
  frame.assignField(variable, field, { value: made, oid }, conversion);
}

/** The old value with the part replaced. */
async function withSteps(at: At, assignment: Assignment): Promise<Datum> {
  const [step] = at.steps;
  if (step === undefined) {
    const { value, oid } = assignment.value;
    return castValue(value, oid, at, assignment.conversion);
  }
  const made = 'field' in step ? await withField(at, step.field, assignment) : await withPart(at, step, assignment);
  if (baseOidOf(at.oid) !== at.oid) assignment.conversion.checkDomain(at.oid, made);
  return made;
}

async function withField({ old, oid, steps, name }: At, field: string, assignment: Assignment): Promise<Datum> {
  const fields = fieldsOf(baseOidOf(oid));
  const refused = `cannot assign to field "${field}" of column "${name}" because`;
  if (fields === null) throw misplaced('42804', `${refused} its type ${formatType(oid)} is not a composite type`);
  const index = fields.findIndex((f) => f.name === field);
  if (index < 0) throw misplaced('42703', `${refused} there is no such column in data type ${formatType(oid)}`);
  const { typeOid, typmod } = fields[index]!;
  const inner = old === null ? null : ((old as PgRecord).values[index] ?? null);
  const at = { old: inner, oid: typeOid, typmod, steps: steps.slice(1), name: field };
  return assignField(old, fields, index, await withSteps(at, assignment));
}

async function withPart(
  { old, oid, steps, name }: At,
  { subscripts }: { readonly subscripts: readonly Subscript[] },
  assignment: Assignment,
): Promise<Datum> {
  const { sql } = assignment;
  const rest = steps.slice(1);
  const base = baseOidOf(oid);
  if (base === OID.jsonb) {
    const value = await withSteps({ old: null, oid: OID.jsonb, typmod: -1, steps: rest, name }, assignment);
    return inJson(old, subscripts, sql, value);
  }
  if (!isArrayType(base)) {
    const message = `cannot subscript type ${formatType(base)} because it does not support subscripting`;
    throw misplaced('42804', message);
  }
  const element = elementOidOf(base);
  const int = async (piece: SqlPiece | null): Promise<Datum | undefined> =>
    piece === null ? undefined : await sql.int(piece);
  if (subscripts.every(isElement)) {
    const at: Datum[] = [];
    for (const { from } of subscripts) at.push(await sql.int(from!));
    const inner = { old: elementAt(old, at), oid: element, typmod: -1, steps: rest, name };
    return assignElement(old, element, at, await withSteps(inner, assignment));
  }
  const bounds: SliceBounds[] = [];
  for (const subscript of subscripts) {
    // Beside a slice a single subscript is that of a slice from 1.
    const lower = isElement(subscript) ? 1 : await int(subscript.from);
    bounds.push({ lower, upper: await int(subscript.to) });
  }
  const slice = await withSteps({ old: null, oid: base, typmod: -1, steps: rest, name }, assignment);
  return assignSlice(old, element, bounds, slice);
}

/** At the beginning of the assignment, whose text who runs it adds. */
function misplaced(sqlstate: '42804' | '42703', message: string): Error {
  return sqlError(sqlstate, message, { internalPosition: 1 });
}

function isElement({ from, to }: Subscript): boolean {
  return from !== null && from === to;
}

const INTEGERS: ReadonlySet<number> = new Set([OID.int2, OID.int4, OID.int8]);

async function inJson(old: Datum, subscripts: readonly Subscript[], sql: Evaluation, value: Datum): Promise<Datum> {
  if (!subscripts.every(isElement)) throw sqlError('42804', 'jsonb subscript does not support slices');
  const steps: Typed[] = [];
  for (const { from } of subscripts) steps.push(await sql.typed(from!));
  const path = steps.map((step) => (step.value === null ? null : String(step.value as string | number | bigint)));
  return assignInJson(old, path, INTEGERS.has(steps[0]!.oid), value);
}

/** A value that is no record, read as one by way of its text. @throws QuoralError 0A000, 22P02 */
export function readRecord({ value, oid }: Typed, columns: readonly Field[] | null, format: FormatContext): Typed {
  if (value === null) return { value, oid: OID.record };
  if (columns === null) throw sqlError('0A000', 'input of anonymous composite types is not implemented');
  const fields = columns.map((column, i): CompositeField => ({
    id: i + 1,
    name: column.name,
    typeOid: column.oid,
    typmod: column.typmod,
  }));
  const text = typeByOid(oid).output(value, format);
  const read = compositeBehaviour(fields).input(text, -1, format) as PgRecord;
  // As values of what the domains among them are over: the variable looks at their constraints.
  return { value: new PgRecord(read.typeOids.map(baseOidOf), read.values, read.names), oid: OID.record };
}
