/** The statements that have plans: queries, changes of rows, and those changes inside WITH. */
import type { Node } from 'libpg-query';
import { as, kindOf } from './ast.js';
import { bindDelete, bindInsert, bindUpdate } from './bind-dml.js';
import { bindMerge } from './bind-merge.js';
import { bindSelect, registerModifying } from './bind-select.js';
import { errorAt } from './binder.js';
import type { Binder, CteEntry } from './binder.js';
import type { Plan } from './logical.js';

export function bindStatement(b: Binder, node: Node, ctes: readonly CteEntry[] = []): Plan {
  if (b.ownWith === undefined) b.ownWith = withOf(node);
  switch (kindOf(node)) {
    case 'SelectStmt':
      return bindSelect(b, as(node, 'SelectStmt')!, null, ctes);
    case 'InsertStmt':
      return bindInsert(b, as(node, 'InsertStmt')!, ctes);
    case 'UpdateStmt':
      return bindUpdate(b, as(node, 'UpdateStmt')!, ctes);
    case 'DeleteStmt':
      return bindDelete(b, as(node, 'DeleteStmt')!, ctes);
    case 'MergeStmt':
      return bindMerge(b, as(node, 'MergeStmt')!, ctes);
    default:
      throw errorAt('0A000', `this statement cannot be planned (${kindOf(node)})`, -1);
  }
}

function withOf(node: Node): object | null {
  const [body] = Object.values(node) as readonly { readonly withClause?: object }[];
  return body?.withClause ?? null;
}

registerModifying((b, node, ctes) => {
  if (as(node, 'MergeStmt') !== undefined) throw errorAt('0A000', 'MERGE not supported in WITH query', -1);
  return bindStatement(b, node, ctes);
});
