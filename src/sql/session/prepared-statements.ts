/** PREPARE, EXECUTE, DEALLOCATE: statements inside statements. */
import { sqlError } from '../../base/errors.js';
import type { TypeName } from 'libpg-query';
import type { CompiledExpression, ParsedStatement, ParseNode, RelationName } from '../contract.js';
import type { Profile } from '../exec/profile.js';
import { collectRelations } from '../plan/ast.js';
import { needsNames } from '../plan/catalog-uses.js';
import { resolveTypeName } from '../plan/coerce.js';
import type { TypeScope } from '../plan/coerce.js';
import type { ResultSink } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import { catalogOidOf } from '../types/registry.js';
import { isHandle } from '../types/user-types.js';
import { innerStatement } from './bound-query.js';
import { REFUSING } from './counting-sink.js';
import { settlePortals } from './cursors.js';
import { planFor, planToRun } from './planning.js';
import { prepareStatement } from './preparing.js';
import { checkRoom, Prepared } from './portal.js';
import type { Session } from './session.js';
import { refuseWrites } from './runner-errors.js';
import { isPlanned } from './statement-kinds.js';
import { list } from './tree.js';
import type { Loose } from './tree.js';
import { runUtility } from './utility.js';

export async function prepare(session: Session, statement: ParsedStatement, body: Loose): Promise<string> {
  const name = String(body['name']);
  const oids = await declaredTypes(session, body['argtypes']);
  const prepared = new Prepared(session.queryText, innerStatement(body['query'], statement), oids, false);
  await prepareStatement(session, prepared);
  checkRoom(session.prepared, name);
  prepared.fromSql = true;
  prepared.preparedAt = session.format.statementNow;
  prepared.described = true;
  session.prepared.set(name, prepared);
  return 'PREPARE';
}

/** In which the users' types that the tree names are known. */
export async function typeScope(session: Session, types: unknown): Promise<TypeScope> {
  const names = new Map<string, RelationName>();
  collectRelations(types, names);
  const { searchPath } = session.settings.derived;
  const snapshot = await session.transactionCatalog().snapshot([...names.values()], searchPath, session.waitOptions());
  return {
    userType: (schema, name) => snapshot.type({ schema, name, isType: true })?.typeOid ?? null,
    findCollation: (name) => snapshot.collation?.(name) ?? null,
  };
}

/** As a client would name them: what an oid stands for may change while the statement is prepared. */
async function declaredTypes(session: Session, types: unknown): Promise<number[]> {
  const scope = await typeScope(session, types);
  return list(types).map((t) => catalogOidOf(resolveTypeName(t['TypeName'] as TypeName, scope).oid));
}

async function evaluateArguments(
  session: Session,
  prepared: Prepared,
  args: readonly Loose[],
  name: string,
): Promise<Datum[]> {
  const oids = prepared.parameterOids;
  if (args.length !== oids.length) {
    throw sqlError('42601', `wrong number of parameters for prepared statement "${name}"`, {
      detail: `Expected ${oids.length} parameters but got ${args.length}.`,
    });
  }
  const settings = { format: session.format, user: session.user, database: session.database };
  let mayLookUp = oids.some((oid) => needsNames(oid));
  if (mayLookUp) await session.services.loadView();
  const memory = session.newMemory();
  try {
    const values: Datum[] = [];
    for (const [i, arg] of args.entries()) {
      const target = { typeOid: oids[i]!, typmod: -1, parameter: i + 1 };
      const compile = (): CompiledExpression =>
        session.server.deps.planner.compileExpression(arg as ParseNode, [], settings, target);
      let compiled = compile();
      if (compiled.namesObjects && !mayLookUp) {
        await session.services.loadView();
        mayLookUp = true;
        // Constant parts are computed as it is compiled.
        compiled = compile();
      }
      values.push(await compiled.evaluate([], session.execContext([], memory, REFUSING, false)));
    }
    return values;
  } finally {
    memory.close();
  }
}

/** What an EXECUTE names, with its arguments. */
export async function executedBy(
  session: Session,
  body: Loose,
): Promise<{ readonly prepared: Prepared; readonly parameters: readonly Datum[] }> {
  const name = String(body['name']);
  const prepared = session.findPrepared(name);
  // Types of users may have changed since it was prepared.
  if (prepared.parameterOids.some(isHandle)) await planFor(session, prepared);
  const parameters = await evaluateArguments(session, prepared, list(body['params']), name);
  prepared.runs++;
  return { prepared, parameters };
}

export async function execute(session: Session, body: Loose, sink: ResultSink, simple: boolean): Promise<string> {
  const { prepared, parameters } = await executedBy(session, body);
  // PostgreSQL runs it in a portal, which has the next name.
  session.blockCursors.newName();
  if (!isPlanned(prepared.statement!)) return runUtility(session, prepared.statement!, sink, simple);
  return runInner(session, prepared, parameters, sink, simple);
}

/** Runs a planned statement inside another; returns its tag. */
export async function runInner(
  session: Session,
  prepared: Prepared,
  parameters: readonly Datum[],
  sink: ResultSink,
  simple: boolean,
  { profile, within }: { readonly profile?: Profile; readonly within?: boolean | undefined } = {},
): Promise<string> {
  const plan = await planToRun(session, prepared);
  const { compiled } = plan;
  refuseWrites(session, prepared.statement!, compiled);
  const settled = settlePortals(session, plan.compiled.readOnly, null);
  if (settled !== null) await settled;
  const txn = session.transaction.ensureTxn();
  if (within !== true) txn.beginStatement();
  if (plan.needsView) await session.services.loadView();
  const memory = session.newMemory();
  const ctx = session.execContext(parameters, memory, sink, false);
  const execution = plan.compiled.start(profile === undefined ? ctx : { ...ctx, profile });
  try {
    if (simple && plan.compiled.columns !== null) sink.columns(plan.compiled.columns);
    await execution.run(sink, 0);
    return execution.tag;
  } finally {
    execution.close();
    memory.close();
  }
}

export function deallocate(session: Session, body: Loose): string {
  const name = body['name'];
  if (name === undefined) {
    for (const key of [...session.prepared.keys()]) if (key !== '') session.prepared.delete(key);
    return 'DEALLOCATE ALL';
  }
  session.findPrepared(String(name));
  session.prepared.delete(String(name));
  return 'DEALLOCATE';
}
