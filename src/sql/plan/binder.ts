/**
 * State of binding one statement: the catalog, types of parameters as context settles them, fresh column
 * ids, and the scopes in which names are looked up (PostgreSQL's rules for ambiguity and outer queries).
 */
import { AccessNotes } from './access-notes.js';
import type { RecordColumns } from './record-columns.js';
import type { RowOf } from './whole-row.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import type { CatalogSnapshot, ParameterFit, PlannerSettings, Relation, ResolvedRoutines } from '../contract.js';
import type {
  ColumnDescriptor,
  Routine,
  SequenceDescriptor,
  TableDescriptor,
  UsedRoutine,
  ViewDescriptor,
} from '../catalog/descriptor.js';
import type { Node, SelectStmt } from 'libpg-query';
import type { AggregateExpr, ColumnExpr, Expr } from './expr.js';
import type { CteDefinition, Lock, Plan, PlanColumn } from './logical.js';
import type { Pin, RowPin } from '../catalog/pins.js';
import type { QueryNotes } from './query-notes.js';
import type { VariableNames } from './variables.js';
import { arrayOidOf, catalogOidOf } from '../types/registry.js';
import { standardDomainByOid } from '../types/standard-domains.js';
import { baseOidOf, domainCollation, domainTypmod, fieldsOf, isHandle, typesWithin } from '../types/user-types.js';
import type { Collation } from '../types/collation.js';
import { pinnedCollation, resolveCollation } from './collation-names.js';
import { errorAt } from './error-at.js';
import { pinnedOid } from '../types/pinned-types.js';

export interface ScopeColumn {
  readonly column: PlanColumn;
  readonly hidden: boolean;
}

/** A table, subquery or function of FROM, under its alias. */
export interface ScopeRelation {
  readonly alias: string;
  readonly schema: string | null;
  readonly columns: readonly ScopeColumn[];
  /** For functional dependency on the primary key. */
  readonly table: TableDescriptor | null;
  /** Of a table or view as a whole, where that is more than its visible columns. */
  readonly rowOf?: RowOf;
  /** Of the target in RETURNING; of any other row, 0: nobody has changed it. */
  readonly xmax?: Expr;
  /** An outer join may have no row of it. */
  readonly nullable?: boolean;
  /** The rows that a recursive query has found last. */
  readonly isSelf?: true;
  /** A row that is in no table: without system columns. */
  readonly proposed?: true;
  /** The columns that a join has by USING, under their alias. */
  readonly isUsing?: true;
  /** A join under an alias hides these. */
  readonly inside?: readonly ScopeRelation[];
  /** Of a system catalog: its oid. */
  readonly catalogOid?: number;
  /** A function's that gives single values: its name alone means the value, not a row. */
  readonly scalar?: boolean;
}

export interface CteEntry {
  readonly name: string;
  readonly id: number;
  readonly columns: readonly PlanColumn[];
  /** Of SEARCH and CYCLE: the last so many columns that only a name finds, no star. */
  readonly hidden?: number;
  references: number;
  /** It changes rows and gives none. */
  readonly silent?: boolean;
  /** It is meant by its own recursive term. */
  readonly isSelf?: true;
  /** Inlined instead of shared when it is used once. */
  definition: CteDefinition | null;
}

/** An aggregate of a query that stands in one of its subqueries. */
export interface RaisedAggregate {
  readonly column: PlanColumn;
  readonly aggregate: AggregateExpr;
  readonly location: number;
}

export class Scope {
  readonly relations: readonly ScopeRelation[];
  /** Unqualified names and the order of *; merged USING columns appear once. */
  readonly columns: readonly ScopeColumn[];
  readonly parent: Scope | null;
  readonly ctes: readonly CteEntry[];
  /** The expression of this query in which a subquery is being bound: what may stand there decides for its aggregates. */
  asking: ExprContext | null = null;
  /** Aggregates of this query that stand in its subqueries, which refer to them by these columns. */
  readonly raised: RaisedAggregate[] = [];
  constructor(
    parent: Scope | null,
    relations: readonly ScopeRelation[],
    columns: readonly ScopeColumn[],
    ctes: readonly CteEntry[] = parent?.ctes ?? [],
  ) {
    this.parent = parent;
    this.relations = relations;
    this.columns = columns;
    this.ctes = ctes;
  }
}

/** Only aggregates are told of which frame they stand in. */
export function wholeClause(clause: string): string {
  return /^window (ROWS|RANGE|GROUPS)$/.test(clause) ? 'window definitions' : clause;
}

