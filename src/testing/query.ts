/** Runs one statement on a session and collects its result, for callers inside the process. */
import { QuoralError } from '../base/errors.js';
import type { ParameterValue, ResultColumn, ResultSink, SqlSession } from '../sql/session-api.js';
import type { Datum } from '../sql/types/datum.js';
import { typeByOid } from '../sql/types/registry.js';

export interface QueryField {
  readonly name: string;
  readonly dataTypeID: number;
}

export interface QueryResult {
  /**
   * Values as node-postgres gives them by default: int2, int4 and floats are numbers, bool is a
   * boolean, bytea a Buffer, json and jsonb are parsed; everything else, int8 and numeric
   * included, is PostgreSQL's text.
   */
  readonly rows: Record<string, unknown>[];
  readonly rowCount: number;
  readonly fields: readonly QueryField[];
  readonly command: string;
}

const NUMBERS = new Set([21, 23, 26, 700, 701]);
const JSON_TYPES = new Set([114, 3802]);
const BYTEA = 17;

class Collector implements ResultSink {
  readonly rows: Record<string, unknown>[] = [];
  fields: readonly ResultColumn[] = [];
  tag = '';
  readonly #session: SqlSession;

  constructor(session: SqlSession) {
    this.#session = session;
  }

  columns(columns: readonly ResultColumn[]): void {
    this.fields = columns;
    this.rows.length = 0;
  }
  row(values: readonly Datum[]): void {
    const row: Record<string, unknown> = {};
    this.fields.forEach((field, i) => {
      row[field.name] = this.#value(field.typeOid, values[i]!);
    });
    this.rows.push(row);
  }
  #value(oid: number, value: Datum): unknown {
    if (value === null || typeof value === 'boolean') return value;
    if (NUMBERS.has(oid)) return value;
    if (oid === BYTEA) return Buffer.from(value as Uint8Array);
    const text = typeByOid(oid).output(value, this.#session.format);
    return JSON_TYPES.has(oid) ? (JSON.parse(text) as unknown) : text;
  }
  slow(): null {
    return null;
  }
  complete(tag: string): void {
    this.tag = tag;
  }
  suspended(): void {}
  empty(): void {}
  notice(): void {}
  parameterStatus(): void {}
  copyIn(): AsyncIterable<Buffer> {
    throw new QuoralError('0A000', 'COPY FROM STDIN needs a client over the wire');
  }
  copyOut(): void {}
  copyData(): void {}
  copyDone(): void {}
}

/** A parameter in PostgreSQL's text form. */
function parameter(value: unknown): ParameterValue {
  if (value === null || value === undefined) return { format: 0, bytes: null };
  return { format: 0, bytes: Buffer.from(textOf(value), 'utf8') };
}

/** A value in PostgreSQL's text form, as drivers write it. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return `{${value.map(arrayItem).join(',')}}`;
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

function arrayItem(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (Array.isArray(value)) return textOf(value);
  return `"${textOf(value).replace(/[\\"]/g, '\\$&')}"`;
}

/** @throws QuoralError what the statement failed with. */
export async function runQuery(session: SqlSession, text: string, params: readonly unknown[]): Promise<QueryResult> {
  const sink = new Collector(session);
  if (params.length === 0) {
    await session.simpleQuery(text, sink);
  } else {
    try {
      await session.parse('', text, []);
      await session.bind('', '', params.map(parameter));
      sink.fields = session.describePortal('') ?? [];
      await session.execute('', 0, sink);
    } finally {
      await session.sync();
    }
  }
  const count = /(\d+)$/.exec(sink.tag);
  return {
    rows: sink.rows,
    rowCount: count === null ? 0 : Number(count[1]),
    fields: sink.fields.map((f) => ({ name: f.name, dataTypeID: f.typeOid })),
    command: sink.tag.split(' ')[0] ?? '',
  };
}
