/** CREATE TABLE AS and SELECT INTO: the query's rows go straight into the new table's storage. */
import { sqlError } from '../../base/errors.js';
import type { Key } from '../../base/key.js';
import type { ParsedStatement } from '../contract.js';
import { tableCodec } from '../exec/index-codec.js';
import { uniqueRowId } from '../exec/row-writer.js';
import type { ResultSink } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import type { DdlContext } from './context.js';
import { notice } from './context.js';
import { createTableFor, storageOptions } from './create-table.js';
import { creationSchema } from './objects.js';
import { list, of, rangeVar, stringOf, unsupported } from './tree.js';
import type { Loose } from './tree.js';

const INGEST_ROWS = 1_000;

export async function runCreateTableAs(ctx: DdlContext, body: Loose, statement: ParsedStatement): Promise<string> {
  const isInto = statement.kind === 'SelectStmt';
  const into = (isInto ? body['intoClause'] : of({ into: body['into'] } as Loose, 'into')) as Loose;
  if (body['objtype'] === 'OBJECT_MATVIEW') throw unsupported('a materialized view');
  const relation = into['rel'] as Loose;
  if (relation['relpersistence'] === 't') throw unsupported('a temporary table');
  const name = rangeVar(relation);
  const tag = isInto ? 'SELECT INTO' : 'CREATE TABLE AS';
  if (body['if_not_exists'] === true) {
    const schema = await creationSchema(ctx, name);
    if ((await ctx.catalog.nameForUpdate(ctx.txn, schema.id, name.name)) !== null) {
      notice(ctx, '42P07', `relation "${name.name}" already exists, skipping`);
      return tag;
    }
  }
  const query = isInto ? withoutInto(body) : (body['query'] as Loose);
  const kind = Object.keys(query)[0]!;
  const inner: ParsedStatement = { ...statement, node: query, kind };
  const snapshot = await ctx.catalog.snapshot(ctx.planner.relationsOf(inner), ctx.session.searchPath, ctx.wait);
  const compiled = ctx.planner.compile(inner, [], snapshot, ctx.plannerSettings);
  if (compiled.columns === null) throw sqlError('42601', `${tag} specifies a query without columns`);
  const names = list(into['colNames']).map(stringOf);
  if (names.length > compiled.columns.length) throw sqlError('42601', 'too many column names were specified');
  const columns = compiled.columns.map((c, i) => ({ name: names[i] ?? c.name, typeOid: c.typeOid, typmod: c.typmod }));
  const table = await createTableFor(ctx, name, columns, {
    options: storageOptions(into['options']),
    unlogged: relation['relpersistence'] === 'u',
  });
  if (into['skipData'] === true) return tag;
  const writer = new RowCollector(ctx, table);
  const execution = compiled.start(ctx.execContext());
  try {
    // Row limits keep what is collected bounded; each stop is an ingest.
    while ((await execution.run(writer, INGEST_ROWS)) === 'suspended') await writer.flush();
    await writer.flush();
  } finally {
    execution.close();
  }
  return `SELECT ${writer.count}`;
}

function withoutInto(body: Loose): Loose {
  return { SelectStmt: Object.fromEntries(Object.entries(body).filter(([key]) => key !== 'intoClause')) };
}

class RowCollector implements ResultSink {
  readonly #ctx: DdlContext;
  readonly #codec: ReturnType<typeof tableCodec>;
  readonly #context: ReturnType<DdlContext['execContext']>;
  #keys: Key[] = [];
  #values: Buffer[] = [];
  count = 0;

  constructor(ctx: DdlContext, table: Parameters<typeof tableCodec>[0]) {
    this.#ctx = ctx;
    this.#codec = tableCodec(table);
    this.#context = ctx.execContext();
  }

  row(values: readonly Datum[]): void {
    const full = [...values, uniqueRowId(this.#context)];
    this.#keys.push(this.#codec.primary.keyOfRow(full));
    this.#values.push(this.#codec.encodeRow(full));
    this.count++;
  }

  async flush(): Promise<void> {
    if (this.#keys.length === 0) return;
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = [];
    this.#values = [];
    await this.#ctx.txn.bulkIngest(keys, values);
  }

  columns(): void {
    return undefined;
  }
  slow(): null {
    return null;
  }
  complete(): void {
    return undefined;
  }
  suspended(): void {
    return undefined;
  }
  empty(): void {
    return undefined;
  }
  notice(n: Parameters<ResultSink['notice']>[0]): void {
    this.#ctx.notice(n);
  }
  parameterStatus(): void {
    return undefined;
  }
  copyIn(): never {
    throw unsupported('COPY here');
  }
  copyOut(): never {
    throw unsupported('COPY here');
  }
  copyData(): never {
    throw unsupported('COPY here');
  }
  copyDone(): void {
    return undefined;
  }
}
