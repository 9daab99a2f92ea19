/**
 * ALTER TABLE. The commands of a statement change a draft of the descriptor one after the other; what
 * needs the rows (a rewrite, a scan that verifies them) is collected and done in one pass at the end.
 */
import { requireTableMethod, requireTablespace } from './tablespaces.js';
import { sqlError } from '../../base/errors.js';
import type { ColumnDescriptor, TableDescriptor } from '../catalog/descriptor.js';
import { indexReads, isPrimaryKey } from '../catalog/descriptor.js';
import type { CompiledExpression } from '../contract.js';
import { refusePendingChecks } from '../exec/constraint-checks.js';
import { uniqueRowId } from '../exec/row-writer.js';
import { resolveUnplaced } from '../plan/coerce.js';
import { holdsDomain } from '../functions/domains.js';
import type { Datum } from '../types/datum.js';
import { typeByOid } from '../types/registry.js';
import { pinsIn } from '../types/pinned-types.js';
import { STORED_FORMAT } from '../types/stored-format.js';
import { OID } from '../types/oids.js';
import { isHandle, domainDefault } from '../types/user-types.js';
import {
  addConstraint,
  changeForeignKeysOf,
  dropConstraint,
  dropForeignKeysOf,
  dropPrimary,
  removeIndexFrom,
  setLogged,
  validateConstraint,
  validateForeignKeys,
} from './alter-constraints.js';
import { Draft } from './alter-draft.js';
import { lockMode } from './alter-lock-modes.js';

import {
  COLUMNS_MAX,
  draftColumn,
  finishColumn,
  sequenceOf,
  hiddenColumn,
  storedDefault,
  SYSTEM_COLUMNS,
  tooManyColumns,
  writtenCollation,
} from './columns.js';
import type { DdlContext } from './context.js';
import { notice } from './context.js';
import { alteredForeignKey } from './foreign-keys.js';
import { dropExpression, generatedFrom, refuseReaders, refuseTypeChange, withGeneration } from './generated.js';
import { addIdentity, dropIdentity, retypeIdentity, setIdentity } from './identity.js';
import { noteDomainRoutines } from './domains.js';
import { requireKeptTypes } from './kept-types.js';
import { requireKnownTypes } from './placed-expressions.js';
import { refuseTableCommands } from './materialized-views.js';
import { reboundIndexes } from './index-parts.js';
import { giveRelation } from './owned.js';
import { roleOf } from './ownership.js';
import { descriptorOf, nextVersion, newStorage, openForChange, openIndex, relationMissing } from './objects.js';
import { kindName } from '../catalog/materialized.js';
import { refuseComposite, runAlterComposite } from './composites.js';
import { retypedValues } from './retyped-columns.js';
import { fillIndex, rewriteTable } from './rewrite.js';
import {
  alterIndex,
  optionItems,
  withChosenIndex,
  withRowSecurity,
  withStorageFact,
  withTriggers,
} from './storage-facts.js';
import { changedOptions } from './storage-options.js';
import { refuseOnSequence, requireKind } from './alter-actions.js';
import { refuseOwnRows, refuseRowTypeColumns, renewRowType } from './row-type-users.js';
import { isOver, withoutStatistics } from './statistics.js';
import { setSequenceLogged } from './sequences.js';
import { dropOwnedSequences } from './sequence-users.js';
import { refuseKeptOver } from './stored-keys.js';
import { refuseTyped, underType } from './typed-tables.js';
import { isNew, looksUpNames, verifier, verifyRows, viewOf } from './verify-rows.js';
import { list, of, options, rangeVar, text, unsupported } from './tree.js';
import type { Loose } from './tree.js';
import { alterView } from './view-options.js';
import { columnUserLines, dropColumnUsers, refuseColumnUsers } from './column-users.js';

const VOLATILE =
  /\b(nextval|setval|currval|random|gen_random_uuid|uuid_generate_v[14]|clock_timestamp|timeofday|setseed)\b/i;

function isVolatile(ctx: DdlContext, sql: string): boolean {
  const called = pinsIn(sql).map((oid) => ctx.catalog.routinesInUse.find(oid));
  return VOLATILE.test(sql) || called.some((used) => used?.routine.volatility === 'volatile');
}

