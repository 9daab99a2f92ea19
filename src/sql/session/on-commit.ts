/**
 * ON COMMIT DELETE ROWS and ON COMMIT DROP: done in the transaction itself, just before it commits, so that they take
 * place exactly if it does. A table that the transaction did not write to is empty already.
 */
import type { DdlContext } from '../ddl/context.js';
import { dropTable } from '../ddl/drop.js';
import { newStorage, nextVersion } from '../ddl/objects.js';
import { readHeldPortals } from './cursors.js';
import type { Session } from './session.js';

/** Cursors WITH HOLD read first what is about to go. null: there is nothing to do. */
export function actBeforeCommit(session: Session, context: () => DdlContext): Promise<void> | null {
  const held = readHeldPortals(session);
  if (held === null) return actOnCommit(session, context);
  return held.then(() => actOnCommit(session, context) ?? undefined);
}

function actOnCommit(session: Session, context: () => DdlContext): Promise<void> | null {
  const { onCommit, touched } = session.temporaries;
  const doomed = [...onCommit].filter(([, action]) => action === 'drop').map(([id]) => id);
  if (doomed.length === 0 && touched.size === 0) return null;
  return act(session, context(), doomed);
}

async function act(session: Session, ctx: DdlContext, doomed: readonly number[]): Promise<void> {
  const { onCommit, touched } = session.temporaries;
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
