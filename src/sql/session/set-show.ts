/** SET, RESET, SHOW, and the modes of transactions that SET and BEGIN choose. */
import { sqlError } from '../../base/errors.js';
import type { ResultSink } from '../session-api.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { snapshotTime } from '../types/exported-snapshot.js';
import type { Session } from './session.js';
import { findSetting } from './setting-table.js';
import { parseBoolWord, withUnit } from './setting-values.js';
import { SHOW_ALL_COLUMNS, textColumn } from './statement-kinds.js';
import { isolationModes, type TransactionModes } from './transaction.js';
import { constantOf, list } from './tree.js';
import type { Loose } from './tree.js';

export function modesFrom(options: readonly Loose[], start: TransactionModes): TransactionModes {
  let modes = start;
  for (const option of options) {
    const def = (option['DefElem'] ?? {}) as Loose;
    const value = constantOf((def['arg'] ?? {}) as Loose);
    switch (def['defname']) {
      case 'transaction_isolation':
        modes = { ...modes, ...isolationOf(value) };
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
  return modes;
}

function isolationOf(value: string): Pick<TransactionModes, 'isolation' | 'uncommitted'> {
  const modes = isolationModes(value.toLowerCase());
  if (modes !== null) return modes;
  throw sqlError('22023', `invalid value for parameter "transaction_isolation": "${value}"`, {
    hint: 'Available values: serializable, repeatable read, read committed, read uncommitted.',
  });
}

/** SET and RESET. @throws QuoralError 42501 */
export async function setVariable(session: Session, body: Loose, inside = false): Promise<string> {
  const name = String(body['name'] ?? '').toLowerCase();
  if (name === 'role' || name === 'session_authorization') await setUser(session, name, body, inside);
  else {
    refuseSetting(session, name);
    return setOther(session, body, inside);
  }
  return String(body['kind']).startsWith('VAR_RESET') ? 'RESET' : 'SET';
}

async function setUser(
  session: Session,
  name: 'role' | 'session_authorization',
  body: Loose,
  inside: boolean,
): Promise<void> {
  const local = body['is_local'] === true;
  if (local && !session.state.inAnyBlock && !inside)
    session.warn('25P01', 'SET LOCAL can only be used in transaction blocks');
  const isDefault = body['kind'] !== 'VAR_SET_VALUE';
  const value = isDefault ? null : settingValue(name, list(body['args']));
  const reset = name === 'role' ? 'none' : session.roles.login.name;
  await session.roles.prepareRole(name, value ?? reset);
  session.settings.set(name, value, local);
  if (name === 'session_authorization') session.settings.set('role', 'none', local);
  session.refreshFormat();
  await session.roles.refresh();
}

/** @throws QuoralError 42501 */
export function refuseSetting(session: Session, name: string): void {
  if (session.roles.isSuperuser || findSetting(name)?.context !== 'superuser') return;
  throw sqlError('42501', `permission denied to set parameter "${findSetting(name)!.name}"`);
}

function setOther(session: Session, body: Loose, inside: boolean): string {
  const name = String(body['name'] ?? '');
  const values = list(body['args']);
  switch (body['kind']) {
    case 'VAR_SET_MULTI':
      return setMulti(session, name, values, inside);
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
  // Inside of a function there is a transaction, whoever began it.
  if (body['is_local'] === true && !session.state.inAnyBlock && !inside)
    session.warn('25P01', 'SET LOCAL can only be used in transaction blocks');
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
    const clock = /^([-+]?)(\d+):(\d+)$/.exec(text.trim());
    return clock === null ? text : `${clock[1]}${Number(clock[2]) + Number(clock[3]) / 60}`;
  }
  const texts = values.map(constantOf);
  if (name === 'search_path' || name === 'temp_tablespaces') {
    return texts.map((t) => (t.includes(',') ? t : quoteIdentifier(t))).join(', ');
  }
  return texts.join(', ');
}

/** SET transaction_isolation and relatives. */
function setTransactionMode(session: Session, name: string, value: string | null): boolean {
  const defaults = session.transaction.defaultModes();
  switch (name) {
    case 'transaction_isolation':
      changeModes(
        session,
        {
          ...session.modes,
          ...(value === null
            ? { isolation: defaults.isolation, uncommitted: defaults.uncommitted }
            : isolationOf(value)),
        },
        'SET TRANSACTION ISOLATION LEVEL',
      );
      return true;
    case 'transaction_read_only':
    case 'transaction_deferrable': {
      const parsed = value === null ? false : parseBoolWord(value);
      if (parsed === null) throw sqlError('22023', `parameter "${name}" requires a Boolean value`);
      const modes =
        name === 'transaction_read_only'
          ? { ...session.modes, readOnly: parsed }
          : { ...session.modes, deferrable: parsed };
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
  const opens = session.modes.readOnly && !modes.readOnly;
  if (opens && session.transaction.savepoints.length > 0)
    throw sqlError('25001', 'cannot set transaction read-write mode inside a read-only transaction');
  if (session.txn !== null && opens) {
    throw sqlError('25001', 'transaction read-write mode must be set before any query');
  }
  session.modes = modes;
}

function setMulti(session: Session, name: string, options: readonly Loose[], inside: boolean): string {
  if (name === 'TRANSACTION') {
    if (!session.state.inAnyBlock && !inside)
      session.warn('25P01', 'SET TRANSACTION can only be used in transaction blocks');
    changeModes(session, modesFrom(options, session.modes), 'SET TRANSACTION ISOLATION LEVEL');
    return 'SET';
  }
  if (name === 'SESSION CHARACTERISTICS') {
    for (const option of options) {
      const def = option['DefElem'] as Loose;
      const value = constantOf((def['arg'] ?? {}) as Loose);
      const plain =
        def['defname'] === 'transaction_isolation' ? value : value === '1' ? 'on' : value === '0' ? 'off' : value;
      session.settings.set(`default_${String(def['defname'])}`, plain, false);
    }
    if (session.txn === null && !session.state.inBlock) session.modes = session.transaction.defaultModes();
    return 'SET';
  }
  if (name === 'TRANSACTION SNAPSHOT') {
    if (!session.state.inAnyBlock && !inside)
      session.warn('25P01', 'SET TRANSACTION can only be used in transaction blocks');
    importSnapshot(session, constantOf(options[0] ?? {}) ?? '');
    return 'SET';
  }
  throw sqlError('0A000', `SET ${name} is not supported`);
}

/** The transaction reads as of the exported time. It cannot write: what it has read may be another thing by now. */
function importSnapshot(session: Session, name: string): void {
  const { modes, transaction } = session;
  if (session.txn !== null || transaction.savepoints.length > 0 || modes.asOf !== null)
    throw sqlError('25001', 'SET TRANSACTION SNAPSHOT must be called before any query');
  if (modes.isolation === 'read committed')
    throw sqlError(
      '0A000',
      'a snapshot-importing transaction must have isolation level SERIALIZABLE or REPEATABLE READ',
    );
  const asOf = snapshotTime(name);
  if (asOf === null || asOf > session.server.deps.db.now())
    throw sqlError('22023', `invalid snapshot identifier: "${name}"`);
  session.modes = { ...modes, readOnly: true, asOf };
}

export function show(session: Session, body: Loose, sink: ResultSink, simple: boolean): string {
  const name = String(body['name']);
  if (name.toLowerCase() === 'all') {
    if (simple) sink.columns(SHOW_ALL_COLUMNS);
    for (const { definition, value } of session.settings.all()) {
      sink.row([
        definition.name,
        withUnit(definition, session.setting(definition.name) ?? value),
        definition.description,
      ]);
    }
    return 'SHOW';
  }
  const value = session.setting(name);
  if (value === null) throw sqlError('42704', `unrecognized configuration parameter "${name}"`);
  const def = findSetting(name);
  if (simple) sink.columns([textColumn(def?.name ?? name)]);
  sink.row([withUnit(def, value)]);
  return 'SHOW';
}
