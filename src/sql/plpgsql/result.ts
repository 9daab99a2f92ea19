/** What a call is to give, and what RETURN and its relatives have given so far. */
import { sqlError } from '../../base/errors.js';
import type { MemoryAccount } from '../contract.js';
import { rowBytes } from '../exec/run.js';
import { type Datum, PgRecord } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { catalogOidOf, formatType } from '../types/registry.js';
import { recordOf } from '../types/composite.js';
import { baseOidOf, fieldsOf } from '../types/user-types.js';
import type { Frame, RecordValue, Typed } from './frame.js';
import type { Variable } from './tree.js';
import { castValue, type Conversion, type Field } from './types.js';

export interface ResultType {
  readonly set: boolean;
  /** Of a single value; for a record, OID.record. */
  readonly oid: number;
  readonly typmod: number;
  /** Columns of a record whose shape is known. */
  readonly fields: readonly Field[] | null;
  /** OUT and INOUT parameters and the columns of RETURNS TABLE: what they hold is the result. */
  readonly out: readonly Variable[] | null;
  readonly isVoid: boolean;
  /** Columns of a record must be of the very types: PL/pgSQL casts none of them, SQL does. */
  readonly exact: boolean;
}

export class CallResult {
  readonly type: ResultType;
  readonly #memory: MemoryAccount;
  readonly #conversion: Conversion;
  readonly rows: Datum[] = [];
  value: Datum;
  returned = false;

  constructor(type: ResultType, memory: MemoryAccount, conversion: Conversion) {
    this.type = type;
    this.value = type.isVoid ? '' : null;
    this.#memory = memory;
    this.#conversion = conversion;
  }

  /** Where a row is to be returned. */
  refuseScalar(value: Typed | RecordValue): void {
    const { fields, oid, isVoid } = this.type;
    if (isVoid || (fields === null && oid !== OID.record) || 'values' in value) return;
    if (value.value !== null && !(value.value instanceof PgRecord))
      throw sqlError('42804', 'cannot return non-composite value from function returning composite type');
  }

  /** RETURN value. */
  give(value: Typed | RecordValue): void {
    this.returned = true;
    this.value = this.#made(value, 'returned record type does not match expected record type');
  }

  /** RETURN NEXT value. */
  next(value: Typed | RecordValue): void {
    this.#add(this.#made(value, 'wrong record type supplied in RETURN NEXT'));
  }

  #made(value: Typed | RecordValue, mismatch: string): Datum {
    return 'values' in value ? this.#record(value, mismatch) : this.#cast(value, mismatch);
  }

  /** What the OUT parameters hold, as the result or the next row. */
  giveOut(frame: Frame, next: boolean): void {
    const { out, fields } = this.type;
    if (out === null) return;
    let value: Datum;
    if (fields === null || (out.length === 1 && this.type.oid !== OID.record)) value = frame.valueOf(out[0]!);
    else {
      value = this.#recordOf(
        fields,
        out.map((v) => frame.valueOf(v)),
      );
    }
    if (next) this.#add(value);
    else {
      this.returned = true;
      this.value = value;
    }
  }

  #add(value: Datum): void {
    this.#memory.grow(rowBytes([value]) + (value instanceof PgRecord ? rowBytes(value.values) : 0));
    this.rows.push(value);
  }

  #cast(from: Typed, mismatch: string): Datum {
    const { fields, oid, typmod, isVoid } = this.type;
    if (isVoid) return '';
    if (fields === null && oid !== OID.record)
      return castValue(from.value, from.oid, { oid, typmod }, this.#conversion);
    if (from.value === null) return this.#checked(null);
    this.refuseScalar(from);
    const { typeOids, values, names } = from.value as PgRecord;
    // Whatever lengths and precisions its type gives them.
    const columns = typeOids.map((o, i) => ({
      name: names?.[i] ?? `f${i + 1}`,
      oid: o,
      typmod: fields?.[i]?.typmod ?? -1,
    }));
    return this.#record({ columns, values }, mismatch);
  }

  #record(from: RecordValue, mismatch: string): Datum {
    const { fields } = this.type;
    if (fields === null) {
      const value = this.#recordOf(from.columns, from.values);
      const { oid, typmod } = this.type;
      return oid === OID.record ? value : castValue(value, OID.record, { oid, typmod }, this.#conversion);
    }
    if (from.columns.length !== fields.length) {
      throw sqlError('42804', mismatch, {
        detail: `Number of returned columns (${from.columns.length}) does not match expected column count (${fields.length}).`,
      });
    }
    if (this.type.exact) checkColumns(from.columns, fields, mismatch);
    const values = fields.map((f, i) => castValue(from.values[i] ?? null, from.columns[i]!.oid, f, this.#conversion));
    return this.#checked(this.#recordOf(fields, values));
  }

  /** With names, and of a composite type as all of its values are. */
  #recordOf(fields: readonly Field[], values: readonly Datum[]): PgRecord {
    const declared = fieldsOf(baseOidOf(this.type.oid));
    if (declared !== null && declared.length === fields.length) return recordOf(declared, values);
    return new PgRecord(
      fields.map((f) => f.oid),
      values,
      fields.map((f) => f.name),
    );
  }

  /** Of a domain over a composite type. */
  #checked(value: PgRecord | null): Datum {
    const { oid } = this.type;
    if (baseOidOf(oid) !== oid) this.#conversion.checkDomain(oid, value);
    return value;
  }

  /** Before the rows of RETURN QUERY are taken: their types must be exactly those of the result. */
  checkQuery(columns: readonly { readonly typeOid: number }[]): void {
    const wanted = this.type.fields ?? [{ oid: this.type.oid }];
    if (this.type.fields === null && this.type.oid === OID.record) return;
    const mismatch = (detail: string): Error =>
      sqlError('42804', 'structure of query does not match function result type', { detail });
    if (columns.length !== wanted.length) {
      throw mismatch(
        `Number of returned columns (${columns.length}) does not match expected column count (${wanted.length}).`,
      );
    }
    columns.forEach((column, i) => {
      const { oid } = wanted[i]!;
      // A query gives a domain's values as of the type that it is over.
      if (column.typeOid === oid || column.typeOid === baseOidOf(oid)) return;
      throw mismatch(
        `Returned type ${formatType(column.typeOid)} does not match expected type ${formatType(wanted[i]!.oid)} in column ${i + 1}.`,
      );
    });
  }

  addQueryRow(columns: readonly { readonly name: string; readonly typeOid: number }[], row: readonly Datum[]): void {
    if (this.type.fields === null && this.type.oid !== OID.record) this.#add(row[0] ?? null);
    else {
      const named = this.type.fields;
      this.#add(
        new PgRecord(
          columns.map((c) => c.typeOid),
          row,
          columns.map((c, i) => named?.[i]?.name ?? c.name),
        ),
      );
    }
  }
}

/** Domains are as what they are over: an expression of one is of that type here. @throws QuoralError 42804 */
function checkColumns(columns: readonly Field[], fields: readonly Field[], mismatch: string): void {
  fields.forEach((wanted, i) => {
    const { oid, typmod } = columns[i]!;
    const same = catalogOidOf(baseOidOf(oid)) === catalogOidOf(baseOidOf(wanted.oid));
    if (same && (wanted.typmod < 0 || typmod === wanted.typmod || baseOidOf(wanted.oid) !== wanted.oid)) return;
    const shown = `${formatType(oid, typmod)} does not match expected type ${formatType(wanted.oid, wanted.typmod)}`;
    throw sqlError('42804', mismatch, { detail: `Returned type ${shown} in column ${i + 1}.` });
  });
}
