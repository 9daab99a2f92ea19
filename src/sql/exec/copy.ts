/**
 * COPY FROM STDIN and COPY TO STDOUT as executions.
 *
 * COPY FROM parses while chunks arrive, and writes in batches. Into a table whose storage is this
 * transaction's own and still empty, rows are ingested directly, several batches in flight; keys
 * that come in order are checked against the last one only, others against a set. Otherwise the rows
 * go the way of INSERT: unique keys are read under locks, then buffered.
 *
 * Errors carry PostgreSQL's CONTEXT: table, line, and the column with its input where there is one.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import type { ExecContext, Execution } from '../contract.js';
import type { InsertSource, Plan, TableChecks } from '../plan/logical.js';
import type { ResultSink } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import { typeByOid } from '../types/registry.js';
import { compilePlan } from './compile-plan.js';
import { beginConstraints, relieveConstraints, settleConstraints } from './constraint-checks.js';
import { type CopyField, type CopyOptions, CopyReader, formatCopyRow } from './copy-format.js';
import { compileSources, type RowMaker } from './dml.js';
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
}

const BATCH_ROWS = 1000;
const SHOWN_CHARACTERS = 100;

export function compileCopyFrom(shape: CopyFromShape): { start(ctx: ExecContext): Execution } {
  const writer = new RowWriter(shape.table, shape.schemaName, shape.checks);
  const make = compileSources(shape.sources);
  return { start: (ctx) => new CopyFromExecution(shape, writer, make, ctx) };
}

class CopyFromExecution implements Execution {
  readonly #shape: CopyFromShape;
  readonly #writer: RowWriter;
  readonly #make: RowMaker;
  readonly #run: Run;
  readonly #parse: (fields: readonly CopyField[], line: number) => Datum[];
  #rows = 0;

  constructor(shape: CopyFromShape, writer: RowWriter, make: RowMaker, ctx: ExecContext) {
    this.#shape = shape;
    this.#writer = writer;
    this.#make = make;
    this.#run = new Run(ctx);
    this.#parse = compileFieldParser(shape, ctx);
  }

  get tag(): string {
    return `COPY ${this.#rows}`;
  }

  async run(sink: ResultSink): Promise<'done'> {
    const { options, positions } = this.#shape;
    const reader = new CopyReader(options);
    beginConstraints(this.#run.ctx.txn);
    const target = await openTarget(this.#run, this.#writer, this.#shape.freshStorage);
    let inputs: Datum[][] = [];
    let firstLine = 1;
    const onRow = (fields: CopyField[]): void => {
      if (inputs.length === 0) firstLine = reader.line;
      inputs.push(this.#parse(fields, reader.line));
    };
    const flush = async (): Promise<void> => {
      const batch = inputs;
      inputs = [];
      await this.#write(target, batch, firstLine);
    };
    for await (const chunk of sink.copyIn(options.format, positions.length)) {
      checkCancelled(this.#run.ctx);
      this.#inContext(reader, () => reader.push(chunk, onRow));
      if (inputs.length >= BATCH_ROWS) await flush();
    }
    this.#inContext(reader, () => reader.finish(onRow));
    if (inputs.length > 0) await flush();
    await target.finish();
    await settleConstraints(this.#run.ctx);
    return 'done';
  }

  async #write(target: RowTarget, inputs: readonly Datum[][], firstLine: number): Promise<void> {
    const rows: Row[] = new Array<Row>(inputs.length);
    for (let i = 0; i < inputs.length; i++) {
      try {
        const made = this.#make(inputs[i]!, this.#run);
        const full = made instanceof Promise ? await made : made;
        const wait = this.#writer.verify(full, this.#run);
        if (wait !== undefined) await wait;
        rows[i] = full;
      } catch (error) {
        throw this.#withContext(error, firstLine + i, null);
      }
    }
    const clash = await target.write(rows);
    if (clash !== null) throw this.#withContext(clash.error, firstLine + clash.at, null);
    this.#rows += rows.length;
    await relieveConstraints(this.#run.ctx);
  }

  #inContext(reader: CopyReader, fn: () => void): void {
    try {
      fn();
    } catch (error) {
      throw this.#withContext(error, reader.line, null);
    }
  }

  #withContext(error: unknown, line: number, column: string | null): unknown {
    return withCopyContext(error, this.#shape.table.name, line, column);
  }

  close(): void {}
}

/** `place` is ", column a: …" or ": the line"; null where neither is known. */
function withCopyContext(error: unknown, table: string, line: number, place: string | null): unknown {
  if (!(error instanceof QuoralError) || error.fields.where !== undefined) return error;
  const where = `COPY ${table}, line ${line}${place ?? ''}`;
  return new QuoralError(error.sqlstate, error.message, {
    retry: error.retry,
    fields: { ...error.fields, where },
    cause: error,
  });
}

function compileFieldParser(
  shape: CopyFromShape,
  ctx: ExecContext,
): (fields: readonly CopyField[], line: number) => Datum[] {
  const columns = shape.positions.map((p) => shape.table.columns[p]!);
  const inputs = columns.map((c) => {
    const type = typeByOid(c.typeOid);
    return (text: string): Datum => type.input(text, c.typmod, ctx.format);
  });
  const count = columns.length;
  const { name } = shape.table;
  const lineContext = (fields: readonly CopyField[]): string =>
    `: "${shortened(fields.map((f) => f ?? '').join(shape.options.delimiter))}"`;
  return (fields, line) => {
    if (fields.length > count) {
      if (count === 0 && fields.length === 1 && fields[0] === '') return [];
      throw withCopyContext(
        sqlError('22P04', 'extra data after last expected column'),
        name,
        line,
        lineContext(fields),
      );
    }
    const values = new Array<Datum>(count);
    for (let i = 0; i < count; i++) {
      const field = fields[i];
      if (field === undefined) {
        throw withCopyContext(
          sqlError('22P04', `missing data for column "${columns[i]!.name}"`),
          name,
          line,
          lineContext(fields),
        );
      }
      if (field === null) {
        values[i] = null;
        continue;
      }
      try {
        values[i] = inputs[i]!(field);
      } catch (error) {
        throw withCopyContext(error, name, line, `, column ${columns[i]!.name}: "${shortened(field)}"`);
      }
    }
    return values;
  };
}

function shortened(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}...`;
}

export function compileCopyTo(
  plan: Plan,
  options: CopyOptions,
  columns: readonly { readonly name: string; readonly oid: number }[],
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
          const send = (text: string): void => sink.copyData(Buffer.from(text, 'utf8'));
          if (options.header)
            send(
              formatCopyRow(
                columns.map((c) => c.name),
                options,
              ),
            );
          const operator = factory(run);
          for (let batch = await operator.next(); batch !== null; batch = await operator.next()) {
            for (const row of batch) {
              const fields = row.map((v, i) => (v === null ? null : types[i]!.output(v, ctx.format)));
              send(formatCopyRow(fields, options));
              rows++;
            }
            const slow = sink.slow();
            if (slow !== null) await slow;
          }
          sink.copyDone();
          return 'done';
        },
        close: () => undefined,
      };
    },
  };
}
