/** pg_shdepend: which roles objects of this database, and databases, belong to or name in their lists of privileges. */
import type { Acl } from '../acl.js';
import { SUPERUSER_OID } from '../bootstrap-names.js';
import type { Descriptor } from '../descriptor.js';
import type { Values } from './layout.js';
import type { Source } from './model.js';

const ROLES = 1260;
const DATABASES = 1262;
const ROUTINES = 1255;
const DEFAULT_ACLS = 826;
const STATISTICS = 3381;

const CLASS_OF: Partial<Record<Descriptor['kind'], number>> = {
  table: 1259,
  view: 1259,
  sequence: 1259,
  type: 1247,
  schema: 2615,
  collation: 3456,
};

/** Roles that every cluster has are nobody's to drop, and so nobody depends on them. */
function isPinned(role: number): boolean {
  return role < 16384;
}

interface Owned {
  readonly classid: number;
  readonly objid: number;
  readonly dbid: number;
}

function* dependencies(object: Owned, owner: number, acl: Acl | null | undefined, objsubid = 0): Iterable<Values> {
  const on = (refobjid: number, deptype: string): Values => ({
    ...object,
    objsubid,
    refclassid: ROLES,
    refobjid,
    deptype,
  });
  // A column has its table's.
  if (objsubid === 0 && !isPinned(owner)) yield on(owner, 'o');
  const named = new Set((acl ?? []).flatMap(({ grantee, grantor }) => [grantee, grantor]));
  for (const role of [...named].sort((a, b) => a - b))
    if (role !== owner && role !== 0 && !isPinned(role)) yield on(role, 'a');
}

function* ofDescriptor(d: Descriptor, dbid: number): Iterable<Values> {
  if (d.kind === 'routine') {
    for (const { oid, owner, acl } of d.routines)
      yield* dependencies({ dbid, classid: ROUTINES, objid: oid }, owner ?? SUPERUSER_OID, acl);
    return;
  }
  const classid = CLASS_OF[d.kind];
  if (classid === undefined || !('owner' in d)) return;
  const object = { dbid, classid, objid: d.id };
  yield* dependencies(object, d.owner, 'acl' in d ? d.acl : null);
  if (d.kind !== 'table' && d.kind !== 'view') return;
  for (const { id, acl } of d.columns) yield* dependencies(object, d.owner, acl, id);
  for (const { oid, owner } of (d.kind === 'table' ? d.statistics : null) ?? [])
    yield* dependencies({ dbid, classid: STATISTICS, objid: oid }, owner, null);
}

export function* sharedDependencies({ model }: Source): Iterable<Values> {
  const { databaseId } = model.view;
  for (const { id, owner, acl, defaultAcls } of model.databases) {
    yield* dependencies({ dbid: 0, classid: DATABASES, objid: id }, owner, acl);
    if (id !== databaseId) continue;
    for (const one of defaultAcls ?? [])
      yield* dependencies({ dbid: id, classid: DEFAULT_ACLS, objid: one.oid }, one.roleId, one.acl);
  }
  for (const d of model.view.descriptors)
    if ('databaseId' in d && d.databaseId === databaseId) yield* ofDescriptor(d, databaseId);
}