const TAGS: Readonly<Record<string, string>> = {
  OBJECT_TABLE: 'ALTER TABLE',
  OBJECT_INDEX: 'ALTER INDEX',
  OBJECT_SEQUENCE: 'ALTER SEQUENCE',
  OBJECT_VIEW: 'ALTER VIEW',
  OBJECT_MATVIEW: 'ALTER MATERIALIZED VIEW',
};

export async function runAlterTable(ctx: DdlContext, body: Loose): Promise<string> {
  if (body['objtype'] === 'OBJECT_TYPE') return runAlterComposite(ctx, body, runAlterTable);
  const name = rangeVar(body['relation']);
  const tag = TAGS[String(body['objtype'])] ?? 'ALTER TABLE';
  const commands = list(body['cmds']).map((c) => of(c, 'AlterTableCmd'));
  if (body['objtype'] === 'OBJECT_INDEX') {
    await alterIndex(ctx, name, commands, body['missing_ok'] === true);
    return tag;
  }
  const found = await ctx.catalog.waits.asking(lockMode(commands), () => openForChange(ctx, name));
  if (found === null) {
    if ((await openIndex(ctx, name)) !== null) {
      await alterIndex(ctx, name, commands, false);
      return tag;
    }
    await refuseComposite(ctx, name);
    if (body['missing_ok'] !== true) return relationMissing(ctx, name);
    notice(ctx, '00000', `relation "${name.name}" does not exist, skipping`);
    return tag;
  }
  requireKind(body['objtype'], name.name, kindName(descriptorOf(found)));
  const owner = commands.find((c) => c['subtype'] === 'AT_ChangeOwner');
  if (owner !== undefined) {
    if (commands.length > 1) throw unsupported('OWNER TO with other commands');
    await giveRelation(ctx, descriptorOf(found), await roleOf(ctx, owner['newowner']));
    return tag;
  }
  if (found.kind === 'sequence') {
    refuseOnSequence(found.sequence.name, commands);
    const logged = commands.findLast((c) => /^AT_Set(Un)?Logged$/.test(text(c['subtype'])));
    if (logged !== undefined)
      setSequenceLogged(ctx, found.sequence, logged['subtype'] === 'AT_SetLogged', found.schemaName);
    return tag;
  }
  if (found.kind === 'view') {
    await alterView(ctx, found.view, commands);
    return tag;
  }
  refuseTableCommands(found.table, commands);
  if (commands.some((command) => command['num'] !== undefined))
    throw sqlError('0A000', 'cannot refer to non-index column by number');
  refusePendingChecks(ctx.txn, 'ALTER TABLE', found.table);
  const draft = new Draft({ ...ctx, unplaced: true }, found.table, found.schemaName);
  // As PostgreSQL: drops, then type changes, then new columns, then everything else.
  const ordered = [...commands].sort((a, b) => pass(a) - pass(b));
  const retyped = new Set<string>();
  for (const command of ordered) {
    const name = command['subtype'] === 'AT_AlterColumnType' ? text(command['name']) : null;
    if (name !== null && retyped.has(name)) throw sqlError('0A000', `cannot alter type of column "${name}" twice`);
    if (name !== null) retyped.add(name);
    refuseTyped(ctx, draft.table, command['subtype']);
    await apply(draft, command);
  }
  await finish(draft);
  return tag;
}

function pass(command: Loose): number {
  switch (command['subtype']) {
    case 'AT_DropColumn':
    case 'AT_DropConstraint':
    case 'AT_DropNotNull':
    case 'AT_DropIdentity':
    case 'AT_DropExpression':
      return 0;
    case 'AT_ColumnDefault':
      return command['def'] === undefined ? 0 : 3;
    case 'AT_AlterColumnType':
      return 1;
    case 'AT_AddColumn':
      return 2;
    case 'AT_AddConstraint':
      return 4;
    default:
      return 3;
  }
}

function identityOptions(given: Loose | undefined): ReturnType<typeof options> {
  return options(given?.['List'] === undefined ? given : of(given, 'List')['items']);
}

