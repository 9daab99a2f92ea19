/**
 * The borders inside the SQL layer: parser → planner → executor, catalog → planner, session → both.
 *
 * A statement's life: parse (src/sql/parse) gives PostgreSQL's own parse tree; the session collects
 * the relations it names (`relationsOf`) and has the catalog resolve them into a CatalogSnapshot;
 * the planner binds and compiles synchronously to a CompiledStatement, cached by text and parameter
 * types for as long as the descriptor versions it used are current; each execution starts it with
 * a transaction and parameters. Utility statements (SET, BEGIN, DDL, …) go to the session and DDL code.
 */
import type { Soon } from '../base/soon.js';
import type { KvDb, KvTxn, Savepoint } from '../txn/kv-txn.js';
import type { Acl } from './catalog/acl.js';
import type { Rights } from './catalog/rights.js';
import type {
  DatabaseDescriptor,
  Descriptor,
  Routine,
  RoutineDescriptor,
  TableDescriptor,
  SequenceDescriptor,
  UsedRoutine,
  ViewDescriptor,
} from './catalog/descriptor.js';
import type { Pace } from './exec/pace.js';
import type { Profile } from './exec/profile.js';
import type { QueryStyle } from './plan/deparse-query.js';
import type { ExplainOptions } from './plan/explain.js';
import type { ExplainNode } from './plan/explain-tree.js';
import type { VariableNames } from './plan/variables.js';
import type { TemporaryInPath } from './catalog/temporary-names.js';
import type { Datum } from './types/datum.js';
import type { DomainCheck } from './types/user-types.js';
import type { FormatContext } from './types/type-info.js';
import type { SessionUsage, ShownUsage } from './usage/session-usage.js';
import type { ActivityRow } from './catalog/virtual/services.js';
import type { Notice, ResultColumn, ResultSink } from './session-api.js';

/** A node of the parse tree as libpg-query prints it: { SelectStmt: {...} }. */
export type ParseNode = Readonly<Record<string, unknown>>;

export interface ParsedStatement {
  /** { SelectStmt: … } and so on, or one of our own: { QuoralSplitAt: … }, { QuoralShowRanges: … }. */
  readonly node: ParseNode;
  /** The single key of `node`. */
  readonly kind: string;
  /** This statement's own text, trimmed, for EXPLAIN, logs and position arithmetic. */
  readonly text: string;
  /** Offset of `text` in the whole query string, in characters. */
  readonly textOffset: number;
  /** Number of parameters ($n) it names, the highest n. */
  readonly parameterCount: number;
  /** AS OF SYSTEM TIME expression text, recognised by the token pre-pass. */
  readonly asOfSystemTime: string | null;
  /** What reading the text has to say, of the first statement of a text. */
  readonly notices?: readonly Notice[];
}

export interface RelationName {
  /** null: along the search path. */
  readonly schema: string | null;
  readonly name: string;
  /** It is where a type is named: no built-in type is called so. */
  readonly isType?: boolean;
  /** It is where a function is called. */
  readonly isRoutine?: boolean;
  /** Of such: a function that is built in is called so as well. */
  readonly besideBuiltIn?: true;
  /** It is a relation of a stored query, whatever it is called by now. */
  readonly id?: number;
  /** It is behind COLLATE: no collation that every database has is called so. */
  readonly isCollation?: boolean;
}

/** A collation that a user made. */
export interface ResolvedCollation {
  readonly id: number;
  readonly version: number;
  /** As of types/collation.ts. */
  readonly key: string;
}

/** Functions or procedures of one name in one schema. */
export interface ResolvedRoutines {
  readonly id: number;
  readonly version: number;
  readonly schema: string;
  readonly name: string;
  readonly routines: readonly Routine[];
  /** Relations whose row types they name. */
  readonly rowsOf?: readonly { readonly id: number; readonly version: number }[];
}

