/** The columns of any relation by its oid, with their numbers: what functions about objects tell of a part of one. */
import { indexColumns } from '../catalog/virtual/index-columns.js';
import { LAYOUTS } from '../catalog/virtual/layout.js';
import type { Layout } from '../catalog/virtual/layout.js';
import type { ExecContext } from '../contract.js';
import { fieldsOf } from '../types/user-types.js';

export interface NumberedColumn {
  readonly id: number;
  readonly name: string;
}

/** Of rows that are stored; numbered from -1 down. */
const SYSTEM_COLUMNS: readonly NumberedColumn[] = ['ctid', 'xmin', 'cmin', 'xmax', 'cmax', 'tableoid'].map(
  (name, i) => ({ id: -1 - i, name }),
);
const OF_SEQUENCES = ['last_value', 'log_cnt', 'is_called'];

const catalogs: ReadonlyMap<number, Layout> = new Map(LAYOUTS.map((layout) => [layout.oid, layout]));

export function catalogLayout(oid: number): Layout | null {
  return catalogs.get(oid) ?? null;
}

function numbered(names: readonly string[]): NumberedColumn[] {
  return names.map((name, i) => ({ id: i + 1, name }));
}

/** Those that were dropped too, under the names that they have then; none of what is no relation. */
export function columnsOfRelation(oid: number, { services }: ExecContext): readonly NumberedColumn[] {
  const layout = catalogLayout(oid);
  if (layout !== null) {
    const own = numbered(layout.columns.map(({ name }) => name));
    return layout.kind === 'r' ? [...SYSTEM_COLUMNS, ...own] : own;
  }
  const table = services.tableByOid(oid);
  if (table !== null) return [...SYSTEM_COLUMNS, ...table.columns.filter(({ hidden }) => !hidden)];
  const view = services.viewByOid(oid);
  if (view !== null) return view.columns;
  const indexed = services.tableOfIndex(oid);
  const index = indexed?.indexes.find((one) => one.oid === oid);
  if (indexed != null && index !== undefined) return numbered(indexColumns(indexed, index).map((c) => c?.name ?? ''));
  const d = services.access?.descriptor(oid);
  if (d?.kind === 'sequence') return [...SYSTEM_COLUMNS, ...numbered(OF_SEQUENCES)];
  if (d?.kind === 'type') return fieldsOf(d.typeOid) ?? [];
  return [];
}
