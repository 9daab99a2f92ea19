/**
 * Calls of functions and procedures that users made. What they were read into is kept for the session, by the
 * object that the catalog's cache holds for each: a function that is replaced is another object.
 *
 * A function's statements belong to the statement that calls it: they run in its transaction, write into its
 * buffer, and are undone with it when the server runs it again.
 */
import type { SelectStmt } from 'libpg-query';
import { QuoralError, sqlError } from '../../base/errors.js';
import { SUPERUSER_OID } from '../catalog/bootstrap-names.js';
import type { Routine } from '../catalog/descriptor.js';
import type { RoutineCall, RoutineResult } from '../contract.js';
import { as } from '../plan/ast.js';
import { needsNames } from '../plan/catalog-uses.js';
import { inputsOf, outputsOf, takesArgument } from '../plan/routines.js';
import { functionLine } from '../plpgsql/context-lines.js';
import { withContext } from '../plpgsql/error-context.js';
import { inSqlFunction, PieceStore } from '../plpgsql/evaluation.js';
import { bodyRules } from '../plpgsql/extra-checks.js';
import { Frame } from '../plpgsql/frame.js';
import type { ParsedStatement } from '../contract.js';
import type { KeptStatement, SqlHost } from '../plpgsql/host.js';
import { Interpreter } from '../plpgsql/interpreter.js';
import type { ParsedBody } from '../plpgsql/parse-body.js';
import { readBody } from '../plpgsql/read-routine.js';
import { CallResult, type ResultType } from '../plpgsql/result.js';
import { ArgumentNames, bodyStatements } from '../plpgsql/sql-body.js';
import { checkResult } from '../plpgsql/sql-result.js';
import type { Variable } from '../plpgsql/tree.js';
import type { SessionUsage } from '../usage/session-usage.js';
import type { InnerTransactions } from './inner-transactions.js';
import { resolveTypes } from './variable-types.js';
import { OID } from '../types/oids.js';
import { formatType } from '../types/registry.js';
import { canCoerce } from '../types/casts.js';
import { PgRecord } from '../types/datum.js';
import { baseOidOf, fieldsOf } from '../types/user-types.js';
import type { Savepoint } from '../../txn/kv-txn.js';

/** Functions inside each other: far from what the stack and the memory hold. */
const DEPTH_MAX = 200;

interface ReadRoutine {
  readonly argOids: readonly number[];
  readonly body: ParsedBody | null;
  /** Variables of the parameters, in their order. */
  readonly parameters: readonly Variable[];
  readonly store: PieceStore;
  readonly statements: readonly KeptStatement[];
  /** The same, as they were read. */
  readonly parsed: readonly ParsedStatement[];
}

/** `mayEnd`: of a procedure whose COMMIT ends the session's transaction. */
/** `before`: as of when a function reads that is not volatile. */
export type MakeHost = (routine: Routine, mayEnd: boolean, before: Savepoint | null) => SqlHost;

/** Runs something with the rights of the role. */
export type AsOwner = <T>(owner: number, run: () => Promise<T>) => Promise<T>;

export class Routines {
  readonly #makeHost: MakeHost;
  readonly #inner: InnerTransactions;
  readonly #asOwner: AsOwner;
  readonly #usage: SessionUsage;
  readonly #read = new WeakMap<Routine, ReadRoutine>();
  #depth = 0;

  constructor(makeHost: MakeHost, inner: InnerTransactions, asOwner: AsOwner, usage: SessionUsage) {
    this.#usage = usage;
    this.#asOwner = asOwner;
    this.#makeHost = makeHost;
    this.#inner = inner;
  }

