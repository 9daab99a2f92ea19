/**
 * Statements that are neither compiled nor schema changes: transactions, settings, prepared statements,
 * cursors, EXPLAIN, and the maintenance commands that have nothing to do here.
 */
import { sqlError } from '../../base/errors.js';
import type { Isolation, Savepoint } from '../../txn/kv-txn.js';
import type { Mark } from '../catalog/transaction-catalog.js';
import type { ParsedStatement } from '../contract.js';
import { deparse } from '../ddl/deparse.js';
import { resolveTypeName } from '../plan/coerce.js';
import type { ResultColumn, ResultSink } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import { asOfTimestamp } from './as-of.js';
import { StatementMemory } from './memory.js';
import { closePortal, newPortal, Prepared } from './portal.js';
import type { Portal } from './portal.js';
import type { Session } from './session.js';
import { findSetting, parseBoolWord } from './setting-table.js';
import type { SettingsMark } from './settings.js';
import { bodyOf, CLUSTER_SETTING_COLUMNS, EXPLAIN_COLUMNS, isPlanned, RANGES_COLUMNS, SHOW_ALL_COLUMNS, textColumn } from './statement-kinds.js';

type Loose = Readonly<Record<string, unknown>>;

export interface TransactionModes {
  readonly isolation: Isolation;
  readonly readOnly: boolean;
  readonly deferrable: boolean;
  /** AS OF SYSTEM TIME, an HLC time. */
  readonly asOf: number | null;
}

export interface SavepointEntry {
  readonly name: string;
  readonly kv: Savepoint | null;
  readonly settings: SettingsMark;
  readonly catalog: Mark;
}

function list(value: unknown): Loose[] {
  return Array.isArray(value) ? (value as Loose[]) : [];
}
function constantOf(node: Loose): string {
  const c = (node['A_Const'] ?? {}) as Loose;
  if (c['ival'] !== undefined) return String((c['ival'] as Loose)['ival'] ?? 0);
  if (c['fval'] !== undefined) return String((c['fval'] as Loose)['fval'] ?? 0);
  if (c['boolval'] !== undefined) return (c['boolval'] as Loose)['boolval'] === true ? 'on' : 'off';
  if (c['sval'] !== undefined) return String((c['sval'] as Loose)['sval'] ?? '');
  if (node['Integer'] !== undefined) return String((node['Integer'] as Loose)['ival'] ?? 0);
  if (node['String'] !== undefined) return String((node['String'] as Loose)['sval'] ?? '');
  if (node['Boolean'] !== undefined) return (node['Boolean'] as Loose)['boolval'] === true ? 'on' : 'off';
  if (node['Float'] !== undefined) return String((node['Float'] as Loose)['fval'] ?? 0);
  return '';
}

/** Columns that Describe announces; null for commands without rows. */
export async function utilityColumns(session: Session, statement: ParsedStatement): Promise<readonly ResultColumn[] | null> {
  const body = bodyOf(statement);
  switch (statement.kind) {
    case 'ExplainStmt':
      return EXPLAIN_COLUMNS;
    case 'VariableShowStmt': {
      const name = String(body['name']).toLowerCase();
      return name === 'all' ? SHOW_ALL_COLUMNS : [textColumn(findSetting(name)?.name ?? showName(name))];
    }
    case 'QuoralShowRanges':
      return RANGES_COLUMNS;
    case 'QuoralShowClusterSetting':
      return CLUSTER_SETTING_COLUMNS;
    case 'ExecuteStmt': {
      const prepared = session.findPrepared(String(body['name']));
      return Promise.resolve(prepared.columns);
    }
    case 'FetchStmt':
      return body['ismove'] === true ? null : (session.portals.get(String(body['portalname']))?.prepared.columns ?? null);
    default:
      return null;
  }
}

