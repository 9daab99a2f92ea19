/** What the catalog's virtual tables need of the session that reads them, beyond SessionServices. */
import type { Soon } from '../../../base/soon.js';
import { assert } from '../../../base/assert.js';
import type { SettingDefinition } from './setting-definition.js';
import type { ListedLock } from '../../advisory/advisory-locks.js';
import type { KvTxn } from '../../../txn/kv-txn.js';
import type { LockReport } from '../../locks/lock-reports.js';
import type { ExecContext } from '../../contract.js';
import type { SequenceDescriptor } from '../descriptor.js';
import type { CatalogView } from '../transaction-catalog.js';

export interface SettingRow {
  readonly definition: SettingDefinition;
  readonly value: string;
  readonly reset: string;
  readonly changed: boolean;
}

export interface ActivityRow {
  readonly processId: number;
  readonly databaseId: number;
  readonly database: string;
  readonly user: string;
  readonly userId: number;
  readonly applicationName: string;
  readonly remote: string;
  readonly state: string;
  readonly query: string;
  /** Microseconds since 2000-01-01 UTC. */
  readonly backendStart: bigint;
  readonly transactionStart: bigint | null;
  readonly queryStart: bigint | null;
  readonly stateChange: bigint;
  /** Its open transaction. */
  readonly txn: KvTxn | null;
  /** What it waits for beside locks; '': nothing. */
  readonly waits: string;
  /** How long it has been there, since its database's figures began. */
  readonly openMs: number;
}

export interface CursorRow {
  readonly name: string;
  readonly statement: string;
  readonly holdable: boolean;
  readonly binary: boolean;
  readonly scrollable: boolean;
  /** Microseconds since 2000-01-01 UTC. */
  readonly createdAt: bigint;
}

export interface PreparedRow {
  readonly name: string;
  readonly statement: string;
  /** Microseconds since 2000-01-01 UTC. */
  readonly preparedAt: bigint;
  readonly parameterOids: readonly number[];
  readonly fromSql: boolean;
  readonly runs: number;
}

export interface CatalogServices {
  readonly databaseId: number;
  view(): Soon<CatalogView>;
  settingRows(): readonly SettingRow[];
  activity(): readonly ActivityRow[];
  /** Of those that a value was taken of, and that the user may read; null: of the others. */
  lastValues(sequences: readonly SequenceDescriptor[]): Promise<readonly (bigint | null)[]>;
  listLocks(): Promise<readonly ListedLock[]>;
  lockReport(): Promise<LockReport>;
  cursors(): readonly CursorRow[];
  preparedStatements(): readonly PreparedRow[];
}

export function catalogServices(ctx: ExecContext): CatalogServices {
  const services = ctx.services as Partial<CatalogServices>;
  assert(typeof services.view === 'function', 'catalog tables are read within a session');
  return services as CatalogServices;
}
