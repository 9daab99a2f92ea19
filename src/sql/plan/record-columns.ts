/**
 * The columns of records that have no named type: what a function gives, what ROW(…) and whole rows are made of, and
 * what columns of subqueries carry on of these.
 */
import { concreteTypes, isPolymorphic } from '../functions/polymorphic.js';
import { OID } from '../types/oids.js';
import { declaredOid } from './declared-types.js';
import type { Expr } from './expr.js';

export interface RecordField {
  readonly name: string;
  readonly typeOid: number;
}

/** By the id of a column that holds records. */
export type RecordColumns = Map<number, readonly RecordField[]>;

/** null: nothing is known of them. */
export function recordFieldsOf(known: RecordColumns, e: Expr): readonly RecordField[] | null {
  switch (e.kind) {
    case 'call':
    case 'srf': {
      const { resultColumns } = e.entry;
      if (resultColumns === null) return null;
      if (!resultColumns.some((c) => isPolymorphic(c.typeOid))) return resultColumns;
      const given = e.info.argOids.map((oid, i) => (e.args[i]?.oid === oid ? declaredOid(e.args[i]) : oid));
      const concrete = concreteTypes(e.entry.argOids, given);
      return resultColumns.map((c) => ({ ...c, typeOid: concrete(c.typeOid) }));
    }
    case 'row':
      return e.args.map((a, i) => ({ name: a.kind === 'column' ? a.name : `f${i + 1}`, typeOid: declaredOid(a) }));
    case 'column':
      return known.get(e.id) ?? null;
    default:
      return null;
  }
}

/** What `e` gives goes on in the column. */
export function noteRecord(known: RecordColumns, columnId: number, e: Expr): void {
  if (e.oid !== OID.record) return;
  const fields = recordFieldsOf(known, e);
  if (fields !== null) known.set(columnId, fields);
}

/** The column has now what one, now what the other gives: names come from the first. */
export function noteSameRecords(known: RecordColumns, columnId: number, [first, ...others]: readonly Expr[]): void {
  if (first === undefined) return;
  const types = (e: Expr): string | undefined =>
    recordFieldsOf(known, e)
      ?.map((f) => f.typeOid)
      .join();
  if (others.every((e) => types(e) === types(first))) noteRecord(known, columnId, first);
}
