/**
 * Descriptors: what the catalog stores of each object, as JSON-able immutable data. The stored form
 * has a format version; a golden test keeps it.
 *
 * Where a descriptor names a user's type it holds its whole definition, by a handle in memory and beside the
 * descriptor on disk (codec.ts). So a table is read without its types, and a change of a type changes, with a
 * new version, every object that uses it.
 */

import type { Acl } from './acl.js';

export type DescriptorId = number;

export interface ColumnDescriptor {
  /** Never reused within the table. attnum = position id as PostgreSQL numbers them. */
  readonly id: number;
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
  readonly nullable: boolean;
  /** SQL text of the default expression. */
  readonly defaultSql: string | null;
  readonly identity: 'always' | 'by default' | null;
  /** Sequence behind serial/identity. */
  readonly sequenceId: DescriptorId | null;
  /** Hidden row id of a table without a primary key. */
  readonly hidden: boolean;
  readonly comment?: string | null;
  readonly collation: string | null;
  /**
   * For a column added to a filled table: the value that rows written before have, in the type's
   * text form (PostgreSQL's attmissingval); null = NULL.
   */
  readonly missingText: string | null;
  readonly dropped: boolean;
  /** GENERATED ALWAYS AS (…) STORED. Such a column has no default. */
  readonly generated?: RowExpression | null;
  /** What follows is kept and shown, without effect: SET STATISTICS, SET (…), SET STORAGE, SET COMPRESSION. */
  readonly statistics?: number;
  readonly options?: Readonly<Record<string, string>>;
  readonly storage?: 'p' | 'e' | 'x' | 'm';
  readonly compression?: 'p' | 'l';
  /** What was granted on the column beyond what was granted on the table. */
  readonly acl?: Acl | null;
}

/** An immutable expression over a table's row, by the names that the columns have now. */
export interface RowExpression {
  readonly expressionSql: string;
  /** The columns that it reads. */
  readonly columnIds: readonly number[];
  /** Of an index, where a user's function takes part: the hidden generated column that keeps the value. */
  readonly storedId?: number;
}

/** A function of a user that stored expressions or queries call; they name it by its oid (types/pinned-types.ts). */
export interface UsedRoutine {
  /** The descriptor that has it, with its others of the name. */
  readonly groupId: DescriptorId;
  readonly name: string;
  readonly routine: Routine;
}

export interface IndexDescriptor {
  /** Unique within the table's storage, never reused there; the primary index may have any id. */
  readonly id: number;
  readonly oid: number;
  readonly name: string;
  readonly unique: boolean;
  readonly primary: boolean;
  readonly columns: readonly IndexPart[];
  readonly storing: readonly number[];
  /** Created as a constraint (PRIMARY KEY / UNIQUE): its oid in pg_constraint. */
  readonly constraintOid: number | null;
  readonly comment?: string | null;
  /** A partial index: rows for which this is true have an entry. */
  readonly predicate?: RowExpression | null;
  /**
   * Not there for an ordered one (btree). A hash index is stored as an ordered one that is asked for equality only;
   * a brin index is an ordered one in all but name; gin is inverted: it has entries for the items that values are made of.
   */
  readonly method?: 'hash' | 'gin' | 'brin';
  /** Of a constraint that is checked late: equal keys may stand side by side until then. Never the primary index. */
  readonly deferrable?: DeferrableKey | null;
  /** NULLS NOT DISTINCT: one NULL is as good as another. Of an index that is not unique it is only shown. */
  readonly nullsNotDistinct?: boolean;
  /** WITH (…): kept and shown, without effect. */
  readonly options?: Readonly<Record<string, string>>;
}

export interface DeferrableKey {
  readonly initiallyDeferred: boolean;
  /** A PRIMARY KEY, though the rows lie under a hidden row id: two rows may have one key for a while. */
  readonly primaryKey: boolean;
}

/** Whether its entries are read in their order. */
export function isOrdered({ method }: IndexDescriptor): boolean {
  return method === undefined || method === 'brin';
}

/** True if foreign keys refer to the table. */
export function isReferenced(table: TableDescriptor): boolean {
  return table.referencedBy !== undefined && table.referencedBy.length > 0;
}

