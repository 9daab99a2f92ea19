/**
 * EXPLAIN: its options by PostgreSQL's rules, the plan of the statement, with ANALYZE a run of it, and the answer as
 * text, JSON, YAML or XML.
 *
 * Limits: BUFFERS, WAL and SETTINGS are understood and add nothing.
 */
import { sqlError } from '../../base/errors.js';
import type { CompiledStatement, ParsedStatement } from '../contract.js';
import type { DdlContext } from '../ddl/context.js';
import { isMade } from '../ddl/create-table-as.js';
import { runDdl } from '../ddl/run-ddl.js';
import { Profile } from '../exec/profile.js';
import { explainMarkup, explainText, type Markup, noPlanMarkup } from '../plan/explain-format.js';
import type { ResultColumn, ResultSink } from '../session-api.js';
import { OID } from '../types/oids.js';
import { type Bound, innerStatement, UNBOUND } from './bound-query.js';
import { settlePortals } from './cursors.js';
import { ddlContext } from './ddl-context.js';
import { readOnlyError } from './runner-errors.js';
import { CountingSink } from './counting-sink.js';
import { planToRun } from './planning.js';
import { Prepared } from './portal.js';
import { executedBy, runInner } from './prepared-statements.js';
import type { Session } from './session.js';
import { parseBoolWord } from './setting-values.js';
import { bodyOf, isPlanned, textColumn } from './statement-kinds.js';
import { constantOf, list } from './tree.js';
import type { Loose } from './tree.js';

interface Options {
  readonly analyze: boolean;
  readonly verbose: boolean;
  readonly costs: boolean;
  readonly timing: boolean;
  readonly summary: boolean;
  /** null: text. */
  readonly markup: Markup | null;
}

const FLAGS: ReadonlySet<string> = new Set([
  'analyze',
  'verbose',
  'costs',
  'settings',
  'buffers',
  'wal',
  'timing',
  'summary',
]);

const COLUMNS: Readonly<Record<Markup, readonly ResultColumn[]>> = {
  json: [textColumn('QUERY PLAN', OID.json)],
  yaml: [textColumn('QUERY PLAN')],
  xml: [textColumn('QUERY PLAN', OID.xml)],
};

function isMarkup(format: string): format is Markup {
  return Object.hasOwn(COLUMNS, format);
}

function formatOf(written: string, location: number): Markup | null {
  if (written === 'text') return null;
  if (isMarkup(written)) return written;
  throw sqlError('22023', `unrecognized value for EXPLAIN option "format": "${written}"`, { position: location + 1 });
}

/** @throws QuoralError 42601, 22023 */
function optionsOf(body: Loose): Options {
  const flags = new Map<string, boolean>();
  let markup: Markup | null = null;
  for (const item of list(body['options'])) {
    const def = item['DefElem'] as Loose;
    const name = String(def['defname']);
    const location = Number(def['location'] ?? 0);
    const value = def['arg'] === undefined ? 'on' : constantOf(def['arg'] as Loose);
    if (name === 'format') markup = formatOf(value, location);
    else if (FLAGS.has(name)) {
      const flag = parseBoolWord(value);
      if (flag === null) throw sqlError('42601', `${name} requires a Boolean value`);
      flags.set(name, flag);
    } else throw sqlError('42601', `unrecognized EXPLAIN option "${name}"`, { position: location + 1 });
  }
  const analyze = flags.get('analyze') ?? false;
  if (!analyze && flags.get('wal') === true) throw sqlError('22023', 'EXPLAIN option WAL requires ANALYZE');
  if (!analyze && flags.get('timing') === true) throw sqlError('22023', 'EXPLAIN option TIMING requires ANALYZE');
  return {
    analyze,
    verbose: flags.get('verbose') ?? false,
    costs: flags.get('costs') ?? true,
    timing: flags.get('timing') ?? true,
    summary: flags.get('summary') ?? analyze,
    markup,
  };
}

const TEXT_COLUMNS: readonly ResultColumn[] = [textColumn('QUERY PLAN')];

/** The columns that EXPLAIN will have; a bad option is reported when it is run. */
export function explainColumns(body: Loose): readonly ResultColumn[] {
  const formats = list(body['options'])
    .map((item) => item['DefElem'] as Loose)
    .filter((def) => def['defname'] === 'format')
    .map((def) => constantOf((def['arg'] ?? {}) as Loose));
  const last = formats.at(-1) ?? 'text';
  return isMarkup(last) ? COLUMNS[last] : TEXT_COLUMNS;
}

interface Explained {
  readonly prepared: Prepared;
  readonly bound: Pick<Bound, 'parameters'>;
}

