/**
 * Runs the statements of a body. One object runs one call; what it shares with other calls is the tree and the
 * plans of its pieces.
 *
 * A block with handlers is a subtransaction: when an error comes out of its body, all that the body did is undone
 * before a handler runs. Errors that the transaction cannot outlive reach no handler: the host tells them apart.
 *
 * Every statement counts towards a turn of the event loop, so that a loop without SQL in it can be cancelled and
 * keeps nobody waiting.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ParsedStatement } from '../contract.js';
import { isConstrained } from '../functions/domains.js';
import { type Datum, PgArray, PgRecord } from '../types/datum.js';
import { OID } from '../types/oids.js';
import { elementOidOf, formatType, isArrayType } from '../types/registry.js';
import { catches } from './conditions.js';
import { Cursors } from './cursors.js';
import { withContext } from './error-context.js';
import { Evaluation, fieldsOf, type PieceStore, rowCountOf } from './evaluation.js';
import { ExtraChecks, type RowChecks } from './extra-checks.js';
import type { Frame, RecordValue, Typed } from './frame.js';
import type { SqlHost, SqlResult } from './host.js';
import { FOUND_INDEX } from './parse-body.js';
import { diagnostic, shownContexts } from './diagnostics.js';
import { raisedError, raisedNotice, readRaise } from './raise.js';
import { assigned, told } from './expression-context.js';
import type { CallResult } from './result.js';
import { CHANGES, checkLoopVariable, noDestination, rowOf } from './rows.js';
import {
  type Block,
  type Into,
  type Place,
  type RowSource,
  type SqlPiece,
  type Statement,
  statementName,
  type Target,
} from './tree.js';
import { outputPlaces } from './call-outputs.js';
import { sliceOf } from './types.js';
import { putPart, readRecord } from './assigned-parts.js';

/** How a statement ended: null, as usual. */
type Ending = null | 'return' | { readonly leaves: boolean; readonly label: string | null };

type CursorLoop = Extract<RowSource, { kind: 'cursor' }>;
type StatementOf<K extends Statement['kind']> = Extract<Statement, { kind: K }>;

const RETURNING = "while casting return value to function's return type";

/** Statements between two turns of the event loop. */
const TURN = 200;

export interface CallOptions {
  readonly host: SqlHost;
  readonly frame: Frame;
  readonly store: PieceStore;
  readonly result: CallResult;
  /** As contexts of errors name it: 'inline_code_block', 'f(integer)'. */
  readonly name: string;
}

export class Interpreter {
  readonly #host: SqlHost;
  readonly #frame: Frame;
  readonly #sql: Evaluation;
  readonly #extra: ExtraChecks;
  readonly #result: CallResult;
  readonly #cursors: Cursors;
  readonly #name: string;
  #rowCount = 0;
  #steps = 0;
  #current: Statement | null = null;
  /** What is done that is no statement, as contexts of errors tell it. */
  #moment: string | null = null;
  /** Errors that are being handled, the innermost last. */
  readonly #handled: QuoralError[] = [];
  readonly #described = new WeakSet<object>();

  constructor(options: CallOptions) {
    this.#host = options.host;
    this.#frame = options.frame;
    this.#sql = new Evaluation(options.host, options.store, options.frame);
    this.#extra = new ExtraChecks(options.host, options.store.rules.printStrict);
    this.#result = options.result;
    this.#name = options.name;
    this.#cursors = new Cursors(options.host, this.#sql, options.frame);
  }

