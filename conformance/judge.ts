/** Whether a query's rows are what a record expects: values as sqllogictest writes them, in its order. */
import { createHash } from 'node:crypto';
import type { QueryRecord, SortMode } from './records.js';

/** @param rows PostgreSQL's texts of the values. @returns null, or in words what is wrong. */
export function judgeQuery(record: QueryRecord, rows: readonly (readonly (string | null)[])[]): string | null {
  const width = rows[0]?.length ?? record.types.length;
  if (width !== record.types.length) return `${width} columns, expected ${record.types.length}`;
  const values = valuesOf(record.types, record.sort, rows);
  const { expected } = record;
  if ('md5' in expected) {
    if (values.length !== expected.count) return `${values.length} values, expected ${expected.count}`;
    return hashOf(values) === expected.md5 ? null : `another hash than expected; ${excerpt(values)}`;
  }
  const same = values.length === expected.length && values.every((value, i) => value === expected[i]);
  return same ? null : `${excerpt(values)}, expected ${excerpt(expected)}`;
}

export function valuesOf(types: string, sort: SortMode, rows: readonly (readonly (string | null)[])[]): string[] {
  const shown = rows.map((row) => row.map((value, i) => show(types[i]!, value)));
  if (sort === 'rowsort') shown.sort(compareRows);
  const values = shown.flat();
  return sort === 'valuesort' ? values.sort(compareTexts) : values;
}

export function hashOf(values: readonly string[]): string {
  const hash = createHash('md5');
  for (const value of values) hash.update(`${value}\n`);
  return hash.digest('hex');
}

function show(type: string, value: string | null): string {
  if (value === null) return 'NULL';
  if (type === 'I') return /^-?\d+$/.test(value) ? value : String(Math.trunc(Number.parseFloat(value)) || 0);
  if (type === 'R') return Number(value).toFixed(3);
  if (value === '') return '(empty)';
  return value.replace(/[^ -~]/g, '@');
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareRows(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareTexts(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return 0;
}

function excerpt(values: readonly string[]): string {
  const shown = values.slice(0, 6).join(' | ');
  return `${values.length} values: ${shown}${values.length > 6 ? ' …' : ''}`;
}
