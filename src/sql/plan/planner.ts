/**
 * The planner: a parsed statement and a view of the catalog → a compiled statement. Stateless; caching is the
 * session's. Everything is synchronous: relations were resolved before.
 */
import type { CallStmt, CopyStmt, Node } from 'libpg-query';
import type { FormatContext } from '../types/type-info.js';
import { userTypeOf } from '../types/user-types.js';
import { AssertionError } from '../../base/assert.js';
import { engineLimit, QuoralError, sqlError } from '../../base/errors.js';
import type {
  CatalogSnapshot,
  CompiledExpression,
  CompiledStatement,
  ExpressionColumn,
  ParsedStatement,
  ParseNode,
  Planner,
  PlannerSettings,
  RelationName,
} from '../contract.js';
import { compilePointRead, compileQuery, compileScalar } from '../exec/compile.js';
import type { Command } from '../exec/compile.js';
import { compileCopyFrom, compileCopyTo, refuseCopyFrom } from '../exec/copy.js';
import { registerDomainTests } from '../functions/domains.js';
import '../functions/index.js';
import { tooComplex } from '../parse/parser.js';
import type { UsedRoutine } from '../catalog/descriptor.js';
import type { ResultColumn } from '../session-api.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import { storedRoutineName, storedTypeName } from '../types/pinned-types.js';
import { STORED_FORMAT } from '../types/stored-format.js';
import { collectRelations, locationOf } from './ast.js';
import { anyAsksCatalog, asksCatalog, isCheckedByNames, namesObject, needsNames } from './catalog-uses.js';
import { bindCopy } from './bind-copy.js';
import { cursorQuery } from './cursor-query.js';
import { heldBytes } from './held-bytes.js';
import { expressionTree } from './expression-tree.js';
import { bindExpr } from './bind-expr.js';
import { exprContext } from './bind-select.js';
import { bindStatement } from './bind-statement.js';
import { Binder, Scope } from './binder.js';
import { coerceAssignment, coerceBoolean, coerceParameter, resolveUnknown } from './coerce.js';
import { collateExpr, collatePlan, collateWithColumns, collateWithState, derivedCollation } from './collate-plan.js';
import type { CollationState } from './collation-state.js';
import { explainPlan } from './explain.js';
import type { ExplainOptions } from './explain.js';
import { walk, type Expr } from './expr.js';
import { failureOf, fold, foldFailures, readLiterals } from './fold.js';
import { ExprFormatter, quoteIdentifier } from './format-expr.js';
import { QueryNotes } from './query-notes.js';
import type { Plan, PlanColumn } from './logical.js';
import { optimise, optimiseInSteps } from './optimise.js';
import { planShape } from './plan-shape.js';
import { walkPlan } from './plan-walk.js';
import { callAsQuery, knowPins } from './routines.js';
import { atOnce, type Steps } from '../../base/steps.js';
import { constantFailure } from './constant-failures.js';
import type { PinnedNames, VariableNames } from './variables.js';
import { isImmutable } from './volatility.js';
import { compileBodyQuery, compileView } from './view-query.js';

const DOMAIN_SETTINGS: PlannerSettings = { format: STORED_FORMAT, user: '', database: '' };
/** A plan whose constants hold more bytes is not kept for others: `repeat('x', 50000000)` is a short text. */
const KEPT_CONSTANTS_MAX = 64 * 1024;
/** What CHECK of a domain calls the value. */
export const DOMAIN_VALUE = 'value';

export function createPlanner(): Planner {
  return {
    relationsOf: guarded(relationsOf),
    compile: guarded((...args) => atOnce(compileInSteps(...args))),
    compileInSteps: (...args) => guardedSteps(compileInSteps(...args)),
    compileExpression: guarded(compileExpression),
    compileView: guarded(compileView),
    compileBodyQuery: guarded(compileBodyQuery),
  };
}

/**
 * Expressions that JavaScript's stack cannot hold are refused as PostgreSQL refuses them. A broken promise of our own
 * is the end of the statement, not of the node: planning writes nothing and shares nothing, so nothing can spread.
 */
function guarded<A extends readonly unknown[], R>(run: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    try {
      return run(...args);
    } catch (error) {
      if (error instanceof RangeError) throw engineLimit(error) ?? tooComplex();
      throw error instanceof AssertionError ? planningDefect(error) : error;
    }
  };
}

function planningDefect(cause: AssertionError): QuoralError {
  const fields = { hint: 'This is a defect of Quoral: please report the statement and the definitions of its tables.' };
  return new QuoralError('XX000', `internal error while planning: ${cause.message}`, { fields, cause });
}

