/**
 * A session's settings, with SET's transactional rules: what a transaction set is undone when it rolls
 * back (SAVEPOINT included), and SET LOCAL ends with it. Reading is on the hot path: the derived
 * values (format, search path, time-outs) are computed when something changes.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import { SUPERUSER_OID } from '../catalog/bootstrap-names.js';
import { findEncoding, type TextEncoding } from '../types/encodings.js';
import type { TemporaryInPath } from '../catalog/temporary-names.js';
import type { FormatContext } from '../types/type-info.js';
import { allSettings, findSetting } from './setting-table.js';
import { checkSetting } from './setting-values.js';
import type { SettingDefinition } from './setting-table.js';

export interface SettingsMark {
  readonly session: ReadonlyMap<string, string>;
  readonly local: ReadonlyMap<string, string>;
}

export interface Derived {
  readonly format: Omit<FormatContext, 'transactionNow' | 'statementNow'>;
  readonly searchPath: readonly string[];
  readonly temporary: TemporaryInPath;
  /** With those schemas that the user may not use. */
  readonly writtenPath: readonly string[];
  /** As who statements run. */
  readonly user: string;
  readonly userId: number;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly idleInTransactionTimeoutMs: number;
  readonly idleSessionTimeoutMs: number;
  readonly memoryLimitBytes: number;
  readonly minimumSeverity: number;
  readonly applicationName: string;
  readonly planCacheMode: string;
  /** restrict_nonsystem_relation_kind: no view of a user may be used. */
  readonly restrictsViews: boolean;
  readonly trackCounts: boolean;
  readonly trackFunctions: 'none' | 'pl' | 'all';
  /** null: UTF-8. */
  readonly clientEncoding: TextEncoding | null;
  /** Equal strings: statements compile alike. */
  readonly planKey: string;
}

/** Schemas of the path that the user may not use, and in which state of the catalog. */
export interface Access {
  readonly hidden: ReadonlySet<string>;
  readonly key: string;
}

/** What a session begins with; the later counts. */
export interface SettingsGiven {
  readonly kept: readonly string[];
  readonly startup: Readonly<Record<string, string>>;
  /** Who asks for what is in `startup`. */
  readonly superuser: boolean;
}

/** Who the settings role and session_authorization mean. */
export type WhoIs = (role: string, authorization: string) => { readonly id: number; readonly name: string };

/** Names with a dot are anybody's own. */
const CUSTOM = /^[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)+$/;
const SEVERITIES = [
  'debug5',
  'debug4',
  'debug3',
  'debug2',
  'debug1',
  'debug',
  'log',
  'info',
  'notice',
  'warning',
  'error',
];

export function severityRank(name: string): number {
  return SEVERITIES.indexOf(name.toLowerCase());
}

/** Splits a list of identifiers as search_path and the like are written. */
export function splitIdentifiers(text: string): string[] {
  const parts: string[] = [];
  const pattern = /\s*(?:"((?:[^"]|"")*)"|([^,"]*))\s*(?:,|$)/gy;
  for (let m = pattern.exec(text); m !== null && m[0] !== ''; m = pattern.exec(text)) {
    const part = m[1] !== undefined ? m[1].replaceAll('""', '"') : m[2]!.trim().toLowerCase();
    if (part !== '' || m[1] !== undefined) parts.push(part);
    if (pattern.lastIndex >= text.length) break;
  }
  return parts;
}

export class Settings {
  readonly #whoIs: WhoIs;
  readonly #database: string;
  /** What RESET gives: start-up parameters over the built-in defaults. */
  readonly #resetValues = new Map<string, string>();
  /** What is kept was set by who may; what a client sends is not. */
  #mayAll = true;
  /** Settings of the user's own that were ever set or reset: from then on they are there, empty. */
  readonly #met = new Set<string>();
  #session = new Map<string, string>();
  #local = new Map<string, string>();
  /** Session values as they were when the transaction, or the statement by itself, began; null: nothing was set in it. */
  #before: Map<string, string> | null = null;
  #derived: Derived | null = null;
  readonly #onReport: (name: string, value: string) => void;

  #temporarySchema: string | null = null;
  #access: Access = { hidden: new Set(), key: '' };

  constructor(
    user: string,
    whoIs: WhoIs,
    database: string,
    given: SettingsGiven,
    onReport: (name: string, value: string) => void,
  ) {
    this.#whoIs = whoIs;
    this.#database = database;
    this.#onReport = onReport;
    this.#resetValues.set('session_authorization', user);
    for (const entry of given.kept) this.#kept(entry);
    this.#mayAll = given.superuser;
    for (const [name, value] of Object.entries(given.startup)) {
      if (name === 'options') this.#readOptions(value);
      else if (name !== 'user' && name !== 'database' && name !== 'replication') this.#startup(name, value);
    }
  }