/** A type that a user made, or its array. */
export interface ResolvedType {
  readonly id: number;
  readonly version: number;
  /** A handle (types/user-types.ts). */
  readonly typeOid: number;
  /** It is in the session's temporary schema. */
  readonly isTemporary?: boolean;
}

/** A catalog relation whose rows are made on demand (pg_class, information_schema.columns, …). */
export interface VirtualTable {
  readonly kind: 'virtual';
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly typeOid: number }[];
  /** All rows, in column order, from the descriptors visible to the transaction. `wanted`: positions of columns; others may be NULL. */
  rows(ctx: ExecContext, wanted: readonly number[]): Soon<readonly (readonly Datum[])[]>;
}

export interface LinkedTable {
  readonly table: TableDescriptor;
  readonly schemaName: string;
}

export type Relation =
  | {
      readonly kind: 'table';
      readonly table: TableDescriptor;
      readonly schemaName: string;
      /** Its storage was created by this very transaction, so that rows may be ingested in bulk. */
      readonly freshStorage?: boolean;
      /** By what came after its last savepoint. */
      readonly ownStorage?: boolean;
      /** Tables to which foreign keys lead a change of its rows, by id; without itself. */
      readonly linked?: ReadonlyMap<number, LinkedTable>;
    }
  | { readonly kind: 'sequence'; readonly sequence: SequenceDescriptor; readonly schemaName: string }
  | {
      readonly kind: 'view';
      readonly view: ViewDescriptor;
      readonly schemaName: string;
      /** What its query reads, by id. */
      readonly sources: ReadonlyMap<number, Relation>;
    }
  | VirtualTable;

/** What one statement may know of the catalog, resolved beforehand; lookups are synchronous. */
/** A schema of the search path that lacks a relation of the name, or is not there. */
export interface PassedName {
  readonly schema: string;
  readonly name: string;
}

export interface CatalogSnapshot {
  readonly database: string;
  readonly searchPath: readonly string[];
  /** null if there is none of that name. */
  relation(name: RelationName): Relation | null;
  type(name: RelationName): ResolvedType | null;
  /** Of users, in the order of the search path; null: no such schema. Not there: none can be called here. */
  routines?(name: RelationName): readonly ResolvedRoutines[] | null;
  /** Not there: none of users can be named here. */
  collation?(name: RelationName): ResolvedCollation | 'no schema' | null;
}

