/**
 * COPY FROM STDIN and COPY TO STDOUT as executions.
 *
 * COPY FROM parses and looks at rows as chunks arrive, so that a slow sender learns at once of one that is bad, and writes in
 * batches, of so many rows or bytes; only what is already there under a unique key shows when a batch is written. Into a table whose storage is this
 * transaction's own and still empty, rows are ingested directly, several batches in flight; keys
 * that come in order are checked against the last one only, others against a set. Otherwise the rows
 * go the way of INSERT: unique keys are read under locks, then buffered.
 *
 * Errors carry PostgreSQL's CONTEXT: table, line, and the column with its input where there is one.
 */
import { QuoralError } from '../../base/errors.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import type { ExecContext, Execution } from '../contract.js';
import type { Expr } from '../plan/expr.js';
import type { InsertSource, Plan, TableChecks } from '../plan/logical.js';
import type { ResultSink } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import { toClient } from '../types/encoded-values.js';
import type { TypeInfo } from '../types/type-info.js';
import { typeByOid } from '../types/registry.js';
import { compilePlan } from './compile-plan.js';
import { beginConstraints, relieveConstraints, settleConstraints } from './constraint-checks.js';
import { binaryHeader, binaryRow, binaryTrailer } from './copy-binary.js';
import { type CopyOptions, formatCopyRow } from './copy-format.js';
import { copyEncoding, type CopyInput, openCopyInput, withCopyContext } from './copy-input.js';
import { compileSources, type RowMaker } from './dml.js';
import { type CompiledTest, compileTest, layoutOf, testRow } from './eval.js';
import { openTarget, type RowTarget } from './row-targets.js';
import { RowWriter } from './row-writer.js';
import { type Row, Run } from './run.js';
import { checkCancelled } from './scan.js';

export interface CopyFromShape {
  readonly table: TableDescriptor;
  readonly schemaName: string;
  readonly freshStorage: boolean;
  /** Positions in table.columns of the columns that are given, in the order of the data. */
  readonly positions: readonly number[];
  /** For each position of table.columns; 'input' indexes are places in `positions`. */
  readonly sources: readonly InsertSource[];
  readonly checks: TableChecks;
  readonly options: CopyOptions;
  /** Which rows are kept, over `checks.row`. */
  readonly where: Expr | null;
}

const BATCH_ROWS = 1000;
/** As the client sends them. */
const BATCH_BYTES = 512 * 1024;

/** The values of the given columns, and the line that they stand in. */
interface Input {
  readonly values: readonly Datum[];
  readonly line: number;
  /** The line as far as an error tells of it. */
  readonly shown: () => string | null;
}

/** Rows to be written, and the lines that they stand in. */
interface Batch {
  readonly rows: Row[];
  readonly lines: number[];
}

export function compileCopyFrom(shape: CopyFromShape): { start(ctx: ExecContext): Execution } {
  const writer = new RowWriter(
    shape.table,
    shape.schemaName,
    shape.checks,
    undefined,
    (i) => shape.sources[i]?.kind === 'input',
  );
  const make = compileSources(shape.sources);
  const where = compileTest(shape.where, layoutOf(shape.checks.row));
  return { start: (ctx) => new CopyFromExecution(shape, writer, make, where, ctx) };
}

/** Takes the client's turn, and refuses what it then sends. */
export function refuseCopyFrom(
  error: QuoralError,
  { format }: CopyOptions,
  columns: number,
): { start(ctx: ExecContext): Execution } {
  const run = async (sink: ResultSink): Promise<'done'> => {
    await sink.copyIn(format, columns)[Symbol.asyncIterator]().return?.();
    throw error;
  };
  return { start: () => ({ tag: 'COPY 0', run, close: () => undefined }) };
}

class CopyFromExecution implements Execution {
  readonly #shape: CopyFromShape;
  readonly #writer: RowWriter;
  readonly #make: RowMaker;
  readonly #run: Run;
  readonly #where: CompiledTest | null;
  #rows = 0;

  constructor(shape: CopyFromShape, writer: RowWriter, make: RowMaker, where: CompiledTest | null, ctx: ExecContext) {
    this.#shape = shape;
    this.#writer = writer;
    this.#make = make;
    this.#where = where;
    this.#run = new Run(ctx);
  }

  get tag(): string {
    return `COPY ${this.#rows}`;
  }