/** Runs the statement; returns its command tag, or '' if it sent its completion itself. */
export async function runUtility(session: Session, statement: ParsedStatement, sink: ResultSink, simple: boolean): Promise<string> {
  const body = bodyOf(statement);
  switch (statement.kind) {
    case 'TransactionStmt':
      sink.complete(await transaction(session, statement, body));
      return '';
    case 'VariableSetStmt':
      return setVariable(session, body);
    case 'VariableShowStmt':
      return show(session, body, sink, simple);
    case 'QuoralShowClusterSetting':
    case 'QuoralSetClusterSetting':
      throw sqlError('0A000', 'cluster settings are not supported yet');
    case 'PrepareStmt':
      return prepare(session, statement, body);
    case 'ExecuteStmt':
      return execute(session, body, sink, simple);
    case 'DeallocateStmt':
      return deallocate(session, body);
    case 'DiscardStmt':
      return discard(session, body);
    case 'ExplainStmt':
      return explain(session, statement, body, sink, simple);
    case 'DeclareCursorStmt':
      return declareCursor(session, statement, body);
    case 'FetchStmt':
      return fetch(session, body, sink, simple);
    case 'ClosePortalStmt':
      return closeCursor(session, body);
    case 'LockStmt':
      return lockTable(session, body);
    case 'ConstraintsSetStmt':
      return 'SET CONSTRAINTS';
    case 'CheckPointStmt':
      return 'CHECKPOINT';
    case 'ClusterStmt':
      return 'CLUSTER';
    case 'LoadStmt':
      return 'LOAD';
    case 'UnlistenStmt':
      return 'UNLISTEN';
    case 'DoStmt':
      throw sqlError('0A000', 'DO blocks are not supported');
    case 'ListenStmt':
    case 'NotifyStmt':
      throw sqlError('0A000', 'LISTEN and NOTIFY are not supported yet');
    default:
      throw sqlError('0A000', `${statement.kind.replace(/Stmt$/, '')} is not supported`);
  }
}

// ---- transactions ----

function modesFrom(session: Session, options: readonly Loose[], start: TransactionModes): TransactionModes {
  let modes = start;
  for (const option of options) {
    const def = (option['DefElem'] ?? {}) as Loose;
    const value = constantOf((def['arg'] ?? {}) as Loose);
    switch (def['defname']) {
      case 'transaction_isolation':
        modes = { ...modes, isolation: isolationOf(value) };
        break;
      case 'transaction_read_only':
        modes = { ...modes, readOnly: value === '1' || value === 'on' };
        break;
      case 'transaction_deferrable':
        modes = { ...modes, deferrable: value === '1' || value === 'on' };
        break;
      default:
        break;
    }
  }
  void session;
  return modes;
}

function isolationOf(value: string): Isolation {
  const level = value.toLowerCase();
  if (level === 'read uncommitted') return 'read committed';
  if (level === 'serializable' || level === 'repeatable read' || level === 'read committed') return level;
  throw sqlError('22023', `invalid value for parameter "transaction_isolation": "${value}"`, {
    hint: 'Available values: serializable, repeatable read, read committed, read uncommitted.',
  });
}

