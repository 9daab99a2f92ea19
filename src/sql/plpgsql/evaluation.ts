/**
 * Pieces of SQL inside a call: expressions to values, statements to rows, text to statements. Each piece of the
 * body keeps its plan in a store that belongs to the body and outlives the call.
 */
import { assert } from '../../base/assert.js';
import { QuoralError, sqlError } from '../../base/errors.js';
import { parseSql } from '../parse/parser.js';
import type { Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { typeByOid } from '../types/registry.js';
import { functionLine, statementLine } from './context-lines.js';
import type { BodyRules, ShownParameters } from './extra-checks.js';
import type { Frame, RecordValue, Typed } from './frame.js';
import type { KeptStatement, RunRequest, SqlHost, SqlResult } from './host.js';
import { PieceNames, UsingNames } from './names.js';
import { noRows, type RowUse } from './rows.js';
import { findVariable } from './scope.js';
import { changedFields, withContext } from './error-context.js';
import { inExpression } from './expression-context.js';
import { failsAsConstant } from '../plan/constant-failures.js';
import { type RowSource, type SqlPiece } from './tree.js';
import { castValue, type Field } from './types.js';

interface KeptPiece {
  readonly names: PieceNames;
  readonly statement: KeptStatement;
}

/** Plans of a body's pieces. */
export class PieceStore {
  readonly rules: BodyRules;
  readonly #pieces = new Map<SqlPiece, KeptPiece>();

  readonly #collation: string | undefined;

  /** The collation is that of texts among the variables. */
  constructor(rules: BodyRules, collation?: string) {
    this.rules = rules;
    this.#collation = collation;
  }

  get(piece: SqlPiece, host: SqlHost): KeptPiece {
    let kept = this.#pieces.get(piece);
    if (kept === undefined) {
      const names = new PieceNames(piece.scope, this.rules.conflict, this.#collation);
      kept = { names, statement: host.keep(piece.statement, names) };
      this.#pieces.set(piece, kept);
    }
    return kept;
  }
}

const WORD = /^[a-zA-Z_\u0080-\uffff][\w$\u0080-\uffff]*$/;

export class Evaluation {
  #using: readonly Typed[] = [];
  #refused: Error | null = null;
  readonly #host: SqlHost;
  readonly #store: PieceStore;
  readonly #frame: Frame;

  constructor(host: SqlHost, store: PieceStore, frame: Frame) {
    this.#host = host;
    this.#store = store;
    this.#frame = frame;
  }

  /** CALL. */
  call(piece: SqlPiece, bound: NonNullable<RunRequest['bound']>): Promise<SqlResult> {
    return this.#run(piece, { rowsMax: 0, isCall: true, bound });
  }

  run(piece: SqlPiece, rowsMax: number, isCursor = false): Promise<SqlResult> {
    return this.#run(piece, { rowsMax, isCursor });
  }

  /** Rows of a loop or cursor come when no statement is at work any more, which could be told. */
  async #run(
    piece: SqlPiece,
    options: Omit<RunRequest, 'statement' | 'parameters'>,
    use: RowUse | null = null,
  ): Promise<SqlResult> {
    const { names, statement } = this.#store.get(piece, this.#host);
    const frame = this.#frame;
    if (!names.current(frame)) statement.forget();
    names.frame = frame;
    const parameters = (): readonly Datum[] => names.values(frame);
    const { contexts } = this.#host;
    const isTold = !piece.isExpression && use !== 'cursor';
    if (isTold) contexts.push(() => statementLine(piece.text));
    try {
      return await this.#host.run({ statement, parameters, ...options });
    } catch (error) {
      if (!piece.isExpression) throw inStatement(error, piece.text, isTold);
      throw error instanceof QuoralError ? inExpression(error, piece) : error;
    } finally {
      if (isTold) contexts.pop();
    }
  }

  rowsFrom(source: RowSource, use: RowUse): Promise<SqlResult> {
    assert(source.kind !== 'cursor', 'a cursor is opened by whoever loops over it');
    return source.kind === 'query' ? this.rowsOf(source.query, use) : this.dynamicRows(source.query, source.using, use);
  }

  /** A query whose rows are wanted. @throws QuoralError if it is one that gives none */
  async rowsOf(piece: SqlPiece, use: RowUse, isCursor = false): Promise<SqlResult> {
    const { statement, text } = piece;
    if (statement.kind === 'SelectStmt' && !this.#host.runs(statement)) throw noRows(use, 'SELECT INTO', text);
    const result = await this.#run(piece, { rowsMax: 0, isCursor }, use);
    if (result.columns !== null) return result;
    result.release();
    throw noRows(use, result.tag, text);
  }
  async dynamicRows(query: SqlPiece, using: readonly SqlPiece[], use: RowUse, isCursor = false): Promise<SqlResult> {
    const result = await this.dynamic(query, using, use, isCursor);
    if (result.columns !== null) return result;
    result.release();
    throw noRows(use, result.tag);
  }

  /** The variables that the piece names, as errors show them. */
  parametersOf(piece: SqlPiece): ShownParameters {
    return this.#shown(this.#store.get(piece, this.#host).names.named(this.#frame));
  }
  /** What USING gave to the last EXECUTE. */
  usedValues(): ShownParameters {
    return this.#shown(this.#using.map((used, i) => ({ ...used, name: `$${i + 1}` })));
  }
  #shown(values: readonly (Typed & { readonly name: string })[]): ShownParameters {
    return values.map(({ name, value, oid }) => [
      name,
      value === null ? null : typeByOid(oid).output(value, this.#host.format),
    ]);
  }

  /** The value of an expression, with its type. */
  async typed(piece: SqlPiece): Promise<Typed> {
    const result = await this.run(piece, 2);
    result.release();
    const { columns, rows } = result;
    if (columns?.length !== 1)
      throw sqlError('42601', `query returned ${columns?.length ?? 0} columns`, { internalQuery: piece.text });
    if (rows.length > 1) throw sqlError('21000', 'query returned more than one row');
    return { value: rows[0]?.[0] ?? null, oid: columns[0]!.typeOid };
  }

  /** As `typed`, or the record itself if the expression is a record's name. */
  async typedOrRecord(piece: SqlPiece): Promise<Typed | RecordValue> {
    const name = piece.text.trim();
    if (WORD.test(name)) {
      const found = findVariable(piece.scope, [name.toLowerCase()]);
      if (found !== null && this.#frame.types[found.variable.index]!.kind === 'record')
        return this.#frame.isUnassigned(found.variable)
          ? { value: null, oid: OID.record }
          : this.#frame.recordOf(found.variable);
    }
    return this.typed(piece);
  }

  async as(piece: SqlPiece, oid: number): Promise<Datum> {
    const { value, oid: from } = await this.typed(piece);
    return castValue(value, from, { oid, typmod: -1 }, this.#host);
  }

  /** NULL counts as false. */
  async holds(piece: SqlPiece): Promise<boolean> {
    return (await this.as(piece, OID.bool)) === true;
  }

  /** In text form, as RAISE and EXECUTE take it. */
  async text(piece: SqlPiece): Promise<string | null> {
    const { value, oid } = await this.typed(piece);
    return value === null ? null : typeByOid(oid).output(value, this.#host.format);
  }

  async int(piece: SqlPiece): Promise<number | null> {
    return (await this.as(piece, OID.int4)) as number | null;
  }

  /** EXECUTE: the text's statements one after the other; the result is the last one's. */
  async dynamic(
    query: SqlPiece,
    using: readonly SqlPiece[],
    use: RowUse | null = null,
    isCursor = false,
  ): Promise<SqlResult> {
    const text = await this.text(query);
    if (text === null) throw sqlError('22004', 'query string argument of EXECUTE is null');
    const args: Typed[] = [];
    for (const piece of using) args.push(await this.typed(piece));
    this.#using = args;
    const { contexts } = this.#host;
    const isTold = use !== 'cursor';
    if (isTold) contexts.push(() => statementLine(text));
    try {
      const result = await this.#runText(text, args, use, isCursor);
      if (use !== 'return' || result.columns !== null) return result;
      result.release();
      throw noRows(use, result.tag);
    } catch (error) {
      throw this.#refused === error ? error : inStatement(error, text, isTold);
    } finally {
      if (isTold) contexts.pop();
    }
  }

  /** What EXECUTE itself does not do: the statement is not where it went wrong. */
  #refuse<T extends Error>(error: T): T {
    this.#refused = error;
    return error;
  }
  #makesTable(use: RowUse | null): Error {
    if (use === 'return') return noRows(use, 'SELECT INTO');
    if (use === 'cursor') return this.#refuse(noRows(use, 'SELECT INTO'));
    const hint = 'You might want to use EXECUTE ... INTO or EXECUTE CREATE TABLE ... AS instead.';
    return this.#refuse(sqlError('0A000', 'EXECUTE of SELECT ... INTO is not implemented', { hint }));
  }

  async #runText(text: string, args: readonly Typed[], use: RowUse | null, isCursor: boolean): Promise<SqlResult> {
    const host = this.#host;
    const names = new UsingNames(args.map((a) => a.oid));
    const parameters = args.map((a) => a.value);
    let result: SqlResult = { columns: null, rows: [], tag: '', release: () => undefined };
    for (const statement of parseSql(text)) {
      result.release();
      if (statement.kind === 'TransactionStmt')
        throw this.#refuse(sqlError('0A000', 'EXECUTE of transaction commands is not implemented'));
      if (statement.kind === 'CopyStmt')
        throw this.#refuse(sqlError('0A000', 'cannot COPY to/from client in PL/pgSQL'));
      if (host.runs(statement))
        result = await host.run({
          statement: host.keep(statement, names),
          parameters: () => parameters,
          rowsMax: 0,
          isCursor,
        });
      else if (statement.kind === 'SelectStmt') throw this.#makesTable(use);
      else result = { columns: null, rows: [], tag: await host.command(statement), release: () => undefined };
    }
    return result;
  }
}

/** Positions in a statement are of no use to the client: it is told the statement instead. */
function inStatement(error: unknown, text: string, isTold: boolean): unknown {
  if (!(error instanceof QuoralError)) return error;
  const { fields } = error;
  if (fields.position !== undefined)
    return changedFields(error, {
      ...fields,
      position: undefined,
      internalPosition: fields.position,
      internalQuery: text,
    });
  return isTold || failsAsConstant(error) ? withContext(error, statementLine(text)) : error;
}

/** Of a function in SQL: which of its statements. */
export function inSqlFunction(error: unknown, name: string, statement: number): unknown {
  if (!(error instanceof QuoralError)) return error;
  return withContext(changedFields(error, { ...error.fields, position: undefined }), functionLine(name, statement));
}

export function fieldsOf(result: SqlResult): Field[] {
  return (result.columns ?? []).map((c) => ({ name: c.name, oid: c.domain ?? c.typeOid, typmod: c.typmod }));
}

/** The number at the end of a command's tag. */
export function rowCountOf(tag: string): number {
  const match = / (\d+)$/.exec(tag);
  return match === null ? 0 : Number(match[1]);
}
