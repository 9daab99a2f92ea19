/**
 * Built-in functions that are not everybody's to call: facts of PostgreSQL's catalog. The owner may always; whoever else may is a member
 * of the role that is named. Nothing is granted on them otherwise: GRANT and REVOKE are of functions that users made.
 */
import { sqlError } from '../../base/errors.js';
import { type Acl, RIGHTS } from '../catalog/acl.js';
import { SUPERUSER_OID } from '../catalog/bootstrap-names.js';
import { PREDEFINED } from '../catalog/roles.js';
import type { ExecContext } from '../contract.js';

const OF_THE_OWNER =
  'lo_export lo_import pg_backup_start pg_backup_stop pg_config pg_create_restore_point pg_current_logfile pg_hba_file_rules ' +
  'pg_ident_file_mappings pg_log_backend_memory_contexts pg_ls_dir pg_promote pg_read_binary_file pg_read_file ' +
  'pg_reload_conf pg_rotate_logfile pg_show_all_file_settings pg_stat_file pg_stat_have_stats pg_stat_reset ' +
  'pg_stat_reset_replication_slot pg_stat_reset_shared pg_stat_reset_single_function_counters ' +
  'pg_stat_reset_single_table_counters pg_stat_reset_slru pg_stat_reset_subscription_stats pg_switch_wal ' +
  'pg_wal_replay_pause pg_wal_replay_resume';
const ALSO_OF: Readonly<Record<string, string>> = {
  pg_read_all_stats: 'pg_get_backend_memory_contexts pg_get_shmem_allocations',
  pg_monitor:
    'pg_ls_archive_statusdir pg_ls_logdir pg_ls_logicalmapdir pg_ls_logicalsnapdir pg_ls_replslotdir pg_ls_tmpdir ' +
    'pg_ls_waldir',
};

function aclOfOwner(also: number | null): Acl {
  const item = (grantee: number): Acl[number] => ({
    ...{ grantee, grantor: SUPERUSER_OID },
    ...{ rights: RIGHTS.execute, options: 0 },
  });
  return also === null ? [item(SUPERUSER_OID)] : [item(SUPERUSER_OID), item(also)];
}

const RESTRICTED: ReadonlyMap<string, Acl> = new Map([
  ...OF_THE_OWNER.split(' ').map((name) => [name, aclOfOwner(null)] as const),
  ...Object.entries(ALSO_OF).flatMap(([role, names]) => {
    const { id } = PREDEFINED.find((one) => one.name === role)!;
    return names.split(' ').map((name) => [name, aclOfOwner(id)] as const);
  }),
]);

/** null: everybody may call it. */
export function aclOfBuiltIn(name: string): Acl | null {
  return RESTRICTED.get(name) ?? null;
}

/** @throws QuoralError 42501 */
export function checkCaller(name: string, acl: Acl, { services }: ExecContext): void {
  const { access } = services;
  const rights = access?.rightsOf(access.userId) ?? null;
  if (rights !== null && !rights.superuser && (rights.of(acl) & RIGHTS.execute) === 0)
    throw sqlError('42501', `permission denied for function ${name}`);
}