async function transaction(session: Session, statement: ParsedStatement, body: Loose): Promise<string> {
  const name = String(body['savepoint_name'] ?? '');
  switch (body['kind']) {
    case 'TRANS_STMT_BEGIN':
    case 'TRANS_STMT_START': {
      const tag = body['kind'] === 'TRANS_STMT_BEGIN' ? 'BEGIN' : 'START TRANSACTION';
      if (session.state.inBlock) {
        session.warn('25001', 'there is already a transaction in progress');
        return tag;
      }
      let modes = modesFrom(session, list(body['options']), session.defaultModes());
      if (statement.asOfSystemTime !== null) modes = { ...modes, readOnly: true, asOf: await asOfTimestamp(session, statement.asOfSystemTime) };
      session.beginBlock(modes);
      return tag;
    }
    case 'TRANS_STMT_COMMIT': {
      if (!session.state.inBlock) session.warn('25P01', 'there is no transaction in progress');
      const failed = session.state.state === 'failed';
      await session.endTransaction(!failed);
      if (body['chain'] === true) session.beginBlock(session.defaultModes());
      return failed ? 'ROLLBACK' : 'COMMIT';
    }
    case 'TRANS_STMT_ROLLBACK':
      if (!session.state.inBlock) session.warn('25P01', 'there is no transaction in progress');
      await session.endTransaction(false);
      if (body['chain'] === true) session.beginBlock(session.defaultModes());
      return 'ROLLBACK';
    case 'TRANS_STMT_SAVEPOINT':
      requireBlock(session, 'SAVEPOINT');
      session.transactionCatalog().forbidIngest();
      session.savepoints.push({
        name,
        kv: session.ensureTxn().savepoint(),
        settings: session.settings.mark(),
        catalog: session.transactionCatalog().mark(),
      });
      return 'SAVEPOINT';
    case 'TRANS_STMT_RELEASE': {
      requireBlock(session, 'RELEASE SAVEPOINT');
      session.savepoints.length = findSavepoint(session, name);
      return 'RELEASE';
    }
    case 'TRANS_STMT_ROLLBACK_TO': {
      requireBlock(session, 'ROLLBACK TO SAVEPOINT');
      return rollbackTo(session, name);
    }
    default:
      throw sqlError('0A000', 'two-phase commit by PREPARE TRANSACTION is not supported');
  }
}

function requireBlock(session: Session, command: string): void {
  if (!session.state.inBlock) throw sqlError('25P01', `${command} can only be used in transaction blocks`);
}

function findSavepoint(session: Session, name: string): number {
  for (let i = session.savepoints.length - 1; i >= 0; i--) if (session.savepoints[i]!.name === name) return i;
  throw sqlError('3B001', `savepoint "${name}" does not exist`);
}

function rollbackTo(session: Session, name: string): string {
  const at = findSavepoint(session, name);
  const entry = session.savepoints[at]!;
  const { txn } = session;
  if (txn === null || txn.status !== 'active') {
    throw sqlError('40001', 'the transaction was ended by a conflict and cannot return to the savepoint', {
      hint: 'Roll back and run the whole transaction again.',
    });
  }
  if (entry.kv !== null) txn.rollbackTo(entry.kv);
  session.transactionCatalog().rollbackTo(entry.catalog);
  session.settings.rollbackTo(entry.settings);
  session.savepoints.length = at + 1;
  session.state.revive();
  return 'ROLLBACK';
}

// ---- settings ----

function setVariable(session: Session, body: Loose): string {
  const name = String(body['name'] ?? '');
  const values = list(body['args']);
  switch (body['kind']) {
    case 'VAR_SET_MULTI':
      return setMulti(session, name, values);
    case 'VAR_SET_DEFAULT':
      if (!setTransactionMode(session, name, null)) session.settings.set(name, null, body['is_local'] === true);
      return 'SET';
    case 'VAR_RESET':
      session.settings.set(name, null, false);
      session.refreshFormat();
      return 'RESET';
    case 'VAR_RESET_ALL':
      session.settings.resetAll();
      session.refreshFormat();
      return 'RESET';
    case 'VAR_SET_CURRENT':
      return 'SET';
    default:
      break;
  }
  const lower = name.toLowerCase();
  const value = settingValue(lower, values);
  if (setTransactionMode(session, lower, value)) return 'SET';
  if (lower === 'session_authorization' || lower === 'role') {
    if (value !== session.user && value !== 'none' && value !== 'default') throw sqlError('22023', `role "${value}" does not exist`);
    return 'SET';
  }
  if (body['is_local'] === true && !session.state.inBlock) session.warn('25P01', 'SET LOCAL can only be used in transaction blocks');
  session.settings.set(name, value, body['is_local'] === true);
  session.refreshFormat();
  return 'SET';
}