  /** Runs the body to its end. @throws what the body raises, with its context */
  async run(block: Block): Promise<void> {
    this.#frame.put(FOUND_INDEX, false);
    this.#host.contexts.push(() => this.#place());
    try {
      const ending = await this.#block(block);
      if (ending === 'return' || this.#result.type.set) return;
      if (this.#result.type.out !== null) {
        this.#result.giveOut(this.#frame, false);
        if (this.#host.hasChecks) await this.#host.settleChecks();
      } else if (!this.#result.type.isVoid) {
        this.#current = null;
        throw sqlError('2F005', 'control reached end of function without RETURN');
      }
    } catch (error) {
      throw this.#describe(error);
    } finally {
      this.#host.contexts.pop();
    }
  }

  /** The line that it is at. */
  #place(): string {
    const at = this.#current;
    const place = at === null ? '' : ` line ${at.line} at ${statementName(at)}`;
    return `PL/pgSQL function ${this.#name}${this.#moment === null ? place : ` ${this.#moment}`}`;
  }

  /** The error with the line it came from. */
  #describe(error: unknown): unknown {
    if (!(error instanceof QuoralError) || this.#described.has(error)) return error;
    const line = this.#place();
    this.#moment = null;
    const described = withContext(error, line);
    this.#described.add(described);
    return described;
  }

  async #all(statements: readonly Statement[]): Promise<Ending> {
    for (const statement of statements) {
      const ending = await this.#statement(statement);
      if (this.#host.hasChecks) await this.#host.settleChecks();
      if (ending !== null) return ending;
    }
    return null;
  }

  async #statement(statement: Statement): Promise<Ending> {
    this.#current = statement;
    if (++this.#steps % TURN === 0) await this.#host.breathe();
    switch (statement.kind) {
      case 'block':
        return this.#block(statement);
      case 'if':
        for (const branch of statement.branches) if (await this.#sql.holds(branch.when)) return this.#all(branch.body);
        return this.#all(statement.otherwise);
      case 'case':
        return this.#case(statement);
      case 'loop':
        return this.#loop(statement.label, () => this.#all(statement.body));
      case 'while':
        return this.#loop(statement.label, async () => {
          this.#current = statement;
          return (await this.#sql.holds(statement.when)) ? this.#all(statement.body) : 'end';
        });
      case 'forRange':
        return this.#forRange(statement);
      case 'forQuery':
        return this.#forQuery(statement);
      case 'foreach':
        return this.#foreach(statement);
      case 'exit':
        if (statement.when !== null && !(await this.#sql.holds(statement.when))) return null;
        return statement;
      case 'return':
        await this.#return(statement);
        return 'return';
      default:
        await this.#command(statement);
        return null;
    }
  }

  async #command(
    statement: Exclude<
      Statement,
      { kind: 'block' | 'if' | 'case' | 'loop' | 'while' | 'forRange' | 'forQuery' | 'foreach' | 'exit' | 'return' }
    >,
  ): Promise<void> {
    switch (statement.kind) {
      case 'null':
        return;
      case 'assign':
        return assigned(statement.value, this.#putAssigned(statement.place, await this.#valueFor(statement)));
      case 'returnNext':
        if (statement.value === null) this.#result.giveOut(this.#frame, true);
        else this.#result.next(await this.#sql.typedOrRecord(statement.value));
        return;
      case 'returnQuery':
        return this.#returnQuery(statement.source);
      case 'raise':
        return this.#raise(statement);
      case 'assert':
        if (this.#host.setting('plpgsql.check_asserts') !== 'on' || (await this.#sql.holds(statement.when))) return;
        throw sqlError(
          'P0004',
          (statement.message === null ? null : await this.#sql.text(statement.message)) ?? 'assertion failed',
        );
      case 'perform': {
        const result = await this.#sql.run(statement.query, 0);
        result.release();
        this.#counted(result.rows.length);
        return;
      }
      case 'sql':
      case 'call':
        return this.#sqlStatement(statement);
      case 'execute':
        return this.#execute(statement);
      case 'diagnostics':
        return this.#diagnostics(statement);
      case 'open':
        await this.#cursors.open(statement.cursor, statement.source);
        return;
      case 'fetch': {
        const row = await this.#cursors.fetch(statement.cursor, statement.direction, statement.target === null);
        if (statement.target !== null) await this.#fill(statement.target, row, row.row);
        this.#counted(row.count);
        return;
      }
      case 'close':
        return this.#cursors.closeOne(statement.cursor);
      case 'endTransaction':
        return this.#host.endTransaction(statement.command === 'COMMIT', statement.chain);
    }
  }

  #counted(rows: number): void {
    this.#rowCount = rows;
    this.#frame.put(FOUND_INDEX, rows > 0);
  }

  // ---- blocks ----

  async #block(block: Block): Promise<Ending> {
    const body = async (): Promise<Ending> => {
      await this.#declare(block);
      return this.#all(block.body);
    };
    const ending = block.handlers.length === 0 ? await body() : await this.#guarded(block);
    return ending !== null &&
      ending !== 'return' &&
      ending.leaves &&
      ending.label !== null &&
      ending.label === block.label
      ? null
      : ending;
  }

  /** Variables begin anew each time. */
  async #declare(block: Block): Promise<void> {
    for (const variable of block.variables) {
      const type = this.#frame.types[variable.index]!;
      this.#moment = `line ${variable.line} during statement block local variable initialization`;
      if (variable.initial !== null) {
        const value = await this.#sql.typedOrRecord(variable.initial);
        this.#assign(variable, value);
        if (this.#host.hasChecks) await this.#host.settleChecks();
        continue;
      }
      if (type.kind === 'record') this.#frame.putRecord(variable.index, null);
      else this.#frame.put(variable.index, variable.cursor === null ? null : variable.name);
      if (variable.cursor === null && type.oid !== undefined && isConstrained(type.oid))
        this.#host.checkDomain(type.oid, null);
      if (this.#host.hasChecks) await this.#host.settleChecks();
    }
    this.#moment = null;
  }

  #assign(variable: Parameters<Frame['assign']>[0], value: Typed | RecordValue): void {
    if (!('values' in value)) this.#frame.assign(variable, value, this.#host);
    else if (this.#frame.types[variable.index]!.kind === 'record') this.#frame.assignRow(variable, value, this.#host);
    else {
      const oids = value.columns.map((c) => c.oid);
      this.#frame.assign(variable, { value: new PgRecord(oids, value.values), oid: OID.record }, this.#host);
    }
  }

  async #guarded(block: Block): Promise<Ending> {
    // The declarations are not guarded by the block's own handlers.
    await this.#declare(block);
    const tried = await this.#host.attempt(async () => {
      try {
        return await this.#all(block.body);
      } catch (error) {
        throw this.#describe(error);
      }
    });
    if (!('error' in tried)) return tried.value;
    const { error } = tried;
    if (!(error instanceof QuoralError)) throw error;
    const handler = block.handlers.find((h) => h.conditions.some((c) => catches(c, error.sqlstate)));
    if (handler === undefined) throw error;
    this.#frame.put(handler.state.index, error.sqlstate);
    this.#frame.put(handler.message.index, error.message);
    this.#handled.push(error);
    try {
      return await this.#all(handler.body);
    } finally {
      this.#handled.pop();
    }
  }

  async #case(statement: StatementOf<'case'>): Promise<Ending> {
    const { subject } = statement;
    if (subject !== null) {
      const { value, oid } = await this.#sql.typed(subject.value);
      this.#frame.types[subject.variable.index] = { kind: 'scalar', oid, typmod: -1 };
      this.#frame.put(subject.variable.index, value);
    }
    for (const branch of statement.branches) if (await this.#sql.holds(branch.when)) return this.#all(branch.body);
    if (statement.otherwise !== null) return this.#all(statement.otherwise);
    throw sqlError('20000', 'case not found', { hint: 'CASE statement is missing ELSE part.' });
  }

  // ---- loops ----

  /** Rounds until one says 'end', or leaves. */
  async #loop(label: string | null, round: () => Promise<Ending | 'end'>): Promise<Ending> {
    for (;;) {
      if (++this.#steps % TURN === 0) await this.#host.breathe();
      const ending = await round();
      if (ending === 'end') return null;
      if (ending === null) continue;
      if (ending === 'return' || (ending.label !== null && ending.label !== label)) return ending;
      if (ending.leaves) return null;
    }
  }

  async #forRange(statement: StatementOf<'forRange'>): Promise<Ending> {
    const bound = async (what: string, piece: StatementOf<'forRange'>['from']): Promise<number> => {
      const value = await this.#sql.int(piece);
      if (value === null) throw sqlError('22004', `${what} of FOR loop cannot be null`);
      return value;
    };
    let at = await bound('lower bound', statement.from);
    const last = await bound('upper bound', statement.to);
    const by = statement.by === null ? 1 : await bound('BY value', statement.by);
    if (by <= 0) throw sqlError('22023', 'BY value of FOR loop must be greater than zero');
    const step = statement.reverse ? -by : by;
    let rounds = 0;
    const ending = await this.#loop(statement.label, async () => {
      if (statement.reverse ? at < last : at > last) return 'end';
      rounds++;
      this.#frame.put(statement.variable.index, at);
      at += step;
      return this.#all(statement.body);
    });
    this.#frame.put(FOUND_INDEX, rounds > 0);
    return ending;
  }

  /** While the loop goes round, the cursor is on the row of the round. */
  async #forCursor(statement: StatementOf<'forQuery'>, { cursor, args }: CursorLoop): Promise<Ending> {
    const unnamed = this.#frame.scalars[cursor.index] === null;
    const open = await this.#cursors.open(cursor, { kind: 'bound', args });
    open.pinned = true;
    let rounds = 0;
    try {
      const ending = await this.#loop(statement.label, async () => {
        const row = await open.fetch({ kind: 'relative', count: 1 });
        if (row === null) return 'end';
        rounds++;
        await this.#fill(statement.target, open, row);
        return this.#all(statement.body);
      });
      if (rounds === 0) await this.#fill(statement.target, open, null);
      this.#frame.put(FOUND_INDEX, rounds > 0);
      return ending;
    } finally {
      open.close();
      if (unnamed) this.#frame.put(cursor.index, null);
    }
  }

  async #forQuery(statement: StatementOf<'forQuery'>): Promise<Ending> {
    const { source } = statement;
    if (source.kind === 'cursor') return this.#forCursor(statement, source);
    const result = await this.#sql.rowsFrom(source, 'cursor');
    const { cursors } = this.#host;
    const writes = source.kind === 'query' && source.query.statement.kind !== 'SelectStmt' ? 1 : 0;
    cursors.writing += writes;
    try {
      const { rows } = result;
      // A portal of PostgreSQL's, which has the next name.
      this.#host.cursors.newName();
      if (rows.length === 0) await this.#fill(statement.target, result, null);
      let at = 0;
      const ending = await this.#loop(statement.label, async () => {
        if (at >= rows.length) return 'end';
        await this.#fill(statement.target, result, rows[at++]!);
        return this.#all(statement.body);
      });
      this.#frame.put(FOUND_INDEX, rows.length > 0);
      return ending;
    } finally {
      cursors.writing -= writes;
      result.release();
    }
  }

  async #foreach(statement: StatementOf<'foreach'>): Promise<Ending> {
    const { value, oid } = await this.#sql.typed(statement.array);
    if (value === null) throw sqlError('22004', 'FOREACH expression must not be null');
    if (!(value instanceof PgArray) || !isArrayType(oid))
      throw sqlError('42804', 'FOREACH expression must yield an array, not type ' + formatType(oid));
    const { slice } = statement;
    if (slice < 0 || slice > value.dims.length)
      throw sqlError('2202E', `slice dimension (${slice}) is out of the valid range 0..${value.dims.length}`);
    const width = value.dims.slice(value.dims.length - slice).reduce((n, d) => n * d, 1);
    const elementOid = elementOidOf(oid);
    checkLoopVariable(statement.target, statement.slice, this.#frame);
    let at = 0;
    let rounds = 0;
    const ending = await this.#loop(statement.label, async () => {
      if (at >= value.elements.length) return 'end';
      rounds++;
      const item: Typed =
        slice === 0
          ? { value: value.elements[at]!, oid: elementOid }
          : { value: sliceOf(value, at, width, slice), oid };
      at += width;
      if (statement.target.kind === 'record') this.#frame.assign(statement.target.variable, item, this.#host);
      else if (item.value instanceof PgRecord) await this.#fill(statement.target, ...rowOf(item.value));
      else await this.#put(statement.target.places[0]!, item);
      return this.#all(statement.body);
    });
    this.#frame.put(FOUND_INDEX, rounds > 0);
    return ending;
  }

  // ---- values into places ----

  async #valueFor(statement: StatementOf<'assign'>): Promise<Typed | RecordValue> {
    const { place, value } = statement;
    return place.field === null && place.steps.length === 0 ? this.#sql.typedOrRecord(value) : this.#sql.typed(value);
  }

  async #put(place: Place, value: Typed | RecordValue): Promise<void> {
    if (place.field === null && place.steps.length === 0) return this.#assign(place.variable, value);
    if ('values' in value) throw sqlError('42804', 'cannot assign a record to a field');
    if (place.steps.length > 0) return putPart(place, value, this.#frame, this.#sql, this.#host);
    this.#frame.assignField(place.variable, place.field!, value, this.#host);
  }

  async #putAssigned(place: Place, value: Typed | RecordValue): Promise<void> {
    const whole = place.field === null && place.steps.length === 0;
    const type = this.#frame.types[place.variable.index]!;
    const read = whole && type.kind === 'record' && !('values' in value) && !(value.value instanceof PgRecord);
    return this.#put(place, read ? readRecord(value, type.columns, this.#host.format) : value);
  }

  /** A row into a target; null: no row, so that all becomes NULL. */
  async #fill(target: Target, result: Pick<SqlResult, 'columns'>, row: readonly Datum[] | null): Promise<void> {
    const columns = fieldsOf({ columns: result.columns, rows: [], tag: '', release: () => undefined });
    const values = row ?? columns.map(() => null);
    const single = target.kind === 'row' && target.places.length === 1 ? target.places[0]! : null;
    const variable =
      target.kind === 'record'
        ? target.variable
        : single !== null && single.field === null && this.#frame.types[single.variable.index]!.kind === 'record'
          ? single.variable
          : null;
    if (variable !== null) {
      const type = this.#frame.types[variable.index]!;
      const wanted = type.kind === 'record' ? type.columns : null;
      if (row !== null && wanted !== null && wanted.length !== columns.length) await this.#extra.checkColumns();
      this.#frame.assignRow(variable, { columns, values }, this.#host);
      return;
    }
    if (target.kind === 'record') return;
    for (const [i, place] of target.places.entries()) {
      const column = columns[i];
      if (column === undefined && row !== null) await this.#extra.checkColumns();
      await this.#put(place, { value: column === undefined ? null : values[i]!, oid: column?.oid ?? OID.unknown });
    }
    if (row !== null && columns.length > target.places.length) await this.#extra.checkColumns();
  }

  // ---- SQL ----

  async #sqlStatement(statement: StatementOf<'sql' | 'call'>): Promise<void> {
    const into = statement.kind === 'sql' ? statement.into : null;
    const parsed = statement.query.statement;
    if (parsed.kind === 'TransactionStmt') throw sqlError('0A000', 'unsupported transaction command in PL/pgSQL');
    if (parsed.kind === 'CopyStmt') throw sqlError('0A000', 'cannot COPY to/from client in PL/pgSQL');
    if (!this.#host.runs(parsed)) {
      if (into !== null) throw sqlError('42601', 'INTO used with a command that cannot return data');
      const tag = await this.#host.command(parsed, parsed.kind === 'DoStmt');
      this.#rowCount = rowCountOf(tag);
      return;
    }
    if (statement.kind === 'call') return this.#call(statement.query, parsed);
    const reads = parsed.kind === 'SelectStmt';
    const shows = !reads && !CHANGES.has(parsed.kind);
    const result = await this.#sql.run(statement.query, into !== null && reads ? this.#extra.rowsNeeded(into) : 0);
    try {
      if (into === null && result.columns !== null) throw noDestination(reads);
      if (shows) this.#rowCount = result.rows.length;
      else this.#counted(reads ? result.rows.length : rowCountOf(result.tag));
      if (into === null) return;
      const rules = { changes: !reads && !shows, dynamic: false };
      await this.#into(into, result, rules, () => this.#sql.parametersOf(statement.query));
    } finally {
      result.release();
    }
  }

  /** What the procedure gives goes into the variables that stand for its OUT parameters. */
  async #call(query: SqlPiece, parsed: ParsedStatement): Promise<void> {
    let places: Place[] = [];
    const result = await this.#sql.call(query, (called) => {
      places = called === undefined ? [] : outputPlaces(parsed, called, query.scope);
    });
    try {
      if (result.columns === null) return;
      const row = result.rows[0] ?? [];
      for (const [i, place] of places.entries())
        await this.#put(place, { value: row[i] ?? null, oid: result.columns[i]?.typeOid ?? OID.unknown });
    } finally {
      result.release();
    }
  }

  async #into(into: Into, result: SqlResult, ...check: RowChecks): Promise<void> {
    if (result.columns === null) throw sqlError('42601', 'INTO used with a command that cannot return data');
    await this.#extra.checkRows(result.rows.length, into, ...check);
    await this.#fill(into.target, result, result.rows[0] ?? null);
  }

  async #execute(statement: StatementOf<'execute'>): Promise<void> {
    const { into } = statement;
    const result = await this.#sql.dynamic(statement.query, statement.using);
    try {
      this.#rowCount = rowCountOf(result.tag);
      const rules = { changes: false, dynamic: true };
      if (into !== null) await this.#into(into, result, rules, () => this.#sql.usedValues());
    } finally {
      result.release();
    }
  }

  // ---- results ----

  async #return(statement: StatementOf<'return'>): Promise<void> {
    if (statement.value !== null) {
      const value = await this.#sql.typedOrRecord(statement.value);
      this.#result.refuseScalar(value);
      this.#moment = RETURNING;
      this.#result.give(value);
      this.#moment = null;
    } else if (!this.#result.type.set) this.#result.giveOut(this.#frame, false);
  }

  async #returnQuery(source: RowSource): Promise<void> {
    const result = await this.#sql.rowsFrom(source, 'return');
    try {
      const columns = result.columns!;
      told(source, () => this.#result.checkQuery(columns));
      for (const row of result.rows) this.#result.addQueryRow(columns, row);
      this.#counted(result.rows.length);
    } finally {
      result.release();
    }
  }

  // ---- telling ----

  async #raise(statement: StatementOf<'raise'>): Promise<void> {
    if (statement.again) {
      const error = this.#handled.at(-1);
      if (error !== undefined) throw error;
      throw sqlError('0Z002', 'RAISE without parameters cannot be used outside an exception handler');
    }
    const raised = await readRaise(statement, (piece) => this.#sql.text(piece));
    if (statement.level === 'EXCEPTION') throw raisedError(raised);
    await this.#host.notice({ ...raisedNotice(raised), where: shownContexts(this.#host) });
  }

  async #diagnostics(statement: StatementOf<'diagnostics'>): Promise<void> {
    const error = this.#handled.at(-1);
    if (statement.stacked && error === undefined)
      throw sqlError('0Z002', 'GET STACKED DIAGNOSTICS cannot be used outside an exception handler');
    const facts = { rowCount: this.#rowCount, context: shownContexts(this.#host) };
    for (const { place, item } of statement.items) await this.#put(place, diagnostic(item, error, facts));
  }
}
