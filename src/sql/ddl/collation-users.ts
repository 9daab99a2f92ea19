/** What uses a collation, told from its key in descriptors (types/collation.ts), and how that goes with it by CASCADE. */
import { sqlError } from '../../base/errors.js';
import type { Descriptor, IndexDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import { isMaterialized, isReader, kindName, sourcesOf } from '../catalog/materialized.js';
import { userTypeOf } from '../types/user-types.js';
import type { CompositeType } from '../types/user-types.js';
import { storedCollationName } from '../plan/collation-names.js';
import { runAlterTable } from './alter-table.js';
import type { DdlContext } from './context.js';
import { removeIndex } from './indexes.js';
import { visibleName } from './objects.js';
import { dropTypeUsers } from './type-users.js';
import type { Loose } from './tree.js';
import { changeType, dropType } from './user-types.js';
import { dependentViews } from './dependent-views.js';
import { dependences, dropLockedView } from './views.js';

export interface CollationUser {
  readonly id: number;
  readonly key: string;
  /** What of it does, as messages name it. */
  readonly lines: readonly string[];
}

/** Whether one of these texts or trees names it. */
function names(key: string, ...texts: readonly (string | null | undefined)[]): boolean {
  const stored = storedCollationName(key);
  // In a tree it is in pieces: the oid is in the first.
  const inTree = JSON.stringify(key.slice(0, key.indexOf(':') + 1)).slice(0, -1);
  return texts.some((sql) => sql != null && (sql.includes(stored) || sql.includes(inTree)));
}

function indexUses(index: IndexDescriptor, key: string): boolean {
  return (
    index.columns.some((part) => part.collation === key || names(key, part.expression?.expressionSql)) ||
    names(key, index.predicate?.expressionSql)
  );
}

function tableUses(table: TableDescriptor, key: string, shown: string): string[] {
  const kind = kindName(table);
  const columns = table.columns.filter((c) => !c.dropped);
  return [
    ...columns.filter((c) => c.collation === key).map((c) => `column ${c.name} of ${kind} ${shown}`),
    ...columns.filter((c) => names(key, c.generated?.expressionSql)).map((c) => `column ${c.name} of ${kind} ${shown}`),
    ...columns
      .filter((c) => names(key, c.defaultSql))
      .map((c) => `default value for column ${c.name} of ${kind} ${shown}`),
    ...table.indexes.filter((i) => indexUses(i, key)).map((i) => `index ${i.name}`),
    ...table.checks.filter((c) => names(key, c.expressionSql)).map((c) => `constraint ${c.name} on ${kind} ${shown}`),
    ...(isMaterialized(table) && names(key, table.materialized.queryTree) ? [`materialized view ${shown}`] : []),
  ];
}

function typeUses(handle: number, key: string, shown: string): string[] {
  const type = userTypeOf(handle);
  if (type?.kind === 'composite')
    return type.fields.filter((f) => f.collation === key).map((f) => `column ${f.name} of composite type ${shown}`);
  if (type?.kind !== 'domain' && type?.kind !== 'range') return [];
  if (type.collation === key) return [`type ${shown}`];
  if (type.kind !== 'domain') return [];
  const checks = type.checks.filter((c) => names(key, c.expressionSql)).map((c) => `constraint ${c.name}`);
  return names(key, type.defaultSql) ? [`type ${shown}`, ...checks] : checks;
}

function usesOf(d: Descriptor, key: string, shown: string): string[] {
  switch (d.kind) {
    case 'table':
      return tableUses(d, key, shown);
    case 'view':
      return names(key, d.queryTree) ? [`view ${shown}`] : [];
    case 'type':
      return typeUses(d.typeOid, key, shown);
    case 'routine':
      return d.routines.some((r) => r.parameters.some((p) => names(key, p.defaultSql))) ? [`function ${shown}`] : [];
    default:
      return [];
  }
}

/** Under schema locks, as they are now. */
export async function collationUsers(ctx: DdlContext, key: string): Promise<CollationUser[]> {
  const { descriptors } = await ctx.catalog.view([]);
  const ids = descriptors.filter((d) => usesOf(d, key, '').length > 0).map((d) => d.id);
  if (ids.length > 0) await ctx.catalog.lock(ctx.txn, ids, ctx.wait);
  const users: CollationUser[] = [];
  for (const id of ids) {
    const d = await ctx.catalog.forUpdate(ctx.txn, id);
    if (d === null || !('schemaId' in d)) continue;
    const lines = usesOf(d, key, await visibleName(ctx, d));
    if (lines.length > 0) users.push({ id, key, lines });
  }
  return users;
}

/** What depends on the collation, and what on that, as far as it goes. */
export async function dependenceLines(
  ctx: DdlContext,
  users: readonly CollationUser[],
  what: string,
): Promise<string[]> {
  const lines: string[] = [];
  const seen = new Set<number>();
  const options = { cascade: false, together: new Set<number>() };
  for (const { id, key, lines: own } of users) {
    const d = await ctx.catalog.forUpdate(ctx.txn, id);
    if (isReader(d) && names(key, isMaterialized(d) ? d.materialized.queryTree : d.queryTree)) {
      lines.push(...(await dependences(ctx, what, [d], options, seen)));
      continue;
    }
    lines.push(...own.map((one) => `${one} depends on ${what}`));
    if (d?.kind !== 'table') continue;
    const readers = await dependentViews(ctx, id);
    for (const column of d.columns.filter((c) => !c.dropped && c.collation === key)) {
      const reading = readers.filter((r) => sourcesOf(r).some((s) => s.id === id && s.columnIds.includes(column.id)));
      const place = `column ${column.name} of ${kindName(d)} ${await visibleName(ctx, d)}`;
      lines.push(...(await dependences(ctx, place, reading, options, seen)));
    }
  }
  return lines;
}

/** By CASCADE. */
export async function dropCollationUsers(ctx: DdlContext, users: readonly CollationUser[]): Promise<void> {
  for (const { id, key } of users) {
    // An earlier one may have taken it along.
    const d = await ctx.catalog.forUpdate(ctx.txn, id);
    if (d === null || !('schemaId' in d)) continue;
    const shown = await visibleName(ctx, d);
    const lines = usesOf(d, key, shown);
    if (lines.length === 0) continue;
    if (isReader(d) && names(key, isMaterialized(d) ? d.materialized.queryTree : d.queryTree)) {
      await dropLockedView(ctx, id, { cascade: true, together: new Set() });
      continue;
    }
    ctx.cascades.push(...lines);
    if (d.kind === 'table') await changeTable(ctx, d, key);
    else if (d.kind === 'type' && userTypeOf(d.typeOid)?.kind === 'composite') {
      const type = userTypeOf(d.typeOid) as CompositeType;
      const fields = type.fields.filter((field) => field.collation !== key);
      await changeType(ctx, { descriptor: d, type }, { ...type, fields });
    } else if (d.kind === 'type')
      await dropType(ctx, { descriptor: d, type: userTypeOf(d.typeOid)! }, true, dropTypeUsers);
    else
      throw sqlError(
        '0A000',
        `dropping a collation by CASCADE that a default of ${d.kind} ${d.name} uses is not supported`,
      );
  }
}

async function changeTable(ctx: DdlContext, table: TableDescriptor, key: string): Promise<void> {
  const going = table.indexes.filter((i) => i.constraintOid === null && indexUses(i, key));
  let left = table;
  for (const index of going) left = removeIndex(ctx, left, index);
  const columns = table.columns.filter((c) => !c.dropped);
  const behavior = 'DROP_CASCADE';
  const command = (subtype: string, name: string): Loose => ({ AlterTableCmd: { subtype, name, behavior } });
  const cmds = [
    ...table.checks.filter((c) => names(key, c.expressionSql)).map((c) => command('AT_DropConstraint', c.name)),
    ...columns.filter((c) => names(key, c.defaultSql)).map((c) => command('AT_ColumnDefault', c.name)),
    ...columns
      .filter((c) => c.collation === key || names(key, c.generated?.expressionSql))
      .map((c) => command('AT_DropColumn', c.name)),
  ];
  if (cmds.length === 0) return;
  const schemaname = await ctx.catalog.schemaName(table.schemaId);
  await runAlterTable(ctx, { relation: { relname: table.name, schemaname }, objtype: 'OBJECT_TABLE', cmds });
}