  async call(call: RoutineCall): Promise<RoutineResult> {
    if (this.#depth >= DEPTH_MAX) {
      throw sqlError('54001', 'stack depth limit exceeded', {
        hint: `Functions may be ${DEPTH_MAX} calls deep.`,
      });
    }
    if (call.routine.typeOid === OID.trigger)
      throw sqlError('0A000', 'trigger functions can only be called as triggers');
    this.#depth++;
    const { procedure, language, securityDefiner, config, path } = call.routine;
    const may = this.#inner.take();
    const mayEnd = may && procedure && language === 'plpgsql' && !securityDefiner && config == null;
    try {
      // Calls inside each other stand on the stack only up to here.
      await Promise.resolve();
      const host = this.#makeHost(call.routine, mayEnd, call.before);
      const read = this.#readRoutine(call, host);
      const memory = host.newMemory();
      const counted = this.#usage.countsCalls(language === 'plpgsql');
      if (counted) this.#usage.callBegins(call.routine.oid);
      try {
        const result = new CallResult(this.#resultType(call, read), memory, host);
        const run = (): Promise<void> =>
          language === 'sql'
            ? this.#runSql(call, read, host, result)
            : this.#runPlpgsql(call, read, host, result, memory);
        const inPath = (): Promise<void> => (path === undefined ? run() : host.withPath(path, run));
        const configured = (): Promise<void> => (config == null ? inPath() : host.withSettings(config, inPath));
        const owner = call.routine.owner ?? SUPERUSER_OID;
        await host.asideOfCaller(() => (securityDefiner ? this.#asOwner(owner, configured) : configured()));
        // Of void, PL/pgSQL gives a value and SQL none.
        const isNothing = result.type.isVoid && call.routine.language === 'sql';
        return { value: isNothing ? null : result.value, rows: result.rows };
      } finally {
        if (counted) this.#usage.callEnds();
        memory.close();
      }
    } finally {
      // A function among the arguments of CALL leaves the permission to the procedure.
      if (!procedure) this.#inner.grant(may);
      this.#depth--;
    }
  }

  #readRoutine({ routine, name, argOids }: RoutineCall, host: SqlHost): ReadRoutine {
    const known = this.#read.get(routine);
    if (known !== undefined && known.argOids.every((oid, i) => oid === argOids[i])) return known;
    const parts =
      routine.language === 'plpgsql' ? readBody(name, routine, argOids) : { body: null, parameters: [] as Variable[] };
    const names = new ArgumentNames(name, routine, argOids);
    const said = parts.body ?? { conflict: 'error', printStrict: false };
    const rules = bodyRules(said, (setting) => host.setting(setting));
    const parsed = parts.body === null ? bodyStatements(routine) : [];
    const read: ReadRoutine = {
      argOids,
      ...parts,
      store: new PieceStore(rules, routine.inputCollation),
      statements: parts.body === null ? parsed.map((s) => host.keep(s, names)) : [],
      parsed,
    };
    this.#read.set(routine, read);
    return read;
  }

  #resultType({ routine, resultOid, record }: RoutineCall, read: ReadRoutine): ResultType {
    const outputs = outputsOf(routine);
    // The call's type is what the domain is over.
    const declared = resultOid === 0 || resultOid === baseOidOf(routine.typeOid);
    const oid = declared ? routine.typeOid : resultOid;
    const shape =
      oid !== OID.record ? fieldsOf(baseOidOf(oid)) : outputs.length > 1 ? outputs : (routine.columns ?? record);
    const modes = routine.parameters.map((p) => p.mode);
    return {
      set: routine.set,
      oid,
      typmod: -1,
      fields:
        shape === null
          ? null
          : shape.map((f) => ({ name: f.name, oid: f.typeOid, typmod: 'typmod' in f ? f.typmod : -1 })),
      out:
        outputs.length === 0 || read.body === null
          ? null
          : read.parameters.filter((_, i) => modes[i] === 'out' || modes[i] === 'inout' || modes[i] === 'table'),
      isVoid: routine.typeOid === OID.void,
      exact: read.body !== null,
    };
  }

  async #runPlpgsql(
    call: RoutineCall,
    read: ReadRoutine,
    host: SqlHost,
    result: CallResult,
    memory: { grow(bytes: number): void; shrink(bytes: number): void },
  ): Promise<void> {
    const body = read.body!;
    const types = await resolveTypes(body.variables, host);
    if (needsNames(call.routine.typeOid)) await host.knowNames();
    const frame = new Frame(types, (bytes) => (bytes > 0 ? memory.grow(bytes) : memory.shrink(-bytes)));
    let input = 0;
    call.routine.parameters.forEach((p, i) => {
      if (!takesArgument(call.routine, p)) return;
      const at = input++;
      if (p.mode === 'out') return;
      frame.assign(read.parameters[i]!, { value: call.args[at] ?? null, oid: call.argOids[at] ?? p.typeOid }, host);
    });
    const { store } = read;
    await new Interpreter({ host, frame, store, result, name: signature(call) }).run(body.block);
  }

  /** The last statement's rows are the result. */
  async #runSql(call: RoutineCall, read: ReadRoutine, host: SqlHost, result: CallResult): Promise<void> {
    const wanted = { typeOid: result.type.oid, fields: result.type.fields?.map((f) => f.oid) ?? null };
    const check = (columns: readonly { readonly typeOid: number }[] | null): void => {
      if (!call.routine.procedure) checkedAtCall(call, read, () => checkResult(wanted, columns));
    };
    if (read.statements.length === 0) beforeFirst(check);
    for (const [i, statement] of read.statements.entries()) {
      const parsed = read.parsed[i]!;
      const last = i === read.statements.length - 1;
      host.contexts.push(() => functionLine(call.name, i + 1));
      try {
        const gives = last && !result.type.isVoid;
        if (!host.runs(parsed)) {
          if (gives) check(null);
          await host.command(parsed);
          continue;
        }
        const reads = parsed.kind === 'SelectStmt';
        const rowsMax = !gives || result.type.set || !reads ? 0 : 1;
        const answer = await host.run({ statement, parameters: () => call.args, rowsMax });
        try {
          if (gives) check(answer.columns);
          if (gives) giveRows(result, answer, castsRow(result, call.routine, parsed));
          if (host.hasChecks) await host.settleChecks();
        } finally {
          answer.release();
        }
      } catch (error) {
        throw error instanceof CheckedAtCall ? error.cause : inSqlFunction(error, call.name, i + 1);
      } finally {
        host.contexts.pop();
      }
    }
  }
}

