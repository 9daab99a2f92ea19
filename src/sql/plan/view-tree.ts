/** The stored query of a view, as the tree that is bound in the place of its name. */
import type { SelectStmt } from 'libpg-query';
import type { ViewDescriptor } from '../catalog/descriptor.js';

const trees = new WeakMap<ViewDescriptor, SelectStmt>();

/** The stored query, parsed once for as long as the descriptor lives. */
export function viewTree(view: ViewDescriptor): SelectStmt {
  let tree = trees.get(view);
  if (tree === undefined) {
    tree = (JSON.parse(view.queryTree) as { SelectStmt: SelectStmt }).SelectStmt;
    trees.set(view, tree);
  }
  return tree;
}
