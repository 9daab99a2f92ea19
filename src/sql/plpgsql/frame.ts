/**
 * The variables of one call. A scalar's value stands in `scalars`, a record's in `records`, at the variable's index.
 * Values are held by the call alone; the account of its memory grows with the large ones.
 */
import { sqlError } from '../../base/errors.js';
import { type Datum, PgArray, PgRecord } from '../types/datum.js';
import { baseOidOf } from '../types/user-types.js';
import type { Variable } from './tree.js';
import { castValue, type Conversion, type Field, type VariableType } from './types.js';

export interface RecordValue {
  readonly columns: readonly Field[];
  readonly values: readonly Datum[];
}

export interface Typed {
  readonly value: Datum;
  readonly oid: number;
}

/** Bytes up to which a value is not counted. */
const SMALL = 256;

export class Frame {
  readonly types: VariableType[];
  readonly scalars: Datum[];
  readonly records: (RecordValue | null)[];
  readonly #sizes: number[] = [];
  readonly #grow: (bytes: number) => void;

  constructor(types: readonly VariableType[], grow: (bytes: number) => void) {
    this.types = [...types];
    this.scalars = types.map(() => null);
    this.records = types.map(() => null);
    this.#grow = grow;
  }

  /** Of a record the whole of it. */
  valueOf({ index }: Variable): Datum {
    if (this.types[index]!.kind !== 'record') return this.scalars[index]!;
    const record = this.records[index];
    return record == null ? null : recordDatum(record);
  }

  /** Without a cast. */
  put(index: number, value: Datum): void {
    this.#account(index, sizeOf(value));
    this.scalars[index] = value;
  }

  putRecord(index: number, record: RecordValue | null): void {
    let bytes = 0;
    for (const value of record?.values ?? []) bytes += sizeOf(value);
    this.#account(index, bytes);
    this.records[index] = record;
  }

  #account(index: number, bytes: number): void {
    const before = this.#sizes[index] ?? 0;
    if (bytes === before) return;
    this.#grow(bytes - before);
    this.#sizes[index] = bytes;
  }

  /** With the assignment's cast. @throws QuoralError 22004 and what the cast throws */
  assign(variable: Variable, from: Typed, conversion: Conversion): void {
    const type = this.types[variable.index]!;
    if (type.kind === 'record') {
      this.assignRecord(variable, from, conversion);
      return;
    }
    const value = castValue(from.value, from.oid, type, conversion);
    if (value === null && variable.notNull) throw nullValue(variable);
    this.put(variable.index, value);
  }

  /** A value of record type into a record variable; NULL makes it one that was not assigned yet. */
  assignRecord(variable: Variable, from: Typed, conversion: Conversion): void {
    const type = this.types[variable.index]!;
    if (from.value === null) {
      if (variable.notNull) throw nullValue(variable);
      if (type.kind === 'record' && type.oid !== undefined) conversion.checkDomain(type.oid, null);
      this.putRecord(variable.index, null);
      return;
    }
    if (!(from.value instanceof PgRecord))
      throw sqlError('42804', 'cannot assign non-composite value to a record variable');
    const { typeOids, values, names } = from.value;
    const fields = typeOids.map((oid, i): Field => ({ name: names?.[i] ?? `f${i + 1}`, oid, typmod: -1 }));
    this.assignRow(variable, { columns: fields, values }, conversion);
  }

  /** Columns in order: a row type casts them, a record takes their shape. */
  assignRow(variable: Variable, row: RecordValue, conversion: Conversion): void {
    const type = this.types[variable.index]!;
    const fixed = type.kind === 'record' ? type.columns : null;
    if (fixed === null) {
      this.putRecord(variable.index, row);
      return;
    }
    const values = fixed.map((field, i) => {
      const from = row.columns[i];
      return from === undefined ? null : castValue(row.values[i] ?? null, from.oid, field, conversion);
    });
    this.#putFixed(variable.index, { columns: fixed, values }, conversion);
  }

  assignField(variable: Variable, name: string, from: Typed, conversion: Conversion): void {
    const record = this.recordOf(variable);
    const at = record.columns.findIndex((c) => c.name === name);
    if (at < 0) throw noField(variable, name);
    const values = record.values.slice();
    values[at] = castValue(from.value, from.oid, record.columns[at]!, conversion);
    this.#putFixed(variable.index, { columns: record.columns, values }, conversion);
  }

  #putFixed(index: number, record: RecordValue, conversion: Conversion): void {
    const type = this.types[index]!;
    if (type.kind === 'record' && type.oid !== undefined && baseOidOf(type.oid) !== type.oid)
      conversion.checkDomain(type.oid, recordDatum(record));
    this.putRecord(index, record);
  }

  /** Whether it is a record that holds nothing, as at its declaration. */
  isUnassigned({ index }: Variable): boolean {
    return this.types[index]!.kind === 'record' && this.records[index] == null;
  }

  /** A record that has a shape. @throws QuoralError 55000 */
  recordOf(variable: Variable): RecordValue {
    const known = this.records[variable.index];
    if (known !== null && known !== undefined) return known;
    const type = this.types[variable.index]!;
    if (type.kind === 'record' && type.columns !== null)
      return { columns: type.columns, values: type.columns.map(() => null) };
    throw sqlError('55000', `record "${variable.name}" is not assigned yet`, {
      detail: 'The tuple structure of a not-yet-assigned record is indeterminate.',
    });
  }
}

function nullValue(variable: Variable): Error {
  return sqlError('22004', `null value cannot be assigned to variable "${variable.name}" declared NOT NULL`);
}

function recordDatum({ columns, values }: RecordValue): PgRecord {
  return new PgRecord(
    columns.map((c) => c.oid),
    values,
    columns.map((c) => c.name),
  );
}

export function noField(variable: Variable, name: string): Error {
  return sqlError('42703', `record "${variable.name}" has no field "${name}"`);
}

/** A guess at the bytes of a large value; 0 for a small one. */
function sizeOf(value: Datum): number {
  if (typeof value === 'string') return value.length > SMALL ? value.length * 2 : 0;
  if (value instanceof Uint8Array) return value.length > SMALL ? value.length : 0;
  if (value instanceof PgArray) {
    const first = value.elements[0];
    const each = typeof first === 'string' ? 24 + first.length * 2 : 32;
    return value.elements.length > 16 ? value.elements.length * each : 0;
  }
  return 0;
}
