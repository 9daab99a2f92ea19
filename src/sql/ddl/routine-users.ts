/**
 * What calls a function that a user made: defaults, checks, generated columns and indexes of tables, and views. They hold
 * its definition (catalog/used-routines.ts), so a change of it is written into each, and with DROP … CASCADE they go.
 *
 * The function's schema lock is held. Whoever writes such a caller has resolved the function's name in the same
 * transaction, or has copied from an object that calls it: so once these are locked there are no others.
 */
import type { Descriptor, Routine, RoutineDescriptor, TableDescriptor, UsedRoutine } from '../catalog/descriptor.js';
import { isReader, kindName } from '../catalog/materialized.js';
import { routineEntryName } from '../catalog/entry-names.js';
import { calls, callsIn, queryCalls, runBy } from '../catalog/used-routines.js';
import { inputsOf } from '../plan/routines.js';
import { sqlError } from '../../base/errors.js';
import { runAlterTable } from './alter-table.js';
import type { DdlContext } from './context.js';
import { changeRoutineOf, checksCalling, defaultCalls, dropChecksCalling } from './domains.js';
import { removeIndex } from './indexes.js';
import { nextVersion, visibleName, visibleType } from './objects.js';
import { dependences, dropView } from './views.js';

/** Of a function as messages name it: 'function f(integer)'. */
export interface NamedRoutine {
  readonly routine: Routine;
  readonly shown: string;
}

/** Everything that calls one of the functions, under schema locks, as it is now. */
export async function callersOf(ctx: DdlContext, oids: readonly number[]): Promise<Descriptor[]> {
  const calling = (d: Descriptor): boolean => oids.some((oid) => calls(d, oid));
  const found = new Set<number>();
  for (;;) {
    const { descriptors } = await ctx.catalog.view([]);
    const more = descriptors.filter((d) => calling(d) && !found.has(d.id)).map((d) => d.id);
    if (more.length === 0) break;
    await ctx.catalog.lock(ctx.txn, more, ctx.wait);
    for (const id of more) found.add(id);
  }
  const callers: Descriptor[] = [];
  for (const id of [...found].sort((a, b) => a - b)) {
    const current = await ctx.catalog.forUpdate(ctx.txn, id);
    if (current !== null && calling(current)) callers.push(current);
  }
  return callers;
}

/** Gives the callers the function as it is from now on. */
export async function changeCallers(ctx: DdlContext, changed: UsedRoutine): Promise<void> {
  const callers = await callersOf(ctx, [changed.routine.oid]);
  // Opening the callers has noted what they hold.
  ctx.catalog.routinesInUse.note([changed]);
  for (const found of callers) {
    if (found.kind !== 'type') continue;
    await changeRoutineOf(ctx, found);
    // Its tables were read for that.
    ctx.catalog.routinesInUse.note([changed]);
  }
  const domains = callers.some(({ kind }) => kind === 'type');
  for (const found of callers) {
    if (found.kind === 'type') continue;
    // A table has changed with its domains. Reading it has noted what it holds.
    const caller = domains ? await ctx.catalog.forUpdate(ctx.txn, found.id) : found;
    if (domains) ctx.catalog.routinesInUse.note([changed]);
    if (caller === null) continue;
    ctx.catalog.put(ctx.txn, { ...caller, version: caller.version + 1 });
    if (caller.kind === 'routine') await changeAggregates(ctx, caller.id, changed.routine.oid);
  }
}

/** Views hold the aggregates that they call, which hold the function. */
async function changeAggregates(ctx: DdlContext, groupId: number, oid: number): Promise<void> {
  const group = await ctx.catalog.forUpdate(ctx.txn, groupId);
  if (group?.kind !== 'routine') return;
  for (const routine of group.routines)
    if (runsIt(group, routine, oid)) await changeCallers(ctx, { groupId, name: group.name, routine });
}

interface Use {
  /** By which PostgreSQL orders what it tells. */
  readonly oid: number;
  readonly what: string;
}