/** Whether the index is the table's PRIMARY KEY constraint, wherever the rows lie. */
export function isPrimaryKey(index: IndexDescriptor): boolean {
  return index.constraintOid !== null && (index.primary || index.deferrable?.primaryKey === true);
}

export interface IndexPart {
  /** 0 for an expression: no column has that id. */
  readonly columnId: number;
  readonly descending: boolean;
  /**
   * Where NULLs were declared to be, if not where they are: behind the others in an ascending part, before them
   * in a descending one. Shown, never used: no plan takes its order from the declaration.
   */
  readonly nullsFirst?: boolean;
  /** In a gin index: what the items are. */
  readonly opclass?: 'jsonb_ops' | 'jsonb_path_ops' | 'array_ops';
  /** The key of the collation that it was made with, if one was written; entries are in the order of the code points all the same. */
  readonly collation?: string;
  /** In another index, the class that was named, if it is not the type's own: shown, without effect on the order. */
  readonly namedClass?: string;
  readonly expression?: IndexExpression | null;
  /** SET STATISTICS of an expression: kept and shown. */
  readonly statistics?: number;
}

export interface IndexExpression extends RowExpression {
  /** The index's own name for the column, in pg_attribute. */
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
  /** The key of the collation that its values have, if it is not their type's. */
  readonly collation?: string;
}

/** Whether dropping the column takes the index along. */
export function indexReads(index: IndexDescriptor, columnId: number): boolean {
  return (
    index.storing.includes(columnId) ||
    index.columns.some((c) => c.columnId === columnId || (c.expression?.columnIds.includes(columnId) ?? false)) ||
    (index.predicate?.columnIds.includes(columnId) ?? false)
  );
}

export interface CheckDescriptor {
  readonly oid: number;
  readonly name: string;
  readonly expressionSql: string;
  readonly columnIds: readonly number[];
  /** False after NOT VALID: rows of before were not looked at. */
  readonly validated?: boolean;
  /** NO INHERIT, which is shown: there are no heirs. */
  readonly noInherit?: true;
}

export type ForeignKeyAction = 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';

/** Of the referencing table. */
export interface ForeignKeyDescriptor {
  readonly oid: number;
  readonly name: string;
  readonly columnIds: readonly number[];
  readonly parentId: DescriptorId;
  /** Columns of the parent, each for the one at the same place in `columnIds`. */
  readonly parentColumnIds: readonly number[];
  /** The parent's unique index over exactly these columns. */
  readonly parentIndexId: number;
  readonly match: 'simple' | 'full';
  readonly onDelete: ForeignKeyAction;
  readonly onUpdate: ForeignKeyAction;
  /** SET NULL (…) and SET DEFAULT (…) of ON DELETE: only these columns. Empty: all. */
  readonly deleteColumnIds: readonly number[];
  readonly deferrable: boolean;
  readonly initiallyDeferred: boolean;
  /** False after NOT VALID: rows of before were not looked at. */
  readonly validated: boolean;
  readonly comment?: string | null;
}

/** What may call functions of users. */
interface Caller {
  /** As they are now: a function that is changed changes its callers. */
  readonly usedRoutines?: readonly UsedRoutine[];
}

/** What everything in a schema has. */
interface SchemaObject {
  readonly id: DescriptorId;
  readonly name: string;
  readonly databaseId: DescriptorId;
  readonly schemaId: DescriptorId;
  readonly version: number;
  /** The oid of a role. */
  readonly owner: number;
  /** Not there: as PostgreSQL grants by itself. */
  readonly acl?: Acl | null;
}

