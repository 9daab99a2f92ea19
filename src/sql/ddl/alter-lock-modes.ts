/** Which lock PostgreSQL takes of a table for an ALTER TABLE: what pg_locks shows of it, for here nobody may use the table in any case. */
import { of, options } from './tree.js';
import type { Loose } from './tree.js';

const SHARE_UPDATE_EXCLUSIVE = 4;
export const SHARE_ROW_EXCLUSIVE = 6;
const ACCESS_EXCLUSIVE = 8;

const MODES: Readonly<Record<string, number>> = {
  AT_SetStatistics: SHARE_UPDATE_EXCLUSIVE,
  AT_SetOptions: SHARE_UPDATE_EXCLUSIVE,
  AT_ResetOptions: SHARE_UPDATE_EXCLUSIVE,
  AT_ClusterOn: SHARE_UPDATE_EXCLUSIVE,
  AT_DropCluster: SHARE_UPDATE_EXCLUSIVE,
  AT_ValidateConstraint: SHARE_UPDATE_EXCLUSIVE,
  AT_EnableTrig: SHARE_ROW_EXCLUSIVE,
  AT_EnableTrigAll: SHARE_ROW_EXCLUSIVE,
  AT_EnableTrigUser: SHARE_ROW_EXCLUSIVE,
  AT_EnableAlwaysTrig: SHARE_ROW_EXCLUSIVE,
  AT_EnableReplicaTrig: SHARE_ROW_EXCLUSIVE,
  AT_DisableTrig: SHARE_ROW_EXCLUSIVE,
  AT_DisableTrigAll: SHARE_ROW_EXCLUSIVE,
  AT_DisableTrigUser: SHARE_ROW_EXCLUSIVE,
};
/** Parameters that somebody who reads the table must not see change. */
const STRONG_OPTIONS: ReadonlySet<string> = new Set([
  'user_catalog_table',
  'security_barrier',
  'security_invoker',
  'check_option',
]);

/** The strongest that one of them needs. */
export function lockMode(commands: readonly Loose[]): number {
  return Math.max(...commands.map(modeOf));
}

function modeOf(command: Loose): number {
  const subtype = String(command['subtype']);
  const def = command['def'] as Loose | undefined;
  if (subtype === 'AT_SetRelOptions' || subtype === 'AT_ResetRelOptions') {
    const items = options(def?.['List'] === undefined ? def : of(def, 'List')['items']);
    return items.some(({ name }) => STRONG_OPTIONS.has(name)) ? ACCESS_EXCLUSIVE : SHARE_UPDATE_EXCLUSIVE;
  }
  if (subtype === 'AT_AddConstraint' && of(def as Loose, 'Constraint')['contype'] === 'CONSTR_FOREIGN')
    return SHARE_ROW_EXCLUSIVE;
  return MODES[subtype] ?? ACCESS_EXCLUSIVE;
}
