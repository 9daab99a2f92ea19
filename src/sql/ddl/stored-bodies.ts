/**
 * Bodies in standard SQL (RETURN, BEGIN ATOMIC) as the routine keeps them: trees in which all that is named is named by its oid,
 * as in the query of a view. So what is renamed is still meant, and what is read does not go from under it.
 *
 * Limits: a body with a statement that changes rows is kept as it was written, with the relations that it names and the search
 * path of that moment. New names of what it names end it, and functions that it calls have that path too.
 */
import { QuoralError } from '../../base/errors.js';
import { knowDefaults } from '../catalog/default-literals.js';
import type { Routine, UsedRoutine, ViewSource } from '../catalog/descriptor.js';
import { isTemporarySchemaName } from '../catalog/temporary-names.js';
import { runBy } from '../catalog/used-routines.js';
import type { ParsedStatement, StoredQuery } from '../contract.js';
import { inputsOf } from '../plan/routines.js';
import { withWanted } from '../plan/wanted-functions.js';
import { ArgumentNames, sqlStatements } from '../plpgsql/sql-body.js';
import type { DdlContext } from './context.js';
import { pinLiterals } from './pinned-relations.js';

type StoredBody = Pick<Routine, 'trees' | 'sources' | 'usedTypes' | 'usedRoutines' | 'reads'>;

/** null: it stays as it was written. */
export async function storedBody(ctx: DdlContext, name: string, routine: Routine): Promise<StoredBody | null> {
  const statements = sqlStatements(routine.body);
  if (statements.some(({ kind }) => kind !== 'SelectStmt')) return null;
  const made: StoredQuery[] = [];
  try {
    for (const statement of statements) made.push(await storedQuery(ctx, name, routine, statement));
  } catch (error) {
    if (error instanceof QuoralError && error.sqlstate === '0A000') return null;
    throw error;
  }
  const called = [...(routine.usedRoutines ?? []), ...made.flatMap(({ usedRoutines }) => usedRoutines)];
  for (const { routine: one } of called) ctx.catalog.routinesInUse.refuseTemporary(one.oid);
  const types = [...(routine.usedTypes ?? []), ...made.flatMap(({ usedTypes }) => usedTypes)];
  const sources = joined(made.flatMap((one) => one.sources));
  return {
    trees: made.map(({ queryTree }) => queryTree),
    sources,
    reads: [...new Set([...(routine.reads ?? []), ...sources.map(({ id }) => id)])],
    usedTypes: [...new Map(types.map((one) => [one.typeOid, one])).values()],
    usedRoutines: [...new Map(called.map((one) => [one.routine.oid, one])).values()],
  };
}

/** Of a body that stays as it was written. Schemas of sessions are theirs alone. */
export async function pathNow({ catalog, session }: DdlContext): Promise<readonly number[]> {
  const ids: number[] = [];
  for (const schema of session.searchPath) {
    const id = isTemporarySchemaName(schema) ? null : await catalog.schemaId(schema);
    if (id !== null) ids.push(id);
  }
  return ids;
}

async function storedQuery(
  ctx: DdlContext,
  name: string,
  routine: Routine,
  statement: ParsedStatement,
): Promise<StoredQuery> {
  const types = inputsOf(routine).map((p) => p.typeOid);
  const names = new ArgumentNames(name, routine, types);
  const relations = ctx.planner.relationsOf(statement);
  // A function that calls itself, over others too, cannot hold itself: it goes on by name.
  const keeps = (used: UsedRoutine): boolean => callsBack(used, routine.oid);
  const { made } = await withWanted(
    relations,
    (wanted) => ctx.catalog.snapshot(wanted, ctx.session.searchPath, ctx.wait),
    async (snapshot) => {
      await knowDefaults(ctx.catalog, relations, snapshot, ctx.wait);
      return ctx.planner.compileBodyQuery(statement, snapshot, ctx.plannerSettings, names, types, keeps);
    },
  );
  return pinLiterals(ctx, made);
}

function callsBack({ routine }: UsedRoutine, oid: number): boolean {
  return routine.oid === oid || runBy({ routines: [routine] }).some((used) => callsBack(used, oid));
}

/** One for each relation. */
function joined(sources: readonly ViewSource[]): ViewSource[] {
  const found = new Map<number, ViewSource>();
  for (const source of sources) {
    const { columnIds = [], keys = [] } = found.get(source.id) ?? {};
    const all = [...new Set([...keys, ...(source.keys ?? [])])];
    found.set(source.id, {
      id: source.id,
      columnIds: [...new Set([...columnIds, ...source.columnIds])].sort((a, b) => a - b),
      ...(all.length === 0 ? {} : { keys: all }),
    });
  }
  return [...found.values()];
}