export interface TableDescriptor extends SchemaObject, Caller {
  readonly kind: 'table';
  readonly columns: readonly ColumnDescriptor[];
  readonly nextColumnId: number;
  /** indexes[0] is the primary index. */
  readonly indexes: readonly IndexDescriptor[];
  readonly nextIndexId: number;
  readonly checks: readonly CheckDescriptor[];
  /** By the constraint's oid. */
  readonly constraintComments?: Readonly<Record<number, string>>;
  readonly foreignKeys?: readonly ForeignKeyDescriptor[];
  /** Tables with foreign keys to this one, each once; itself too. */
  readonly referencedBy?: readonly DescriptorId[];
  readonly comment: string | null;
  /**
   * Rows live under /table/<storageId>/…; TRUNCATE and rewrites give a new storage id, so that the
   * old rows stay readable to older snapshots and go with garbage collection.
   */
  readonly storageId: number;
  /** HLC time after which the current storage was filled: an older snapshot must not read from it. */
  readonly storageSince?: number;
  /** Storage options such as fillfactor: kept, shown, without effect. */
  readonly options: Readonly<Record<string, string>>;
  readonly unlogged: boolean;
  /** Of a typed table: the oid of the composite type whose attributes its columns are. */
  readonly ofType?: DescriptorId | null;
  /** CREATE STATISTICS: kept and shown, without effect. Their names are beside the relations'. */
  readonly statistics?: readonly StatisticsDescriptor[];
  /** REPLICA IDENTITY, an index by its oid, and CLUSTER ON: kept and shown, without effect. */
  readonly replicaIdentity?: 'full' | 'nothing' | number | null;
  readonly clusterOn?: number | null;
  /** ENABLE and FORCE ROW LEVEL SECURITY. There are no policies: whom it holds for is refused (rights.ts). */
  readonly rowSecurity?: { readonly enabled: boolean; readonly forced: boolean } | null;
  /** DISABLE TRIGGER ALL: oids of the foreign keys from and to it that writing its rows asks nothing of. Later ones are not among them. */
  readonly restingKeys?: readonly number[] | null;
  /** Of a temporary table. */
  readonly onCommit?: 'delete' | 'drop' | null;
  /** Of a materialised view: as of a view's, and whether it has rows to read. */
  readonly materialized?: {
    readonly queryTree: string;
    readonly sources: ViewDescriptor['sources'];
    readonly usedTypes?: NonNullable<ViewDescriptor['usedTypes']>;
    readonly populated: boolean;
  } | null;
}

/** Extended statistics of a table. */
export interface StatisticsDescriptor {
  readonly oid: number;
  readonly name: string;
  readonly schemaId: DescriptorId;
  /** The oid of a role. */
  readonly owner: number;
  /** As in pg_statistic_ext: of distinct values, dependencies, common values; of expressions. */
  readonly kinds: readonly ('d' | 'f' | 'm' | 'e')[];
  readonly columnIds: readonly number[];
  readonly expressions: readonly RowExpression[];
  readonly target?: number;
  readonly comment?: string | null;
}

export interface SequenceDescriptor extends SchemaObject {
  readonly kind: 'sequence';
  readonly typeOid: number;
  readonly start: string;
  readonly increment: string;
  readonly min: string;
  readonly max: string;
  readonly cache: number;
  readonly cycle: boolean;
  readonly ownedBy: { readonly tableId: DescriptorId; readonly columnId: number } | null;
  /** Kept and shown, without effect. */
  readonly unlogged?: true;
  /** Value = base + the counter in SYSTEM_KEYS.sequence(counterId); fixed when the sequence is created or restarted. */
  readonly base?: string;
  /** An id of its own since it was restarted, so that a rollback brings the old counter back; until then the sequence's id. */
  readonly counterId?: DescriptorId;
  readonly comment?: string | null;
}

export interface ViewColumnDescriptor {
  /** attnum */
  readonly id: number;
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
  readonly comment?: string | null;
  readonly collation?: string | null;
  /** For rows that are inserted through the view: comes before the default of the table's column. */
  readonly defaultSql?: string | null;
  readonly acl?: Acl | null;
}

/** The oids of a table's constraints, by their names. */
export function constraintOids(table: TableDescriptor): Map<string, number> {
  return new Map([
    ...table.indexes.flatMap(({ name, constraintOid }) =>
      constraintOid === null ? [] : [[name, constraintOid] as const],
    ),
    ...table.checks.map(({ name, oid }) => [name, oid] as const),
    ...(table.foreignKeys ?? []).map(({ name, oid }) => [name, oid] as const),
  ]);
}

export interface ViewSource {
  readonly id: DescriptorId;
  readonly columnIds: readonly number[];
  /** Primary keys, by their constraints' oids, by which columns that are not grouped by are single-valued. */
  readonly keys?: readonly number[];
}

