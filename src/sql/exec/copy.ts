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
import type { Key } from '../../base/key.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import type { ExecContext, Execution } from '../contract.js';
import type { InsertSource, Plan, TableChecks } from '../plan/logical.js';
import type { ResultSink } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import { typeByOid } from '../types/registry.js';
import { compilePlan } from './compile-plan.js';
import { type CopyField, type CopyOptions, CopyReader, formatCopyRow } from './copy-format.js';
import { compileSources, type RowMaker } from './dml.js';
import type { IndexCodec } from './index-codec.js';
import { RELIEVE_BYTES, RowWriter } from './row-writer.js';
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

const BATCH_ROWS = 2000;
const INGEST_IN_FLIGHT = 3;
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
    const target = await this.#target();
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
    return 'done';
  }

  async #target(): Promise<CopyTarget> {
    const { ctx } = this.#run;
    if (this.#shape.freshStorage) {
      const { start, end } = this.#writer.codec.primary.span;
      const found = await ctx.txn.scan({ start, end, maxRows: 1, untracked: true });
      if (found.keys.length === 0) return new IngestTarget(ctx, this.#writer);
    }
    return new BufferTarget(this.#run, this.#writer);
  }

  async #write(target: CopyTarget, inputs: readonly Datum[][], firstLine: number): Promise<void> {
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
  const lineContext = (fields: readonly CopyField[]): string => `: "${shortened(fields.map((f) => f ?? '').join(shape.options.delimiter))}"`;
  return (fields, line) => {
    if (fields.length > count) {
      if (count === 0 && fields.length === 1 && fields[0] === '') return [];
      throw withCopyContext(sqlError('22P04', 'extra data after last expected column'), name, line, lineContext(fields));
    }
    const values = new Array<Datum>(count);
    for (let i = 0; i < count; i++) {
      const field = fields[i];
      if (field === undefined) {
        throw withCopyContext(sqlError('22P04', `missing data for column "${columns[i]!.name}"`), name, line, lineContext(fields));
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

interface Clash {
  readonly error: QuoralError;
  /** Index in the batch. */
  readonly at: number;
}

interface CopyTarget {
  write(rows: readonly Row[]): Promise<Clash | null>;
  finish(): Promise<void>;
}

/** The way of INSERT. */
class BufferTarget implements CopyTarget {
  readonly #run: Run;
  readonly #writer: RowWriter;

  constructor(run: Run, writer: RowWriter) {
    this.#run = run;
    this.#writer = writer;
  }

  async write(rows: readonly Row[]): Promise<Clash | null> {
    const { txn } = this.#run.ctx;
    const wanted = rows.map((full) => this.#writer.uniqueKeys(this.#writer.live(full)));
    const taken = new Set<Key>();
    const keys = [...new Set(wanted.flatMap((list) => list.map((w) => w.key)))];
    if (keys.length > 0) {
      const values = await txn.getMany(keys, { lock: 'exclusive' });
      keys.forEach((key, i) => {
        if ((values[i] ?? null) !== null) taken.add(key);
      });
    }
    for (let i = 0; i < rows.length; i++) {
      for (const { index, key } of wanted[i]!) {
        if (taken.has(key)) return { error: this.#writer.uniqueViolation(index, rows[i]!, this.#run.ctx), at: i };
        taken.add(key);
      }
      this.#writer.put(txn, rows[i]!);
    }
    if (txn.bufferedBytes > RELIEVE_BYTES) await txn.relieve();
    return null;
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }
}

/** Straight into storage that only this transaction knows of. */
class IngestTarget implements CopyTarget {
  readonly #ctx: ExecContext;
  readonly #writer: RowWriter;
  readonly #seen: readonly SeenKeys[];
  readonly #inFlight = new Set<Promise<void>>();
  #failure: unknown = null;

  constructor(ctx: ExecContext, writer: RowWriter) {
    this.#ctx = ctx;
    this.#writer = writer;
    this.#seen = writer.uniques
      .filter((index) => !(index.index.primary && writer.hasHiddenKey))
      .map((index) => new SeenKeys(index, ctx));
  }

  async write(rows: readonly Row[]): Promise<Clash | null> {
    const { codec } = this.#writer;
    const keys: Key[] = [];
    const values: Uint8Array[] = [];
    for (let i = 0; i < rows.length; i++) {
      const live = this.#writer.live(rows[i]!);
      for (const seen of this.#seen) {
        if (seen.add(live)) continue;
        return { error: this.#writer.uniqueViolation(seen.index, rows[i]!, this.#ctx), at: i };
      }
      keys.push(codec.primary.keyOfRow(live));
      values.push(codec.encodeRow(live));
      for (const index of codec.secondaries) {
        keys.push(index.keyOfRow(live));
        values.push(index.entryOfRow(live));
      }
    }
    await this.#send(keys, values);
    return null;
  }

  async #send(keys: readonly Key[], values: readonly Uint8Array[]): Promise<void> {
    while (this.#inFlight.size >= INGEST_IN_FLIGHT) await Promise.race(this.#inFlight);
    if (this.#failure !== null) throw this.#failure;
    const sent = this.#ctx.txn
      .bulkIngest(keys, values)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#inFlight.delete(sent));
    this.#inFlight.add(sent);
  }

  async finish(): Promise<void> {
    await Promise.all(this.#inFlight);
    if (this.#failure !== null) throw this.#failure;
  }
}

/** Keys of one unique index met so far; remembers only the last while they come in order. */
class SeenKeys {
  readonly index: IndexCodec;
  readonly #ctx: ExecContext;
  #last: Key = '';
  #ordered: Key[] | null = [];
  #keys: Set<Key> | null = null;

  constructor(index: IndexCodec, ctx: ExecContext) {
    this.index = index;
    this.#ctx = ctx;
  }

  /** False if the row's key was there before. */
  add(live: Row): boolean {
    if (!this.index.isUniqueFor(live)) return true;
    const key = this.index.keyOfRow(live);
    if (this.#keys === null) {
      if (key > this.#last) {
        this.#last = key;
        this.#remember(key);
        return true;
      }
      if (key === this.#last) return false;
      this.#keys = new Set(this.#ordered);
      this.#ordered = null;
    }
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    this.#ctx.memory.grow(key.length + 64);
    return true;
  }

  /** In case order breaks later, the keys so far are needed after all. */
  #remember(key: Key): void {
    this.#ordered!.push(key);
    this.#ctx.memory.grow(key.length + 16);
  }
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
          if (options.header) send(formatCopyRow(columns.map((c) => c.name), options));
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