/** The statement whose plan is meant; null if it has none. */
async function explained(
  session: Session,
  statement: ParsedStatement,
  body: Loose,
  bound: Bound,
): Promise<Explained | null> {
  const meant = (query: ParsedStatement): Explained | null =>
    isPlanned(query) ? { prepared: new Prepared(statement.text, query, bound.oids, false, bound.names), bound } : null;
  const inner = innerStatement(body['query'], statement);
  const of = bodyOf(inner);
  switch (inner.kind) {
    case 'ExecuteStmt': {
      const found = await executedBy(session, of);
      return found.prepared.statement === null || !isPlanned(found.prepared.statement)
        ? null
        : { prepared: found.prepared, bound: found };
    }
    case 'SelectStmt':
      return meant(withoutInto(inner));
    case 'CreateTableAsStmt':
    case 'DeclareCursorStmt': {
      const query = innerStatement(of['query'], statement);
      if (query.kind === 'ExecuteStmt') return explained(session, statement, of, UNBOUND);
      return meant(query);
    }
    default:
      return meant(inner);
  }
}

function withoutInto(statement: ParsedStatement): ParsedStatement {
  const { intoClause, ...body } = bodyOf(statement);
  return intoClause === undefined ? statement : { ...statement, node: { SelectStmt: body } as ParsedStatement['node'] };
}

/** CREATE TABLE AS, CREATE MATERIALIZED VIEW, SELECT INTO; null: it makes no table. */
function makerOf(statement: ParsedStatement): ParsedStatement | null {
  const isInto = statement.kind === 'SelectStmt' && bodyOf(statement)['intoClause'] !== undefined;
  return isInto || statement.kind === 'CreateTableAsStmt' ? statement : null;
}

async function withContext<T>(session: Session, bound: Bound, run: (ctx: DdlContext) => Promise<T>): Promise<T> {
  const { transaction } = session;
  const txn = transaction.ensureTxn();
  if (bound.within !== true) txn.beginStatement();
  const memory = session.newMemory();
  transaction.catalog().beginSchemaChange();
  try {
    return await run(ddlContext(session, new CountingSink(), memory, { alone: false, bound }));
  } finally {
    memory.close();
  }
}

function isThere(session: Session, statement: ParsedStatement, bound: Bound): Promise<boolean> {
  return withContext(session, bound, (ctx) => isMade(ctx, bodyOf(statement)));
}

/** Makes the table; the plan whose rows it has, or null if it was there. */
async function make(
  session: Session,
  statement: ParsedStatement,
  bound: Bound,
  profile: Profile,
): Promise<CompiledStatement | null> {
  if (session.modes.readOnly) throw readOnlyError(statement);
  const settled = settlePortals(session, false, null);
  if (settled !== null) await settled;
  const plans: CompiledStatement[] = [];
  await withContext(session, bound, (ctx) => runDdl({ ...ctx, watch: { profile, plans } }, statement));
  return plans[0] ?? null;
}

export async function explain(
  session: Session,
  statement: ParsedStatement,
  body: Loose,
  sink: ResultSink,
  simple: boolean,
  bound: Bound,
): Promise<string> {
  const options = optionsOf(body);
  const { markup } = options;
  const { clock } = session.server.deps;
  const started = clock.monotonicMs();
  const target = await explained(session, statement, body, bound);
  const answer = (lines: readonly string[]): string => {
    if (simple) sink.columns(markup === null ? TEXT_COLUMNS : COLUMNS[markup]);
    if (markup !== null) sink.row([lines.join('\n')]);
    else for (const line of lines) sink.row([line]);
    return 'EXPLAIN';
  };
  if (target === null)
    return answer(markup === null ? ['Utility statements have no plan structure'] : [noPlanMarkup(markup)]);
  const making = makerOf(innerStatement(body['query'], statement));
  if (making !== null && !options.analyze && (await isThere(session, making, bound))) return answer([]);
  const { compiled } = await planToRun(session, target.prepared);
  let shown: CompiledStatement | null = compiled;
  const planned = clock.monotonicMs();
  let profile: Profile | undefined;
  let executionMs: number | null = null;
  if (options.analyze) {
    profile = new Profile(() => clock.monotonicMs());
    const from = clock.monotonicMs();
    if (making !== null) shown = await make(session, making, bound, profile);
    else {
      const { parameters } = target.bound;
      const { within } = bound;
      await runInner(session, target.prepared, parameters, new CountingSink(), false, { profile, within });
    }
    if (shown === null) return answer([]);
    if (options.summary) executionMs = clock.monotonicMs() - from;
  }
  const { verbose, costs, analyze, timing } = options;
  const tree = shown.explain(profile === undefined ? { verbose } : { verbose, profile });
  const times = { planningMs: options.summary ? planned - started : null, executionMs };
  const layout = { costs, analyze, timing };
  return answer(markup === null ? explainText(tree, layout, times) : [explainMarkup(tree, layout, times, markup)]);
}
