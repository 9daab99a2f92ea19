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
import { inputsOf, outputsOf } from '../plan/routines.js';
import { withWanted } from '../plan/wanted-functions.js';
import { withContext } from '../plpgsql/error-context.js';
import { ArgumentNames, sqlStatements } from '../plpgsql/sql-body.js';
import type { ResultColumn } from '../session-api.js';
import { canCoerce } from '../types/casts.js';
import { OID } from '../types/oids.js';
import { formatType } from '../types/registry.js';
import { baseOidOf, fieldsOf } from '../types/user-types.js';
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
    checkResult(routine, last, columns);
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

function checkResult(routine: Routine, last: ParsedStatement | null, columns: readonly ResultColumn[] | null): void {
  const { typeOid } = routine;
  if (typeOid === OID.void) return;
  const shown = formatType(routine.procedure ? OID.record : typeOid);
  const mismatch = (detail: string): Error =>
    sqlError('42P13', `return type mismatch in function declared to return ${shown}`, { detail });
  if (last === null || columns === null)
    throw mismatch("Function's final statement must be SELECT or INSERT/UPDATE/DELETE RETURNING.");
  const outputs = outputsOf(routine);
  // A procedure gives a row of its outputs, though it be one alone.
  const isRow = typeOid !== OID.record && !routine.procedure;
  const fields = isRow ? fieldsOf(baseOidOf(typeOid)) : outputs.length > 1 || routine.procedure ? outputs : null;
  if (fields === null) {
    if (typeOid === OID.record) return;
    if (columns.length !== 1) throw mismatch('Final statement must return exactly one column.');
    const own = ownType(columns[0]!);
    if (!isAssigned(own, typeOid)) throw mismatch(`Actual return type is ${formatType(own)}.`);
    return;
  }
  if (columns.length === 1 && (ownType(columns[0]!) === OID.record || isAssigned(ownType(columns[0]!), typeOid)))
    return;
  fields.forEach(({ typeOid: wanted }, i) => {
    const column = columns[i];
    if (column === undefined) throw mismatch('Final statement returns too few columns.');
    if (!isAssigned(ownType(column), wanted))
      throw mismatch(
        `Final statement returns ${formatType(ownType(column))} instead of ${formatType(wanted)} at column ${i + 1}.`,
      );
  });
  if (columns.length > fields.length) throw mismatch('Final statement returns too many columns.');
}

/** A literal that nothing has given a type is text. */
function ownType({ typeOid }: ResultColumn): number {
  return typeOid === OID.unknown ? OID.text : typeOid;
}

function isAssigned(from: number, to: number): boolean {
  const base = baseOidOf(to);
  return from === base || canCoerce(from, base, 'assignment');
}
