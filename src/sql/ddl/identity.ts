/** ALTER TABLE's commands on identity columns. */
import { sqlError } from '../../base/errors.js';
import type { ColumnDescriptor } from '../catalog/descriptor.js';
import type { Draft } from './alter-draft.js';
import { notice } from './context.js';
import { claimIdentityName } from './objects.js';
import {
  alterSequence,
  createSequence,
  dropOwnedSequence,
  requireIdentityType,
  sequenceDefaults,
} from './sequences.js';
import { of, options } from './tree.js';
import type { Loose } from './tree.js';

export async function addIdentity(draft: Draft, name: string, constraint: Loose): Promise<void> {
  const { ctx } = draft;
  const column = draft.column(name);
  if (column.identity !== null)
    throw sqlError('55000', `column "${name}" of relation "${draft.table.name}" is already an identity column`);
  if (column.defaultSql !== null || column.generated != null)
    throw sqlError('55000', `column "${name}" of relation "${draft.table.name}" already has a default value`);
  requireIdentityType(column.typeOid);
  if (column.nullable)
    throw sqlError(
      '55000',
      `column "${name}" of relation "${draft.table.name}" must be declared NOT NULL before identity can be added`,
    );
  const id = await ctx.catalog.catalog.ids.next();
  const opts = options(constraint['options']);
  const { name: tableName, schemaId } = draft.table;
  const place = { name: tableName, schemaId, schemaName: draft.schemaName };
  const sequenceName = await claimIdentityName(ctx, place, name, opts, id);
  await createSequence(ctx, sequenceDefaults(column.typeOid, opts), {
    id,
    name: sequenceName,
    schemaId: draft.table.schemaId,
    ownedBy: { tableId: draft.table.id, columnId: column.id },
    unlogged: draft.table.unlogged,
  });
  draft.setColumn({
    ...column,
    identity: constraint['generated_when'] === 'd' ? 'by default' : 'always',
    sequenceId: id,
  });
}

export async function setIdentity(draft: Draft, name: string, opts: ReturnType<typeof options>): Promise<void> {
  const column = draft.column(name);
  if (column.identity === null || column.sequenceId === null) {
    throw sqlError('55000', `column "${name}" of relation "${draft.table.name}" is not an identity column`);
  }
  const generated = opts.find((o) => o.name === 'generated');
  if (generated !== undefined) {
    const kind = String((of(generated.arg as Loose, 'Integer')['ival'] as number | undefined) ?? '');
    draft.setColumn({ ...column, identity: kind === '100' ? 'by default' : 'always' });
  }
  const rest = opts.filter((o) => o.name !== 'generated');
  if (rest.length === 0) return;
  await draft.ctx.catalog.lock(draft.ctx.txn, [column.sequenceId], draft.ctx.wait);
  const sequence = await draft.ctx.catalog.forUpdate(draft.ctx.txn, column.sequenceId);
  if (sequence?.kind === 'sequence') await alterSequence(draft.ctx, sequence, rest);
}

/** The sequence of the column gets the type that the column gets. */
export async function retypeIdentity(draft: Draft, column: ColumnDescriptor, typeName: Loose): Promise<void> {
  const { ctx } = draft;
  if (column.identity === null || column.sequenceId === null) return;
  await ctx.catalog.lock(ctx.txn, [column.sequenceId], ctx.wait);
  const sequence = await ctx.catalog.forUpdate(ctx.txn, column.sequenceId);
  if (sequence?.kind === 'sequence') await alterSequence(ctx, sequence, [{ name: 'as', arg: { TypeName: typeName } }]);
}

export async function dropIdentity(draft: Draft, name: string, missingOk: boolean): Promise<void> {
  const column = draft.column(name);
  if (column.identity === null) {
    if (!missingOk)
      throw sqlError('55000', `column "${name}" of relation "${draft.table.name}" is not an identity column`);
    notice(
      draft.ctx,
      '00000',
      `column "${name}" of relation "${draft.table.name}" is not an identity column, skipping`,
    );
    return;
  }
  if (column.sequenceId !== null) await dropOwnedSequence(draft.ctx, column.sequenceId);
  draft.setColumn({ ...column, identity: null, sequenceId: null });
}