async function apply(draft: Draft, command: Loose): Promise<void> {
  const { ctx } = draft;
  const name = text(command['name']);
  switch (command['subtype']) {
    case 'AT_AddColumn':
      return addColumn(draft, of(command['def'] as Loose, 'ColumnDef'), command['missing_ok'] === true);
    case 'AT_DropColumn':
      return dropColumn(draft, name, command['missing_ok'] === true, command['behavior'] === 'DROP_CASCADE');
    case 'AT_ColumnDefault':
      return setDefault(draft, name, command['def']);
    case 'AT_DropExpression':
      draft.setColumn(dropExpression(ctx, draft.table, draft.column(name), command['missing_ok'] === true));
      return;
    case 'AT_SetNotNull': {
      const column = draft.column(name);
      if (column.nullable) draft.newNotNull.add(column.id);
      draft.setColumn({ ...column, nullable: false });
      return;
    }
    case 'AT_DropNotNull':
      return dropNotNull(draft, name);
    case 'AT_AlterColumnType':
      await refuseColumnUsers(ctx, draft.table, draft.column(name));
      return alterType(draft, name, of(command['def'] as Loose, 'ColumnDef'));
    case 'AT_AddConstraint':
      return addConstraint(draft, of(command['def'] as Loose, 'Constraint'));
    case 'AT_DropConstraint':
      return dropConstraint(draft, name, command['missing_ok'] === true, command['behavior'] === 'DROP_CASCADE');
    case 'AT_ValidateConstraint':
      validateConstraint(draft, name);
      return;
    case 'AT_AlterConstraint':
      draft.table = alteredForeignKey(draft.table, of(command['def'] as Loose, 'ATAlterConstraint'));
      return;
    case 'AT_AddIdentity':
      return addIdentity(draft, name, of(command['def'] as Loose, 'Constraint'));
    case 'AT_SetIdentity':
      return setIdentity(draft, name, identityOptions(command['def'] as Loose | undefined));
    case 'AT_DropIdentity':
      return dropIdentity(draft, name, command['missing_ok'] === true);
    case 'AT_SetRelOptions':
    case 'AT_ResetRelOptions': {
      const isReset = command['subtype'] === 'AT_ResetRelOptions';
      draft.set({ options: changedOptions(draft.table.options, optionItems(command['def']), 'table', isReset) });
      return;
    }
    case 'AT_AddOf':
    case 'AT_DropOf':
      draft.table = await underType(ctx, draft.table, command);
      return;
    case 'AT_SetLogged':
    case 'AT_SetUnLogged':
      await setLogged(draft, command['subtype'] === 'AT_SetLogged');
      return;
    case 'AT_SetStatistics':
    case 'AT_SetOptions':
    case 'AT_ResetOptions':
    case 'AT_SetStorage':
    case 'AT_SetCompression':
      draft.setColumn(withStorageFact(ctx, draft.column(name), command)!);
      return;
    case 'AT_ClusterOn':
    case 'AT_DropCluster':
    case 'AT_ReplicaIdentity':
      draft.table = await withChosenIndex(ctx, draft.table, command);
      return;
    case 'AT_SetTableSpace':
      return requireTablespace(command['name']);
    case 'AT_SetAccessMethod':
      return requireTableMethod(command['name']);
    case 'AT_DropOids':
    case 'AT_EnableTrigUser':
    case 'AT_DisableTrigUser':
      return;
    case 'AT_EnableTrigAll':
    case 'AT_DisableTrigAll':
      draft.table = await withTriggers(ctx, draft.table, command['subtype'] === 'AT_EnableTrigAll');
      return;
    case 'AT_EnableRowSecurity':
    case 'AT_DisableRowSecurity':
    case 'AT_ForceRowSecurity':
    case 'AT_NoForceRowSecurity':
      draft.table = withRowSecurity(draft.table, command['subtype']);
      return;
    default:
      throw refusedCommand(String(command['subtype']).replace('AT_', ''), name, draft.table.name);
  }
}

function refusedCommand(command: string, name: string, table: string): Error {
  if (/^(?:Enable(?:Always|Replica)?|Disable)Trig$/.test(command))
    return sqlError('42704', `trigger "${name}" for table "${table}" does not exist`);
  if (/^(?:Enable(?:Always|Replica)?|Disable)Rule$/.test(command))
    return sqlError('42704', `rule "${name}" for relation "${table}" does not exist`);
  return unsupported(`ALTER TABLE command ${command}`);
}