async function usesIn(ctx: DdlContext, caller: Descriptor, oid: number): Promise<Use[]> {
  if (caller.kind === 'routine') return aggregatesOver(ctx, caller, oid);
  if (caller.kind === 'type')
    return [
      ...(defaultCalls(caller, oid) ? [{ oid: caller.id, what: `type ${await visibleName(ctx, caller)}` }] : []),
      ...checksCalling(caller, oid).map((check) => ({ oid: check.oid, what: `constraint ${check.name}` })),
    ];
  if (caller.kind !== 'table' && caller.kind !== 'view') return [];
  const shown = await visibleName(ctx, caller);
  if (isReader(caller) && queryCalls(caller, oid)) return [{ oid: caller.id, what: `${kindName(caller)} ${shown}` }];
  const uses: Use[] = [];
  for (const column of caller.columns) {
    const what = `default value for column ${column.name} of ${kindName(caller)} ${shown}`;
    if (callsIn(column.defaultSql, oid)) uses.push({ oid: caller.id, what });
  }
  if (caller.kind !== 'table') return uses;
  for (const { name } of generatedBy(caller, oid))
    uses.push({ oid: caller.id, what: `column ${name} of table ${shown}` });
  for (const check of caller.checks)
    if (callsIn(check.expressionSql, oid))
      uses.push({ oid: check.oid, what: `constraint ${check.name} on table ${shown}` });
  for (const index of indexesOver(caller, oid))
    uses.push({ oid: index.oid, what: `index ${await visibleName(ctx, { ...caller, name: index.name })}` });
  return uses;
}

async function aggregatesOver(ctx: DdlContext, group: RoutineDescriptor, oid: number): Promise<Use[]> {
  const shown = await visibleName(ctx, group);
  const over = group.routines.filter((routine) => runsIt(group, routine, oid));
  return Promise.all(
    over.map(async (routine) => ({ oid: routine.oid, what: `function ${await signature(ctx, shown, routine)}` })),
  );
}

function runsIt(group: RoutineDescriptor, routine: Routine, oid: number): boolean {
  return runBy({ ...group, routines: [routine] }).some((used) => used.routine.oid === oid);
}

async function signature(ctx: DdlContext, name: string, routine: Routine): Promise<string> {
  const types = await Promise.all(inputsOf(routine).map((p) => visibleType(ctx, p.typeOid)));
  return `${name}(${types.join(',')})`;
}

function generatedBy(table: TableDescriptor, oid: number): TableDescriptor['columns'] {
  return table.columns.filter((c) => !c.dropped && !c.hidden && callsIn(c.generated?.expressionSql, oid));
}

function indexesOver(table: TableDescriptor, oid: number): TableDescriptor['indexes'] {
  return table.indexes.filter(
    (index) =>
      callsIn(index.predicate?.expressionSql, oid) ||
      index.columns.some(({ expression }) => callsIn(expression?.expressionSql, oid)),
  );
}

/**
 * What was told of, or goes in any case. What depends on several things is told of once: of the first that leads to it from
 * the youngest that depends on what is dropped.
 */
export interface Told {
  readonly readers: Set<number>;
  readonly uses: Set<string>;
  /** Named by the statement, so nothing is told of it but what depends on it. */
  readonly named: ReadonlySet<string>;
}

export function nothingTold(named: readonly string[] = []): Told {
  return { readers: new Set(), uses: new Set(), named: new Set(named) };
}

/** 'view v depends on function f(integer)', and what depends on that. */
export async function callerLines(
  ctx: DdlContext,
  { routine, shown }: NamedRoutine,
  gone: ReadonlySet<number> = new Set(),
  told: Told = nothingTold(),
): Promise<string[]> {
  const callers = (await callersOf(ctx, [routine.oid])).filter(({ id }) => !gone.has(id));
  const found: (Use & { readonly caller: Descriptor })[] = [];
  for (const caller of callers)
    for (const use of await usesIn(ctx, caller, routine.oid)) found.push({ ...use, caller });
  found.sort((a, b) => a.oid - b.oid);
  const lines: string[][] = [];
  for (const { oid, what, caller } of found.toReversed()) {
    if (isReader(caller) && queryCalls(caller, routine.oid)) {
      const options = { cascade: false, together: gone };
      lines.unshift(await dependences(ctx, shown, [caller], options, told.readers));
      continue;
    }
    if (told.uses.has(what)) continue;
    told.uses.add(what);
    const called = caller.kind === 'routine' ? caller.routines.find((one) => one.oid === oid) : undefined;
    const further = called === undefined ? [] : await callerLines(ctx, { routine: called, shown: what }, gone, told);
    lines.unshift(told.named.has(what) ? further : [`${what} depends on ${shown}`, ...further]);
  }
  return lines.flat();
}

