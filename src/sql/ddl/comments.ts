/** COMMENT ON. */
import { sqlError } from '../../base/errors.js';
import type { Descriptor, TypeDescriptor } from '../catalog/descriptor.js';
import { constraintOids } from '../catalog/descriptor.js';
import type { DdlContext } from './context.js';
import { requireOwner } from './ownership.js';
import { commentOnCollation } from './collations.js';
import { commentOnRole } from './roles.js';
import { commentOnStatistics } from './statistics.js';
import { commentOnExtension } from './extensions.js';
import { requireMaterialized } from './materialized-views.js';
import {
  descriptorOf,
  type Opened,
  nextVersion,
  openForChange,
  openIndex,
  openTable,
  relationMissing,
} from './objects.js';
import { commentOnRoutine } from './alter-routine.js';
import { isRoutineObject } from './routines.js';
import { refuseIfNever, requireOperator } from './missing-objects.js';
import { list, of, qualifiedName, stringOf, text } from './tree.js';
import type { Loose } from './tree.js';
import { commentOnType, openType, requireType, typeNameIn } from './user-types.js';

export async function runComment(ctx: DdlContext, body: Loose): Promise<string> {
  if (isRoutineObject(body['objtype'])) return commentOnRoutine(ctx, body);
  const comment = body['comment'] === undefined ? null : text(body['comment']);
  const object = body['object'] as Loose;
  const parts = object['List'] === undefined ? [stringOf(object)] : list(of(object, 'List')['items']).map(stringOf);
  switch (body['objtype']) {
    case 'OBJECT_TABLE':
    case 'OBJECT_VIEW':
    case 'OBJECT_MATVIEW':
    case 'OBJECT_SEQUENCE': {
      if (body['objtype'] === 'OBJECT_MATVIEW') await requireMaterialized(ctx, qualifiedName(parts));
      const name = qualifiedName(parts);
      const found = await openForChange(ctx, name);
      if (found === null) return relationMissing(ctx, name);
      checkKind(found, body['objtype'], name.name);
      const old = descriptorOf(found);
      ctx.catalog.put(ctx.txn, { ...old, comment, version: old.version + 1 } as Descriptor);
      break;
    }
    case 'OBJECT_COLUMN': {
      if (parts.length < 2) throw sqlError('42601', 'column name must be qualified');
      if (await commentOnOtherColumn(ctx, parts, comment)) break;
      const table = await openTable(ctx, qualifiedName(parts.slice(0, -1)), { materialized: true });
      const column = parts[parts.length - 1]!;
      if (!table.columns.some((c) => c.name === column && !c.dropped && !c.hidden)) {
        throw sqlError('42703', `column "${column}" of relation "${table.name}" does not exist`);
      }
      const columns = table.columns.map((c) => (c.name === column ? { ...c, comment } : c));
      ctx.catalog.put(ctx.txn, nextVersion(table, { columns }));
      break;
    }
    case 'OBJECT_INDEX': {
      const found = await openIndex(ctx, qualifiedName(parts));
      if (found === null) return relationMissing(ctx, qualifiedName(parts));
      const indexes = found.table.indexes.map((i) => (i.id === found.index.id ? { ...i, comment } : i));
      ctx.catalog.put(ctx.txn, nextVersion(found.table, { indexes }));
      break;
    }
    case 'OBJECT_TABCONSTRAINT':
      await commentOnConstraint(ctx, parts, comment);
      break;
    case 'OBJECT_DOMCONSTRAINT':
      await commentOnDomainConstraint(ctx, object, comment);
      break;
    case 'OBJECT_TYPE':
    case 'OBJECT_DOMAIN':
      await commentOnType(ctx, typeNameIn(object), comment);
      break;
    case 'OBJECT_STATISTIC_EXT':
      await commentOnStatistics(ctx, parts, comment);
      break;
    case 'OBJECT_COLLATION':
      await commentOnCollation(ctx, parts, comment);
      break;
    case 'OBJECT_ROLE':
      await commentOnRole(ctx, parts[0]!, comment);
      break;
    case 'OBJECT_EXTENSION':
      await commentOnExtension(ctx, parts[0]!, comment);
      break;
    case 'OBJECT_SCHEMA':
    case 'OBJECT_DATABASE':
      await commentOnContainer(ctx, String(body['objtype']), parts[0]!, comment);
      break;
    case 'OBJECT_FOREIGN_TABLE': {
      const name = qualifiedName(parts);
      if ((await openForChange(ctx, name)) === null) return relationMissing(ctx, name);
      throw sqlError('42809', `"${name.name}" is not a foreign table`);
    }
    case 'OBJECT_OPERATOR':
      await requireOperator(ctx, object);
      break;
    default:
      await refuseIfNever(ctx, body['objtype'], object);
      // Comments on other objects have nowhere to be shown.
      break;
  }
  return 'COMMENT';
}