/** Of a body without statements. */
function beforeFirst(check: (columns: null) => void): void {
  try {
    check(null);
  } catch (error) {
    throw error instanceof CheckedAtCall ? error.cause : error;
  }
}

/** Its context is told. */
class CheckedAtCall extends Error {}

/** PostgreSQL looks at a function when it puts its one expression in place of the call, else before its first statement. */
function checkedAtCall({ name, routine }: RoutineCall, { parsed }: ReadRoutine, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof QuoralError)) throw error;
    const isPlain =
      !routine.set && !routine.securityDefiner && routine.config == null && routine.typeOid !== OID.record;
    const when = isPlain && parsed.length === 1 && isExpression(parsed[0]!) ? 'inlining' : 'startup';
    throw new CheckedAtCall(undefined, { cause: withContext(error, `SQL function "${name}" during ${when}`) });
  }
}

/** SELECT of one expression, and nothing else. */
function isExpression({ node }: ParsedStatement): boolean {
  const select = (node as { readonly SelectStmt?: SelectStmt }).SelectStmt;
  return select?.targetList?.length === 1 && select.fromClause === undefined && select.whereClause === undefined;
}

/** The one column is ROW(…), whose fields are cast to what is wanted. */
function isRowWritten({ node }: ParsedStatement): boolean {
  const targets = (node as { readonly SelectStmt?: SelectStmt }).SelectStmt?.targetList ?? [];
  return targets.length === 1 && as(as(targets[0], 'ResTarget')?.val, 'RowExpr') !== undefined;
}

/** Whether a row of its own becomes one of a type that has a name; the record of several OUT parameters is none. */
function castsRow({ type }: CallResult, { procedure }: Routine, last: ParsedStatement): boolean {
  return type.oid !== OID.record && (procedure || isRowWritten(last));
}

/** `casts`: a row of its own is cast, and need not be of the very types. */
function giveRows(result: CallResult, answer: Awaited<ReturnType<SqlHost['run']>>, casts: boolean): void {
  const columns = (answer.columns ?? []).map((c) => ({ name: c.name, oid: c.typeOid, typmod: c.typmod }));
  const { oid } = result.type;
  const record = oid === OID.record || result.type.fields !== null;
  const single = columns.length === 1 ? baseOidOf(columns[0]!.oid) : null;
  // A row of its own: what it is made of is known now.
  const wanted = single === OID.record && !casts ? result.type.fields : null;
  const isWhole =
    single !== null && (single === OID.record || (record && canCoerce(single, baseOidOf(oid), 'assignment')));
  for (const row of result.type.set ? answer.rows : answer.rows.slice(0, 1)) {
    if (wanted !== null && row[0] instanceof PgRecord) checkReturned(row[0], wanted);
    const value =
      record && !isWhole ? { columns, values: row } : { value: row[0] ?? null, oid: columns[0]?.oid ?? OID.unknown };
    if (result.type.set) result.next(value);
    else result.give(value);
  }
}

/** @throws QuoralError 42804 */
function checkReturned({ typeOids }: PgRecord, wanted: readonly { readonly oid: number }[]): void {
  const mismatch = (detail: string): Error =>
    sqlError('42804', 'function return row and query-specified return row do not match', { detail });
  const given = typeOids.length;
  if (given !== wanted.length)
    throw mismatch(
      `Returned row contains ${given} attribute${given === 1 ? '' : 's'}, but query expects ${wanted.length}.`,
    );
  const at = wanted.findIndex(({ oid }, i) => baseOidOf(oid) !== baseOidOf(typeOids[i]!));
  if (at >= 0)
    throw mismatch(
      `Returned type ${formatType(typeOids[at]!)} at ordinal position ${at + 1}, but query expects ${formatType(wanted[at]!.oid)}.`,
    );
}

function signature({ name, declared }: RoutineCall): string {
  const types = inputsOf(declared).map((p) => formatType(p.typeOid));
  return `${name}(${types.join(',')})`;
}