/** @throws 2BP01 while something calls one of the functions that are to be dropped */
export async function refuseCallers(ctx: DdlContext, dropped: readonly NamedRoutine[]): Promise<void> {
  const lines: string[] = [];
  const told = nothingTold(dropped.map(({ shown }) => shown));
  for (const one of dropped) {
    if (told.uses.has(one.shown)) continue;
    told.uses.add(one.shown);
    lines.unshift(...(await callerLines(ctx, one, new Set(), told)));
  }
  if (lines.length === 0) return;
  const what =
    dropped.length === 1
      ? `cannot drop ${dropped[0]!.shown} because other objects depend on it`
      : 'cannot drop desired object(s) because other objects depend on them';
  throw sqlError('2BP01', what, {
    detail: lines.join('\n'),
    hint: 'Use DROP ... CASCADE to drop the dependent objects too.',
  });
}

/** DROP … CASCADE: takes away what calls the function. `gone`: descriptors and functions that go in any case. */
export async function dropCallers(
  ctx: DdlContext,
  { routine, shown }: NamedRoutine,
  gone: ReadonlySet<number> = new Set(),
): Promise<void> {
  for (const { id } of await callersOf(ctx, [routine.oid])) {
    if (gone.has(id)) continue;
    const caller = await ctx.catalog.forUpdate(ctx.txn, id);
    // It may have gone with another.
    if (caller?.kind === 'routine') {
      await dropAggregates(ctx, caller, routine.oid, gone);
      continue;
    }
    if (caller === null || (caller.kind !== 'table' && caller.kind !== 'view' && caller.kind !== 'type')) continue;
    if (caller.kind === 'type' && defaultCalls(caller, routine.oid))
      throw sqlError('0A000', `dropping ${shown} with the domain "${caller.name}" is not supported`, {
        hint: 'Its default calls the function: use ALTER DOMAIN … DROP DEFAULT first.',
      });
    const uses = (await usesIn(ctx, caller, routine.oid)).sort((a, b) => a.oid - b.oid);
    ctx.cascades.push(...uses.map(({ what }) => what));
    if (caller.kind === 'type') {
      await dropChecksCalling(ctx, caller, routine.oid);
      continue;
    }
    if (isReader(caller) && queryCalls(caller, routine.oid)) {
      await dropView(ctx, caller, { cascade: true, together: new Set() });
      continue;
    }
    if (caller.kind === 'view') {
      const columns = caller.columns.map((c) => (callsIn(c.defaultSql, routine.oid) ? { ...c, defaultSql: null } : c));
      ctx.catalog.put(ctx.txn, { ...caller, columns, version: caller.version + 1 });
    } else await dropUsesIn(ctx, caller, routine.oid);
  }
}

async function dropAggregates(
  ctx: DdlContext,
  group: RoutineDescriptor,
  oid: number,
  gone: ReadonlySet<number>,
): Promise<void> {
  const shown = await visibleName(ctx, group);
  for (const routine of group.routines) {
    if (!runsIt(group, routine, oid) || gone.has(routine.oid)) continue;
    // It may have gone with another of the name.
    const before = await ctx.catalog.forUpdate(ctx.txn, group.id);
    if (before?.kind !== 'routine' || !before.routines.some((one) => one.oid === routine.oid)) continue;
    const what = `function ${await signature(ctx, shown, routine)}`;
    ctx.cascades.push(what);
    await dropCallers(ctx, { routine, shown: what }, gone);
    const current = await ctx.catalog.forUpdate(ctx.txn, group.id);
    if (current?.kind !== 'routine') return;
    const routines = current.routines.filter((r) => r.oid !== routine.oid);
    if (routines.length > 0) ctx.catalog.put(ctx.txn, { ...current, routines, version: current.version + 1 });
    else {
      ctx.catalog.freeName(ctx.txn, current.schemaId, routineEntryName(current.name));
      ctx.catalog.drop(ctx.txn, current.id);
    }
  }
}

async function dropUsesIn(ctx: DdlContext, table: TableDescriptor, oid: number): Promise<void> {
  const generated = generatedBy(table, oid);
  let next = nextVersion(table, {
    columns: table.columns.map((c) => (callsIn(c.defaultSql, oid) ? { ...c, defaultSql: null } : c)),
    checks: table.checks.filter((c) => !callsIn(c.expressionSql, oid)),
  });
  ctx.catalog.put(ctx.txn, next);
  for (const index of indexesOver(table, oid)) next = removeIndex(ctx, next, index);
  if (generated.length === 0) return;
  await runAlterTable(ctx, {
    relation: { relname: table.name, schemaname: await ctx.catalog.schemaName(table.schemaId) },
    objtype: 'OBJECT_TABLE',
    cmds: generated.map(({ name }) => ({
      AlterTableCmd: { subtype: 'AT_DropColumn', name, behavior: 'DROP_CASCADE' },
    })),
  });
}