function settingValue(name: string, values: readonly Loose[]): string {
  const first = values[0];
  const cast = first?.['TypeCast'] as Loose | undefined;
  // SET TIME ZONE INTERVAL '…': its number of hours.
  if (name === 'timezone' && cast !== undefined) {
    const text = constantOf((cast['arg'] ?? {}) as Loose);
    return text;
  }
  const texts = values.map(constantOf);
  if (name === 'search_path' || name === 'temp_tablespaces') {
    return texts.map((t) => (/^[a-z_][a-z0-9_$]*$/.test(t) || t.includes(',') ? t : `"${t.replaceAll('"', '""')}"`)).join(', ');
  }
  return texts.join(', ');
}

/** SET transaction_isolation and relatives. */
function setTransactionMode(session: Session, name: string, value: string | null): boolean {
  const defaults = session.defaultModes();
  switch (name) {
    case 'transaction_isolation':
      changeModes(session, { ...session.modes, isolation: value === null ? defaults.isolation : isolationOf(value) }, 'SET TRANSACTION ISOLATION LEVEL');
      return true;
    case 'transaction_read_only':
    case 'transaction_deferrable': {
      const parsed = value === null ? false : parseBoolWord(value);
      if (parsed === null) throw sqlError('22023', `parameter "${name}" requires a Boolean value`);
      const modes = name === 'transaction_read_only' ? { ...session.modes, readOnly: parsed } : { ...session.modes, deferrable: parsed };
      changeModes(session, modes, null);
      return true;
    }
    default:
      return false;
  }
}

function changeModes(session: Session, modes: TransactionModes, before: string | null): void {
  if (session.txn !== null && modes.isolation !== session.modes.isolation) {
    throw sqlError('25001', `${before ?? 'SET TRANSACTION'} must be called before any query`);
  }
  if (session.txn !== null && session.modes.readOnly && !modes.readOnly) {
    throw sqlError('25001', 'transaction read-write mode must be set before any query');
  }
  session.modes = modes;
}

function setMulti(session: Session, name: string, options: readonly Loose[]): string {
  if (name === 'TRANSACTION') {
    if (!session.state.inBlock) session.warn('25P01', 'SET TRANSACTION can only be used in transaction blocks');
    changeModes(session, modesFrom(session, options, session.modes), 'SET TRANSACTION ISOLATION LEVEL');
    return 'SET';
  }
  if (name === 'SESSION CHARACTERISTICS') {
    for (const option of options) {
      const def = option['DefElem'] as Loose;
      const value = constantOf((def['arg'] ?? {}) as Loose);
      const plain = def['defname'] === 'transaction_isolation' ? value : value === '1' ? 'on' : value === '0' ? 'off' : value;
      session.settings.set(`default_${String(def['defname'])}`, plain, false);
    }
    if (session.txn === null && !session.state.inBlock) session.modes = session.defaultModes();
    return 'SET';
  }
  throw sqlError('0A000', `SET ${name} is not supported`);
}

function showName(name: string): string {
  return name;
}

function show(session: Session, body: Loose, sink: ResultSink, simple: boolean): string {
  const name = String(body['name']);
  if (name.toLowerCase() === 'all') {
    if (simple) sink.columns(SHOW_ALL_COLUMNS);
    for (const { definition, value } of session.settings.all()) {
      sink.row([definition.name, shown(definition.name, session.setting(definition.name) ?? value), definition.description]);
    }
    return 'SHOW';
  }
  const value = session.setting(name);
  if (value === null) throw sqlError('42704', `unrecognized configuration parameter "${name}"`);
  const def = findSetting(name);
  if (simple) sink.columns([textColumn(def?.name ?? name)]);
  sink.row([shown(def?.name ?? name, value)]);
  return 'SHOW';
}