async function setDefault(draft: Draft, name: string, node: unknown): Promise<void> {
  const column = draft.column(name);
  if (column.identity !== null)
    throw sqlError('42601', `column "${name}" of relation "${draft.table.name}" is an identity column`);
  if (column.generated != null) throw isGenerated(draft, name, node === undefined);
  const defaultSql = node === undefined ? null : await storedDefault(draft.ctx, node, column);
  draft.setColumn({ ...column, defaultSql });
}

function isGenerated(draft: Draft, name: string, dropped: boolean): Error {
  return sqlError(
    '42601',
    `column "${name}" of relation "${draft.table.name}" is a generated column`,
    dropped ? { hint: 'Use ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION instead.' } : {},
  );
}

// ---- columns ----

async function addColumn(draft: Draft, def: Loose, ifNotExists: boolean): Promise<void> {
  const { ctx, table } = draft;
  const column = draftColumn(def, draft.ctx.types, draft.table.name);
  if (table.columns.some((c) => c.name === column.name && !c.dropped && !c.hidden)) {
    if (!ifNotExists) throw sqlError('42701', `column "${column.name}" of relation "${table.name}" already exists`);
    notice(ctx, '42701', `column "${column.name}" of relation "${table.name}" already exists, skipping`);
    return;
  }
  if (table.columns.filter((c) => !c.hidden).length >= COLUMNS_MAX) throw tooManyColumns();
  let columns = table.columns;
  const clash = columns.find((c) => c.hidden && c.name === column.name);
  if (clash !== undefined) {
    const renamed = hiddenColumn(clash.id, [...columns.map((c) => c.name), column.name]);
    columns = columns.map((c) => (c.id === clash.id ? renamed : c));
  }
  refuseOwnRows(table, column.typeOid);
  let made = await finishColumn(
    ctx,
    column,
    table.nextColumnId,
    await sequenceOf(ctx, column, table.nextColumnId, draft.place),
  );
  made = withGeneration(ctx, made, column, table.name, [...columns, made], new Set([made.id]));
  requireKnownTypes(ctx, made.defaultSql ?? '', [...columns, made], 'DEFAULT expressions');
  const defaultSql = made.defaultSql ?? domainDefault(made.typeOid);
  if (made.defaultSql === null && defaultSql !== null) noteDomainRoutines(ctx, made.typeOid);
  if (made.generated != null) {
    draft.rewrite = true;
    draft.sources.set(made.id, 'generated');
  } else if (made.identity !== null && made.sequenceId !== null) {
    draft.rewrite = true;
    const sql = `nextval(${made.sequenceId}::regclass)`;
    draft.sources.set(made.id, { expression: compile(draft, sql, made), ofOldRow: false });
  } else if (defaultSql !== null) {
    if (made.sequenceId !== null || isVolatile(ctx, defaultSql)) {
      draft.rewrite = true;
      const sql = made.sequenceId === null ? defaultSql : `nextval(${made.sequenceId}::regclass)`;
      draft.sources.set(made.id, { expression: compile(draft, sql, made), ofOldRow: false });
    } else {
      const value = await compile(draft, defaultSql, made).evaluate([], ctx.execContext());
      if (value !== null) made = { ...made, missingText: typeByOid(made.typeOid).output(value, STORED_FORMAT) };
    }
  }
  if (!made.nullable) draft.newNotNull.add(made.id);
  draft.set({ columns: [...columns, made], nextColumnId: table.nextColumnId + 1 });
  for (const c of column.constraints) await addConstraint(draft, c, [column.name]);
}

function compile(
  draft: Draft,
  sql: string,
  column: { readonly typeOid: number; readonly typmod: number },
  columns: readonly ColumnDescriptor[] = [],
): CompiledExpression {
  return draft.ctx.planner.compileExpression(sql, columns, draft.ctx.plannerSettings, {
    typeOid: column.typeOid,
    typmod: column.typmod,
  });
}

