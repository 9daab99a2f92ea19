/** What sort of statement a parse tree is: who runs it, what PostgreSQL calls it, what it returns. */
import type { ParsedStatement } from '../contract.js';
import type { ResultColumn } from '../session-api.js';
import { OID } from '../types/oids.js';

type Loose = Readonly<Record<string, unknown>>;

export function bodyOf(statement: ParsedStatement): Loose {
  return statement.node[statement.kind] as Loose;
}

/** Compiled by the planner. */
export function isPlanned(statement: ParsedStatement): boolean {
  switch (statement.kind) {
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
    case 'MergeStmt':
    case 'CopyStmt':
    case 'CallStmt':
      return true;
    case 'SelectStmt':
      return bodyOf(statement)['intoClause'] === undefined;
    default:
      return false;
  }
}

/** Runs statements of its own. */
export function isProcedural({ kind }: ParsedStatement): boolean {
  return kind === 'DoStmt';
}

/** Does its work when its transaction commits, which may be tried again: notifications. */
export function actsAtCommit({ kind }: ParsedStatement): boolean {
  return kind === 'NotifyStmt' || kind === 'ListenStmt' || kind === 'UnlistenStmt';
}

const ENDS: ReadonlySet<string> = new Set([
  'TRANS_STMT_COMMIT',
  'TRANS_STMT_ROLLBACK',
  'TRANS_STMT_ROLLBACK_TO',
  'TRANS_STMT_PREPARE',
]);

/** May run in a failed transaction. */
export function endsTransaction(statement: ParsedStatement): boolean {
  if (statement.kind !== 'TransactionStmt') return false;
  const kind = bodyOf(statement)['kind'];
  return ENDS.has(String(kind));
}

export function textColumn(name: string, typeOid: number = OID.text): ResultColumn {
  const typeLength = typeOid === OID.int8 ? 8 : typeOid === OID.int4 ? 4 : -1;
  return { name, tableOid: 0, columnNumber: 0, typeOid, typeLength, typmod: -1 };
}

export const SHOW_ALL_COLUMNS: readonly ResultColumn[] = [
  textColumn('name'),
  textColumn('setting'),
  textColumn('description'),
];
export const RANGES_COLUMNS: readonly ResultColumn[] = [
  textColumn('start_key'),
  textColumn('end_key'),
  textColumn('range_id', OID.int8),
  textColumn('replicas'),
  textColumn('lease_holder', OID.int4),
  textColumn('range_size', OID.int8),
];
export const CLUSTER_SETTING_COLUMNS: readonly ResultColumn[] = [textColumn('variable'), textColumn('value')];

const NAMES: Readonly<Record<string, string>> = {
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
  CopyStmt: 'COPY FROM',
  SelectStmt: 'SELECT FOR UPDATE',
  CreateStmt: 'CREATE TABLE',
  CreateTableAsStmt: 'CREATE TABLE AS',
  RefreshMatViewStmt: 'REFRESH MATERIALIZED VIEW',
  IndexStmt: 'CREATE INDEX',
  DropStmt: 'DROP',
  TruncateStmt: 'TRUNCATE TABLE',
  AlterTableStmt: 'ALTER TABLE',
  RenameStmt: 'ALTER',
  AlterPolicyStmt: 'ALTER POLICY',
  CreateSeqStmt: 'CREATE SEQUENCE',
  AlterSeqStmt: 'ALTER SEQUENCE',
  CreateSchemaStmt: 'CREATE SCHEMA',
  CreatedbStmt: 'CREATE DATABASE',
  DropdbStmt: 'DROP DATABASE',
  CommentStmt: 'COMMENT',
  VacuumStmt: 'VACUUM',
  VariableSetStmt: 'SET',
  VariableShowStmt: 'SHOW',
  LockStmt: 'LOCK TABLE',
  ClosePortalStmt: 'CLOSE CURSOR',
};

/** Tends storage, which is no change: a read-only transaction may. */
export function changesNothing({ kind }: ParsedStatement): boolean {
  return kind === 'VacuumStmt' || kind === 'ReindexStmt';
}

/** For "cannot execute … in a read-only transaction". */
export function commandName(statement: ParsedStatement): string {
  if (statement.kind === 'DropStmt') {
    const what = String(bodyOf(statement)['removeType']).replace('OBJECT_', '').replaceAll('_', ' ');
    return `DROP ${what.replace('MATVIEW', 'MATERIALIZED VIEW')}`;
  }
  return (
    NAMES[statement.kind] ??
    statement.kind
      .replace(/Stmt$/, '')
      .replace(/([a-z])([A-Z])/g, '$1 $2')
      .toUpperCase()
  );
}

/**
 * Text that likely reaches catalog look-ups from expressions: a hint, which spares a second run. Whether the catalog must be at
 * hand is said by what is planned (plan/catalog-uses.ts), and for the rest by what was missed (runner-errors.ts).
 */
const VIEW_TEXT =
  /(?:\b|to_)reg(class|proc|procedure|type|namespace|role|oper|operator|collation)\b|\bpg_|_description\b|currval|current_schema|information_schema|tableoid|format_type|\bhas_\w+_privilege|\bacl|\bmakeaclitem|\brow_security_active/i;

export function mayLookUpCatalog(text: string): boolean {
  return VIEW_TEXT.test(text);
}
