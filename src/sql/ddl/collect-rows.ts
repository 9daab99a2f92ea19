/** The rows of a query, straight into the storage of a new table without further indexes. */
import type { Key } from '../../base/key.js';
import type { CompiledExpression, CompiledStatement } from '../contract.js';
import { tableCodec } from '../exec/index-codec.js';
import { uniqueRowId } from '../exec/row-writer.js';
import { InnerSink } from '../inner-sink.js';
import type { Notice } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import { usageOf } from '../usage/session-usage.js';
import type { DdlContext } from './context.js';

const INGEST_ROWS = 1_000;

export async function collectRows(compiled: CompiledStatement, ctx: DdlContext, writer: RowCollector): Promise<void> {
  const { profile } = ctx.watch ?? {};
  if (compiled.namesObjects === true) await ctx.knowNames();
  const execution = compiled.start({ ...ctx.execContext(), ...(profile === undefined ? {} : { profile }) });
  try {
    // Row limits keep what is collected bounded; each stop is an ingest.
    while ((await execution.run(writer, INGEST_ROWS)) === 'suspended') await writer.flush();
    await writer.flush();
  } finally {
    execution.close();
  }
}

export class RowCollector extends InnerSink {
  readonly #ctx: DdlContext;
  readonly #codec: ReturnType<typeof tableCodec>;
  readonly #context: ReturnType<DdlContext['execContext']>;
  /** What hidden columns keep of each row for indexes that call users' functions (stored-keys.ts). */
  readonly #makers: readonly CompiledExpression[];
  #waiting: Datum[][] = [];
  #keys: Key[] = [];
  #values: Buffer[] = [];
  count = 0;
  readonly #tableId: number;

  constructor(ctx: DdlContext, table: Parameters<typeof tableCodec>[0]) {
    super();
    const live = table.columns.filter((c) => !c.dropped);
    this.#makers = live.flatMap((column) => {
      const sql = column.generated?.expressionSql;
      return sql === undefined ? [] : [ctx.planner.compileExpression(sql, live, ctx.plannerSettings, column)];
    });
    this.#ctx = ctx;
    this.#codec = tableCodec(table);
    this.#tableId = table.id;
    this.#context = ctx.execContext();
  }

  row(values: readonly Datum[]): void {
    const full = [...values, uniqueRowId(this.#context)];
    if (this.#makers.length === 0) this.#add(full);
    else this.#waiting.push(full);
    this.count++;
  }

  #add(full: readonly Datum[]): void {
    this.#keys.push(this.#codec.primary.keyOfRow(full));
    this.#values.push(this.#codec.encodeRow(full));
  }

  async flush(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const full of waiting) {
      // They stand behind all others, and read none of each other.
      for (const maker of this.#makers) full.push(await maker.evaluate(full, this.#context));
      this.#add(full);
    }
    if (this.#keys.length === 0) return;
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = [];
    this.#values = [];
    const use = usageOf(this.#ctx.txn)?.relation(this.#tableId);
    if (use !== undefined) use.inserted += keys.length;
    await this.#ctx.txn.bulkIngest(keys, values);
  }

  override notice(notice: Notice): void {
    this.#ctx.notice(notice);
  }
}