/** Sequence functions, current settings and so on, as expressions reach them at run time. */
export interface SessionServices {
  /** Of the row that a cursor is on; null if it has none of this table. @throws QuoralError 34000, 24000 */
  cursorKey(cursor: string, table: { readonly id: number; readonly name: string }): readonly Datum[] | null;
  nextval(sequence: string | number): Promise<bigint>;
  currval(sequence: string | number): Soon<bigint>;
  setval(sequence: string | number, value: bigint, isCalled: boolean): Promise<bigint>;
  lastval(): Promise<bigint>;
  /** What a sequence, by its oid, has as last_value and is_called. */
  sequenceState(sequence: number): Promise<{ readonly value: bigint; readonly isCalled: boolean }>;
  /** What random() draws from since setseed; null or not there: from the node's own. */
  seeded?: { next(): number } | null;
  setting(name: string, missingOk: boolean): string | null;
  setSetting(name: string, value: string, local: boolean): string;
  readonly user: string;
  /** As who the client came, or has said to have come. Not there outside of a session. */
  readonly sessionUser?: string;
  readonly isSuperuser?: boolean;
  readonly database: string;
  readonly searchPath: readonly string[];
  /** Whether it says the session's temporary schema. */
  readonly temporary?: TemporaryInPath;
  readonly processId: number;
  readonly serverVersion: string;
  /** 'table name'::regclass and back; through the catalog cache. null if unknown. */
  relationOid(name: string): number | null;
  relationName(oid: number): string | null;
  /** Of a table, sequence or view: always with its schema. Not there outside of a session. */
  qualifiedRelationName?(oid: number): string | null;
  /** Types that users made, by the oids of pg_type. */
  typeOid(name: string): number | null;
  typeName(oid: number): string | null;
  /** The name of the schema that a type of users' is in. Not there outside of a session. */
  typeSchema?(oid: number): string | null;
  /** Collations that users made; the name as SQL. Not there outside of a session. */
  collationOid?(name: string): number | null;
  collationName?(oid: number): string | null;
  /** Descriptors visible now, for catalog functions such as pg_get_indexdef. */
  tableByOid(oid: number): TableDescriptor | null;
  viewByOid(oid: number): ViewDescriptor | null;
  /** A stored expression over these columns, written anew. Not there outside of a session. */
  expressionText?(sql: string, columns: readonly StoredColumn[], pretty: boolean): string;
  /** Its query as text. Not there outside of a session. */
  viewText?(view: ViewDescriptor, style: QueryStyle): string;
  /** Of a body that is kept as trees. Not there outside of a session. */
  bodyText?(name: string, routine: Routine): string;
  /** A function or procedure of a user. Not there outside of a session. */
  routineByOid?(oid: number): FoundRoutine | null;
  isVisibleRoutine?(oid: number): boolean;
  /** As SQL names it, with the types that it takes if asked; `called`: where a call of it stands. */
  routineName?(oid: number, types: boolean, called?: boolean): string | null;
  schemaNameOf(schemaId: number): string | null;
  /** A constraint of a domain, by its oid. */
  domainCheck(oid: number): FoundDomainCheck | null;
  /** The session's own; null if it has none. */
  readonly temporarySchema?: number | null;
  /** Of a schema, a database or a type, or of a field of it by its number. */
  commentOf(kind: CommentedKind, oid: number, part?: number): string | null;
  allTables(): readonly TableDescriptor[];
  /** The sequence that was given to a column by OWNED BY. */
  sequenceOwnedBy?(tableId: number, columnId: number): number | null;
  /** The table that has a constraint, or an index, of this oid. */
  tableOfConstraint(oid: number): TableDescriptor | null;
  tableOfIndex(oid: number): TableDescriptor | null;
  /** Not there outside of a session. */
  readonly advisory?: AdvisoryServices;
  /** What the session does, counted. Not there outside of a session. */
  readonly usage?: SessionUsage;
  /** The figures of its database as the transaction is shown them. */
  shownUsage?(): ShownUsage;
  /** What the node's sessions are at, in the order of their process ids. Not there outside of a session. */
  activity?(): readonly ActivityRow[];
  /** Not there outside of a session. */
  readonly access?: AccessServices;
  /** NOTIFY: said when the transaction commits. Not there outside of a session. */
  notify?(channel: string, payload: string): void;
  listeningChannels?(): readonly string[];
  /** Runs a function that a user made. Not there outside of a session. */
  callRoutine?(call: RoutineCall): Promise<RoutineResult>;
  /**
   * Cancels what a session does, or ends it, and does not wait for it: of another node one that has a transaction open. False: there is none with
   * that process id. Not there outside of a session.
   */
  signalBackend?(processId: number, how: 'cancel' | 'terminate'): boolean | Promise<boolean>;
  /** The sessions that keep one from going on. Not there outside of a session. */
  blockingPids?(processId: number): Promise<readonly number[]>;
  /** The columns, by their ids, that the user may read where that is not all of the table; null: all. */
  readable?(table: TableDescriptor): ReadonlySet<number> | null;
  /** For pg_sleep, on the node's timers; rejects with 57014 when the signal aborts. */
  sleep?(ms: number, signal: AbortSignal): Promise<void>;
}

export type CommentedKind =
  'schema' | 'database' | 'sequence' | 'type' | 'extension' | 'role' | 'collation' | 'statistics' | 'domain constraint';