const TIME_STEPS: readonly (readonly [number, string])[] = [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min'], [1_000, 's'], [1, 'ms']];
const SIZE_STEPS: readonly (readonly [number, string])[] = [[1024 ** 3, 'TB'], [1024 ** 2, 'GB'], [1024, 'MB'], [1, 'kB']];

/** With its unit, in the largest that divides it. */
function shown(name: string, value: string): string {
  const unit = findSetting(name)?.unit ?? null;
  const number = Number(value);
  if (unit === null || number <= 0 || !Number.isFinite(number)) return value;
  const scaled = unit === '8kB' ? number * 8 : number;
  for (const [size, label] of unit === 'ms' ? TIME_STEPS : SIZE_STEPS) {
    if (scaled % size === 0) return `${scaled / size}${label}`;
  }
  return value;
}

function discard(session: Session, body: Loose): string {
  switch (body['target']) {
    case 'DISCARD_PLANS':
      return 'DISCARD PLANS';
    case 'DISCARD_SEQUENCES':
      session.services.discardSequences();
      return 'DISCARD SEQUENCES';
    case 'DISCARD_TEMP':
      return 'DISCARD TEMP';
    default:
      if (session.state.inBlock) throw sqlError('25001', 'DISCARD ALL cannot run inside a transaction block');
      for (const portal of session.portals.values()) closePortal(portal);
      session.portals.clear();
      session.prepared.clear();
      session.services.discardSequences();
      session.settings.resetAll();
      session.refreshFormat();
      return 'DISCARD ALL';
  }
}

// ---- prepared statements ----

function innerStatement(node: unknown, outer: ParsedStatement): ParsedStatement {
  const parsed = node as Loose;
  const kind = Object.keys(parsed)[0]!;
  return { ...outer, node: parsed, kind };
}

async function prepare(session: Session, statement: ParsedStatement, body: Loose): Promise<string> {
  const name = String(body['name']);
  if (session.prepared.has(name)) throw sqlError('42P05', `prepared statement "${name}" already exists`);
  const oids = list(body['argtypes']).map((t) => resolveTypeName(t['TypeName'] as Parameters<typeof resolveTypeName>[0]).oid);
  const prepared = new Prepared(statement.text, innerStatement(body['query'], statement), oids, false);
  await session.prepareStatement(prepared);
  session.prepared.set(name, prepared);
  return 'PREPARE';
}

async function evaluateArguments(session: Session, prepared: Prepared, args: readonly Loose[], name: string): Promise<Datum[]> {
  const oids = prepared.parameterOids;
  if (args.length !== oids.length) {
    throw sqlError('42601', `wrong number of parameters for prepared statement "${name}"`, {
      detail: `Expected ${oids.length} parameters but got ${args.length}.`,
    });
  }
  const settings = { format: session.format, user: session.user, database: session.database };
  const memory = new StatementMemory(session.server.memory, session.settings.derived.memoryLimitBytes);
  try {
    const values: Datum[] = [];
    for (const [i, arg] of args.entries()) {
      const compiled = session.server.deps.planner.compileExpression(deparse(arg), [], settings, { typeOid: oids[i]!, typmod: -1 });
      values.push(await compiled.evaluate([], session.execContext([], memory, REFUSING, false)));
    }
    return values;
  } finally {
    memory.close();
  }
}

async function execute(session: Session, body: Loose, sink: ResultSink, simple: boolean): Promise<string> {
  const name = String(body['name']);
  const prepared = session.findPrepared(name);
  const parameters = await evaluateArguments(session, prepared, list(body['params']), name);
  if (!isPlanned(prepared.statement!)) return runUtility(session, prepared.statement!, sink, simple);
  return runInner(session, prepared, parameters, sink, simple);
}

/** Runs a planned statement inside another; returns its tag. */
async function runInner(session: Session, prepared: Prepared, parameters: readonly Datum[], sink: ResultSink, simple: boolean): Promise<string> {
  const plan = await session.planFor(prepared);
  if (session.modes.readOnly && !plan.compiled.readOnly) throw sqlError('25006', 'cannot write in a read-only transaction');
  session.ensureTxn().beginStatement();
  if (plan.needsView) await session.services.loadView();
  const memory = new StatementMemory(session.server.memory, session.settings.derived.memoryLimitBytes);
  const execution = plan.compiled.start(session.execContext(parameters, memory, sink, false));
  try {
    if (simple && plan.compiled.columns !== null) sink.columns(plan.compiled.columns);
    await execution.run(sink, 0);
    return execution.tag;
  } finally {
    execution.close();
    memory.close();
  }
}

function deallocate(session: Session, body: Loose): string {
  const name = body['name'];
  if (name === undefined) {
    for (const key of [...session.prepared.keys()]) if (key !== '') session.prepared.delete(key);
    return 'DEALLOCATE ALL';
  }
  session.findPrepared(String(name));
  session.prepared.delete(String(name));
  return 'DEALLOCATE';
}

// ---- EXPLAIN ----

async function explain(session: Session, statement: ParsedStatement, body: Loose, sink: ResultSink, simple: boolean): Promise<string> {
  const options = new Map<string, string>();
  for (const o of list(body['options'])) {
    const def = o['DefElem'] as Loose;
    options.set(String(def['defname']).toLowerCase(), def['arg'] === undefined ? 'on' : constantOf(def['arg'] as Loose));
  }
  const flag = (name: string, otherwise: boolean): boolean => {
    const value = options.get(name);
    return value === undefined ? otherwise : (parseBoolWord(value) ?? otherwise);
  };
  const format = options.get('format') ?? 'text';
  if (format.toLowerCase() !== 'text') throw sqlError('0A000', `EXPLAIN format "${format}" is not supported`);
  const inner = innerStatement(body['query'], statement);
  let prepared = new Prepared(statement.text, inner, [], false);
  let parameters: readonly Datum[] = [];
  if (inner.kind === 'ExecuteStmt') {
    const of = bodyOf(inner);
    prepared = session.findPrepared(String(of['name']));
    parameters = await evaluateArguments(session, prepared, list(of['params']), String(of['name']));
  } else if (!isPlanned(inner)) {
    if (simple) sink.columns(EXPLAIN_COLUMNS);
    sink.row(['Utility statements have no plan structure']);
    return 'EXPLAIN';
  }
  const plan = await session.planFor(prepared);
  const lines = [...plan.compiled.explain({ verbose: flag('verbose', false), costs: flag('costs', true) })];
  if (flag('analyze', false)) {
    const { clock } = session.server.deps;
    const started = clock.monotonicMs();
    const counter = new CountingSink();
    await runInner(session, prepared, parameters, counter, false);
    lines.push(`Actual Rows: ${counter.rows}`, `Execution Time: ${(clock.monotonicMs() - started).toFixed(3)} ms`);
  }
  if (simple) sink.columns(EXPLAIN_COLUMNS);
  for (const line of lines) sink.row([line]);
  return 'EXPLAIN';
}

function refuse(): never {
  throw sqlError('0A000', 'COPY is not possible here');
}

class CountingSink implements ResultSink {
  rows = 0;
  columns(): void {
    this.rows = 0;
  }
  row(): void {
    this.rows++;
  }
  slow(): null {
    return null;
  }
  complete(): void {
    return undefined;
  }
  suspended(): void {
    return undefined;
  }
  empty(): void {
    return undefined;
  }
  notice(): void {
    return undefined;
  }
  parameterStatus(): void {
    return undefined;
  }
  copyIn(): never {
    return refuse();
  }
  copyOut(): never {
    return refuse();
  }
  copyData(): never {
    return refuse();
  }
  copyDone(): void {
    return undefined;
  }
}
const REFUSING = new CountingSink();

// ---- cursors ----

const CURSOR_HOLD = 0x20;

async function declareCursor(session: Session, statement: ParsedStatement, body: Loose): Promise<string> {
  const name = String(body['portalname']);
  if ((Number(body['options'] ?? 0) & CURSOR_HOLD) !== 0) throw sqlError('0A000', 'WITH HOLD cursors are not supported');
  if (!session.state.inBlock) throw sqlError('25P01', 'DECLARE CURSOR can only be used in transaction blocks');
  if (session.portals.has(name)) throw sqlError('42P03', `cursor "${name}" already exists`);
  const prepared = new Prepared(statement.text, innerStatement(body['query'], statement), [], false);
  const plan = await session.planFor(prepared);
  const portal = newPortal(name, prepared, [], true);
  const memory = new StatementMemory(session.server.memory, session.settings.derived.memoryLimitBytes);
  session.ensureTxn().beginStatement();
  if (plan.needsView) await session.services.loadView();
  portal.execution = plan.compiled.start(session.execContext([], memory, REFUSING, false));
  portal.compiled = plan.compiled;
  portal.memory = memory;
  session.portals.set(name, portal);
  return 'DECLARE CURSOR';
}

/** libpg-query writes FETCH_ALL as the largest long. */
const FETCH_ALL = 2 ** 31 - 1;

/** Passes rows on and counts them; the cursor's own completion is FETCH's. */
class FetchSink extends CountingSink {
  readonly #inner: ResultSink | null;
  constructor(inner: ResultSink | null) {
    super();
    this.#inner = inner;
  }
  override row(values?: readonly Datum[]): void {
    this.rows++;
    if (values !== undefined) this.#inner?.row(values);
  }
  override slow(): null {
    return (this.#inner?.slow() ?? null) as null;
  }
}

async function fetch(session: Session, body: Loose, sink: ResultSink, simple: boolean): Promise<string> {
  const name = String(body['portalname']);
  const portal = session.portals.get(name);
  if (portal === undefined) throw sqlError('34000', `cursor "${name}" does not exist`);
  const move = body['ismove'] === true;
  const direction = String(body['direction'] ?? 'FETCH_FORWARD');
  const many = Number(body['howMany'] ?? 0);
  if (direction !== 'FETCH_FORWARD' || many < 0) {
    if (!(direction === 'FETCH_RELATIVE' && many === 1)) throw sqlError('55000', 'cursor can only scan forward', { hint: 'Declare it with SCROLL option to enable backward scan.' });
  }
  if (simple && !move && portal.prepared.columns !== null) sink.columns(portal.prepared.columns);
  const counter = new FetchSink(move ? null : sink);
  await advance(portal, many >= FETCH_ALL ? 0 : many, many === 0, counter);
  return `${move ? 'MOVE' : 'FETCH'} ${counter.rows}`;
}

async function advance(portal: Portal, maxRows: number, none: boolean, sink: FetchSink): Promise<void> {
  if (portal.done || none || portal.execution === null) return;
  if ((await portal.execution.run(sink, maxRows)) === 'done') {
    portal.done = true;
    closePortal(portal);
  }
  portal.position += sink.rows;
}

function closeCursor(session: Session, body: Loose): string {
  const name = body['portalname'];
  if (name === undefined) {
    for (const portal of session.portals.values()) closePortal(portal);
    session.portals.clear();
    return 'CLOSE CURSOR ALL';
  }
  const portal = session.portals.get(String(name));
  if (portal === undefined) throw sqlError('34000', `cursor "${String(name)}" does not exist`);
  closePortal(portal);
  session.portals.delete(String(name));
  return 'CLOSE CURSOR';
}

/** Registers the use of the tables, which keeps schema changes away: what ACCESS SHARE promises. */
async function lockTable(session: Session, body: Loose): Promise<string> {
  if (!session.state.inBlock) throw sqlError('25P01', 'LOCK TABLE can only be used in transaction blocks');
  for (const r of list(body['relations'])) {
    const of = r['RangeVar'] as Loose;
    const name = { schema: of['schemaname'] === undefined ? null : String(of['schemaname']), name: String(of['relname']) };
    const found = await session.transactionCatalog().relation(name, session.settings.derived.searchPath, session.waitOptions());
    if (found === null) throw sqlError('42P01', `relation "${name.name}" does not exist`);
  }
  return 'LOCK TABLE';
}