const NAMED_KINDS: Readonly<Record<string, string>> = {
  OBJECT_TABLE: 'table',
  OBJECT_VIEW: 'view',
  OBJECT_SEQUENCE: 'sequence',
};

/** @throws QuoralError 42809 */
function checkKind(found: Opened, named: unknown, name: string): void {
  const kind = NAMED_KINDS[String(named)];
  const isFilled = found.kind === 'table' && found.table.materialized != null;
  if (kind !== undefined && (found.kind !== kind || isFilled)) throw sqlError('42809', `"${name}" is not a ${kind}`);
}

function commentOnPart(ctx: DdlContext, descriptor: TypeDescriptor, part: number, comment: string | null): void {
  const { [part]: _before, ...others } = descriptor.partComments ?? {};
  const partComments = comment === null ? others : { ...others, [part]: comment };
  ctx.catalog.put(ctx.txn, { ...descriptor, partComments, version: descriptor.version + 1 });
}

/** Of a view or a composite type; false: it is neither's. */
async function commentOnOtherColumn(
  ctx: DdlContext,
  parts: readonly string[],
  comment: string | null,
): Promise<boolean> {
  const name = qualifiedName(parts.slice(0, -1));
  const column = parts[parts.length - 1]!;
  const missing = (): Error => sqlError('42703', `column "${column}" of relation "${name.name}" does not exist`);
  const found = await ctx.catalog.relation(name, ctx.session.searchPath, ctx.wait);
  if (found?.kind === 'view') {
    const opened = await openForChange(ctx, name);
    if (opened?.kind !== 'view') return false;
    const { view } = opened;
    if (!view.columns.some((c) => c.name === column)) throw missing();
    const columns = view.columns.map((c) => (c.name === column ? { ...c, comment } : c));
    ctx.catalog.put(ctx.txn, { ...view, columns, version: view.version + 1 });
    return true;
  }
  if (found !== null) return false;
  const opened = await openType(ctx, name);
  if (opened?.type.kind !== 'composite') return false;
  const field = opened.type.fields.find((one) => one.name === column);
  if (field === undefined) throw missing();
  commentOnPart(ctx, opened.descriptor, field.id, comment);
  return true;
}

async function commentOnConstraint(ctx: DdlContext, parts: readonly string[], comment: string | null): Promise<void> {
  const table = await openTable(ctx, qualifiedName(parts.slice(0, -1)));
  const name = parts[parts.length - 1]!;
  const oid = constraintOids(table).get(name);
  if (oid === undefined) throw sqlError('42704', `constraint "${name}" for table "${table.name}" does not exist`);
  const { [oid]: _before, ...others } = table.constraintComments ?? {};
  const constraintComments = comment === null ? others : { ...others, [oid]: comment };
  ctx.catalog.put(ctx.txn, nextVersion(table, { constraintComments }));
}

async function commentOnDomainConstraint(ctx: DdlContext, object: Loose, comment: string | null): Promise<void> {
  const [domain, name] = list(of(object, 'List')['items']) as [Loose, Loose];
  const { descriptor, type } = await requireType(ctx, typeNameIn(domain));
  if (type.kind !== 'domain') throw sqlError('42809', `"${type.name}" is not a domain`);
  const check = type.checks.find((one) => one.name === stringOf(name));
  if (check !== undefined) {
    commentOnPart(ctx, descriptor, check.oid, comment);
    return;
  }
  throw sqlError('42704', `constraint "${stringOf(name)}" for domain ${type.name} does not exist`);
}

async function commentOnContainer(ctx: DdlContext, kind: string, name: string, comment: string | null): Promise<void> {
  const isSchema = kind === 'OBJECT_SCHEMA';
  const id = isSchema
    ? await ctx.catalog.schemaId(name)
    : ((await ctx.catalog.nameForUpdate(ctx.txn, 0, name, 0))?.id ?? null);
  if (id === null)
    throw isSchema
      ? sqlError('3F000', `schema "${name}" does not exist`)
      : sqlError('3D000', `database "${name}" does not exist`);
  await ctx.catalog.lock(ctx.txn, [id], ctx.wait);
  const found = await ctx.catalog.forUpdate(ctx.txn, id);
  if (found?.kind === 'schema' || found?.kind === 'database') requireOwner(ctx, found);
  if (found?.kind === 'schema' || found?.kind === 'database')
    ctx.catalog.put(ctx.txn, { ...found, comment, version: found.version + 1 });
}