async function dropColumn(draft: Draft, name: string, missingOk: boolean, cascade: boolean): Promise<void> {
  const { ctx } = draft;
  const { table } = draft;
  const column = table.columns.find((c) => c.name === name && !c.dropped && !c.hidden);
  if (column === undefined) {
    if (SYSTEM_COLUMNS.has(name)) throw sqlError('0A000', `cannot drop system column "${name}"`);
    if (!missingOk) throw sqlError('42703', `column "${name}" of relation "${table.name}" does not exist`);
    notice(ctx, '00000', `column "${name}" of relation "${table.name}" does not exist, skipping`);
    return;
  }
  const readers = generatedFrom(table, column.id);
  if (!cascade) refuseReaders(table.name, name, readers, await columnUserLines(ctx, table, column, readers));
  for (const reader of readers) {
    ctx.cascades.push(`column ${reader.name} of table ${table.name}`);
    await dropColumn(draft, reader.name, false, true);
  }
  await dropColumnUsers(ctx, table, column, cascade);
  await dropForeignKeysOf(draft, column, cascade);
  const primary = draft.table.indexes[0]!;
  for (const index of draft.table.indexes) {
    if (!indexReads(index, column.id)) continue;
    if (index === primary) dropPrimary(draft, index);
    else removeIndexFrom(draft, index);
  }
  draft.set({ checks: draft.table.checks.filter((c) => !c.columnIds.includes(column.id)) });
  draft.table = withoutStatistics(ctx, draft.table, (one) => isOver(one, column.id));
  await dropOwnedSequences(ctx, draft.table, column, cascade);
  // PostgreSQL keeps a dropped column's place under a name nobody can write.
  draft.setColumn({
    ...column,
    name: `........pg.dropped.${column.id}........`,
    dropped: true,
    // Nobody reads it any more, and a type of users' own may go.
    typeOid: isHandle(column.typeOid) ? OID.text : column.typeOid,
    nullable: true,
    defaultSql: null,
    identity: null,
    sequenceId: null,
    missingText: null,
    generated: null,
    acl: null,
  });
  draft.newNotNull.delete(column.id);
}

function dropNotNull(draft: Draft, name: string): void {
  const column = draft.column(name);
  const primary = draft.table.indexes.find(isPrimaryKey);
  if (primary?.columns.some((c) => c.columnId === column.id) === true) {
    throw sqlError('42P16', `column "${name}" is in a primary key`);
  }
  if (column.identity !== null)
    throw sqlError('42601', `column "${name}" of relation "${draft.table.name}" is an identity column`);
  const identity = draft.table.indexes.find((index) => index.oid === draft.table.replicaIdentity);
  if (identity?.columns.some((c) => c.columnId === column.id) === true)
    throw sqlError('42P16', `column "${name}" is in index used as replica identity`);
  draft.newNotNull.delete(column.id);
  draft.setColumn({ ...column, nullable: true });
}

async function alterType(draft: Draft, name: string, def: Loose): Promise<void> {
  const { ctx } = draft;
  const column = draft.column(name);
  const type = resolveUnplaced(def['typeName'] as Parameters<typeof resolveUnplaced>[0], ctx.types);
  const clause = def['collClause'] as Loose | undefined;
  const collation = clause === undefined ? null : writtenCollation(clause, type.oid, ctx.types);
  refuseOwnRows(draft.table, type.oid);
  draft.retyped = true;
  const isSameType = type.oid === column.typeOid && type.typmod === column.typmod && def['raw_default'] === undefined;
  if (isSameType && collation === column.collation) return;
  // What refers to the column is looked at after its own values, as in PostgreSQL.
  const values =
    isSameType || column.generated != null
      ? null
      : await retypedValues(ctx, draft.before.columns, column, def['raw_default'], type);
  refuseTypeChange(
    ctx,
    draft.table,
    column,
    { typeOid: type.oid, typmod: type.typmod },
    def['raw_default'] !== undefined,
  );
  refuseKeptOver(draft.table, column.id);
  // Keys are in the order of the code points before as after.
  if (isSameType) return setType(draft, { ...column, collation });
  if (column.generated != null) {
    draft.sources.set(column.id, 'generated');
    draft.rewrite = true;
    setType(draft, { ...column, typeOid: type.oid, typmod: type.typmod, collation });
    return;
  }
  if (column.identity !== null && ![OID.int2, OID.int4, OID.int8].includes(type.oid as 20))
    throw sqlError('22023', 'identity column type must be smallint, integer, or bigint');
  await retypeIdentity(draft, column, def['typeName'] as Loose);
  if (type.oid !== column.typeOid) await changeForeignKeysOf(draft, column, type.oid);
  const { expression, defaultSql } = values!;
  draft.sources.set(column.id, { expression, ofOldRow: true });
  draft.rewrite = true;
  setType(draft, { ...column, typeOid: type.oid, typmod: type.typmod, collation, defaultSql, missingText: null });
}