  async run(sink: ResultSink): Promise<'done'> {
    const { options, positions, table } = this.#shape;
    const { ctx } = this.#run;
    beginConstraints(ctx.txn);
    const target = await openTarget(this.#run, this.#writer, this.#shape.freshStorage);
    let inputs: Input[] = [];
    const copied = { table: table.name, columns: positions.map((p) => table.columns[p]!), options };
    const input = openCopyInput(copied, ctx, (values, line, shown) => inputs.push({ values, line, shown }));
    const batch: Batch = { rows: [], lines: [] };
    const look = async (): Promise<void> => {
      const seen = inputs;
      inputs = [];
      await this.#look(seen, batch);
    };
    let bytes = 0;
    for await (const chunk of this.#told(sink.copyIn(options.format, positions.length), input)) {
      checkCancelled(ctx);
      input.push(chunk);
      await look();
      bytes += chunk.length;
      if (batch.rows.length < BATCH_ROWS && bytes < BATCH_BYTES) continue;
      await this.#write(target, batch);
      bytes = 0;
    }
    input.finish();
    await look();
    await this.#write(target, batch);
    await target.finish();
    await settleConstraints(ctx);
    return 'done';
  }

  /** The client may end it with an error of its own. */
  async *#told(chunks: AsyncIterable<Buffer>, input: CopyInput): AsyncIterable<Buffer> {
    try {
      yield* chunks;
    } catch (error) {
      const isEnded = error instanceof QuoralError && error.sqlstate === '57014';
      throw isEnded ? this.#withContext(error, input.nextLine, null) : error;
    }
  }

  /** Adds the rows that are to be written to the batch. */
  async #look(inputs: readonly Input[], { rows, lines }: Batch): Promise<void> {
    for (const { values, line, shown } of inputs) {
      try {
        const made = this.#make(values, this.#run);
        const full = made instanceof Promise ? await made : made;
        if (this.#where !== null && !(await testRow(this.#where, full, this.#run))) continue;
        const wait = this.#writer.verify(full, this.#run);
        if (wait !== undefined) await wait;
        rows.push(full);
        lines.push(line);
      } catch (error) {
        throw this.#withContext(error, line, shown());
      }
    }
  }

  /** Empties the batch. */
  async #write(target: RowTarget, batch: Batch): Promise<void> {
    const rows = batch.rows.splice(0);
    const lines = batch.lines.splice(0);
    if (rows.length === 0) return;
    const clash = await target.write(rows);
    if (clash !== null) throw this.#withContext(clash.error, lines[clash.at]!, null);
    this.#rows += rows.length;
    await relieveConstraints(this.#run.ctx);
  }

  #withContext(error: unknown, line: number, place: string | null): unknown {
    return withCopyContext(error, this.#shape.table.name, line, place);
  }

  close(): void {}
}

interface CopiedColumn {
  readonly name: string;
  readonly oid: number;
}

export function compileCopyTo(
  plan: Plan,
  options: CopyOptions,
  columns: readonly CopiedColumn[],
): { start(ctx: ExecContext): Execution } {
  const factory = compilePlan(plan);
  const types = columns.map((c) => typeByOid(c.oid));
  return {
    start: (ctx) => {
      const run = new Run(ctx);
      let rows = 0;
      return {
        get tag() {
          return `COPY ${rows}`;
        },
        run: async (sink) => {
          sink.copyOut(options.format, columns.length);
          const form =
            options.format === 'binary' ? binaryForm(types, options, ctx) : textForm(types, columns, options, ctx);
          if (form.title !== null) sink.copyData(form.title);
          let before = form.before;
          const operator = factory(run);
          for (let batch = await operator.next(); batch !== null; batch = await operator.next()) {
            for (const row of batch) {
              sink.copyData(before === null ? form.row(row) : Buffer.concat([before, form.row(row)]));
              before = null;
              rows++;
            }
            const slow = sink.slow();
            if (slow !== null) await slow;
          }
          const last = [before, form.after].filter((part) => part !== null);
          if (last.length > 0) sink.copyData(Buffer.concat(last));
          sink.copyDone();
          return 'done';
        },
        close: () => undefined,
      };
    },
  };
}

interface CopyForm {
  /** A message of its own. */
  readonly title: Buffer | null;
  /** Stands before the first row, in one message with it. */
  readonly before: Buffer | null;
  row(row: Row): Buffer;
  readonly after: Buffer | null;
}

function textForm(
  types: readonly TypeInfo[],
  columns: readonly CopiedColumn[],
  options: CopyOptions,
  ctx: ExecContext,
): CopyForm {
  const { format } = ctx;
  const encoding = copyEncoding(options, ctx);
  const bytes = (text: string): Buffer => (encoding === null ? Buffer.from(text, 'utf8') : encoding.encode(text));
  const line = (fields: readonly (string | null)[]): Buffer => bytes(formatCopyRow(fields, options));
  return {
    // FORCE_QUOTE means the data, not the names above them.
    title: options.header
      ? bytes(
          formatCopyRow(
            columns.map((c) => c.name),
            { ...options, forceQuote: new Set() },
          ),
        )
      : null,
    before: null,
    row: (row) => line(row.map((v, i) => (v === null ? null : types[i]!.output(v, format)))),
    after: null,
  };
}

function binaryForm(types: readonly TypeInfo[], options: CopyOptions, ctx: ExecContext): CopyForm {
  const encoding = copyEncoding(options, ctx);
  return {
    title: null,
    before: binaryHeader(),
    row: (row) => binaryRow(row.map((v, i) => (v === null ? null : toClient(encoding, types[i]!, types[i]!.send(v))))),
    after: binaryTrailer(),
  };
}
