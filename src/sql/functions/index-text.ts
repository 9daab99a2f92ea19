/**
 * Indexes as SQL: pg_get_indexdef.
 */
import type { IndexDescriptor, IndexPart, TableDescriptor } from '../catalog/descriptor.js';
import { storedCollationName } from '../plan/collation-names.js';
import { typeCollation } from '../types/collated.js';
import { domainCollation } from '../types/user-types.js';
import { quoteIdentifier, quoteLiteral } from './strings.js';

/** Places of the text outside of quotes, with the depth of parentheses before each character. */
function* plainCharacters(text: string): Iterable<{ readonly at: number; readonly depth: number }> {
  let depth = 0;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    if (quote !== '') {
      if (c === '\\' && quote === "'" && isEscapeString(text, at)) at++;
      else if (c === quote) quote = '';
      continue;
    }
    if (c === "'" || c === '"') {
      quote = c;
      continue;
    }
    if (c === ')') depth--;
    yield { at, depth };
    if (c === '(') depth++;
  }
}

/** Whether the literal around this place is an E'…' one, where a backslash hides the next character. */
function isEscapeString(text: string, at: number): boolean {
  const open = text.lastIndexOf("E'", at);
  return open >= 0 && !/'/.test(text.slice(open + 2, at).replaceAll("''", ''));
}

/** Where the parenthesis that opens at `open` is closed. */
function closingOf(text: string, open: number): number {
  let depth = -1;
  for (const place of plainCharacters(text)) {
    if (place.at === open) depth = place.depth;
    else if (depth >= 0 && place.at > open && text[place.at] === ')' && place.depth === depth) return place.at;
  }
  return -1;
}

/** lower(x), COALESCE(a, b): needs no parentheses as a key. */
function isCall(text: string): boolean {
  const name = /^(?:(?:[A-Za-z_][\w$]*|"(?:[^"]|"")*")(?:\.(?!$))?)+(?=\()/.exec(text);
  return name !== null && closingOf(text, name[0].length) === text.length - 1;
}

/** (a AT TIME ZONE 'utc'), a call in SQL's words: it has its parentheses already. */
function isCallInWords(text: string): boolean {
  if (!text.startsWith('(') || closingOf(text, 0) !== text.length - 1) return false;
  let outermost = '';
  for (const { at, depth } of plainCharacters(text)) if (depth === 1) outermost += text[at];
  return / (AT TIME ZONE|OVERLAPS) /.test(outermost) || / IS (NFK?[CD] )?NORMALIZED$/.test(outermost);
}

/** How stored expressions are written. */
export type ShowExpression = (sql: string) => string;

/** An expression among the keys of an index. */
export function keyText(shown: string): string {
  return isCall(shown) || isCallInWords(shown) ? shown : `(${shown})`;
}

function columnName(table: TableDescriptor, id: number): string {
  return quoteIdentifier(table.columns.find((column) => column.id === id)?.name ?? '?');
}

/** One column by its number from 1, INCLUDE's after the keys; '' if there is none. */
export function indexColumnText(
  table: TableDescriptor,
  index: IndexDescriptor,
  number: number,
  show: ShowExpression,
): string {
  const key = index.columns[number - 1];
  if (key?.expression != null) return keyText(show(key.expression.expressionSql));
  const id = key?.columnId ?? index.storing[number - 1 - index.columns.length];
  return id === undefined ? '' : columnName(table, id);
}

/** Where it is another than the column's own. */
function collationText(table: TableDescriptor, part: IndexPart, show: ShowExpression): string {
  const { collation, columnId, expression } = part;
  if (collation === undefined) return '';
  const column = table.columns.find((c) => c.id === columnId);
  const typeOid = column?.typeOid ?? expression?.typeOid ?? 0;
  const own = column?.collation ?? expression?.collation ?? domainCollation(typeOid) ?? typeCollation(typeOid);
  return collation === own ? '' : ` COLLATE ${show(storedCollationName(collation))}`;
}

/** The operator class, if it is not what the type has by itself, and the order. */
function orderText({ descending, nullsFirst, opclass, namedClass }: IndexPart): string {
  if (opclass !== undefined) return opclass === 'jsonb_path_ops' ? ' jsonb_path_ops' : '';
  const named = namedClass === undefined ? '' : ` ${namedClass}`;
  const nulls = nullsFirst === undefined ? '' : nullsFirst ? ' NULLS FIRST' : ' NULLS LAST';
  return named + (descending ? ' DESC' : '') + nulls;
}

/** WITH (…) with a blank before it, or ''. */
export function withOptions({ options }: IndexDescriptor): string {
  const parts = Object.entries(options ?? {}).map(
    ([name, value]) => `${quoteIdentifier(name)}=${quoteIdentifier(value) === value ? value : quoteLiteral(value)}`,
  );
  return parts.length === 0 ? '' : ` WITH (${parts.join(', ')})`;
}

/** What follows the table's name, by the index's oid: pg_dump and others ask for all indexes of a database. */
const plainEnds = new WeakMap<TableDescriptor, Map<number, string>>();

/** Without expressions and collations, whose text also depends on the session and on other descriptors. */
function isPlain(index: IndexDescriptor): boolean {
  return index.predicate == null && index.columns.every((part) => part.expression == null && part.collation == null);
}

function plainEnd(table: TableDescriptor, index: IndexDescriptor, show: ShowExpression): string {
  let ends = plainEnds.get(table);
  if (ends === undefined) plainEnds.set(table, (ends = new Map()));
  let end = ends.get(index.oid);
  if (end === undefined) ends.set(index.oid, (end = endOf(table, index, show)));
  return end;
}

/** `relation` is the table's name as it is to be shown. */
export function indexText(
  table: TableDescriptor,
  index: IndexDescriptor,
  relation: string,
  show: ShowExpression,
): string {
  const end = isPlain(index) ? plainEnd(table, index, show) : endOf(table, index, show);
  return `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX ${quoteIdentifier(index.name)} ON ${relation} ${end}`;
}

function endOf(table: TableDescriptor, index: IndexDescriptor, show: ShowExpression): string {
  const keys = index.columns.map(
    (part, i) => indexColumnText(table, index, i + 1, show) + collationText(table, part, show) + orderText(part),
  );
  const include =
    index.storing.length === 0 ? '' : ` INCLUDE (${index.storing.map((id) => columnName(table, id)).join(', ')})`;
  const nulls = index.nullsNotDistinct === true ? ' NULLS NOT DISTINCT' : '';
  const condition = index.predicate?.expressionSql;
  const where = condition === undefined ? '' : ` WHERE ${show(condition)}`;
  return `USING ${index.method ?? 'btree'} (${keys.join(', ')})${include}${nulls}${withOptions(index)}${where}`;
}