/** Roles and what they may do, in the statement's view of the catalog. */
export interface AccessServices {
  readonly userId: number;
  /** Of a role by its oid, 0 for what everybody may; null: no such role. */
  rightsOf(role: number): Rights | null;
  roleOid(name: string): number | null;
  roleName(oid: number): string | null;
  descriptor(oid: number): Descriptor | null;
  schemaOid(name: string): number | null;
  /** null for the catalogs' own. */
  schemaAcl(id: number): { readonly owner: number; readonly acl: Acl } | null;
  database(named: string | number): DatabaseDescriptor | null;
  /** As 'f(int)' names it. @throws QuoralError 42883 */
  routineOid(name: string): number;
  /** @throws QuoralError 42704 */
  typeOid(name: string): number;
  /** Whether a relation of the catalogs is not everybody's to read. */
  isSecret(oid: number): boolean;
}

/** What a stored expression may name. */
export interface StoredColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
  /** Of a domain, in its checks. */
  readonly isValue?: true;
}

/** Of the domain with this oid. */
export type FoundDomainCheck = DomainCheck & { readonly domainOid: number; readonly value: StoredColumn };

export interface FoundRoutine {
  readonly group: RoutineDescriptor;
  readonly routine: Routine;
}

export interface RoutineCall {
  /** With the types of this call where those that it declares are polymorphic. */
  readonly routine: Routine;
  /** As it was made, which is how messages name it. */
  readonly declared: Routine;
  readonly name: string;
  /** One for each parameter that takes something in. */
  readonly args: readonly Datum[];
  /** Concrete types of the arguments and of the result, where the declared ones are polymorphic. */
  readonly argOids: readonly number[];
  readonly resultOid: number;
  /** Columns that the caller wants of a record without a shape of its own. */
  readonly record: readonly { readonly name: string; readonly typeOid: number; readonly typmod: number }[] | null;
  /** Of the statement that calls it: as of when that reads. */
  readonly before: Savepoint | null;
}

export interface RoutineResult {
  readonly value: Datum;
  /** Of one that returns a set. */
  readonly rows: readonly Datum[];
}

/** Advisory locks of the session. */
export interface AdvisoryServices {
  /** `space` 1: named by a bigint, 2: by two integers. False: not to be had now. */
  lock(
    name: { readonly space: 1 | 2; readonly high: number; readonly low: number },
    mode: { readonly exclusive: boolean; readonly waits: boolean },
    scope: 'session' | 'transaction',
  ): Promise<boolean>;
  unlock(
    name: { readonly space: 1 | 2; readonly high: number; readonly low: number },
    exclusive: boolean,
  ): Promise<boolean>;
  unlockAll(): Promise<void>;
}

export interface ExecContext {
  readonly txn: KvTxn;
  readonly db: KvDb;
  readonly parameters: readonly Datum[];
  readonly format: FormatContext;
  readonly services: SessionServices;
  readonly memory: MemoryAccount;
  /** Aborted by cancel, statement_timeout or the client's end; operators check it at each batch. */
  readonly signal: AbortSignal;
  /** True for an implicit single-statement transaction: deferred insert checks are allowed. */
  readonly implicit: boolean;
  /** What the statement reads of its own transaction, as of then; functions that are not volatile read so too. */
  before?: Savepoint | null;
  /** True when the whole statement is the transaction and reads one or a few keys of known value. */
  readonly rng: { bytes(n: number): Buffer; next(): number };
  notice(notice: Notice): void;
  /** Watches the operators, for EXPLAIN ANALYZE. */
  readonly profile?: Profile;
  /** Gives the event loop to others when a statement computes for long. */
  readonly pace?: Pace;
}

export interface MemoryAccount {
  /** What may be held in all. */
  readonly limitBytes: number;
  /** @throws QuoralError 53200 when the statement's or the node's budget is spent. */
  grow(bytes: number): void;
  shrink(bytes: number): void;
}