function* guardedSteps<T>(steps: Steps<T>): Steps<T> {
  const next = guarded(() => steps.next());
  for (;;) {
    const step = next();
    if (step.done === true) return step.value;
    yield;
  }
}

function relationsOf(statement: ParsedStatement): readonly RelationName[] {
  const found = new Map<string, RelationName>();
  collectRelations(statement.node, found);
  return [...found.values()];
}

const COMMANDS: Readonly<Record<string, Command>> = {
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
  SelectStmt: 'SELECT',
  CallStmt: 'CALL',
};

function* compileInSteps(
  statement: ParsedStatement,
  parameterOids: readonly number[],
  catalog: CatalogSnapshot,
  settings: PlannerSettings,
  variables: VariableNames | null = null,
): Steps<CompiledStatement> {
  variables?.begin();
  const failuresBefore = foldFailures();
  const binder = new Binder(catalog, settings, parameterOids, null, variables);
  if (variables?.pinned !== undefined) knowPinned(binder, variables.pinned);
  while (variables === null && binder.parameterOids.length < statement.parameterCount) binder.parameterOids.push(0);
  if (statement.kind === 'CopyStmt') return compileCopy(statement.node['CopyStmt'] as CopyStmt, binder, settings);
  const command = COMMANDS[statement.kind];
  if (command === undefined) throw sqlError('0A000', `${statement.kind.replace(/Stmt$/, '')} cannot be planned`);
  const called = command === 'CALL' ? (statement.node['CallStmt'] as CallStmt).funccall! : null;
  const bound = bindStatement(binder, called === null ? (statement.node as unknown as Node) : callAsQuery(called));
  yield;
  const { plan: collated, states } = collateWithColumns(binder, bound);
  const plan = yield* optimiseInSteps(settle(collated, binder), settings.format);
  yield;
  const returnsRows = called === null ? command === 'SELECT' || plan.columns.length > 0 : givesRow(plan);
  const query = compileQuery(plan, command, returnsRows);
  const { writers, constantBytes, namesObjects } = factsOf(plan);
  const failure = foldFailures() === failuresBefore ? null : failureIn(plan, settings.format);
  const locksNothing = !binder.modifies && !binder.locks;
  const readOnly = locksNothing && writers.size === 0;
  return {
    parameterOids: binder.parameterOids,
    parameterFits: binder.parameterFits,
    columns: returnsRows ? plan.columns.map((c, i) => resultColumn(c, binder.collated ? states[i] : undefined)) : null,
    dependencies: binder.dependencies,
    access: binder.access.needs(),
    calls: binder.access.calls,
    readOnly,
    ...(command === 'SELECT' && !binder.modifies ? { streams: true } : {}),
    ...(!readOnly && locksNothing && [...writers].every((name) => SEQUENCE_MOVERS.has(name))
      ? { movesSequences: true }
      : {}),
    ...(namesObjects ? { namesObjects: true } : {}),
    cacheable: constantBytes <= KEPT_CONSTANTS_MAX && !binder.namesTypes,
    pointRead: command === 'SELECT' && readOnly && failure === null ? compilePointRead(plan) : null,
    start: failure === null ? (ctx) => query.start(ctx) : () => refuse(failure),
    ...(binder.called === null || called === null ? {} : { called: binder.called }),
    ...(command === 'SELECT' ? { cursor: () => cursorQuery(collated, settings.format) } : {}),
    shape: () => planShape(plan),
    explain: (options) => (failure === null ? explainPlan(plan, options, settings.format) : refuse(failure)),
  };
}

/** What the tree of a function's body names by oids. */
function knowPinned(binder: Binder, { usedRoutines = [], usedTypes = [] }: PinnedNames): void {
  binder.knowRoutines(usedRoutines);
  binder.knowTypes(usedTypes);
}

/** A procedure without OUT parameters gives a column of nothing. */
function givesRow(plan: Plan): boolean {
  return !plan.columns.every((c) => c.oid === OID.void);
}

/** Parameters that no context gave a type are text. Settled in place: the binder's list is what clients see. */
function settle(plan: Plan, binder: Binder): Plan {
  binder.parameterOids.forEach((oid, i) => {
    if (oid === 0 || oid === OID.unknown) binder.parameterOids[i] = OID.text;
  });
  return plan;
}

