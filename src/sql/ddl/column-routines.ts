/** Functions whose bodies in standard SQL read a column: they do not go on without it. */
import { prefixEnd } from '../../base/key.js';
import { decodeUint, SYSTEM_KEYS } from '../../encoding/keyspace.js';
import type { DdlContext } from './context.js';
import { callerLines, dropCallers } from './routine-users.js';
import { type DependentLine, type OpenedRoutine, put, shownRoutine } from './routines.js';

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
  readers: readonly ColumnReader[],
  what: string,
): Promise<DependentLine[]> {
  const lines: DependentLine[] = [];
  for (const { routine, shown } of readers)
    for (const line of [`${shown} depends on ${what}`, ...(await callerLines(ctx, { routine, shown }))])
      lines.push({ oid: routine.oid, line });
  return lines;
}

export async function dropColumnReaders(ctx: DdlContext, readers: readonly ColumnReader[]): Promise<void> {
  for (const { group, routine, shown } of readers) {
    ctx.cascades.push(shown);
    await dropCallers(ctx, { routine, shown });
    const current = await ctx.catalog.forUpdate(ctx.txn, group.id);
    if (current?.kind !== 'routine') continue;
    put(
      ctx,
      current,
      current.routines.filter(({ oid }) => oid !== routine.oid),
    );
  }
}
