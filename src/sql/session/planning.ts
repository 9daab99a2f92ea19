/**
 * Plans for a session's statements: from the statement itself, from the node's cache, or made anew, with the
 * uses of the tables registered in the transaction. A plan made while the transaction has changed the
 * catalog is its own and not shared.
 */
import { sqlError } from '../../base/errors.js';
import type { TransactionCatalog } from '../catalog/transaction-catalog.js';
import { knowDefaults } from '../catalog/default-literals.js';
import { typeByOid } from '../catalog/type-by-oid.js';
import { withWanted } from '../plan/wanted-functions.js';
import type { CompiledStatement, Relation, RelationName, ResolvedType } from '../contract.js';
import { NAMES_OF_OBJECTS, OID } from '../types/oids.js';
import { catalogOidOf, findTypeByOid } from '../types/registry.js';
import { parseSql } from '../parse/parser.js';
import { asksForOthers, checkAccess } from './access.js';
import { placed } from './schema-place.js';
import { mustLookAgain, stillPassed } from './passed-names.js';
import { CACHED_TEXT_MAX, PlanCache } from './plan-cache.js';
import type { CachedPlan } from './plan-cache.js';
import { Prepared, sameShape } from './portal.js';
import type { Session } from './session.js';
import { isLong, paced, restIfDue } from './long-texts.js';
import { mayLookUpCatalog } from './statement-kinds.js';

/** The statement's plan if it is current, with the uses of its tables registered; no waiting. */
export function validPlan(session: Session, prepared: Prepared): CachedPlan | null {
  const plan = prepared.plan;
  if (plan === null || prepared.planKey !== session.settings.derived.planKey) return null;
  const { catalog } = session.server;
  if (!catalog.leaseUsable()) return null;
  const { dependencies } = plan.compiled;
  if (dependencies.length === 0) return plan;
  const tc = session.transactionCatalog();
  for (let i = 0; i < dependencies.length; i++) if (!tc.use(dependencies[i]!.id)) return null;
  // The version that was rolled back may since have been given again, to something else.
  if (plan.own !== null && plan.own.some((d) => tc.own(d.id) !== d)) return null;
  if (plan.checkedEpoch === catalog.epoch && !tc.changed) return plan;
  for (let i = 0; i < dependencies.length; i++) {
    if (tc.currentVersion(dependencies[i]!.id) !== dependencies[i]!.version) return null;
  }
  if (!tc.changed) plan.checkedEpoch = catalog.epoch;
  return plan;
}

/** Current, made if need be. */
export async function planFor(session: Session, prepared: Prepared): Promise<CachedPlan> {
  if (prepared.unchecked) {
    const meansTheSame = prepared.plan !== null && (await stillPassed(session, prepared.plan.passed));
    if (meansTheSame) prepared.unchecked = false;
    else prepared.plan = null;
  }
  const plan = validPlan(session, prepared) ?? (await makePlan(session, prepared));
  // Whoever runs it gets it here.
  if (!plan.compiled.readOnly) session.temporaries.noteWrites(plan.compiled.dependencies);
  return plan;
}

/** As planFor, for a plan that is about to run. @throws QuoralError 42501 */
export async function planToRun(session: Session, prepared: Prepared): Promise<CachedPlan> {
  if (session.roles.mustAsk) await session.roles.refresh();
  const plan = await planFor(session, prepared);
  const { mustAsk } = session.roles;
  if (plan.mayRun || (!plan.asksForOthers && !mustAsk)) return plan;
  await checkAccess(session, plan.compiled);
  // The key of `postgres` says nothing of the catalog, an own change is nobody else's.
  if (mustAsk && session.roles.currentRights !== null) plan.mayRun = true;
  return plan;
}

const NO_OIDS: readonly number[] = [];

