/**
 * ON COMMIT DELETE ROWS and ON COMMIT DROP: done in the transaction itself, just before it commits, so that they take
 * place exactly if it does. A table that the transaction did not write to is empty already.
 */
import { sqlError } from '../../base/errors.js';
import type { DdlContext } from '../ddl/context.js';
import { dropTable } from '../ddl/drop.js';
import { newStorage, nextVersion } from '../ddl/objects.js';
import { readHeldPortals } from './cursors.js';
import type { Session } from './session.js';

/** Cursors WITH HOLD read first what is about to go. null: there is nothing to do. */
export function actBeforeCommit(session: Session, context: () => DdlContext): Promise<void> | null {
  const held = readHeldPortals(session.portals);
  if (held === null) return actOnCommit(session, context);
  return held.then(() => actOnCommit(session, context) ?? undefined);
}

function actOnCommit(session: Session, context: () => DdlContext): Promise<void> | null {
  const { onCommit, touched } = session.temporaries;
  const doomed = [...onCommit].filter(([, action]) => action === 'drop').map(([id]) => id);
  const emptied = touched.size > 0 || session.transaction.catalogChanged ? emptiedTables(onCommit) : [];
  if (doomed.length === 0 && touched.size === 0 && emptied.length === 0) return null;
  return act(session, context(), doomed, emptied);
}

function emptiedTables(onCommit: ReadonlyMap<number, string>): readonly number[] {
  return [...onCommit].filter(([, action]) => action === 'delete').map(([id]) => id);
}

/** All those that empty themselves do so together; one that refers to them has to be among them. @throws QuoralError 0A000 */
async function refuseReferred(ctx: DdlContext, emptied: readonly number[]): Promise<void> {
  for (const id of emptied) {
    const table = await ctx.catalog.readTracked(ctx.txn, id);
    if (table?.kind !== 'table') continue;
    for (const other of table.referencedBy ?? []) {
      const child = emptied.includes(other) ? null : await ctx.catalog.readTracked(ctx.txn, other);
      if (child?.kind !== 'table') continue;
      throw sqlError('0A000', 'unsupported ON COMMIT and foreign key combination', {
        detail: `Table "${child.name}" references "${table.name}", but they do not have the same ON COMMIT setting.`,
      });
    }
  }
}

async function act(
  session: Session,
  ctx: DdlContext,
  doomed: readonly number[],
  emptied: readonly number[],
): Promise<void> {
  const { onCommit, touched } = session.temporaries;
  await refuseReferred(ctx, emptied);
  for (const id of touched) {
    const table = await ctx.catalog.readTracked(ctx.txn, id);
    if (table?.kind !== 'table') {
      onCommit.delete(id);
      continue;
    }
    const storageId = await newStorage(ctx, { shared: true });
    ctx.catalog.put(ctx.txn, nextVersion(table, { storageId, storageSince: ctx.txn.readTimestamp }));
  }
  for (const id of doomed) {
    const table = await ctx.catalog.readTracked(ctx.txn, id);
    if (table?.kind === 'table') await dropTable(ctx, table, { cascade: true, together: new Set([id]) });
  }
}
