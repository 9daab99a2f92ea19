/** Parse trees of expressions that are stored as text. */
import type { Node, SelectStmt } from 'libpg-query';
import { parseSql } from '../parse/parser.js';
import { as } from './ast.js';
import { errorAt } from './binder.js';

/** The expression behind a DEFAULT, CHECK, … given as text. */
export function expressionTree(sql: string): Node {
  const parsed = parseSql(`SELECT ${sql}`)[0];
  const select = parsed?.node['SelectStmt'] as SelectStmt | undefined;
  const val = as(select?.targetList?.[0], 'ResTarget')?.val;
  if (val === undefined) throw errorAt('XX000', `stored expression cannot be parsed: ${sql}`, -1);
  return val;
}