export interface ViewDescriptor extends SchemaObject, Caller {
  readonly kind: 'view';
  readonly columns: readonly ViewColumnDescriptor[];
  /** The query's parse tree as JSON, its relations pinned by id (plan/view-query.ts). */
  readonly queryTree: string;
  /** The tables and views that it reads, and which of their columns. */
  readonly sources: readonly ViewSource[];
  /** Users' types that the query names. */
  readonly usedTypes?: readonly { readonly typeOid: number }[];
  /** check_option (local, cascaded), security_barrier, security_invoker. */
  readonly options?: Readonly<Record<string, string>>;
  readonly comment?: string | null;
}

/** An enum, a domain or a composite type. */
export interface TypeDescriptor extends SchemaObject {
  readonly kind: 'type';
  /** The handle of its definition (types/user-types.ts), whose oid is the descriptor's id. */
  readonly typeOid: number;
  readonly comment?: string | null;
  /** Of a composite type's fields by their numbers, of a domain's constraints by their oids. */
  readonly partComments?: Readonly<Record<number, string>>;
}

/** What it orders by never changes; objects that use it hold its key (types/collation.ts). */
export interface CollationDescriptor extends SchemaObject {
  readonly kind: 'collation';
  /** libc or ICU. */
  readonly provider: 'c' | 'i';
  /** Of libc the order's. */
  readonly locale: string;
  /** Of libc: whose letters. */
  readonly ctype: string;
  /** Kept and shown. */
  readonly collationVersion: string | null;
  readonly comment?: string | null;
}

export interface RoutineParameter {
  /** '' without one. */
  readonly name: string;
  readonly mode: 'in' | 'out' | 'inout' | 'variadic' | 'table';
  readonly typeOid: number;
  /** SQL text; null: the argument must be given. */
  readonly defaultSql: string | null;
}

/** A function or procedure. What it is called by are its parameters that take something in. */
export interface Routine {
  /** pg_proc.oid */
  readonly oid: number;
  readonly procedure: boolean;
  readonly parameters: readonly RoutineParameter[];
  /** Of a record: OUT parameters, or `columns` where it returns a table's rows. */
  readonly typeOid: number;
  readonly set: boolean;
  /** Columns of the table whose rows it returns, as they were when it was made. */
  readonly columns: readonly { readonly name: string; readonly typeOid: number; readonly typmod: number }[] | null;
  /** That table, or view. */
  readonly rowsOf?: number | null;
  readonly language: 'sql' | 'plpgsql';
  readonly body: string;
  /** Relations that a body names which is no string (RETURN, BEGIN ATOMIC): they do not go from under it. */
  readonly reads?: readonly DescriptorId[];
  readonly volatility: 'immutable' | 'stable' | 'volatile';
  readonly strict: boolean;
  readonly securityDefiner: boolean;
  /** The oid of a role. Not there: the superuser. */
  readonly owner?: number;
  readonly acl?: Acl | null;
  /** Settings that hold while it runs: 'name=value'. */
  readonly config?: readonly string[] | null;
  readonly comment?: string | null;
  /** Kept and shown, without effect. Not there: what PostgreSQL takes without them. */
  readonly cost?: number;
  readonly rows?: number;
  readonly parallel?: 'safe' | 'restricted';
  readonly leakproof?: boolean;
  /** It is an aggregate made of these. */
  readonly aggregate?: AggregateParts;
  /** Functions that defaults of its parameters or such a body call, as they are now. */
  readonly usedRoutines?: readonly UsedRoutine[];
  /**
   * Such a body's statements as parse trees in JSON, all that they name pinned, as a view's query is. Not there, and the
   * text is what runs, if one of them is no SELECT.
   */
  readonly trees?: readonly string[];
  /** The schemas of the search path under which such a text was made: its names are those of then, whoever calls it. */
  readonly path?: readonly DescriptorId[];
  /** What the trees read, and which of its columns. */
  readonly sources?: readonly ViewSource[];
  /** Users' types that the trees name, or defaults of parameters that are not of them. */
  readonly usedTypes?: readonly { readonly typeOid: number }[];
  /** Never stored. For calls of it under another collation than the default: what its arguments and variables have. */
  readonly inputCollation?: string;
}

/** A function that an aggregate runs: the user's own, as it is now, or a built-in one. */
export interface StoredCall {
  readonly name: string;
  readonly used: UsedRoutine | null;
}

