/**
 * What CREATE FUNCTION sees wrong in a body in plain SQL: names that are not there, and a last statement that does not
 * give what the function returns. As in PostgreSQL not of polymorphic functions, whose types a call decides.
 *
 * Limit: what a statement can only be asked when it runs (0A000, names of relations in literals) is left to the call.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import { knowDefaults } from '../catalog/default-literals.js';
import type { Routine } from '../catalog/descriptor.js';
import type { ParsedStatement } from '../contract.js';
import { isPolymorphic } from '../functions/polymorphic.js';
import { inputsOf } from '../plan/routines.js';
import { withWanted } from '../plan/wanted-functions.js';
import { withContext } from '../plpgsql/error-context.js';
import { ArgumentNames, sqlStatements } from '../plpgsql/sql-body.js';
import { checkResult, declaredResult } from '../plpgsql/sql-result.js';
import type { ResultColumn } from '../session-api.js';
import type { DdlContext } from './context.js';

const PLANNED: ReadonlySet<string> = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt']);
/** Values that name relations, which are looked up when the statement runs. */
const LOOKS_UP = /\breg[a-z]+\b|\bpg_|currval|nextval|setval|current_schema|information_schema/i;

/** CALL of a procedure that gives something, which nothing would take. */
class OutputsRefused extends Error {}

/** @throws QuoralError of SQLSTATE class 42; positions are within the body */
export async function checkSqlBody(ctx: DdlContext, name: string, routine: Routine): Promise<void> {
  if (routine.language !== 'sql' || routine.parameters.some((p) => isPolymorphic(p.typeOid))) return;
  const inputs = inputsOf(routine);
  const types = inputs.map((p) => p.typeOid);
  const names = new ArgumentNames(name, routine, types);
  const statements = readable(routine.body);
  if (statements === null) return;
  let columns: readonly ResultColumn[] | null = null;
  let last: ParsedStatement | null = null;
  try {
    for (const statement of statements) {
      last = statement;
      columns = null;
      const isCall = statement.kind === 'CallStmt';
      if (!isCall && !PLANNED.has(statement.kind)) continue;
      if (LOOKS_UP.test(statement.text)) return;
      const relations = ctx.planner.relationsOf(statement);
      const compiled = await withWanted(
        relations,
        (wanted) => ctx.catalog.snapshot(wanted, ctx.session.searchPath, ctx.wait),
        async (snapshot) => {
          await knowDefaults(ctx.catalog, relations, snapshot, ctx.wait);
          return ctx.planner.compile(statement, types, snapshot, ctx.plannerSettings, names);
        },
      );
      if (isCall && (compiled.made.columns?.length ?? 0) > 0) throw new OutputsRefused();
      columns = isCall ? null : compiled.made.columns;
    }
    checkResult(declaredResult(routine), last === null ? null : columns);
  } catch (error) {
    if (error instanceof OutputsRefused) {
      const message = 'calling procedures with output arguments is not supported in SQL functions';
      throw withContext(sqlError('0A000', message), `SQL function "${name}"`);
    }
    if (!(error instanceof QuoralError) || !error.sqlstate.startsWith('42')) {
      if (error instanceof QuoralError && error.sqlstate === '0A000') return;
      throw error;
    }
    throw error.fields.position === undefined ? withContext(error, `SQL function "${name}"`) : error;
  }
}

/** null: its grammar has been looked at before, as far as it is known. */
function readable(body: string): readonly ParsedStatement[] | null {
  try {
    return sqlStatements(body);
  } catch {
    return null;
  }
}
