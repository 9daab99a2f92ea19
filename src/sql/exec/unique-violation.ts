/** What a duplicate key is told as. */
import { type QuoralError, sqlError } from '../../base/errors.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import type { Datum } from '../types/datum.js';
import { typeByOid } from '../types/registry.js';
import type { FormatContext } from '../types/type-info.js';
import type { IndexCodec } from './index-codec.js';

export interface NamedTable {
  readonly table: TableDescriptor;
  readonly schemaName: string;
}

/** `values`: of the index's columns. */
export function duplicateKey(
  { table, schemaName }: NamedTable,
  index: IndexCodec,
  values: readonly Datum[],
  format: FormatContext,
  /** Of the table's columns; null: all. */
  readable: ReadonlySet<number> | null = null,
): QuoralError {
  const isShown = readable === null || index.index.columns.every(({ columnId }) => readable.has(columnId));
  const names = index.keys.map((k) => k.label).join(', ');
  const shown = values.map((value, i) => showValue(index.keys[i]!.typeOid, value, format)).join(', ');
  return sqlError('23505', `duplicate key value violates unique constraint "${index.index.name}"`, {
    ...(isShown ? { detail: `Key (${names})=(${shown}) already exists.` } : {}),
    schema: schemaName,
    table: table.name,
    constraint: index.index.name,
  });
}

export function showValue(typeOid: number, value: Datum, format: FormatContext): string {
  return value === null ? 'null' : typeByOid(typeOid).output(value, format);
}
