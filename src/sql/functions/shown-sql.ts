/** Stored expressions and queries as the session is shown them: types and functions that users made by the names that they have now. */
import type { TableDescriptor } from '../catalog/descriptor.js';
import type { ExecContext, StoredColumn } from '../contract.js';
import { showTypes } from '../types/pinned-types.js';
import { isStyled } from '../types/stored-format.js';

/** Names in quotes, and literals, which may name a relation. */
export const LITERALS = /"(?:[^"]|"")*"|'((?:[^']|'')*)'(::regclass\b)?/g;

/** Oids where a stored text names relations by them, and what stands between. */
type Pieces = readonly (string | number)[];

/** To find them is most of the work, and a tool asks for the defaults of all tables at once. */
const piecesOf = new Map<string, Pieces>();
const PIECES_MAX = 4_096;

function split(sql: string): Pieces {
  const pieces: (string | number)[] = [];
  let end = 0;
  for (const { 0: found, 1: literal, 2: cast, index } of sql.matchAll(LITERALS)) {
    if (cast === undefined || !/^\d+$/.test(literal!)) continue;
    pieces.push(sql.slice(end, index), Number(literal));
    end = index + found.length;
  }
  return [...pieces, sql.slice(end)];
}

function piecesIn(sql: string): Pieces {
  let pieces = piecesOf.get(sql);
  if (pieces === undefined) {
    if (piecesOf.size >= PIECES_MAX) piecesOf.clear();
    piecesOf.set(sql, (pieces = split(sql)));
  }
  return pieces;
}

/** The same for texts that differ in nothing but the relations that they name. */
export function withoutRelations(sql: string): string {
  if (!sql.includes('::regclass')) return sql;
  return piecesIn(sql)
    .map((piece) => (typeof piece === 'string' ? piece : '\0'))
    .join('');
}

/**
 * Stored expressions name relations by their oids: by the names that they have now, and as the search path needs them.
 * `nameOf`: null for one that is gone.
 */
export function namedRelations(sql: string, nameOf: (oid: number) => string | null): string {
  if (!sql.includes('::regclass')) return sql;
  const pieces = piecesIn(sql);
  let text = '';
  for (const piece of pieces)
    text += typeof piece === 'string' ? piece : `'${(nameOf(piece) ?? String(piece)).replaceAll("'", "''")}'::regclass`;
  return text;
}

const NO_COLUMNS: readonly StoredColumn[] = [];
const shownColumns = new WeakMap<TableDescriptor, readonly StoredColumn[]>();
/** The same array for the same descriptor: what is made of expressions over it is kept with it. */
export function expressionColumns(table: TableDescriptor | null): readonly StoredColumn[] {
  if (table === null) return NO_COLUMNS;
  let columns = shownColumns.get(table);
  if (columns === undefined) shownColumns.set(table, (columns = table.columns.filter((c) => !c.dropped && !c.hidden)));
  return columns;
}

/** `columns`: what it may name. */
export function shownSql(sql: string, ctx: ExecContext, columns: readonly StoredColumn[] = NO_COLUMNS): string {
  const styled = isStyled(sql, ctx.format) ? ctx.services.expressionText?.(sql, columns, false) : undefined;
  return styled ?? namedSql(sql, ctx);
}

/** In the style in which it is stored. */
export function namedSql(sql: string, { services }: ExecContext): string {
  const nameOf = (oid: number): string | null =>
    services.typeName(oid) ?? services.routineName?.(oid, false, true) ?? services.collationName?.(oid) ?? null;
  return showTypes(
    namedRelations(sql, (oid) => services.relationName(oid)),
    nameOf,
  );
}
