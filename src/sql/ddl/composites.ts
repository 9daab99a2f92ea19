/**
 * CREATE TYPE … AS (…) and ALTER TYPE … ADD, DROP, ALTER, RENAME ATTRIBUTE. Values on disk name their fields by number,
 * so that a field that is added reads as NULL and one that is dropped is passed over: no row is touched.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { Descriptor, TableDescriptor } from '../catalog/descriptor.js';
import type { ExpressionColumn, RelationName } from '../contract.js';
import { resolveUnplaced } from '../plan/coerce.js';
import type { CompositeField } from '../types/composite.js';
import { type CompositeType, userTypeOf } from '../types/user-types.js';
import { DOMAIN_VALUE } from '../plan/planner.js';
import { dropAttributeReaders, refuseAttributeReaders } from './attribute-readers.js';
import { checkColumnType, writtenCollation } from './columns.js';
import type { DdlContext } from './context.js';
import { notice } from './context.js';
import { relationMissing } from './objects.js';
import { tablesToAlter } from './typed-tables.js';
import { changeType, createType, namesType, openType, requireType, usersOf } from './user-types.js';
import { list, of, rangeVar, text, unsupported } from './tree.js';
import type { Loose } from './tree.js';

function fieldOf(ctx: DdlContext, node: Loose, id: number): CompositeField {
  const def = of(node, 'ColumnDef');
  const name = text(def['colname']);
  const type = resolveUnplaced(def['typeName'] as Parameters<typeof resolveUnplaced>[0], ctx.types);
  checkColumnType(name, type.oid);
  return { id, name, typeOid: type.oid, typmod: type.typmod, ...fieldCollation(ctx, def, type.oid) };
}

function fieldCollation(ctx: DdlContext, def: Loose, typeOid: number): Pick<CompositeField, 'collation'> {
  const clause = def['collClause'] as Loose | undefined;
  const collation = clause === undefined ? null : writtenCollation(clause, typeOid, ctx.types);
  return collation === null ? {} : { collation };
}

export async function runCreateComposite(ctx: DdlContext, body: Loose): Promise<string> {
  const fields: CompositeField[] = [];
  for (const node of list(body['coldeflist'])) {
    const field = fieldOf(ctx, node, fields.length + 1);
    refuseTwin(fields, field.name);
    fields.push(field);
  }
  await createType(ctx, rangeVar(body['typevar']), (named) => ({
    kind: 'composite',
    ...named,
    fields,
    nextField: fields.length + 1,
  }));
  return 'CREATE TYPE';
}

function refuseTwin(fields: readonly CompositeField[], name: string): void {
  if (!fields.some((field) => field.name === name)) return;
  throw sqlError('42701', `column "${name}" specified more than once`);
}

/** How the typed tables are altered; in another file, since that alters types too. */
type Alter = (ctx: DdlContext, body: Loose) => Promise<string>;

async function alterTables(
  ctx: DdlContext,
  type: CompositeType,
  tables: readonly TableDescriptor[],
  alter: Alter,
  body: Loose,
): Promise<void> {
  for (const { name, schemaId } of tables) {
    const relation = { relname: name, schemaname: await ctx.catalog.schemaName(schemaId) };
    await alter({ ...ctx, ofType: type.oid }, { ...body, relation });
  }
}

export async function runAlterComposite(ctx: DdlContext, body: Loose, alter: Alter): Promise<string> {
  for (const command of list(body['cmds']).map((c) => of(c, 'AlterTableCmd'))) {
    const named = rangeVar(body['relation']);
    const opened = (await openType(ctx, named)) ?? (await relationMissing(ctx, named));
    const { type } = opened;
    if (type.kind !== 'composite') throw sqlError('42809', `"${type.name}" is not a composite type`);
    const name = text(command['name']);
    const typed = await tablesToAlter(ctx, type, command['behavior']);
    switch (command['subtype']) {
      case 'AT_AddColumn': {
        const field = fieldOf(ctx, command['def'] as Loose, type.nextField);
        if (type.fields.some((one) => one.name === field.name)) {
          throw sqlError('42701', `column "${field.name}" of relation "${type.name}" already exists`);
        }
        refuseItself(type, field);
        await changeType(ctx, opened, {
          ...type,
          fields: [...type.fields, field],
          nextField: type.nextField + 1,
        });
        break;
      }
      case 'AT_DropColumn':
        if (!type.fields.some((field) => field.name === name)) {
          if (command['missing_ok'] !== true) throw attributeMissing(type, name);
          notice(ctx, '00000', `column "${name}" of relation "${type.name}" does not exist, skipping`);
          break;
        }
        await dropAttributeReaders(ctx, type, name, command['behavior'] === 'DROP_CASCADE');
        await changeType(ctx, opened, { ...type, fields: type.fields.filter((field) => field.name !== name) });
        break;
      case 'AT_AlterColumnType': {
        const at = type.fields.findIndex((field) => field.name === name);
        if (at < 0) throw attributeMissing(type, name);
        const users = await usersOf(ctx, type);
        refuseColumns(users, type);
        const def = of(command['def'] as Loose, 'ColumnDef');
        const made = resolveUnplaced(def['typeName'] as Parameters<typeof resolveUnplaced>[0], ctx.types);
        const { id, name: kept } = type.fields[at]!;
        const collation = fieldCollation(ctx, def, made.oid);
        const changed: CompositeField = { id, name: kept, typeOid: made.oid, typmod: made.typmod, ...collation };
        refuseItself(type, changed);
        await changeType(ctx, opened, { ...type, fields: type.fields.map((f, i) => (i === at ? changed : f)) });
        await rereadChecks(ctx, users);
        break;
      }
      case 'AT_ChangeOwner':
        break;
      default:
        throw unsupported('this ALTER TYPE');
    }
    await alterTables(ctx, type, typed, alter, { objtype: 'OBJECT_TABLE', cmds: [{ AlterTableCmd: command }] });
  }
  return 'ALTER TYPE';
}