export const EMPTY_SCOPE = new Scope(null, [], []);

export type TableRelation = Extract<Relation, { kind: 'table' }>;

const RELATIONS_MAX = 2000;

export class Binder {
  readonly catalog: CatalogSnapshot;
  readonly settings: PlannerSettings;
  /** 0 = not yet known. */
  readonly parameterOids: number[];
  /** Of those whose type a context gave, if it gave a length or precision as well. */
  readonly parameterFits: (ParameterFit | undefined)[] = [];
  #variables: VariableNames | null;
  readonly #dependencies = new Map<number, number>();
  readonly #pinnedTypes = new Map<number, number>();
  readonly #pinnedRoutines = new Map<number, ResolvedRoutines>();
  /** Filled while a view is made: users' types by the nodes that name them. */
  readonly typePins: Map<object, number> | null;
  /** Filled while a view is made: calls, by the references to columns that turned out to be such. */
  readonly callPins: Map<object, Node> | null;
  /** Filled while a view is made: users' functions by the calls of them. */
  readonly routinePins: Map<object, UsedRoutine> | null;
  /** Of a view: the primary keys that its GROUP BY rests on, as tables' ids by the constraints' oids. */
  readonly keysUsed: Map<number, number> | null;
  /** Filled while a view is made: collations by the nodes that name them. */
  readonly collationPins: Map<object, string> | null;
  /** A collation is written, or a column was declared with one: collate-plan.ts has something to do. */
  collated = false;
  /** Plans of FROM's subqueries. */
  readonly subqueries = new WeakSet<Plan>();
  readonly #collations = new Map<number, string>();
  /** Of columns with records that have no named type. */
  readonly recordColumns: RecordColumns = new Map();
  /** By the statement: as namesOfRows (whole-row.ts). */
  readonly namesOfRows = new WeakMap<object, ReadonlySet<string>>();
  #nextColumn = 1;
  #nextCte = 1;
  /** What the views that are being expanded read, by id. */
  readonly pinned = new Map<number, Relation>();
  /** Filled while a view is made: what each relation's name in its query means. */
  readonly pins: Map<object, Pin> | null;
  /** Filled while a view is made: the columns of the rows that functions in FROM give. */
  readonly rowPins: Map<object, readonly RowPin[]> | null;
  /** Filled while a view is made: what each star among its targets stands for. */
  readonly stars: Map<object, readonly Node[]> | null;
  /** Filled for who writes the query as text again. */
  readonly notes: QueryNotes | null;
  /** Relations that stand beside what is being bound, which it cannot see. */
  readonly aside: (readonly ScopeRelation[])[] = [];
  /** The target of UPDATE or DELETE, while something LATERAL of its FROM is bound, which may not look at it. */
  target: readonly ScopeRelation[] = [];
  /** What columns of USING are computed from, where they are not simply one side's. */
  readonly merged = new Map<number, Expr>();
  /** Names of WITH queries that come too late for what is being bound. */
  readonly later: (readonly string[])[] = [];
  /** What the statement must be allowed to. */
  readonly access = new AccessNotes();
  /** The statement's own WITH, where alone rows may be changed; unset: not bound yet. */
  ownWith: object | null | undefined = undefined;
  /** A cast of ARRAY[…] is of the whole array, not of its elements: expressions written by us, bound to be shown. */
  castsStand = false;
  /** A literal is a type that users made, by its name, on which nothing else of the plan depends. */
  namesTypes = false;
  volatile = false;
  modifies = false;
  locks = false;
  /** The procedure of CALL. */
  called: Routine | null = null;
  #relations = 0;

  constructor(
    catalog: CatalogSnapshot,
    settings: PlannerSettings,
    parameterOids: readonly number[],
    pins: Map<object, Pin> | null = null,
    variables: VariableNames | null = null,
    notes: QueryNotes | null = null,
  ) {
    this.notes = notes;
    this.#variables = variables;
    this.collated = variables?.collation !== undefined;
    this.pins = pins;
    this.rowPins = pins === null ? null : new Map();
    this.stars = pins === null ? null : new Map();
    this.callPins = pins === null ? null : new Map();
    this.typePins = pins === null ? null : new Map();
    this.routinePins = pins === null ? null : new Map();
    this.keysUsed = pins === null ? null : new Map();
    this.collationPins = pins === null ? null : new Map();
    this.catalog = catalog;
    this.settings = settings;
    this.parameterOids = [...parameterOids];
  }

  /** Of the function that the statement stands in. */
  get variables(): VariableNames | null {
    return this.#variables;
  }