/** One run of a statement. */
export interface Execution {
  /** Sends up to maxRows rows (0 = all). 'done' only when the source is exhausted. */
  run(sink: ResultSink, maxRows: number): Promise<'done' | 'suspended'>;
  /** Command tag once done. */
  readonly tag: string;
  close(): void;
}

/** A query whose rows have the primary keys behind them of the tables' rows that they stand for. */
export interface CursorQuery {
  /** FOR UPDATE and the like: `tables` are those that it locks. */
  readonly locking: boolean;
  readonly tables: readonly CursorTable[];
  /** Columns of the query itself. */
  readonly width: number;
  start(ctx: ExecContext): Execution;
}

export interface CursorTable {
  readonly tableId: number;
  /** Where its key stands in a row. */
  readonly at: number;
  readonly count: number;
}

/** What a statement needs to be allowed of one relation. */
export interface AccessNeed {
  readonly relationId: number;
  readonly name: string;
  /** It is a relation of the catalogs. */
  readonly virtual: boolean;
  /** Bits of catalog/acl.ts; 0: nothing but what the columns say. */
  readonly rights: number;
  /** Numbers of columns; without any, a right on one of the columns will do. */
  readonly selected: readonly number[];
  readonly inserted: readonly number[];
  readonly updated: readonly number[];
  /** The role whose rights count; null: whoever runs the statement. */
  readonly as: number | null;
}

/** A length or precision that a value is made to have. */
export interface ParameterFit {
  readonly typmod: number;
  readonly explicit: boolean;
}

export interface CompiledStatement {
  readonly access: readonly AccessNeed[];
  /** Functions of users that it calls. */
  readonly calls: readonly { readonly name: string; readonly routine: Routine }[];
  readonly parameterOids: readonly number[];
  /** What becomes of a parameter as soon as it is read: a literal in its place would be read so at once. */
  readonly parameterFits?: readonly (ParameterFit | undefined)[];
  readonly columns: readonly ResultColumn[] | null;
  /** Descriptors it was compiled against; it is stale when one has another version. */
  readonly dependencies: readonly { readonly id: number; readonly version: number }[];
  /** True if it neither writes nor locks nor calls nextval and the like. */
  readonly readOnly: boolean;
  /** A SELECT that changes no rows: what it gives before an error is the client's. */
  readonly streams?: true;
  /** All that it writes are values of sequences. */
  readonly movesSequences?: true;
  /** It looks up names of catalog objects, or shows them, as it runs. */
  readonly namesObjects?: true;
  /** Stable across executions (no volatile catalog state inside), and not much larger than its text: may be cached. */
  readonly cacheable: boolean;
  /**
   * Fast path: the statement is a read of single keys, whose rows are fully given by their values.
   * The session may then skip the transaction: `keys` → db.getMany → `rows`.
   */
  readonly pointRead: {
    /** The index by whose keys it reads. */
    readonly indexId: number;
    keys(parameters: readonly Datum[], ctx: FormatContext): readonly string[];
    rows(
      values: readonly (Buffer | null)[],
      parameters: readonly Datum[],
      ctx: FormatContext,
      sink: ResultSink,
    ): number;
  } | null;
  start(ctx: ExecContext): Execution;
  /** Of CALL: the procedure. */
  readonly called?: Routine;
  /** Of a SELECT, for a cursor over it. */
  readonly cursor?: () => CursorQuery;
  /** See plan/plan-shape.ts; null: the plan may be another one for other values of its parameters or literals. */
  shape(): string | null;
  /** What EXPLAIN shows, with the figures of a run if it has been run under a profile. */
  explain(options: ExplainOptions): ExplainNode;
}

export interface PlannerSettings {
  readonly format: FormatContext;
  readonly user: string;
  readonly database: string;
  /** For stand-alone expressions: types that users made. Not there: none can be named. */
  readonly userTypes?: CatalogSnapshot['type'];
  /** As well: collations. */
  readonly userCollations?: NonNullable<CatalogSnapshot['collation']>;
  /** As well: functions that users made, by name and, in expressions that are stored, by oid. */
  readonly userRoutines?: {
    readonly named: NonNullable<CatalogSnapshot['routines']>;
    readonly pinned: (oid: number) => UsedRoutine | null;
  };
}