export interface AggregateParts {
  /** Of the state. */
  readonly typeOid: number;
  readonly step: StoredCall;
  readonly final: StoredCall | null;
  /** The final function takes the aggregate's arguments too, as NULLs, for their types. */
  readonly finalExtra: boolean;
  /** As it was written; null for none. */
  readonly initial: string | null;
  /** Of an ordered-set or hypothetical-set aggregate: the first arguments are given once for a group, to the final function. */
  readonly direct?: { readonly kind: 'o' | 'h'; readonly count: number };
  /** Kept and shown, without effect: functions and facts by the columns of pg_aggregate, and the moving state. */
  readonly others?: Readonly<Record<string, StoredCall>>;
  readonly shown?: Readonly<Record<string, string | number | boolean>>;
  readonly moving?: { readonly typeOid: number };
}

/** All functions and procedures of one name in a schema: a plan that called one of them notices any change. */
export interface RoutineDescriptor extends SchemaObject {
  readonly kind: 'routine';
  readonly routines: readonly Routine[];
}

export interface SchemaDescriptor {
  readonly kind: 'schema';
  readonly id: DescriptorId;
  readonly name: string;
  /** 0 for `public`, which every database has under the same id. */
  readonly databaseId: DescriptorId;
  readonly version: number;
  /** Of `public`, which all databases share, what each database says of it counts. */
  readonly owner: number;
  readonly acl?: Acl | null;
  readonly comment?: string | null;
}

/** An extension that a database has. */
export interface ExtensionEntry {
  readonly oid: number;
  readonly name: string;
  readonly version: string;
  readonly schemaId: DescriptorId;
  readonly comment: string | null;
}

export interface DatabaseDescriptor {
  readonly kind: 'database';
  readonly id: DescriptorId;
  readonly name: string;
  readonly version: number;
  readonly owner: number;
  readonly acl?: Acl | null;
  readonly comment?: string | null;
  /** Without one, plpgsql alone (catalog/extensions.ts). */
  readonly extensions?: readonly ExtensionEntry[];
  /** Of its schema `public`, where it is not as it was made. */
  readonly publicSchema?: { readonly owner: number; readonly acl: Acl | null };
  /** The schema `public` that all databases share is not this one's any more; another may have its name. */
  readonly withoutPublic?: true;
  readonly defaultAcls?: readonly DefaultAcl[];
  /** Of languages, by their oids, where it is not as it was made. */
  readonly languageAcls?: readonly { readonly oid: number; readonly acl: Acl }[];
  /** ALTER DATABASE … SET: 'name=value'. */
  readonly settings?: readonly string[];
}

/** ALTER DEFAULT PRIVILEGES: what objects get that the role makes. */
export interface DefaultAcl {
  readonly oid: number;
  readonly roleId: number;
  /** 0: in all schemas. */
  readonly schemaId: number;
  readonly kind: 'table' | 'sequence' | 'function' | 'type' | 'schema';
  readonly acl: Acl;
}

export interface RoleDescriptor {
  readonly kind: 'role';
  readonly id: DescriptorId;
  readonly name: string;
  readonly version: number;
  readonly superuser: boolean;
  readonly inherit: boolean;
  readonly createRole: boolean;
  readonly createDatabase: boolean;
  readonly login: boolean;
  readonly replication: boolean;
  readonly bypassRls: boolean;
  /** -1: any number of sessions. */
  readonly connectionLimit: number;
  /** As it is shown; of passwords, of which there are none. */
  readonly validUntil: string | null;
  readonly memberOf: readonly { readonly roleId: number; readonly admin: boolean; readonly grantorId: number }[];
  readonly comment?: string | null;
  /** ALTER ROLE … SET: 'name=value', and those IN DATABASE by its id. */
  readonly settings?: readonly string[];
  readonly databaseSettings?: Readonly<Record<number, readonly string[]>>;
}

export type Descriptor =
  | TableDescriptor
  | SequenceDescriptor
  | ViewDescriptor
  | TypeDescriptor
  | CollationDescriptor
  | RoutineDescriptor
  | SchemaDescriptor
  | DatabaseDescriptor
  | RoleDescriptor;
