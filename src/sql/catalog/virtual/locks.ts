/** pg_locks: the advisory locks of the whole cluster. Locks of rows are not shown. */
import type { Values } from './layout.js';
import type { CatalogServices } from './services.js';

export async function locks(services: CatalogServices): Promise<Values[]> {
  return (await services.listLocks()).map(({ databaseId, name, entry, granted }) => ({
    locktype: 'advisory',
    database: databaseId,
    classid: name.high,
    objid: name.low,
    objsubid: name.space,
    virtualtransaction: `${entry.node}/${entry.number}`,
    pid: entry.processId,
    mode: entry.exclusive ? 'ExclusiveLock' : 'ShareLock',
    granted,
    fastpath: false,
  }));
}