/** What a stand-alone expression may name. */
export interface ExpressionColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
  readonly collation?: string | null;
}

/** Implemented in src/sql/plan; everything of SELECT, VALUES, INSERT, UPDATE, DELETE, COPY. */
export interface Planner {
  /** Relations, and types that are not built in, whose resolution the statement needs, subqueries and CTEs taken into account. */
  relationsOf(statement: ParsedStatement): readonly RelationName[];
  compile(
    statement: ParsedStatement,
    parameterOids: readonly number[],
    catalog: CatalogSnapshot,
    settings: PlannerSettings,
    /** Of the function whose body the statement stands in; its parameters are then these. */
    variables?: VariableNames | null,
  ): CompiledStatement;
  /** As compile, one step at a time: the event loop may be given back in between. The arguments must stay as they are. */
  compileInSteps(...args: Parameters<Planner['compile']>): Generator<void, CompiledStatement, void>;
  /** Binds the query of a view: its columns, and its tree with everything pinned that a name could mean otherwise later. */
  compileView(
    statement: ParsedStatement,
    catalog: CatalogSnapshot,
    settings: PlannerSettings,
    kind?: 'views' | 'materialized views',
  ): CompiledView;
  /** A statement of a body in standard SQL, as the routine keeps it. `keeps`: functions that it goes on naming as they are written. */
  compileBodyQuery(
    statement: ParsedStatement,
    catalog: CatalogSnapshot,
    settings: PlannerSettings,
    names: VariableNames,
    parameterOids: readonly number[],
    keeps: (used: UsedRoutine) => boolean,
  ): StoredQuery;
  /** Compiles a stand-alone expression such as a DEFAULT or CHECK over the table's columns. */
  compileExpression(
    /** Its text, or its tree, with places in the statement that it is of. */
    sql: string | ParseNode,
    columns: readonly ExpressionColumn[],
    settings: PlannerSettings,
    /** Result is assignment-cast to this type; null = as it is. `parameter`: the number of EXECUTE's argument that it is. */
    target: { readonly typeOid: number; readonly typmod: number; readonly parameter?: number } | null,
    /**
     * For an expression that is stored: its place in messages, such as 'index expressions'. Literals like '1/2/2020'
     * are then read once and for all, by the settings of now.
     */
    stored?: string,
  ): CompiledExpression;
}

/** A query's tree, with all that it names by oids, and what that is. */
export interface StoredQuery {
  readonly queryTree: string;
  readonly sources: ViewDescriptor['sources'];
  readonly usedTypes: NonNullable<ViewDescriptor['usedTypes']>;
  readonly usedRoutines: readonly UsedRoutine[];
}

export interface CompiledView extends StoredQuery {
  readonly columns: readonly {
    readonly name: string;
    readonly typeOid: number;
    readonly typmod: number;
    readonly collation?: string;
  }[];
}

export interface CompiledExpression {
  readonly typeOid: number;
  readonly typmod: number;
  /** The key of a collation that is not its type's; null: of several, of which none prevails. */
  readonly collation?: string | null;
  /** Gives the same for the same row for ever, whatever the settings and the time are. */
  readonly immutable: boolean;
  /** It looks up names of catalog objects, or shows them: the whole catalog must be at hand. */
  readonly namesObjects: boolean;
  /** Synchronous unless it calls nextval or has a subquery. */
  evaluate(row: readonly Datum[], ctx: ExecContext): Datum | Promise<Datum>;
  /** Canonical SQL text, as pg_get_expr prints it. */
  readonly sql: string;
  /** Positions (in `columns`) of the columns it uses. */
  readonly columnsUsed: readonly number[];
}
