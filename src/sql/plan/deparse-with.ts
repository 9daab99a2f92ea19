/** WITH as text. */
import type { CommonTableExpr, CTECycleClause, CTESearchClause, Node, WithClause } from 'libpg-query';
import { OID } from '../types/oids.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { must, stringsOf } from './ast.js';
import { exprContext } from './bind-select.js';
import { EMPTY_SCOPE } from './binder.js';
import { cycleMarks } from './cycle-marks.js';
import { INNER } from './deparse-place.js';
import type { QueryText } from './deparse-query.js';
import type { Expr } from './expr.js';
import { CLAUSE } from './layout.js';

const MATERIALIZED: Readonly<Record<string, string>> = {
  CTEMaterializeAlways: 'MATERIALIZED ',
  CTEMaterializeNever: 'NOT MATERIALIZED ',
};

/** `names`: of all WITH queries in reach, to which those of this clause are added. */
export function withText(to: QueryText, clause: WithClause, names: string[]): string {
  const { lines } = to;
  const items = (clause.ctes ?? []).map((node) => must(node, 'CommonTableExpr'));
  names.push(...items.map((item) => item.ctename ?? ''));
  lines.indent += CLAUSE;
  let text = clause.recursive === true ? ' WITH RECURSIVE ' : ' WITH ';
  text += items.map((item) => itemText(to, item)).join(', ');
  lines.indent -= CLAUSE;
  return text + lines.line('', 0, 0, 0);
}

function nameList(nodes: readonly Node[] | undefined): string {
  return stringsOf(nodes).map(quoteIdentifier).join(', ');
}

function itemText(to: QueryText, item: CommonTableExpr): string {
  const select = must(item.ctequery, 'SelectStmt');
  const columns = item.aliascolnames === undefined ? '' : `(${nameList(item.aliascolnames)})`;
  const how = MATERIALIZED[item.ctematerialized ?? ''] ?? '';
  let text = `${quoteIdentifier(item.ctename ?? '')}${columns} AS ${how}(${to.lines.line('', 0, 0, 0)}`;
  text += to.query(select, INNER);
  text += `${to.lines.line('', 0, 0, 0)})`;
  if (item.search_clause !== undefined) text += searchText(item.search_clause);
  return item.cycle_clause === undefined ? text : text + cycleText(to, item.cycle_clause);
}

function searchText(clause: CTESearchClause): string {
  const how = clause.search_breadth_first === true ? 'BREADTH' : 'DEPTH';
  return ` SEARCH ${how} FIRST BY ${nameList(clause.search_col_list)} SET ${quoteIdentifier(clause.search_seq_column ?? '')}`;
}

function cycleText(to: QueryText, clause: CTECycleClause): string {
  const name = quoteIdentifier(clause.cycle_mark_column ?? '');
  const path = quoteIdentifier(clause.cycle_path_column ?? '');
  const [value, otherwise] = cycleMarks(exprContext(to.binder, EMPTY_SCOPE, 'CYCLE'), clause);
  const isUsual = isConstant(value!, true) && isConstant(otherwise!, false);
  const shown = isUsual ? '' : ` TO ${to.text(value!)} DEFAULT ${to.text(otherwise!)}`;
  return ` CYCLE ${nameList(clause.cycle_col_list)} SET ${name}${shown} USING ${path}`;
}

function isConstant(e: Expr, value: boolean): boolean {
  return e.kind === 'const' && e.oid === OID.bool && e.value === value;
}
