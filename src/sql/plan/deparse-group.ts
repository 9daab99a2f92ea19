/** GROUP BY as text. */
import type { GroupingSet, Node } from 'libpg-query';
import { known } from './deparse-place.js';
import { as } from './ast.js';
import type { QueryText } from './deparse-query.js';
import type { Expr } from './expr.js';
import { sameExpr } from './expr.js';

export function groupText(to: QueryText, clause: readonly Node[], targets: readonly Expr[]): string {
  if (clause.some((node) => as(node, 'GroupingSet') !== undefined))
    return clause.map((node) => setText(to, node, targets, true)).join(', ');
  const items: Expr[] = [];
  for (const item of clause.flatMap(itemsOf).map((node) => boundItem(to, node)))
    if (!items.some((other) => sameExpr(other, item))) items.push(item);
  return items.map((item) => to.sortItem(item, targets)).join(', ');
}

function boundItem(to: QueryText, node: Node): Expr {
  const item = known(to.notes.groups.get(node), 'an item of GROUP BY was not bound');
  return item;
}

/** (a, b) without ROW is a list. */
function itemsOf(node: Node): Node[] {
  const row = as(node, 'RowExpr');
  return row !== undefined && row.row_format === 'COERCE_IMPLICIT_CAST' ? (row.args ?? []).flatMap(itemsOf) : [node];
}

/** `bare`: where one item alone needs no parentheses. */
function setText(to: QueryText, node: Node, targets: readonly Expr[], bare: boolean): string {
  const set = as(node, 'GroupingSet');
  if (set === undefined) {
    const items = itemsOf(node).map((item) => to.sortItem(boundItem(to, item), targets));
    return bare && items.length === 1 ? items[0]! : `(${items.join(', ')})`;
  }
  const inside = (isBare: boolean): string =>
    (set.content ?? []).map((inner) => setText(to, inner, targets, isBare)).join(', ');
  return namedSet(set, inside);
}

function namedSet({ kind }: GroupingSet, inside: (bare: boolean) => string): string {
  switch (kind ?? 'GROUPING_SET_EMPTY') {
    case 'GROUPING_SET_ROLLUP':
      return `ROLLUP(${inside(true)})`;
    case 'GROUPING_SET_CUBE':
      return `CUBE(${inside(true)})`;
    case 'GROUPING_SET_SETS':
      return `GROUPING SETS (${inside(false)})`;
    case 'GROUPING_SET_SIMPLE':
      return `(${inside(true)})`;
    default:
      return '()';
  }
}