/** nextval, setval and the like write; so do functions that change the session's state. */
const READING_VOLATILES: ReadonlySet<string> = new Set([
  'random',
  'gen_random_uuid',
  'clock_timestamp',
  'pg_export_snapshot',
  'timeofday',
  'currval',
  'lastval',
  'pg_sleep',
  'version',
  'setseed',
  'pg_backend_pid',
  'now',
  'uuid_generate_v4',
  'pg_is_in_recovery',
  'txid_current',
  'pg_current_xact_id',
  'txid_status',
  'pg_xact_status',
  'set_config',
  'pg_sleep_for',
  'pg_notify',
  'pg_notification_queue_usage',
  'pg_advisory_lock',
  'pg_advisory_lock_shared',
  'pg_advisory_xact_lock',
  'pg_advisory_xact_lock_shared',
  'pg_try_advisory_lock',
  'pg_try_advisory_lock_shared',
  'pg_try_advisory_xact_lock',
  'pg_try_advisory_xact_lock_shared',
  'pg_advisory_unlock',
  'pg_advisory_unlock_shared',
  'pg_advisory_unlock_all',
  'uuidv7',
  'uuidv4',
]);

/** They say themselves whether the transaction lets them. */
const SEQUENCE_MOVERS: ReadonlySet<string> = new Set(['nextval', 'setval']);

interface PlanFacts {
  /** Names of functions. */
  readonly writers: ReadonlySet<string>;
  /** Of what folding made of constants, bytes. */
  readonly constantBytes: number;
  /** It looks up names of catalog objects, or shows them, as it runs. */
  readonly namesObjects: boolean;
}

function factsOf(plan: Plan): PlanFacts {
  const writers = new Set<string>();
  let constantBytes = 0;
  let namesObjects = plan.columns.some((c) => namesObject(c.oid));
  const visitPlan = (p: Plan): void => {
    // Definitions of records' columns, and rows that are written.
    if (p.kind === 'function') namesObjects ||= p.columns.some((c) => isCheckedByNames(c.domain ?? c.oid));
    else if (p.kind === 'insert' || p.kind === 'update' || p.kind === 'merge')
      namesObjects ||= p.table.columns.some((c) => !c.dropped && isCheckedByNames(c.typeOid));
  };
  const visitExpr = (e: Expr): void => {
    namesObjects ||= asksCatalog(e);
    if (e.kind === 'const') constantBytes += heldBytes(e.value, KEPT_CONSTANTS_MAX);
    else if (
      (e.kind === 'call' || e.kind === 'srf') &&
      e.entry.volatility === 'volatile' &&
      // Its statements are asked by themselves whether they write.
      e.entry.routine === undefined &&
      !READING_VOLATILES.has(e.entry.name)
    )
      writers.add(e.entry.name);
  };
  walkPlan(plan, visitExpr, visitPlan);
  return { writers, constantBytes, namesObjects };
}

/** Of the first constant part that is an error: it is one before any row is read, but not before the statement runs. */
function failureIn(plan: Plan, format: FormatContext): QuoralError | null {
  let found: QuoralError | null = null;
  walkPlan(plan, (e) => {
    found ??= failureOf(e, format);
  });
  return found;
}

function refuse(error: QuoralError): never {
  throw constantFailure(error);
}

function resultColumn(c: PlanColumn, state: CollationState | undefined): ResultColumn {
  const collation = state === undefined ? undefined : derivedCollation(c, state);
  return {
    name: c.name,
    tableOid: c.tableOid,
    columnNumber: c.columnNumber,
    typeOid: c.oid,
    typeLength: typeByOid(c.oid).length,
    // Of arrays of a domain the modifier is the domain's own affair.
    typmod: c.domain !== undefined && userTypeOf(c.domain) === null ? -1 : c.typmod,
    ...(c.domain === undefined ? {} : { domain: c.domain }),
    ...(collation === undefined ? {} : { collation }),
  };
}

function compileCopy(stmt: CopyStmt, binder: Binder, settings: PlannerSettings): CompiledStatement {
  const bound = bindCopy(binder, stmt);
  const common = {
    parameterOids: [],
    columns: null,
    pointRead: null,
    cacheable: false,
    shape: () => null,
  } as const;
  if (bound.kind !== 'to') {
    const compiled =
      bound.kind === 'from' ? compileCopyFrom(bound.shape) : refuseCopyFrom(bound.error, bound.options, bound.count);
    return {
      ...common,
      dependencies: binder.dependencies,
      access: binder.access.needs(),
      calls: binder.access.calls,
      readOnly: false,
      start: (ctx) => compiled.start(ctx),
      explain: () => explainPlan({ kind: 'one', columns: [] }, { verbose: false }, settings.format),
    };
  }
  const plan = optimise(collatePlan(binder, bound.plan), settings.format);
  const { writers, namesObjects } = factsOf(plan);
  const compiled = compileCopyTo(
    plan,
    bound.options,
    plan.columns.map((c) => ({ name: c.name, oid: c.oid })),
  );
  return {
    ...common,
    dependencies: binder.dependencies,
    access: binder.access.needs(),
    calls: binder.access.calls,
    readOnly: !binder.modifies && writers.size === 0,
    ...(namesObjects ? { namesObjects: true } : {}),
    start: (ctx) => compiled.start(ctx),
    explain: (options: ExplainOptions) => explainPlan(plan, options, settings.format),
  };
}