/** A text whose plan is in the node's cache needs no parsing. */
export function cachedStatement(
  session: Session,
  text: string,
  declaredOids: readonly number[] = NO_OIDS,
): Prepared | null {
  if (text.length > CACHED_TEXT_MAX || session.transaction.catalogChanged) return null;
  const { planKey } = session.settings.derived;
  const plan = session.server.plans.get(PlanCache.key(planKey, declaredOids, text));
  if (plan === undefined || plan.statement.parameterCount !== declaredOids.length) return null;
  // Who prepared a statement keeps what its functions were; who writes it anew does not.
  if (plan.namesGeneration !== session.server.catalog.namesGeneration) return null;
  const prepared = new Prepared(text, plan.statement, declaredOids, true);
  prepared.plan = plan;
  prepared.unchecked = mustLookAgain(session, plan.passed);
  prepared.planKey = planKey;
  prepared.columns = plan.compiled.columns;
  return prepared;
}

async function fromCache(session: Session, prepared: Prepared, key: string): Promise<CachedPlan | null> {
  if (!prepared.shared || session.transaction.catalogChanged) return null;
  const cached = session.server.plans.get(key);
  if (cached === undefined || cached.namesGeneration !== session.server.catalog.namesGeneration) return null;
  if (cached === prepared.plan || !(await stillPassed(session, cached.passed))) return null;
  for (const { id } of cached.compiled.dependencies) {
    await session.transactionCatalog().descriptor(id, session.waitOptions());
  }
  prepared.plan = cached;
  prepared.unchecked = false;
  prepared.planKey = session.settings.derived.planKey;
  const plan = validPlan(session, prepared);
  if (plan !== null) tellShape(prepared, plan.compiled);
  return plan;
}

/** What clients are told of it from now on. @throws QuoralError 0A000 if this one was told otherwise */
function tellShape(prepared: Prepared, { columns, parameterOids }: CompiledStatement): void {
  if (prepared.described && !sameShape(prepared.columns, columns)) {
    prepared.plan = null;
    // pgjdbc and asyncpg prepare anew when this routine says so; other 0A000 they pass on.
    throw sqlError('0A000', 'cached plan must not change result type', { routine: 'RevalidateCachedQuery' });
  }
  prepared.columns = columns;
  prepared.parameterOids = parameterOids;
}

