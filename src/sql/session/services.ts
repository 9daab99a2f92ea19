/**
 * What expressions reach of the session at run time: sequences, settings, and names of catalog objects.
 *
 * Synchronous look-ups of the catalog need a view that the session loaded before the statement began;
 * without one they fall back to what the node has cached, which covers the tables the session uses.
 */
import type { Soon } from '../../base/soon.js';
import type { Datum } from '../types/datum.js';
import { sqlError } from '../../base/errors.js';
import type { AdvisoryLocks, ListedLock } from '../advisory/advisory-locks.js';
import { INFORMATION_SCHEMA_ID, PG_CATALOG_SCHEMA_ID, PUBLIC_SCHEMA_ID } from '../catalog/bootstrap.js';
import type { Catalog, WaitOptions } from '../catalog/catalog.js';
import type { Routine, SequenceDescriptor, TableDescriptor, ViewDescriptor } from '../catalog/descriptor.js';
import { RIGHTS } from '../catalog/acl.js';
import { wholeRights } from '../catalog/rights.js';
import { isMaterialized, queryOf } from '../catalog/materialized.js';
import type { Sequences } from '../catalog/sequences.js';
import { isTemporarySchema, isTemporarySchemaName, temporarySchemaName } from '../catalog/temporary-names.js';
import type { TemporaryInPath } from '../catalog/temporary-names.js';
import type { SessionTemporaries } from '../catalog/temporary.js';
import type { CatalogView, TransactionCatalog } from '../catalog/transaction-catalog.js';
import { collationIn } from '../catalog/collation-names.js';
import { typeIn } from '../catalog/type-by-name.js';
import { isRelationWithRows, relationOfArray } from '../catalog/row-types.js';
import { domainCheckIn, userTypes } from '../catalog/user-types-view.js';
import { viewIndex } from '../catalog/view-index.js';
import { virtualRelation, virtualRelationByOid } from '../catalog/virtual/registry.js';
import type { ActivityRow, CatalogServices, CursorRow, PreparedRow, SettingRow } from '../catalog/virtual/services.js';
import type {
  CommentedKind,
  AccessServices,
  FoundDomainCheck,
  FoundRoutine,
  RoutineCall,
  RoutineResult,
  SessionServices,
  StoredColumn,
} from '../contract.js';
import { inputsOf } from '../plan/routines.js';
import { standardDomainByOid } from '../types/standard-domains.js';
import { fieldsOf, userTypeIn, userTypeOf } from '../types/user-types.js';
import { builtInCollation } from '../types/collation.js';
import { OID } from '../types/oids.js';
import { arrayOidOf, catalogOidOf, formatType, typeByOid } from '../types/registry.js';
import { quoteIdentifier, splitName } from '../types/identifiers.js';
import type { FormatContext } from '../types/type-info.js';
import type { Consistency, SessionUsage, ShownUsage } from '../usage/session-usage.js';
import type { LockReport } from '../locks/lock-reports.js';
import { pidsInTheWay } from '../locks/blocking.js';
import type { SessionActivity } from './activity.js';
import type { SessionAdvisory } from './advisory.js';
import type { SessionNotifications } from './notifications.js';
import type { ServerCore } from './server.js';
import { VERSION_TEXT } from './setting-table.js';
import type { SessionRoles } from './roles.js';
import { checkSignal, signalSession } from './signals.js';
import { SessionSequences } from './session-sequences.js';
import type { Settings } from './settings.js';
import type { QueryStyle } from '../plan/deparse-query.js';
import { KnownPath } from './known-path.js';
import { bodyText, expressionText, viewText } from './view-definitions.js';
import { catalogAccess } from './catalog-access.js';
import { cursorKey, cursorRows, preparedRows } from './cursor-facts.js';
import type { Portal, Prepared } from './portal.js';
import { isOnlyOfName, isOnlySchemaOf, isVisibleRoutine, oidOfRoutine, routineWithOid } from './routine-names.js';
import { commentIn } from './object-comments.js';
import { findSetting } from './setting-table.js';
import { withUnit } from './setting-values.js';
import { shownSettings } from './transaction.js';
import { splitIdentifiers } from './settings.js';

const INFORMATION_SCHEMA = 'information_schema';

