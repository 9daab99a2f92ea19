/**
 * Whether a statement may do what it is about to: asked before it runs, of the plan's notes (plan/access-notes.ts), as PostgreSQL's executor
 * asks before it starts.
 */
import { sqlError } from '../../base/errors.js';
import type { Acl } from '../catalog/acl.js';
import { defaultAcl, RIGHTS } from '../catalog/acl.js';
import { SUPERUSER_OID } from '../catalog/bootstrap-names.js';
import type { Descriptor, TableDescriptor } from '../catalog/descriptor.js';
import { isUnderRowSecurity, relationKind, type Rights, wholeRights } from '../catalog/rights.js';
import { READ_ALL_DATA } from '../catalog/roles.js';
import { isTemporary } from '../catalog/temporary-names.js';
import { isSecret, secretKind } from '../catalog/virtual/secrets.js';
import type { AccessNeed, CompiledStatement } from '../contract.js';
import type { Session } from './session.js';

/** True where the superuser `postgres` too must ask, for owners of views. */
export function asksForOthers({ access }: Pick<CompiledStatement, 'access'>): boolean {
  return access.some(({ as }) => as !== null && as !== SUPERUSER_OID);
}

/** @throws QuoralError 42501 */
export async function checkAccess(session: Session, compiled: CompiledStatement): Promise<void> {
  const own = await session.roles.refresh();
  const byRole = new Map<number, Rights>();
  for (const need of compiled.access) {
    let rights = own;
    if (need.as !== null) {
      rights = byRole.get(need.as) ?? (await session.roles.rightsOf(need.as));
      byRole.set(need.as, rights);
    }
    if (rights.superuser) continue;
    if (need.virtual) checkCatalog(need, rights);
    else {
      const descriptor = session.transactionCatalog().known(need.relationId);
      checkRelation(need, rights, descriptor);
      if (descriptor?.kind === 'table' && need.rights !== 0) checkRowSecurity(session, rights, descriptor);
    }
  }
  if (own.superuser) return;
  for (const { name, routine } of compiled.calls) {
    const acl = routine.acl ?? defaultAcl('function', routine.owner ?? SUPERUSER_OID);
    if (own.has(acl, RIGHTS.execute)) continue;
    const kind = routine.aggregate !== undefined ? 'aggregate' : routine.procedure ? 'procedure' : 'function';
    throw sqlError('42501', `permission denied for ${kind} ${name}`);
  }
}

/** Relations of the catalogs are everybody's to read, but for some. */
function checkCatalog({ name, relationId }: AccessNeed, rights: Rights): void {
  if (isSecret(relationId) && !rights.isMember(READ_ALL_DATA))
    throw sqlError('42501', `permission denied for ${secretKind(relationId)} ${name}`);
}

function checkRelation(need: AccessNeed, rights: Rights, descriptor: Descriptor | null): void {
  if (descriptor === null || descriptor.kind === 'role') throw denied('table', need.name);
  if (missing(need, rights, descriptor)) throw denied(relationKind(descriptor), descriptor.name);
}

/** There are no policies: PostgreSQL would show such a role no rows, and take none from it. */
function checkRowSecurity(session: Session, rights: Rights, table: TableDescriptor): void {
  if (!isUnderRowSecurity(rights, table)) return;
  if (session.settings.get('row_security') === 'off')
    throw sqlError('42501', `query would be affected by row-level security policy for table "${table.name}"`);
  throw sqlError(
    '0A000',
    `row-level security of table "${table.name}" is not supported for other roles than its owner`,
  );
}

export function denied(kind: string, name: string): Error {
  return sqlError('42501', `permission denied for ${kind} ${name}`);
}

function missing(
  need: AccessNeed,
  rights: Rights,
  descriptor: Exclude<Descriptor, { readonly kind: 'role' }>,
): boolean {
  // Nobody else can name it.
  if (isTemporary(descriptor) && rights.owns(descriptor)) return false;
  const left = need.rights & ~wholeRights(rights, descriptor);
  if (left === 0) return false;
  if ((left & ~(RIGHTS.select | RIGHTS.insert | RIGHTS.update)) !== 0) return true;
  const columns = new Map<number, Acl>();
  if (descriptor.kind === 'table' || descriptor.kind === 'view')
    for (const { id, acl } of descriptor.columns) if (acl != null) columns.set(id, acl);
  const may = (numbers: readonly number[], right: number): boolean => {
    const granted = (acl: Acl | undefined): boolean => acl !== undefined && rights.has(acl, right);
    // Where no column is named any will do.
    return numbers.length === 0 ? [...columns.values()].some(granted) : numbers.every((n) => granted(columns.get(n)));
  };
  return (
    ((left & RIGHTS.select) !== 0 && !may(need.selected, RIGHTS.select)) ||
    ((left & RIGHTS.insert) !== 0 && !may(need.inserted, RIGHTS.insert)) ||
    ((left & RIGHTS.update) !== 0 && !may(need.updated, RIGHTS.update))
  );
}
