/**
 * Where an error comes from: the fields F, L and R of the protocol, which no driver needs and people read in logs and in
 * psql's verbose mode.
 *
 * File and line are those of our own source. The routine is PostgreSQL's where the SQLSTATE (and which other fields are
 * there) says which one that mostly is: programs are seen to go by `_bt_check_unique`, `exec_stmt_raise` and the like. It is
 * our own function elsewhere. Nothing of it is promised to stay.
 */
import { type ErrorFields, QuoralError } from '../base/errors.js';

export interface ErrorSource {
  readonly file?: string;
  readonly line?: string;
  readonly routine?: string;
}

type Routine = string | ((fields: ErrorFields) => string);

const ROUTINES: Readonly<Record<string, Routine>> = {
  '22007': 'DateTimeParseError',
  '22008': 'DateTimeParseError',
  '2201B': 'RE_compile_and_cache',
  '22P05': 'report_untranslatable_char',
  '23502': ({ dataType }) => (dataType === undefined ? 'ExecConstraints' : 'ExecEvalConstraintNotNull'),
  '23503': 'ri_ReportViolation',
  '23505': '_bt_check_unique',
  '23514': ({ dataType }) => (dataType === undefined ? 'ExecConstraints' : 'ExecEvalConstraintCheck'),
  '25006': 'PreventCommandIfReadOnly',
  '26000': 'FetchPreparedStatement',
  '28000': 'InitializeSessionUserId',
  '3D000': 'InitPostgres',
  '3F000': 'get_namespace_oid',
  '40P01': 'DeadLockReport',
  '42501': 'aclcheck_error',
  '42601': 'scanner_yyerror',
  '42702': 'colNameToVar',
  '42703': 'errorMissingColumn',
  '42723': 'ProcedureCreate',
  '42725': 'ParseFuncOrColumn',
  '42803': 'check_ungrouped_columns_walker',
  '42883': ({ hint }) => (hint?.startsWith('No operator') === true ? 'op_error' : 'ParseFuncOrColumn'),
  '42P01': ({ position }) => (position === undefined ? 'RangeVarGetRelidExtended' : 'parserOpenTable'),
  '42P05': 'StorePreparedStatement',
  '42P06': 'NamespaceCreate',
  '42P07': 'heap_create_with_catalog',
  '57014': 'ProcessInterrupts',
  '57P01': 'ProcessInterrupts',
  P0001: 'exec_stmt_raise',
  P0002: 'exec_stmt_execsql',
  P0003: 'exec_stmt_execsql',
  P0004: 'exec_stmt_assert',
};

/** RAISE may give any SQLSTATE. */
const RAISED = /^PL\/pgSQL function [^\n]* at RAISE(\n|$)/;

/** With file and line, which stacks tell: not where runs must be the same whatever the machine keeps of stacks. */
export function errorSource(error: QuoralError): ErrorSource {
  return { ...placeOf(originOf(error)), ...routineOf(error) };
}

/** Of the error alone. */
export function routineOf({ fields, sqlstate }: QuoralError): ErrorSource {
  const known = Object.hasOwn(ROUTINES, sqlstate) ? ROUTINES[sqlstate] : undefined;
  const theirs = typeof known === 'function' ? known(fields) : known;
  const routine = fields.routine ?? (RAISED.test(fields.where ?? '') ? 'exec_stmt_raise' : theirs);
  return routine === undefined ? {} : { routine };
}

/** An error that was made anew, to tell more, has the first one as its cause. */
function originOf(error: QuoralError): QuoralError {
  let origin = error;
  while (origin.cause instanceof QuoralError) origin = origin.cause;
  return origin;
}

/** Who makes errors for others. */
const HELPERS = /\/(base\/errors|plan\/error-at)\.[jt]s$/;

function placeOf({ stack }: QuoralError): ErrorSource {
  for (const frame of stack?.split('\n') ?? []) {
    const found =
      /^ +at (?:async )?(?:(?:new )?([^ ]+)(?: \[as [^\]]+\])? \()?(?:file:\/\/)?(\/[^:]+|[A-Z]:[^:]+):(\d+):\d+\)?$/.exec(
        frame,
      );
    if (found === null || HELPERS.test(found[2]!)) continue;
    const [, name, path, line] = found;
    const file = path!.replace(/^.*\/(?:dist|src)\//, '');
    const routine = name?.replace(/^.*[.#]/, '');
    return { file, line: line!, ...(routine === undefined ? {} : { routine }) };
  }
  return {};
}