/** What the services need of the session they belong to. */
export interface ServiceHost {
  readonly user: string;
  readonly database: string;
  readonly databaseId: number;
  readonly processId: number;
  readonly settings: Settings;
  readonly modes: { readonly readOnly: boolean };
  readonly server: { readonly advisory: AdvisoryLocks } & Pick<ServerCore, 'signalBackend' | 'locks' | 'session'>;
  transactionCatalog(): TransactionCatalog;
  waitOptions(): WaitOptions;
  setSetting(name: string, value: string, local: boolean): string;
  setting(name: string): string | null;
  activity(): readonly ActivityRow[];
  readonly notifications: SessionNotifications;
  readonly advisory: SessionAdvisory;
  readonly usage: SessionUsage;
  readonly activityNow: SessionActivity;
  readonly state: { readonly inBlock: boolean };
  readonly temporaries: SessionTemporaries;
  readonly portals: ReadonlyMap<string, Portal>;
  readonly prepared: ReadonlyMap<string, Prepared>;
  readonly format: FormatContext;
  readonly roles: SessionRoles;
  readonly routines: { call(call: RoutineCall): Promise<RoutineResult> };
}

export class Services implements SessionServices, CatalogServices {
  seeded: NonNullable<SessionServices['seeded']> | null = null;
  readonly #host: ServiceHost;
  readonly #catalog: Catalog;
  readonly #sequences: SessionSequences;
  #view: CatalogView | null = null;
  /** The last one of the statement: rows are sent, with names of what is in them, when their transaction is over. */
  #shown: CatalogView | null = null;
  readonly #knownPath = new KnownPath();
  /** A name was looked for among those in the node's cache alone, and is not there. */
  #missed = false;

