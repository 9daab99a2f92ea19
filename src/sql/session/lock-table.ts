/**
 * LOCK TABLE. Nothing is locked but what every use of a table keeps away, schema changes: which is what ACCESS SHARE promises (pg_locks
 * shows the mode that was asked for). Who may
 * take which lock is asked as in PostgreSQL; a view's query is locked with it, by the rights of the view's owner or, with security_invoker, of the user.
 */
import { sqlError } from '../../base/errors.js';
import { RIGHTS } from '../catalog/acl.js';
import type { Descriptor } from '../catalog/descriptor.js';
import { relationKind, wholeRights } from '../catalog/rights.js';
import { viewReader } from '../plan/access-notes.js';
import { denied } from './access.js';
import type { Session } from './session.js';
import { list } from './tree.js';
import type { Loose } from './tree.js';

const STRONGEST = 8;
const CHANGES = RIGHTS.update | RIGHTS.delete | RIGHTS.truncate;

/** Any of them will do. The weakest lock is the readers'. */
function enoughFor(mode: number): number {
  return mode === 1 ? RIGHTS.select : mode === 3 ? RIGHTS.insert | CHANGES : CHANGES;
}

/** `reader`: the role whose rights count; null: the user. @throws QuoralError 42501 */
async function lockRelation(
  session: Session,
  descriptor: Descriptor,
  mode: number,
  reader: number | null,
): Promise<void> {
  if (descriptor.kind !== 'table' && descriptor.kind !== 'view') return;
  const rights = reader === null ? await session.roles.refresh() : await session.roles.rightsOf(reader);
  if (!rights.superuser && (wholeRights(rights, descriptor) & enoughFor(mode)) === 0)
    throw denied(relationKind(descriptor), descriptor.name);
  session.locks.takes(descriptor.id, mode);
  if (descriptor.kind === 'table') return;
  for (const { id } of descriptor.sources) {
    const source = await session.transactionCatalog().descriptor(id, session.waitOptions());
    if (source !== null) await lockRelation(session, source, mode, viewReader(descriptor));
  }
}

export async function lockTable(session: Session, body: Loose): Promise<string> {
  for (const r of list(body['relations'])) {
    const of = r['RangeVar'] as Loose;
    const name = {
      schema: of['schemaname'] === undefined ? null : String(of['schemaname']),
      name: String(of['relname']),
    };
    const tc = session.transactionCatalog();
    const found = await tc.relation(name, session.settings.derived.searchPath, session.waitOptions());
    if (found === null) {
      if (name.schema === null) throw sqlError('42P01', `relation "${name.name}" does not exist`);
      if ((await tc.schemaId(name.schema)) === null) throw sqlError('3F000', `schema "${name.schema}" does not exist`);
      throw sqlError('42P01', `relation "${name.schema}.${name.name}" does not exist`);
    }
    const descriptor = found.kind === 'table' ? found.table : found.kind === 'view' ? found.view : null;
    if (descriptor !== null) await lockRelation(session, descriptor, Number(body['mode'] ?? STRONGEST), null);
  }
  return 'LOCK TABLE';
}