registerDomainTests((domain, check) => {
  const binder = new Binder(noCatalog(DOMAIN_SETTINGS), DOMAIN_SETTINGS, []);
  const value = binder.column(DOMAIN_VALUE, domain.typeOid, domain.typmod);
  binder.knowTypes([domain]);
  binder.knowRoutines((domain.usedRoutines ?? []) as readonly UsedRoutine[]);
  const columns = [{ column: value, hidden: false }];
  const scope = new Scope(null, [{ alias: '', schema: null, columns, table: null }], columns);
  const bound = bindExpr(exprContext(binder, scope, 'check constraints'), expressionTree(check.expressionSql));
  const condition = collateExpr(binder, coerceBoolean(binder, bound, 'CHECK', -1));
  const asks = anyAsksCatalog(condition);
  const test = compileScalar(condition, [value]);
  return { test: (given, ctx) => test([given], ctx), asks };
});

/** No relations are in reach of a stand-alone expression. */
function noCatalog(settings: PlannerSettings): CatalogSnapshot {
  return {
    database: settings.database,
    searchPath: [],
    relation: () => null,
    type: settings.userTypes ?? (() => null),
    routines: settings.userRoutines?.named ?? (() => null),
    ...(settings.userCollations === undefined ? {} : { collation: settings.userCollations }),
  };
}

function compileExpression(
  sql: string | ParseNode,
  columns: readonly ExpressionColumn[],
  settings: PlannerSettings,
  target: { readonly typeOid: number; readonly typmod: number; readonly parameter?: number } | null,
  stored: string | null = null,
): CompiledExpression {
  // With notes, so that casts of constants stay: the text shows them.
  const binder = new Binder(noCatalog(settings), settings, [], null, null, new QueryNotes());
  binder.knowTypes(target === null ? columns : [...columns, target]);
  if (typeof sql === 'string') knowPins(binder, sql, settings);
  const made = columns.map((c) => binder.column(c.name, c.typeOid, c.typmod));
  columns.forEach((c, i) => c.collation != null && binder.declareCollation(made[i]!.id, c.collation));
  const visible = made.map((column) => ({ column, hidden: false }));
  const scope = new Scope(null, [{ alias: '', schema: null, columns: visible, table: null }], visible);
  const bound = bindExpr(
    exprContext(binder, scope, stored ?? 'this expression'),
    typeof sql === 'string' ? expressionTree(sql) : (sql as Node),
  );
  const whole =
    target === null
      ? resolveUnknown(binder, bound)
      : target.parameter === undefined
        ? coerceAssignment(binder, bound, { name: '?column?', ...target }, -1)
        : coerceParameter(binder, bound, target.parameter, target.typeOid, locationOf(sql as Node));
  const expr = stored === null ? whole : readLiterals(whole, settings.format);
  const used = new Set<number>();
  walk(expr, (e) => {
    if (e.kind === 'column') used.add(made.findIndex((c) => c.id === e.id));
  });
  // The written text comes before folding, as PostgreSQL stores it; the closure from after. Literals are written
  // so that every session reads them alike, whatever its DateStyle and TimeZone are.
  const formatter = new ExprFormatter(
    STORED_FORMAT,
    (_id, name) => quoteIdentifier(name),
    undefined,
    storedTypeName,
    storedRoutineName,
  );
  const { expr: under, collation } = collateWithState(binder, expr);
  const evaluate = compileScalar(fold(under, settings.format), made);
  return {
    typeOid: expr.oid,
    typmod: expr.typmod,
    ...(collation === undefined ? {} : { collation }),
    immutable: isImmutable(expr),
    namesObjects: needsNames(expr.oid) || anyAsksCatalog(expr),
    evaluate,
    sql: formatter.text(expr),
    columnsUsed: [...used].sort((a, b) => a - b),
  };
}