  constructor(host: ServiceHost, catalog: Catalog, sequences: Sequences) {
    this.#host = host;
    this.#catalog = catalog;
    this.#sequences = new SessionSequences(host, sequences, {
      relationOid: (name) => this.relationOid(name),
      relationName: (oid) => this.relationName(oid),
      schemaId: (name) => this.#schemaId(name),
      whole: () => this.#view !== null,
    });
    const input = (oid: number, name: string): number => Number(typeByOid(oid).input(name, -1, this.#host.format) ?? 0);
    const services = this;
    this.access = catalogAccess(() => this.#view ?? this.#shown, {
      get userId() {
        return services.#host.settings.derived.userId;
      },
      routineOid: (name) => input(name.includes('(') ? OID.regprocedure : OID.regproc, name),
      typeOid: (name) => input(OID.regtype, name),
      schemaOid: (name) => this.#schemaId(name),
    });
  }

  get user(): string {
    return this.#host.user;
  }
  get sessionUser(): string {
    return this.#host.roles.sessionUser.name;
  }
  get isSuperuser(): boolean {
    return this.#host.roles.isSuperuser;
  }
  get database(): string {
    return this.#host.database;
  }
  get databaseId(): number {
    return this.#host.databaseId;
  }
  get processId(): number {
    return this.#host.processId;
  }
  /** Schemas of search_path that exist, as far as is known: without a view or the list of schemas all of them are taken to. */
  get searchPath(): readonly string[] {
    const path = this.#host.settings.derived.searchPath;
    const schemas = this.#catalog.cachedSchemas(this.databaseId);
    const existing = (): readonly string[] => path.filter((schema) => this.#schemaId(schema) !== null);
    if (this.#view === null) return schemas === undefined ? path : existing();
    return this.#knownPath.get(path, schemas, existing);
  }
  get temporary(): TemporaryInPath {
    return this.#host.settings.derived.temporary;
  }
  readonly serverVersion = VERSION_TEXT;
  readonly bodyText = (name: string, routine: Routine): string => bodyText(name, routine, this, this.#host.format);
  readonly access: AccessServices;

  roleOid(name: string): number | null {
    return this.access.roleOid(name);
  }
  roleName(oid: number): string | null {
    return this.access.roleName(oid);
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.#host.activityNow.sleeping(() => this.#catalog.waitFor(() => undefined, ms, signal));
  }

  callRoutine(call: RoutineCall): Promise<RoutineResult> {
    return this.#host.routines.call(call);
  }

  readable(table: TableDescriptor): ReadonlySet<number> | null {
    const { roles } = this.#host;
    if (!roles.mustAsk || (wholeRights(roles.rights, table) & RIGHTS.select) !== 0) return null;
    const may = table.columns.filter(({ acl }) => acl != null && roles.rights.has(acl, RIGHTS.select));
    return new Set(may.map(({ id }) => id));
  }

  signalBackend(processId: number, how: 'cancel' | 'terminate'): boolean | Promise<boolean> {
    const { rights } = this.#host.roles;
    return signalSession(this.#host.server, processId, how, (userId) => checkSignal(userId, how, rights, this.access));
  }

  notify(channel: string, payload: string): void {
    this.#host.notifications.notify(channel, payload);
  }
  get usage(): SessionUsage {
    return this.#host.usage;
  }
  shownUsage(): ShownUsage {
    const consistency = this.#host.settings.get('stats_fetch_consistency') as Consistency;
    return this.#host.usage.shown(consistency, this.#host.state.inBlock);
  }
  get advisory(): SessionAdvisory {
    return this.#host.advisory;
  }
  listeningChannels(): readonly string[] {
    return this.#host.notifications.channels;
  }

  // ---- the catalog ----

  async loadView(): Promise<CatalogView> {
    // Whoever asks which schemas there are finds the one that new relations would go to.
    if (this.temporary === 'first' && this.temporarySchema === null) await this.#host.temporaries.reserve();
    const view = await this.#host.transactionCatalog().view(this.#host.settings.derived.searchPath);
    this.#view = view;
    this.#knownPath.forget();
    return view;
  }
  /** The view of this statement, loaded once. */
  view(): Soon<CatalogView> {
    return this.#view ?? this.loadView();
  }
  /** The statement's transaction is over; what is still to be shown has the names of then. */
  forgetView(): void {
    this.#shown = this.#view ?? this.#shown;
    this.#view = null;
    this.#knownPath.forget();
  }
  /** A statement begins: names that an earlier one has shown may have changed. */
  beginStatement(): void {
    this.#shown = null;
    this.#view = null;
    this.#knownPath.forget();
  }
  settingRows(): readonly SettingRow[] {
    return shownSettings(this.#host);
  }
  activity(): readonly ActivityRow[] {
    return this.#host.activity();
  }
  cursors(): readonly CursorRow[] {
    return cursorRows(this.#host.portals, this.#host.format.statementNow);
  }
  preparedStatements(): readonly PreparedRow[] {
    return preparedRows(this.#host.prepared);
  }
  cursorKey(cursor: string, table: { readonly id: number; readonly name: string }): readonly Datum[] | null {
    return cursorKey(this.#host.portals.get(cursor), cursor, table);
  }

  listLocks(): Promise<readonly ListedLock[]> {
    return this.#host.server.advisory.list();
  }

  lockReport(): Promise<LockReport> {
    return this.#host.server.locks.all();
  }
  async blockingPids(processId: number): Promise<readonly number[]> {
    return pidsInTheWay(await this.lockReport(), await this.listLocks(), processId);
  }

  /** Whether a name was not found that may be in the catalog for all that; forgotten by being asked. */
  takeMissed(): boolean {
    const missed = this.#missed;
    this.#missed = false;
    return missed;
  }
  #noteMissed(): null {
    if (this.#view === null) this.#missed = true;
    return null;
  }

  #schemaId(name: string): number | null {
    if (name === 'pg_catalog') return PG_CATALOG_SCHEMA_ID;
    if (name === INFORMATION_SCHEMA) return INFORMATION_SCHEMA_ID;
    if (isTemporarySchemaName(name)) return this.#host.temporaries.idOf(name);
    // The view knows what the transaction itself has made and dropped.
    if (this.#view !== null) return viewIndex(this.#view).schemaIds.get(name) ?? null;
    const known = this.#catalog.cachedSchemas(this.databaseId);
    if (known !== undefined) return known.get(name) ?? null;
    return name === 'public' ? PUBLIC_SCHEMA_ID : null;
  }

  /** Where names are shown, which may be when the view they are of has been let go. */
  #shownSchemaId(name: string): number | null {
    const known = this.#schemaId(name);
    if (known !== null || this.#view !== null || this.#shown === null) return known;
    return viewIndex(this.#shown).schemaIds.get(name) ?? null;
  }

  #oidIn(schemaId: number, name: string): number | null {
    const view = this.#view;
    const tc = this.#host.transactionCatalog();
    // What the statement itself has made is not in a view from before.
    const entry = view === null ? (tc.knownName(schemaId, name) ?? null) : tc.ownName(schemaId, name);
    if (entry === undefined) return viewIndex(view!).relationOid(schemaId, name);
    return entry === null ? null : (entry.indexOid ?? entry.id);
  }

  relationOid(name: string): number | null {
    const parts = splitName(name);
    const relation = parts[parts.length - 1]!;
    if (parts.length > 1) {
      const schema = parts[parts.length - 2]!;
      const virtual = virtualRelation(schema, relation);
      if (virtual !== null) return virtual.oid;
      const id = this.#schemaId(schema);
      return (id === null ? null : this.#oidIn(id, relation)) ?? this.#noteMissed();
    }
    const virtual = virtualRelation('pg_catalog', relation);
    if (virtual !== null) return virtual.oid;
    for (const schema of this.searchPath) {
      const id = this.#schemaId(schema);
      const oid = id === null ? null : this.#oidIn(id, relation);
      if (oid !== null) return oid;
    }
    return this.#noteMissed();
  }

  relationName(oid: number): string | null {
    const virtual = virtualRelationByOid(oid);
    if (virtual !== null) return virtual.schema === 'pg_catalog' ? virtual.name : `${virtual.schema}.${virtual.name}`;
    const view = this.#view ?? this.#shown;
    const d = view?.byId.get(oid) ?? this.#host.transactionCatalog().known(oid);
    if (d?.kind === 'table' || d?.kind === 'sequence' || d?.kind === 'view') return this.#relation(d.schemaId, d.name);
    if (d?.kind === 'type' && fieldsOf(d.typeOid) !== null) return this.#relation(d.schemaId, d.name);
    const index = view === null ? undefined : viewIndex(view).indexes.get(oid);
    return index === undefined ? null : this.#relation(index.table.schemaId, index.index.name);
  }

  /** Alone only if it is not hidden behind another relation of the name, which the search path has before it. */
  #relation(schemaId: number, name: string): string {
    const path = this.searchPath;
    if (path.includes('pg_catalog') || virtualRelation('pg_catalog', name) === null) {
      for (const schema of path) {
        const id = this.#shownSchemaId(schema);
        if (id === schemaId) return quoteIdentifier(name);
        const view = this.#view ?? this.#shown;
        const other = view === null ? this.#oidIn(id ?? 0, name) : viewIndex(view).relationOid(id ?? 0, name);
        if (other != null) break;
      }
    }
    return this.#qualified(schemaId, name);
  }

  qualifiedRelationName(oid: number): string | null {
    const d = (this.#view ?? this.#shown)?.byId.get(oid) ?? this.#host.transactionCatalog().known(oid);
    if (d?.kind !== 'table' && d?.kind !== 'sequence' && d?.kind !== 'view') return null;
    return d.schemaId === this.temporarySchema
      ? `pg_temp.${quoteIdentifier(d.name)}`
      : this.#qualified(d.schemaId, d.name);
  }

  typeOid(name: string): number | null {
    const array = /\s*\[\]\s*$/.exec(name);
    const parts = splitName(array === null ? name : name.slice(0, array.index));
    const plain = parts[parts.length - 1]!;
    const schemas = parts.length > 1 ? [parts[parts.length - 2]!] : this.searchPath;
    for (const schema of schemas) {
      const id = this.#schemaId(schema);
      const found = id === null ? null : this.#typeIn(id, plain);
      if (found !== null) return catalogOidOf(array === null ? found : arrayOidOf(found));
      const element = id === null || !plain.startsWith('_') ? null : this.#typeIn(id, plain.slice(1));
      if (element !== null && array === null) return catalogOidOf(arrayOidOf(element));
    }
    return this.#noteMissed();
  }

  /** Its handle. */
  #typeIn(schemaId: number, name: string): number | null {
    return typeIn(this.#host.transactionCatalog(), this.#view, schemaId, name);
  }

  typeName(oid: number): string | null {
    const standard = standardDomainByOid(oid);
    if (standard !== null) {
      const schema = this.searchPath.includes(INFORMATION_SCHEMA) ? '' : `${INFORMATION_SCHEMA}.`;
      return `${schema}${userTypeIn(standard)!.name}${userTypeOf(standard) === null ? '[]' : ''}`;
    }
    const view = this.#view ?? this.#shown;
    const known = view === null ? this.#host.transactionCatalog().known(oid) : userTypes(view).byOid.get(oid);
    if (known === undefined) return this.#rowTypeName(oid);
    if (known?.kind !== 'type') return isRelationWithRows(known) ? this.#qualify(known.schemaId, known.name) : null;
    const array = catalogOidOf(known.typeOid) === oid ? '' : '[]';
    return this.#qualify(known.schemaId, known.name) + array;
  }

  typeSchema(oid: number): string | null {
    if (standardDomainByOid(oid) !== null) return INFORMATION_SCHEMA;
    const known = this.#host.transactionCatalog().known(oid) ?? (this.#view ?? this.#shown)?.byId.get(oid);
    return known !== undefined && 'schemaId' in known ? this.schemaNameOf(known.schemaId) : null;
  }

  /** Of a relation's rows: relations are numbered as their types are. */
  #rowTypeName(oid: number): string | null {
    const id = relationOfArray(oid);
    const view = this.#view ?? this.#shown;
    const relation = view === null ? this.#host.transactionCatalog().known(id ?? oid) : view.byId.get(id ?? oid);
    return isRelationWithRows(relation)
      ? this.#qualify(relation.schemaId, relation.name) + (id === null ? '' : '[]')
      : null;
  }

  collationOid(name: string): number | null {
    const parts = splitName(name);
    const plain = parts[parts.length - 1]!;
    if (
      parts.length > 1 &&
      this.#schemaId(parts[parts.length - 2]!) === null &&
      parts[parts.length - 2] !== 'pg_catalog'
    )
      throw sqlError('3F000', `schema "${parts[parts.length - 2]!}" does not exist`);
    const schemas = parts.length > 1 ? [parts[parts.length - 2]!] : this.searchPath;
    const tc = this.#host.transactionCatalog();
    for (const schema of schemas) {
      const id = this.#schemaId(schema);
      if (id === null) continue;
      const found = collationIn({ tc, view: this.#view, databaseId: this.databaseId }, id, plain);
      if (found !== null) return found;
    }
    return this.#noteMissed();
  }

  collationName(oid: number): string | null {
    const d = (this.#view ?? this.#shown)?.byId.get(oid) ?? this.#host.transactionCatalog().known(oid);
    if (d?.kind !== 'collation') return null;
    const isHidden = builtInCollation(d.name) === d.name;
    return isHidden ? this.#qualified(d.schemaId, d.name) : this.#qualify(d.schemaId, d.name);
  }

  #qualify(schemaId: number, name: string): string {
    for (const schema of this.searchPath) if (this.#shownSchemaId(schema) === schemaId) return quoteIdentifier(name);
    return this.#qualified(schemaId, name);
  }

  #qualified(schemaId: number, name: string): string {
    const schemaName = this.schemaNameOf(schemaId);
    return schemaName === null ? quoteIdentifier(name) : `${quoteIdentifier(schemaName)}.${quoteIdentifier(name)}`;
  }

  tableByOid(oid: number): TableDescriptor | null {
    const d = this.#view?.byId.get(oid) ?? this.#host.transactionCatalog().known(oid);
    return d?.kind === 'table' ? d : null;
  }

  viewByOid(oid: number): ViewDescriptor | null {
    const d = this.#view?.byId.get(oid) ?? this.#host.transactionCatalog().known(oid);
    return d?.kind === 'view' ? d : isMaterialized(d) ? queryOf(d) : null;
  }

  expressionText(sql: string, columns: readonly StoredColumn[], pretty: boolean): string {
    return expressionText(sql, columns, pretty, this, this.#host.format, this.#view);
  }

  viewText(view: ViewDescriptor, style: QueryStyle): string {
    return viewText(view, style, this, this.#host.format);
  }

  routineByOid(oid: number): FoundRoutine | null {
    const view = this.#view ?? this.#shown;
    return view === null ? this.#noteMissed() : routineWithOid(view, oid);
  }

  isVisibleRoutine(oid: number): boolean {
    const found = this.routineByOid(oid);
    const view = this.#view ?? this.#shown;
    if (found === null || view === null) return true;
    return isVisibleRoutine(
      view,
      this.searchPath.map((schema) => this.#shownSchemaId(schema)),
      found,
    );
  }

  routineOid(name: string, types: readonly number[] | null): number | null {
    const parts = splitName(name);
    const path =
      parts.length > 1 ? [parts[parts.length - 2]!] : this.searchPath.filter((s) => !isTemporarySchemaName(s));
    const schemaIds = path.map((schema) => this.#schemaId(schema)).filter((id) => id !== null);
    return this.#view === null
      ? this.#noteMissed()
      : oidOfRoutine(this.#view, schemaIds, parts[parts.length - 1]!, types);
  }

  routineName(oid: number, types: boolean, called = false): string | null {
    const { group, routine } = this.routineByOid(oid) ?? {};
    if (group === undefined || routine === undefined) return null;
    const view = this.#view ?? this.#shown;
    const path = this.searchPath.map((schema) => this.#shownSchemaId(schema));
    const isPlain = called ? isOnlySchemaOf : isOnlyOfName;
    const plain = this.isVisibleRoutine(oid) && (types || view === null || isPlain(view, path, group.name));
    const name = plain ? quoteIdentifier(group.name) : this.#qualified(group.schemaId, group.name);
    const taken = inputsOf(routine).map((p) => this.typeName(catalogOidOf(p.typeOid)) ?? formatType(p.typeOid));
    return types ? `${name}(${taken.join(',')})` : name;
  }

  sequenceOwnedBy(tableId: number, columnId: number): number | null {
    if (this.#view === null) return this.#noteMissed();
    return viewIndex(this.#view).sequenceOf(tableId, columnId);
  }

  domainCheck(oid: number): FoundDomainCheck | null {
    return this.#view === null ? this.#noteMissed() : domainCheckIn(this.#view, oid);
  }

  get temporarySchema(): number | null {
    return this.#host.temporaries.schemaId;
  }

  commentOf(kind: CommentedKind, oid: number, part = 0): string | null {
    return this.#view === null ? this.#noteMissed() : commentIn(this.#view, this.databaseId, kind, oid, part);
  }

  schemaOid(name: string): number | null {
    if (this.#view === null) return this.#noteMissed();
    return viewIndex(this.#view).schemaIds.get(name) ?? null;
  }

  schemaNameOf(schemaId: number): string | null {
    if (isTemporarySchema(schemaId)) return temporarySchemaName(schemaId);
    const view = this.#view ?? this.#shown;
    const d = view?.byId.get(schemaId);
    if (view !== null) return d?.kind === 'schema' ? d.name : null;
    for (const [schemaName, id] of this.#catalog.cachedSchemas(this.databaseId) ?? [])
      if (id === schemaId) return schemaName;
    return schemaId === PUBLIC_SCHEMA_ID ? 'public' : null;
  }

  allTables(): readonly TableDescriptor[] {
    return this.#view === null ? (this.#noteMissed() ?? []) : viewIndex(this.#view).tables;
  }

  tableOfConstraint(oid: number): TableDescriptor | null {
    return this.#view === null ? this.#noteMissed() : (viewIndex(this.#view).constraints.get(oid) ?? null);
  }

  tableOfIndex(oid: number): TableDescriptor | null {
    return this.#view === null ? this.#noteMissed() : (viewIndex(this.#view).indexes.get(oid)?.table ?? null);
  }

  // ---- settings ----

  setting(name: string, missingOk: boolean): string | null {
    const value = this.#host.setting(name);
    if (value === null && !missingOk) throw sqlError('42704', `unrecognized configuration parameter "${name}"`);
    return value === null ? null : withUnit(findSetting(name), value);
  }
  setSetting(name: string, value: string, local: boolean): string {
    return withUnit(findSetting(name), this.#host.setSetting(name, value, local));
  }

  // ---- sequences ----

  nextval(sequence: string | number): Promise<bigint> {
    return this.#sequences.nextval(sequence);
  }
  currval(sequence: string | number): Soon<bigint> {
    return this.#sequences.currval(sequence);
  }
  setval(sequence: string | number, value: bigint, isCalled: boolean): Promise<bigint> {
    return this.#sequences.setval(sequence, value, isCalled);
  }
  lastval(): Promise<bigint> {
    return this.#sequences.lastval();
  }
  sequenceState(sequence: number): Promise<{ value: bigint; isCalled: boolean }> {
    return this.#sequences.state(sequence);
  }
  lastValues(sequences: readonly SequenceDescriptor[]): Promise<readonly (bigint | null)[]> {
    return this.#sequences.lastValues(sequences);
  }
  /** DISCARD SEQUENCES. */
  discardSequences(): void {
    this.#sequences.discard();
  }
}
export { splitIdentifiers };