  /** What ALTER ROLE says may have been right once: a session begins without what is not. */
  #kept(entry: string): void {
    const at = entry.indexOf('=');
    try {
      this.#startup(entry.slice(0, at), entry.slice(at + 1));
    } catch (error) {
      if (!(error instanceof QuoralError)) throw error;
    }
  }

  #startup(name: string, value: string): void {
    // They name somebody, who has to be looked up.
    if (/^(role|session_authorization)$/i.test(name))
      throw sqlError('0A000', `parameter "${name}" cannot be set when a session begins`);
    const def = findSetting(name);
    if (def === null) {
      if (CUSTOM.test(name)) this.#resetValues.set(name.toLowerCase(), value);
      else if (!name.startsWith('_pq_.')) throw unknownSetting(name);
      return;
    }
    if (!this.#mayAll && def.context === 'superuser')
      throw sqlError('42501', `permission denied to set parameter "${def.name}"`);
    this.#resetValues.set(def.name.toLowerCase(), checkSetting(def, value));
  }

  /** "-c name=value --name=value". */
  #readOptions(text: string): void {
    const words = text.match(/(?:\\.|[^\s\\])+/g) ?? [];
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!.replace(/\\(.)/g, '$1');
      let pair: string | null = null;
      if (word === '-c') pair = (words[++i] ?? '').replace(/\\(.)/g, '$1');
      else if (word.startsWith('-c')) pair = word.slice(2);
      else if (word.startsWith('--')) pair = word.slice(2);
      if (pair === null || !pair.includes('='))
        throw sqlError('42601', `invalid command-line argument for server process: ${word}`);
      const at = pair.indexOf('=');
      this.#startup(pair.slice(0, at).replaceAll('-', '_'), pair.slice(at + 1));
    }
  }

  /** null: there is no such setting. */
  get(name: string): string | null {
    const key = name.toLowerCase();
    const value = this.#local.get(key) ?? this.#session.get(key) ?? this.#resetValues.get(key);
    if (value !== undefined) return value;
    return findSetting(key)?.initial ?? (this.#met.has(key) ? '' : null);
  }

  /** @throws 42704 */
  getOrThrow(name: string): string {
    const value = this.get(name);
    if (value === null) throw unknownSetting(name);
    return value;
  }

  all(): {
    readonly definition: SettingDefinition;
    readonly value: string;
    readonly reset: string;
    readonly changed: boolean;
  }[] {
    return allSettings().map((definition) => {
      const key = definition.name.toLowerCase();
      const reset = this.#resetValues.get(key) ?? definition.initial;
      const changed = this.#local.has(key) || this.#session.has(key);
      return { definition, value: this.get(key) ?? '', reset, changed };
    });
  }

  /** value null = RESET / SET … TO DEFAULT. Returns the value now in force. */
  set(name: string, value: string | null, local: boolean): string {
    const def = findSetting(name);
    const key = name.toLowerCase();
    if (def === null) {
      checkCustomName(name);
      this.#met.add(key);
    }
    if (def !== null && def.context !== 'user' && def.context !== 'superuser') {
      throw sqlError(
        '55P02',
        def.context === 'internal'
          ? `parameter "${def.name}" cannot be changed`
          : `parameter "${def.name}" cannot be changed without restarting the server`,
      );
    }
    const old = this.get(key);
    const checked = value === null ? null : def === null ? value : checkSetting(def, value, old ?? undefined);
    if (local) this.#local.set(key, checked ?? this.#resetValues.get(key) ?? def?.initial ?? '');
    else {
      this.#before ??= new Map(this.#session);
      this.#local.delete(key);
      if (checked === null) this.#session.delete(key);
      else this.#session.set(key, checked);
    }
    this.#changed(key, old);
    return this.get(key) ?? '';
  }

  resetAll(): void {
    const names = new Set([...this.#session.keys(), ...this.#local.keys()]);
    for (const name of names)
      if (!/^transaction_|^(role|session_authorization)$/.test(name)) this.set(name, null, false);
  }

  #changed(key: string, old: string | null): void {
    this.#derived = null;
    const value = this.get(key);
    if (value === old || value === null) return;
    const def = findSetting(key);
    if (def?.report === true) this.#onReport(def.name, value);
  }

  // ---- transactions ----

  endTransaction(committed: boolean): void {
    if (this.#before === null && this.#local.size === 0) return;
    const restored = committed ? this.#session : (this.#before ?? this.#session);
    this.#replace(restored, new Map());
    this.#before = null;
  }

  /** Settings of a function while it runs: 'name=value'. What it gives puts back those of before. */
  enter(config: readonly string[]): () => void {
    const names = config.map((entry) => entry.slice(0, entry.indexOf('=')));
    const before = new Map(names.map((name) => [name, this.#local.get(name)]));
    for (const [i, name] of names.entries()) this.set(name, config[i]!.slice(name.length + 1), true);
    return () => {
      const local = new Map(this.#local);
      for (const [name, value] of before) {
        if (value === undefined) local.delete(name);
        else local.set(name, value);
      }
      this.#replace(new Map(this.#session), local);
    };
  }

  mark(): SettingsMark {
    return { session: new Map(this.#session), local: new Map(this.#local) };
  }

  rollbackTo(mark: SettingsMark): void {
    this.#before ??= new Map(this.#session);
    this.#replace(new Map(mark.session), new Map(mark.local));
  }

  #replace(session: Map<string, string>, local: Map<string, string>): void {
    const touched = new Set([...this.#session.keys(), ...this.#local.keys(), ...session.keys(), ...local.keys()]);
    const old = new Map([...touched].map((name) => [name, this.get(name)]));
    this.#session = session;
    this.#local = local;
    for (const [name, value] of old) this.#changed(name, value);
    this.#derived = null;
  }

  // ---- derived ----

  setTemporarySchema(name: string): void {
    this.#temporarySchema = name;
    this.#derived = null;
  }

  /** The user is somebody else now. */
  changeUser(): void {
    this.#derived = null;
  }

  /** What the user may not use of the search path; plans of another state of the catalog are not for it. */
  setAccess(access: Access): void {
    this.#access = access;
    this.#derived = null;
  }
  get access(): Access {
    return this.#access;
  }

  get derived(): Derived {
    return (this.#derived ??= this.#derive());
  }

  #derive(): Derived {
    const get = (name: string): string => this.get(name) ?? '';
    const number = (name: string): number => Number(get(name));
    const user = this.#whoIs(get('role'), get('session_authorization'));
    const own = this.#temporarySchema;
    const given = splitIdentifiers(get('search_path')).map((part) =>
      part === '$user' ? user.name : part === 'pg_temp' ? (own ?? part) : part,
    );
    const said = given.indexOf(own ?? 'pg_temp');
    // As in PostgreSQL it comes first, unless it is named.
    const writtenPath = own === null || given.includes(own) ? given : [own, ...given];
    const isSuperuser = user.id === SUPERUSER_OID;
    const path = isSuperuser ? writtenPath : writtenPath.filter((schema) => !this.#access.hidden.has(schema));
    const restrictsViews = /\bview\b/i.test(get('restrict_nonsystem_relation_kind'));
    const format = {
      timeZone: get('timezone'),
      extraFloatDigits: number('extra_float_digits'),
      byteaOutput: get('bytea_output') as FormatContext['byteaOutput'],
      intervalStyle: get('intervalstyle') as FormatContext['intervalStyle'],
      dateStyle: get('datestyle'),
    };
    return {
      format,
      searchPath: path,
      temporary: said < 0 ? 'unsaid' : said === 0 ? 'first' : 'said',
      writtenPath,
      user: user.name,
      userId: user.id,
      statementTimeoutMs: number('statement_timeout'),
      lockTimeoutMs: number('lock_timeout'),
      idleInTransactionTimeoutMs: number('idle_in_transaction_session_timeout'),
      idleSessionTimeoutMs: number('idle_session_timeout'),
      memoryLimitBytes: number('statement_memory_limit') * 1024,
      minimumSeverity: severityRank(get('client_min_messages')),
      applicationName: get('application_name'),
      planCacheMode: get('plan_cache_mode'),
      restrictsViews,
      trackCounts: get('track_counts') !== 'off',
      trackFunctions: get('track_functions') as Derived['trackFunctions'],
      clientEncoding: findEncoding(get('client_encoding'))?.text ?? null,
      planKey: [
        this.#database,
        user.id,
        user.name,
        ...(isSuperuser ? [] : [this.#access.key]),
        path.join('\0'),
        ...Object.values(format),
        ...(restrictsViews ? ['no views'] : []),
      ].join('\x01'),
    };
  }
}

/** Of what no table knows: anything with a prefix may be set. */
function checkCustomName(name: string): void {
  if (!name.includes('.')) throw unknownSetting(name);
  const detail = !CUSTOM.test(name)
    ? 'Custom parameter names must be two or more simple identifiers separated by dots.'
    : /^plpgsql\./i.test(name)
      ? '"plpgsql" is a reserved prefix.'
      : null;
  if (detail !== null) throw sqlError('42602', `invalid configuration parameter name "${name}"`, { detail });
}

export function unknownSetting(name: string): Error {
  return sqlError('42704', `unrecognized configuration parameter "${name}"`);
}
