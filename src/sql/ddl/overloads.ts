/** Functions of users whose name a built-in function has. */
import { overloadEntryName } from '../catalog/entry-names.js';
import { isBuiltInFunction } from '../plan/ast.js';
import type { DdlContext } from './context.js';

/** The first function that a user gives the name of a built-in one is known by every node before it is called. */
export async function noteOverload(ctx: DdlContext, name: string): Promise<void> {
  if (!isBuiltInFunction(null, name) || (await ctx.catalog.isOverload(name))) return;
  const { databaseId } = ctx.catalog;
  await ctx.catalog.lock(ctx.txn, [databaseId], ctx.wait);
  await ctx.catalog.claimName(ctx.txn, 0, overloadEntryName(name), { id: databaseId, indexOid: null });
}