async function makePlan(session: Session, prepared: Prepared): Promise<CachedPlan> {
  const { catalog, plans, deps } = session.server;
  if (prepared.written !== null) prepared.asWritten(parseSql(prepared.source)[0]!);
  // Values may be bound already: the types that were found for them once are what they have.
  else if (prepared.names === null && prepared.parameterOids !== prepared.declaredOids)
    prepared.declaredOids = prepared.parameterOids.map(catalogOidOf);
  const statement = prepared.statement!;
  const { planKey, searchPath } = session.settings.derived;
  const lease = catalog.ensureLease();
  if (lease !== null) await lease;
  const key = PlanCache.key(planKey, prepared.declaredOids, prepared.text);
  const cached = await fromCache(session, prepared, key);
  if (cached !== null) return cached;
  const tc = session.transactionCatalog();
  let needsView =
    mayLookUpCatalog(statement.text) || prepared.declaredOids.some((oid) => NAMES_OF_OBJECTS.includes(oid));
  if (needsView) await session.services.loadView();
  const names = [...deps.planner.relationsOf(statement)];
  if (isLong(statement.text)) await restIfDue(session);
  const look = (wanted: readonly RelationName[]): ReturnType<typeof tc.snapshot> =>
    tc.snapshot(wanted, searchPath, session.waitOptions()).catch((error: unknown) => {
      throw placed(error, statement.node);
    });
  const { format, user, database } = session;
  const settings = { format, user, database };
  const declared = await declaredTypes(session, prepared);
  // What happens in the catalog while a long statement is compiled is looked at before the plan is used.
  let { epoch } = catalog;
  const { namesGeneration } = catalog;
  const { made, snapshot } = await withWanted(names, look, async (found) => {
    if (!needsView && names.some((name) => looksUpCatalog(found.relation(name)))) {
      needsView = true;
      await session.services.loadView();
    }
    if (!needsView) await knowDefaults(tc, names, found, session.waitOptions());
    ({ epoch } = catalog);
    const compile = (): Steps =>
      isLong(statement.text)
        ? paced(session, deps.planner.compileInSteps(statement, declared.oids, found, settings, prepared.names))
        : deps.planner.compile(statement, declared.oids, found, settings, prepared.names);
    session.services.takeMissed();
    try {
      return await compile();
    } catch (error) {
      // A literal that names what this node has not met yet, though the statement's words do not show it.
      if (needsView || !session.services.takeMissed()) throw error;
      needsView = true;
      await session.services.loadView();
      return compile();
    }
  });
  needsView ||= made.namesObjects === true;
  const compiled =
    declared.types.length === 0 ? made : { ...made, dependencies: [...made.dependencies, ...declared.types] };
  if (session.settings.derived.restrictsViews) refuseViews(compiled, tc);
  tellShape(prepared, compiled);
  let storageSince = 0;
  for (const { id } of compiled.dependencies) {
    const d = tc.known(id);
    if (d?.kind === 'table' && d.storageSince !== undefined) storageSince = Math.max(storageSince, d.storageSince);
  }
  const { passed } = snapshot;
  const own = tc.changed ? compiled.dependencies.flatMap(({ id }) => tc.own(id) ?? []) : [];
  const plan: CachedPlan = {
    statement,
    compiled,
    needsView,
    passed,
    own: own.length === 0 ? null : own,
    storageSince,
    asksForOthers: asksForOthers(compiled),
    mayRun: false,
    checkedEpoch: epoch,
    namesGeneration,
  };
  prepared.plan = plan;
  prepared.unchecked = false;
  prepared.planKey = planKey;
  if (prepared.shared && compiled.cacheable && !tc.changed) plans.put(key, plan);
  return plan;
}

/** Where restrict_nonsystem_relation_kind says so. @throws QuoralError 55000 */
function refuseViews({ dependencies }: CompiledStatement, tc: Pick<TransactionCatalog, 'known'>): void {
  for (const { id } of dependencies) {
    const d = tc.known(id);
    if (d?.kind === 'view') throw sqlError('55000', `access to non-system view "${d.name}" is restricted`);
  }
}

type Steps = CompiledStatement | Promise<CompiledStatement>;

/** The types that the client gave its parameters, as they are now. @throws 42704 */
async function declaredTypes(
  session: Session,
  prepared: Prepared,
): Promise<{ readonly oids: readonly number[]; readonly types: readonly ResolvedType[] }> {
  const { declaredOids } = prepared;
  if (declaredOids.every((oid) => oid === 0 || findTypeByOid(oid) !== null)) return { oids: declaredOids, types: [] };
  const oids: number[] = [];
  const types: ResolvedType[] = [];
  for (const oid of declaredOids) {
    const builtIn = oid === 0 || findTypeByOid(oid) !== null;
    const found = builtIn ? null : await typeByOid(session.transactionCatalog(), oid, session.waitOptions());
    if (!builtIn && found === null) throw sqlError('42704', `type with OID ${oid} does not exist`);
    oids.push(found?.typeOid ?? oid);
    if (found !== null) types.push(found);
  }
  return { oids, types };
}

/** Names of relations are among its values; or it is a view, whose query is part of the statement that reads it. */
function looksUpCatalog(relation: Relation | null): boolean {
  if (relation?.kind === 'table') return relation.table.columns.some((c) => c.typeOid === OID.regclass);
  if (relation?.kind !== 'view') return false;
  if (mayLookUpCatalog(relation.view.queryTree)) return true;
  for (const source of relation.sources.values()) if (looksUpCatalog(source)) return true;
  return false;
}
