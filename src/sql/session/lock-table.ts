/**
 * LOCK TABLE. What every use of a table keeps away, schema changes and the strong locks, is all that ACCESS SHARE, ROW SHARE and ROW EXCLUSIVE promise.
 * SHARE UPDATE EXCLUSIVE is a lock of its own that one transaction has at a time. The stronger ones take the schema lock on the table: they wait
 * until nobody else uses it, and keep everybody away to the end of the transaction, those too who only read. That is more than PostgreSQL keeps away, but never less.
 *
 * Who may take which lock is asked as in PostgreSQL; a view's query is locked with it, by the rights of the view's owner or, with
 * security_invoker, of the user. pg_locks shows the mode that was asked for.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import { RIGHTS } from '../catalog/acl.js';
import { TABLE_SPACE } from '../advisory/codec.js';
import { NO_WAIT_MS, type WaitOptions } from '../catalog/catalog.js';
import type { Descriptor } from '../catalog/descriptor.js';
import { relationKind, wholeRights } from '../catalog/rights.js';
import type { TransactionCatalog } from '../catalog/transaction-catalog.js';
import { ACCESS_EXCLUSIVE, SHARE_UPDATE_EXCLUSIVE } from '../locks/modes.js';
import { viewReader } from '../plan/access-notes.js';
import { denied } from './access.js';
import type { Session } from './session.js';
import { list } from './tree.js';
import type { Loose } from './tree.js';

const CHANGES = RIGHTS.update | RIGHTS.delete | RIGHTS.truncate;

/** Any of them will do. The weakest lock is the readers'. */
function enoughFor(mode: number): number {
  return mode === 1 ? RIGHTS.select : mode === 3 ? RIGHTS.insert | CHANGES : CHANGES;
}

interface Asked {
  readonly mode: number;
  readonly nowait: boolean;
}

function waitOptions(session: Session, { nowait }: Asked): WaitOptions {
  return nowait ? { ...session.waitOptions(), lockTimeoutMs: NO_WAIT_MS } : session.waitOptions();
}

/** Keeps away what the mode promises. @throws QuoralError 55P03, 57014, 40P01 */
async function keepAway(session: Session, { id, name }: Descriptor, asked: Asked): Promise<void> {
  const { mode, nowait } = asked;
  const { transaction } = session;
  // There is nobody in the past.
  if (mode < SHARE_UPDATE_EXCLUSIVE || transaction.modes.asOf !== null) return;
  const unavailable = sqlError('55P03', `could not obtain lock on relation "${name}"`);
  if (mode === SHARE_UPDATE_EXCLUSIVE) {
    const lock = { space: TABLE_SPACE, high: 0, low: id } as const;
    if (!(await session.advisory.lock(lock, { exclusive: true, waits: !nowait }, 'transaction'))) throw unavailable;
    return;
  }
  const tc = session.transactionCatalog();
  try {
    await tc.waits.asking(mode, () => tc.lock(transaction.ensureTxn(), [id], waitOptions(session, asked)));
  } catch (error) {
    throw nowait && error instanceof QuoralError && error.sqlstate === '55P03' ? unavailable : error;
  }
}

/** `reader`: the role whose rights count; null: the user. @throws QuoralError 42501, 55P03, 57014, 40P01 */
async function lockRelation(
  session: Session,
  descriptor: Descriptor,
  asked: Asked,
  reader: number | null,
): Promise<void> {
  if (descriptor.kind !== 'table' && descriptor.kind !== 'view') return;
  const rights = reader === null ? await session.roles.refresh() : await session.roles.rightsOf(reader);
  if (!rights.superuser && (wholeRights(rights, descriptor) & enoughFor(asked.mode)) === 0)
    throw denied(relationKind(descriptor), descriptor.name);
  if (descriptor.kind === 'table') await keepAway(session, descriptor, asked);
  session.locks.takes(descriptor.id, asked.mode);
  if (descriptor.kind === 'table') return;
  for (const { id } of descriptor.sources) {
    const source = await session.transactionCatalog().descriptor(id, waitOptions(session, asked));
    if (source !== null) await lockRelation(session, source, asked, viewReader(descriptor));
  }
}

export async function lockTable(session: Session, body: Loose): Promise<string> {
  const asked = { mode: Number(body['mode'] ?? ACCESS_EXCLUSIVE), nowait: body['nowait'] === true };
  // Two who both use what both want to lock would wait for each other.
  if (asked.mode > SHARE_UPDATE_EXCLUSIVE) session.transactionCatalog().beginSchemaChange();
  for (const r of list(body['relations'])) await lockNamed(session, r['RangeVar'] as Loose, asked);
  return 'LOCK TABLE';
}

async function lockNamed(session: Session, of: Loose, asked: Asked): Promise<void> {
  const schema = of['schemaname'] === undefined ? null : String(of['schemaname']);
  const name = String(of['relname']);
  const tc = session.transactionCatalog();
  const found = await relationNamed(session, { schema, name }, asked);
  if (found === null) {
    if (schema === null) throw sqlError('42P01', `relation "${name}" does not exist`);
    if ((await tc.schemaId(schema)) === null) throw sqlError('3F000', `schema "${schema}" does not exist`);
    throw sqlError('42P01', `relation "${schema}.${name}" does not exist`);
  }
  const descriptor = found.kind === 'table' ? found.table : found.kind === 'view' ? found.view : null;
  if (descriptor !== null) await lockRelation(session, descriptor, asked, null);
}

async function relationNamed(
  session: Session,
  name: { readonly schema: string | null; readonly name: string },
  asked: Asked,
): ReturnType<TransactionCatalog['relation']> {
  const { searchPath } = session.settings.derived;
  try {
    return await session.transactionCatalog().relation(name, searchPath, waitOptions(session, asked));
  } catch (error) {
    if (asked.nowait && error instanceof QuoralError && error.sqlstate === '55P03')
      throw sqlError('55P03', `could not obtain lock on relation "${name.name}"`);
    throw error;
  }
}