function setType(draft: Draft, column: ColumnDescriptor): void {
  draft.setColumn(column);
  // Its new values may be against what the old ones kept to.
  for (const check of draft.table.checks) {
    if (check.columnIds.includes(column.id) && check.validated !== false && !draft.newChecks.includes(check))
      draft.newChecks.push(check);
  }
  draft.set({ indexes: reboundIndexes(draft.ctx, draft.table, column.id) });
}

// ---- the rows ----

async function finish(draft: Draft): Promise<void> {
  const { ctx, before } = draft;
  if (draft.rewrite) draft.set({ storageId: await newStorage(ctx) });
  if (hasNewValues(draft)) await refuseRowTypeColumns(ctx, draft.table);
  if (draft.rewrite || draft.newIndexes.length > 0) draft.set({ storageSince: ctx.txn.readTimestamp });
  const next = nextVersion(before, draft.table);
  requireKeptTypes(ctx, next);
  if (looksUpNames(draft, next)) await ctx.knowNames();
  // What indexes compute of the rows is the owner's, whoever alters the table.
  const rewrite = (): Promise<unknown> => rewriteTable(ctx, before, next, mapper(draft, next), verifier(draft, next));
  if (draft.rewrite) await (before.owner === ctx.session.userId ? rewrite() : ctx.asRole(before.owner, rewrite));
  else {
    const constrained = next.columns.some((c) => holdsDomain(c.typeOid) && isNew(draft, c));
    if (draft.newChecks.length > 0 || draft.newNotNull.size > 0 || constrained) await verifyRows(draft, next);
    for (const index of draft.newIndexes) {
      if (next.indexes.some((i) => i.id === index.id)) await fillIndex(ctx, viewOf(before, next), next, index.id);
    }
  }
  ctx.catalog.put(ctx.txn, next);
  await renewRowType(ctx, next);
  await validateForeignKeys(draft, next);
}

/** Rows of before get values that they did not have, other than that of the hidden row id; or may, by a column's type. */
function hasNewValues({ before, table, sources, retyped }: Draft): boolean {
  if (retyped) return true;
  for (const source of sources.values()) if (source !== 'rowid') return true;
  return table.columns.some((c) => c.missingText !== null && before.columns.every(({ id }) => id !== c.id));
}

function mapper(
  draft: Draft,
  next: TableDescriptor,
): (old: readonly Datum[]) => readonly Datum[] | Promise<readonly Datum[]> {
  const old = draft.before.columns.filter((c) => !c.dropped);
  const live = next.columns.filter((c) => !c.dropped);
  const context = draft.ctx.execContext();
  const makers = live.map((column): ((row: readonly Datum[]) => Datum | Promise<Datum>) => {
    const source = draft.sources.get(column.id);
    if (source === 'rowid') return () => uniqueRowId(context);
    // Computed below, from the new row.
    if (source === 'generated') return () => null;
    if (source !== undefined) {
      const { expression, ofOldRow } = source;
      return (row) => expression.evaluate(ofOldRow ? row : [], context);
    }
    const at = old.findIndex((c) => c.id === column.id);
    if (at >= 0) return (row) => row[at]!;
    const value =
      column.missingText === null
        ? null
        : typeByOid(column.typeOid).input(column.missingText, column.typmod, STORED_FORMAT);
    return () => value;
  });
  const generators = live.flatMap((column, at) =>
    draft.sources.get(column.id) === 'generated' && column.generated != null
      ? [{ at, expression: compile(draft, column.generated.expressionSql, column, live) }]
      : [],
  );
  const generate = async (values: Datum[]): Promise<Datum[]> => {
    for (const { at, expression } of generators) values[at] = await expression.evaluate(values, context);
    return values;
  };
  return (row) => {
    const values = new Array<Datum | Promise<Datum>>(makers.length);
    let waits = false;
    for (let i = 0; i < makers.length; i++) {
      const value = makers[i]!(row);
      if (value instanceof Promise) waits = true;
      values[i] = value;
    }
    if (generators.length > 0) return Promise.all(values).then(generate);
    return waits ? Promise.all(values) : (values as Datum[]);
  };
}