/** Values that are kept have the old type. @throws QuoralError 0A000 */
function refuseColumns(users: readonly Descriptor[], type: CompositeType): void {
  for (const user of users) {
    if (user.kind !== 'table') continue;
    const column = user.columns.find((c) => !c.dropped && namesType(c.typeOid, type));
    if (column === undefined) continue;
    throw sqlError('0A000', `cannot alter type "${type.name}" because column "${user.name}.${column.name}" uses it`);
  }
}

/** The check has no place in the statement. */
function rebind(ctx: DdlContext, sql: string, value: ExpressionColumn): void {
  try {
    ctx.planner.compileExpression(sql, [value], ctx.plannerSettings, null);
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    const { position: _place, ...fields } = error.fields;
    throw sqlError(error.sqlstate, error.message, fields);
  }
}

/** Checks of domains over the type must go on meaning something. @throws QuoralError what binding them throws */
async function rereadChecks(ctx: DdlContext, users: readonly Descriptor[]): Promise<void> {
  for (const { id } of users) {
    const current = await ctx.catalog.forUpdate(ctx.txn, id);
    const domain = current?.kind === 'type' ? userTypeOf(current.typeOid) : null;
    if (domain?.kind !== 'domain') continue;
    const value = { name: DOMAIN_VALUE, typeOid: domain.typeOid, typmod: domain.typmod };
    for (const { expressionSql } of domain.checks) rebind(ctx, expressionSql, value);
  }
}

function attributeMissing(type: CompositeType, name: string): Error {
  return sqlError('42703', `column "${name}" of relation "${type.name}" does not exist`);
}

/** A type cannot be made of itself. */
function refuseItself(type: CompositeType, field: CompositeField): void {
  if (!namesType(field.typeOid, type)) return;
  throw sqlError('42P16', `composite type ${type.name} cannot be made a member of itself`);
}

/** ALTER TABLE of what is a type. @throws QuoralError 42809 */
export async function refuseComposite(ctx: DdlContext, name: RelationName): Promise<void> {
  const found = await ctx.catalog.type(name, ctx.session.searchPath, ctx.wait);
  if (found === null || userTypeOf(found.typeOid)?.kind !== 'composite') return;
  throw sqlError('42809', `"${name.name}" is a composite type`, { hint: 'Use ALTER TYPE instead.' });
}

export async function renameAttribute(
  ctx: DdlContext,
  body: Loose,
  to: string,
  rename: (ctx: DdlContext, body: Loose, to: string) => Promise<string>,
): Promise<string> {
  const opened = await requireType(ctx, rangeVar(body['relation']));
  const { type } = opened;
  if (type.kind !== 'composite') throw sqlError('42809', `"${type.name}" is not a composite type`);
  const from = text(body['subname']);
  if (!type.fields.some((field) => field.name === from)) {
    throw sqlError('42703', `column "${from}" does not exist`);
  }
  if (type.fields.some((field) => field.name === to)) {
    throw sqlError('42701', `column "${to}" of relation "${type.name}" already exists`);
  }
  const typed = await tablesToAlter(ctx, type, body['behavior']);
  await refuseAttributeReaders(ctx, type, from);
  const fields = type.fields.map((field) => (field.name === from ? { ...field, name: to } : field));
  await changeType(ctx, opened, { ...type, fields });
  const alter: Alter = (inner, altered) => rename(inner, altered, to);
  await alterTables(ctx, type, typed, alter, { subname: from, relationType: 'OBJECT_TABLE' });
  return 'ALTER TYPE';
}
