/** Functions whose bodies in standard SQL read a column: they do not go on without it. */
import { prefixEnd } from '../../base/key.js';
import { decodeUint, SYSTEM_KEYS } from '../../encoding/keyspace.js';
import type { DdlContext } from './context.js';
import { callerLines, type Told } from './routine-users.js';
import { type OpenedRoutine, shownRoutine } from './routines.js';

export interface ColumnReader extends OpenedRoutine {
  /** 'function f(integer)' */
  readonly shown: string;
}

/** Under schema locks. */
export async function routinesOfColumn(ctx: DdlContext, relationId: number, columnId: number): Promise<ColumnReader[]> {
  const prefix = SYSTEM_KEYS.dependents(relationId);
  const { keys } = await ctx.txn.scan({ start: prefix, end: prefixEnd(prefix) });
  const found: ColumnReader[] = [];
  for (const key of keys) {
    const { value: id } = decodeUint(key, prefix.length);
    if ((await ctx.catalog.forUpdate(ctx.txn, id))?.kind !== 'routine') continue;
    await ctx.catalog.lock(ctx.txn, [id], ctx.wait);
    const group = await ctx.catalog.forUpdate(ctx.txn, id);
    if (group?.kind !== 'routine') continue;
    for (const routine of group.routines) {
      const reads = routine.sources?.some((one) => one.id === relationId && one.columnIds.includes(columnId));
      if (reads === true) found.push({ group, routine, shown: await shownRoutine(ctx, { group, routine }) });
    }
  }
  return found.sort((a, b) => a.routine.oid - b.routine.oid);
}

/** 'function f(integer) depends on column a of table t', and what depends on that. */
export async function columnReaderLines(
  ctx: DdlContext,
  { routine, shown }: ColumnReader,
  what: string,
  told: Told,
): Promise<string[]> {
  if (told.uses.has(shown)) return [];
  told.uses.add(shown);
  return [`${shown} depends on ${what}`, ...(await callerLines(ctx, { routine, shown }, new Set(), told))];
}
