/** Commands of ALTER TABLE and its relatives that a relation of another kind than a table does not take. */
import { sqlError } from '../../base/errors.js';
import { text } from './tree.js';
import type { Loose } from './tree.js';

/** As messages call them. */
const ACTIONS: Readonly<Record<string, string>> = {
  AddColumn: 'ADD COLUMN',
  DropColumn: 'DROP COLUMN',
  ColumnDefault: 'ALTER COLUMN ... SET DEFAULT',
  SetNotNull: 'ALTER COLUMN ... SET NOT NULL',
  DropNotNull: 'ALTER COLUMN ... DROP NOT NULL',
  DropExpression: 'ALTER COLUMN ... DROP EXPRESSION',
  SetStatistics: 'ALTER COLUMN ... SET STATISTICS',
  SetOptions: 'ALTER COLUMN ... SET',
  ResetOptions: 'ALTER COLUMN ... RESET',
  SetStorage: 'ALTER COLUMN ... SET STORAGE',
  SetCompression: 'ALTER COLUMN ... SET COMPRESSION',
  AlterColumnType: 'ALTER COLUMN ... SET DATA TYPE',
  AddIdentity: 'ALTER COLUMN ... ADD IDENTITY',
  SetIdentity: 'ALTER COLUMN ... SET',
  DropIdentity: 'ALTER COLUMN ... DROP IDENTITY',
  AddConstraint: 'ADD CONSTRAINT',
  AlterConstraint: 'ALTER CONSTRAINT',
  ValidateConstraint: 'VALIDATE CONSTRAINT',
  DropConstraint: 'DROP CONSTRAINT',
  ChangeOwner: 'OWNER TO',
  ClusterOn: 'CLUSTER ON',
  DropCluster: 'SET WITHOUT CLUSTER',
  SetAccessMethod: 'SET ACCESS METHOD',
  SetLogged: 'SET LOGGED',
  SetUnLogged: 'SET UNLOGGED',
  DropOids: 'SET WITHOUT OIDS',
  SetTableSpace: 'SET TABLESPACE',
  SetRelOptions: 'SET',
  ResetRelOptions: 'RESET',
  EnableTrig: 'ENABLE TRIGGER',
  EnableAlwaysTrig: 'ENABLE ALWAYS TRIGGER',
  EnableReplicaTrig: 'ENABLE REPLICA TRIGGER',
  DisableTrig: 'DISABLE TRIGGER',
  EnableTrigAll: 'ENABLE TRIGGER ALL',
  DisableTrigAll: 'DISABLE TRIGGER ALL',
  EnableTrigUser: 'ENABLE TRIGGER USER',
  DisableTrigUser: 'DISABLE TRIGGER USER',
  EnableRule: 'ENABLE RULE',
  EnableAlwaysRule: 'ENABLE ALWAYS RULE',
  EnableReplicaRule: 'ENABLE REPLICA RULE',
  DisableRule: 'DISABLE RULE',
  AddInherit: 'INHERIT',
  DropInherit: 'NO INHERIT',
  AddOf: 'OF',
  DropOf: 'NOT OF',
  ReplicaIdentity: 'REPLICA IDENTITY',
  EnableRowSecurity: 'ENABLE ROW SECURITY',
  DisableRowSecurity: 'DISABLE ROW SECURITY',
  ForceRowSecurity: 'FORCE ROW SECURITY',
  NoForceRowSecurity: 'NO FORCE ROW SECURITY',
  AttachPartition: 'ATTACH PARTITION',
  DetachPartition: 'DETACH PARTITION',
};

/** `kinds`: what the relation is one of, in the plural. */
export function refusedAction(name: string, kinds: string, command: Loose): Error {
  const subtype = text(command['subtype']).replace('AT_', '');
  return sqlError('42809', `ALTER action ${ACTIONS[subtype] ?? subtype} cannot be performed on relation "${name}"`, {
    detail: `This operation is not supported for ${kinds}.`,
  });
}

const OF_SEQUENCES = new Set(['AT_ChangeOwner', 'AT_SetLogged', 'AT_SetUnLogged']);

/** @throws QuoralError 42809 */
export function refuseOnSequence(name: string, commands: readonly Loose[]): void {
  const refused = commands.find((command) => !OF_SEQUENCES.has(text(command['subtype'])));
  if (refused !== undefined) throw refusedAction(name, 'sequences', refused);
}

const KINDS: Readonly<Record<string, readonly [kind: string, words: string]>> = {
  OBJECT_SEQUENCE: ['sequence', 'a sequence'],
  OBJECT_VIEW: ['view', 'a view'],
  OBJECT_MATVIEW: ['materialized view', 'a materialized view'],
};

/** ALTER VIEW of what is none. @throws QuoralError 42809 */
export function requireKind(objtype: unknown, name: string, kind: string): void {
  const wanted = KINDS[String(objtype)];
  if (wanted !== undefined && wanted[0] !== kind) throw sqlError('42809', `"${name}" is not ${wanted[1]}`);
}