  /** Binds what is stored (checks, defaults, views): names in it mean what they meant where it was written. */
  asStored<T>(bind: () => T): T {
    const variables = this.#variables;
    this.#variables = null;
    try {
      return bind();
    } finally {
      this.#variables = variables;
    }
  }

  /** Views of views can double what a statement reads with each of them. @throws QuoralError 54001 */
  countRelation(): void {
    if (++this.#relations <= RELATIONS_MAX) return;
    throw sqlError('54001', 'statement is too complex', {
      detail: `It reads more than ${RELATIONS_MAX} tables and subqueries, those of its views counted.`,
    });
  }

  /** Takes over what a part of the statement that was bound apart says of its parameters. */
  learnParameters(part: Binder): void {
    part.parameterOids.forEach((oid, i) => (this.parameterOids[i] = oid));
    part.parameterFits.forEach((fit, i) => (this.parameterFits[i] ??= fit));
  }

  nextCteId(): number {
    return this.#nextCte++;
  }

  column(name: string, oid: number, typmod: number, tableOid = 0, columnNumber = 0): PlanColumn {
    const made = { id: this.#nextColumn++, name, oid, typmod, tableOid, columnNumber };
    if (!isHandle(oid)) return made;
    // A domain's values are its base type's: nothing in a plan has a domain for its type.
    const base = baseOidOf(oid);
    if (base === oid) return made;
    const collation = domainCollation(oid);
    if (collation !== null) this.declareCollation(made.id, collation);
    return { ...made, oid: base, typmod: domainTypmod(oid, typmod), domain: oid };
  }

  /** Of a table, with the collation that it was declared with. */
  tableColumn(c: ColumnDescriptor, tableOid = 0, columnNumber = 0): PlanColumn {
    const made = this.column(c.name, c.typeOid, c.typmod, tableOid, columnNumber);
    if (c.collation !== null) this.declareCollation(made.id, c.collation);
    return made;
  }

  // ---- collations ----

  declareCollation(columnId: number, key: string): void {
    this.collated = true;
    this.#collations.set(columnId, key);
  }

  /** That the column was declared with. */
  collationOf(columnId: number): string | null {
    return this.#collations.get(columnId) ?? null;
  }

  collationName({ key, name, oid }: Collation): string {
    return name ?? this.settings.format.names?.collationName?.(oid) ?? key;
  }

  /** What the name in a COLLATE clause means. @throws QuoralError 42704, 3F000, 42601 */
  collation(names: readonly string[], node: object, location: number): string {
    const pinned = pinnedCollation(names);
    if (pinned !== null) return pinned;
    const { key, found } = resolveCollation(names, location, (name) => this.catalog.collation?.(name) ?? null);
    if (found !== null) this.#dependencies.set(found.id, found.version);
    this.collationPins?.set(node, key);
    return key;
  }

  /** Binds something beside relations that it cannot see. */
  beside<T>(relations: readonly ScopeRelation[], bind: () => T): T {
    this.aside.push(relations);
    try {
      return bind();
    } finally {
      this.aside.pop();
    }
  }

  dependOn(relation: TableDescriptor | ViewDescriptor): void {
    this.#dependencies.set(relation.id, relation.version);
    this.knowTypes(relation.columns);
    this.knowRoutines(relation.usedRoutines ?? []);
    if (relation.kind === 'view') this.knowTypes(relation.usedTypes ?? []);
  }

  /** Its state is read by its oid: by a name it is another one after DROP and CREATE. */
  dependOnSequence({ id, version }: SequenceDescriptor): void {
    this.#dependencies.set(id, version);
  }

  /** Types by which stored expressions over these columns name what they cast to. */
  knowTypes(columns: readonly { readonly typeOid: number }[]): void {
    for (const { typeOid } of columns) {
      for (const handle of isHandle(typeOid) ? typesWithin(typeOid) : []) {
        this.#noteFields(handle);
        this.#pinnedTypes.set(catalogOidOf(handle), handle);
        this.#pinnedTypes.set(catalogOidOf(arrayOidOf(handle)), arrayOidOf(handle));
      }
    }
  }

  #noteFields(handle: number): void {
    if (fieldsOf(handle)?.some((field) => field.collation !== undefined) === true) this.collated = true;
  }

  /** Functions that stored expressions call; whatever has the expression changes with them. */
  knowRoutines(used: readonly UsedRoutine[]): void {
    for (const { groupId, name, routine } of used) {
      const found = { id: groupId, version: 0, schema: '', name, routines: [routine] };
      this.#pinnedRoutines.set(routine.oid, found);
      this.knowTypes([...routine.parameters, ...(routine.usedTypes ?? []), routine]);
      if (routine.usedRoutines !== undefined) this.knowRoutines(routine.usedRoutines);
    }
  }

  pinnedRoutine(oid: number): ResolvedRoutines | null {
    return this.#pinnedRoutines.get(oid) ?? null;
  }

  dependOnRoutine({ id, version, rowsOf = [] }: ResolvedRoutines): void {
    for (const one of [{ id, version }, ...rowsOf]) this.#dependencies.set(one.id, one.version);
  }

  /** A type that a user made, by its name or pinned. null if there is none. */
  userType(schema: string | null, name: string, node: object): number | null {
    const pinned = pinnedOid(name);
    if (pinned !== null) return this.#pinnedTypes.get(pinned) ?? standardDomainByOid(pinned);
    const found = this.catalog.type({ schema, name, isType: true });
    if (found === null) return null;
    this.#dependencies.set(found.id, found.version);
    for (const handle of typesWithin(found.typeOid)) this.#noteFields(handle);
    this.typePins?.set(node, found.typeOid);
    return found.typeOid;
  }
  get dependencies(): readonly { readonly id: number; readonly version: number }[] {
    return [...this.#dependencies].map(([id, version]) => ({ id, version }));
  }
}

export function columnExpr(column: PlanColumn, location = -1): ColumnExpr {
  const { id, name, oid, typmod, domain } = column;
  const made: ColumnExpr = { kind: 'column', id, name, oid, typmod, location };
  return domain === undefined ? made : { ...made, domain };
}

export { errorAt };

/** Adds a position to an error that has none. */
export function positioned<T>(location: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw addPosition(error, location);
  }
}

export function addPosition(error: unknown, location: number): unknown {
  if (location < 0 || !isSqlError(error) || error.fields.position !== undefined) return error;
  const fields = { ...error.fields, position: location + 1 };
  return new QuoralError(error.sqlstate, error.message, { fields, cause: error });
}
function isSqlError(error: unknown): error is QuoralError {
  return error instanceof Error && error.name === 'QuoralError' && 'sqlstate' in error;
}

/** An unqualified column, in the nearest scope that has it. null if there is none. */
export function findColumn(scope: Scope, name: string, location: number): PlanColumn | null {
  for (let s: Scope | null = scope; s !== null; s = s.parent) {
    let found: PlanColumn | null = null;
    for (const c of s.columns) {
      if (c.column.name !== name) continue;
      if (found !== null) throw errorAt('42702', `column reference "${name}" is ambiguous`, location);
      found = c.column;
    }
    if (found !== null) return found;
  }
  return null;
}

export function findRelation(
  scope: Scope,
  schema: string | null,
  alias: string,
  location: number,
): ScopeRelation | null {
  for (let s: Scope | null = scope; s !== null; s = s.parent) {
    const found = s.relations.filter((r) => r.alias === alias && (schema === null || r.schema === schema));
    if (found.length > 1) throw errorAt('42P09', `table reference "${alias}" is ambiguous`, location);
    if (found.length === 1) return found[0]!;
  }
  return null;
}

export interface BoundFrom {
  readonly plan: Plan;
  readonly relations: readonly ScopeRelation[];
  readonly columns: readonly ScopeColumn[];
}

export interface LockRequest {
  /** null = every table of FROM. */
  readonly tables: readonly string[] | null;
  readonly locations: readonly number[];
  /** As it was written, for errors. */
  readonly clause: string;
  readonly lock: Lock;
}

/** Clauses of contexts of which messages speak in their own way. */
export const WINDOW_ARGUMENTS = 'window function calls';
export const FROM_FUNCTIONS = 'functions in FROM';
export const MERGE_CONDITIONS = 'MERGE WHEN conditions';

/** What expressions are bound in; the bindings of subqueries and of expressions come through it. */
export interface ExprContext {
  readonly binder: Binder;
  readonly scope: Scope;
  /** For messages: 'WHERE', 'SELECT', 'JOIN/ON', … */
  readonly clause: string;
  readonly aggregates: boolean;
  readonly windows: boolean;
  readonly sets: boolean;
  /** Inside an aggregate's arguments. */
  readonly inAggregate: boolean;
  readonly namedWindows: ReadonlyMap<string, Node>;
  bind(ctx: ExprContext, node: Node): Expr;
  bindSubquery(select: SelectStmt, scope: Scope): Plan;
}
