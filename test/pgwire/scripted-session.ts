/**
 * A SqlSession that does what its statements literally say: the wire protocol's tests need rows,
 * errors, COPY and waiting on demand, not a database. Statements:
 *
 *   rows N · types · error CODE text · fatal CODE text · crash · notice text · set NAME VALUE
 *   begin · commit · rollback · copyin · copyout N · wait · big N SIZE · unsendable · echo
 */
import { AssertionError } from '../../src/base/assert.js';
import { QuoralError, sqlError } from '../../src/base/errors.js';
import type {
  Notification,
  ParameterValue,
  PreparedInfo,
  ResultColumn,
  ResultSink,
  SessionOptions,
  SqlServer,
  SqlSession,
  TransactionStatus,
} from '../../src/sql/session-api.js';
import type { Datum } from '../../src/sql/types/datum.js';
import type { FormatContext, TypeInfo } from '../../src/sql/types/type-info.js';

export const FORMAT: FormatContext = {
  timeZone: 'UTC',
  extraFloatDigits: 1,
  byteaOutput: 'hex',
  intervalStyle: 'postgres',
  dateStyle: 'ISO, MDY',
  transactionNow: 0n,
  statementNow: 0n,
};

function column(name: string, typeOid: number, typeLength: number): ResultColumn {
  return { name, tableOid: 0, columnNumber: 0, typeOid, typeLength, typmod: -1 };
}

const ROWS_COLUMNS = [column('id', 23, 4), column('name', 25, -1)];
const BIG_COLUMNS = [column('filler', 25, -1)];
const UNSENDABLE_COLUMNS = [column('id', 23, 4), column('t', 1083, 8)];
const TYPES_COLUMNS = [
  column('b', 16, 1),
  column('i2', 21, 2),
  column('i4', 23, 4),
  column('i8', 20, 8),
  column('o', 26, 4),
  column('f4', 700, 4),
  column('f8', 701, 8),
  column('t', 25, -1),
  column('y', 17, -1),
  column('d', 1082, 4),
  column('n', 25, -1),
];
const TYPES_VALUES: readonly Datum[] = [
  true,
  -32768,
  -2147483648,
  -9223372036854775808n,
  4294967295,
  1.5,
  -0.25,
  'grüße €😀',
  Uint8Array.of(0, 255),
  366,
  null,
];

function unsupported(): never {
  throw new Error('not asked for by the wire protocol');
}

function testType(
  oid: number,
  output: (value: Exclude<Datum, null>) => string,
  send: (value: Exclude<Datum, null>) => Uint8Array,
): TypeInfo {
  return {
    oid,
    catalogOid: oid,
    name: `t${oid}`,
    sqlName: `t${oid}`,
    category: 'U',
    preferred: false,
    length: -1,
    arrayOid: 0,
    elementOid: 0,
    input: unsupported,
    output,
    receive: unsupported,
    send,
    compare: unsupported,
    hashKey: unsupported,
    encodeKey: null,
    applyTypmod: unsupported,
  };
}

const TYPES = new Map<number, TypeInfo>([
  [700, testType(700, String, unsupported)],
  [701, testType(701, String, unsupported)],
  [17, testType(17, (v) => `\\x${Buffer.from(v as Uint8Array).toString('hex')}`, unsupported)],
  [
    1082,
    testType(
      1082,
      (v) => `day ${String(v)}`,
      (v) => {
        const bytes = Buffer.alloc(4);
        bytes.writeInt32BE(v as number);
        return bytes;
      },
    ),
  ],
]);

export function typeByOid(oid: number): TypeInfo | undefined {
  return TYPES.get(oid);
}

TYPES.set(
  1083,
  testType(1083, String, () => {
    throw sqlError('42883', 'no binary output function available for type time');
  }),
);

interface Portal {
  readonly text: string;
  readonly parameters: readonly ParameterValue[];
  sent: number;
}

export class ScriptedSession implements SqlSession {
  readonly processId: number;
  readonly secretKey: number;
  readonly format = FORMAT;
  readonly clientEncoding = null;
  readonly calls: string[] = [];
  transactionStatus: TransactionStatus = 'I';
  closed = false;
  readonly #statements = new Map<string, { text: string; oids: readonly number[] }>();
  readonly #portals = new Map<string, Portal>();
  #cancel: (() => void) | null = null;

  constructor(processId: number) {
    this.processId = processId;
    this.secretKey = -processId;
  }

  startupParameters(): readonly (readonly [string, string])[] {
    return [
      ['server_version', '18.1'],
      ['client_encoding', 'UTF8'],
    ];
  }

  async simpleQuery(text: string, sink: ResultSink): Promise<void> {
    this.calls.push(`query ${brief(text)}`);
    const statements = text.split(';').map((part) => part.trim());
    if (statements.every((statement) => statement === '')) return sink.empty();
    for (const written of statements) {
      if (written === '') continue;
      // As FETCH of a cursor that was declared BINARY.
      const binary = written.startsWith('binary ');
      const statement = binary ? written.slice('binary '.length) : written;
      const columns = columnsOf(statement);
      if (columns !== null) sink.columns(columns, binary);
      await this.#run({ text: statement, parameters: [], sent: 0 }, 0, sink);
    }
  }

  async parse(name: string, text: string, parameterOids: readonly number[]): Promise<void> {
    this.calls.push(`parse ${name} ${brief(text)} [${parameterOids.join()}]`);
    if (text.startsWith('syntax')) throw sqlError('42601', 'syntax error', { position: 1 });
    this.#statements.set(name, { text, oids: parameterOids });
  }

  describeStatement(name: string): PreparedInfo {
    const statement = this.#statements.get(name);
    if (statement === undefined) throw sqlError('26000', `prepared statement "${name}" does not exist`);
    return { parameterOids: statement.oids, columns: columnsOf(statement.text) };
  }

  bind(portal: string, statement: string, parameters: readonly ParameterValue[]): void {
    const shown = parameters.map((p) =>
      p.bytes === null ? 'null' : `${p.format}:${p.bytes.toString(p.format === 1 ? 'hex' : 'utf8')}`,
    );
    this.calls.push(`bind ${portal} ${statement} (${shown.join()})`);
    const found = this.#statements.get(statement);
    if (found === undefined) throw sqlError('26000', `prepared statement "${statement}" does not exist`);
    this.#portals.set(portal, { text: found.text, parameters, sent: 0 });
  }

  describePortal(portal: string): readonly ResultColumn[] | null {
    return columnsOf(this.#portal(portal).text);
  }

  async execute(portal: string, maxRows: number, sink: ResultSink, syncFollows?: boolean): Promise<void> {
    const next = syncFollows === undefined ? '?' : syncFollows ? 'sync' : 'more';
    this.calls.push(`execute ${portal} ${maxRows} ${next}`);
    await this.#run(this.#portal(portal), maxRows, sink);
  }

  closeStatement(name: string): void {
    this.calls.push(`close statement ${name}`);
    this.#statements.delete(name);
  }

  async closePortal(name: string): Promise<void> {
    this.calls.push(`close portal ${name}`);
    this.#portals.delete(name);
  }

  async sync(): Promise<void> {
    this.calls.push('sync');
    if (this.transactionStatus === 'I') this.#portals.clear();
  }

  async fail(): Promise<void> {
    this.calls.push('fail');
    if (this.transactionStatus === 'T') this.transactionStatus = 'E';
  }

  readonly notifications: Notification[] = [];
  push: () => void = () => undefined;
  onPush(fn: () => void): void {
    this.push = fn;
  }
  takeNotifications(): readonly Notification[] {
    return this.transactionStatus === 'I' ? this.notifications.splice(0) : [];
  }

  cancel(): void {
    this.calls.push('cancel');
    this.#cancel?.();
  }

  async close(): Promise<void> {
    this.calls.push('close');
    this.closed = true;
  }

  #portal(name: string): Portal {
    const portal = this.#portals.get(name);
    if (portal === undefined) throw sqlError('34000', `portal "${name}" does not exist`);
    return portal;
  }

  async #run(portal: Portal, maxRows: number, sink: ResultSink): Promise<void> {
    try {
      await this.#statement(portal, maxRows, sink);
    } catch (error) {
      if (this.transactionStatus === 'T') this.transactionStatus = 'E';
      throw error;
    }
  }

  async #statement(portal: Portal, maxRows: number, sink: ResultSink): Promise<void> {
    const [verb, ...rest] = portal.text.trim().split(' ');
    const argument = rest.join(' ');
    switch (verb) {
      case '':
        return sink.empty();
      case 'rows':
        return this.#rows(portal, Number(argument), maxRows, sink);
      case 'big': {
        const [count, size] = rest.map(Number);
        const filler = 'x'.repeat(size as number);
        for (let i = 0; i < (count as number); i++) {
          sink.row([filler]);
          const slow = sink.slow();
          if (slow !== null) {
            this.calls.push('slow');
            await slow;
          }
        }
        return sink.complete(`SELECT ${count}`);
      }
      case 'types':
        sink.row(TYPES_VALUES);
        return sink.complete('SELECT 1');
      case 'unsendable':
        sink.row([1, 2]);
        return sink.complete('SELECT 1');
      case 'echo':
        sink.row([portal.parameters[0]?.bytes?.toString('utf8') ?? null]);
        return sink.complete('SELECT 1');
      case 'error':
        throw sqlError(rest[0] as string, rest.slice(1).join(' '), {
          detail: 'a detail',
          hint: 'a hint',
          position: 7,
          schema: 'public',
          table: 't',
          column: 'c',
          dataType: 'int4',
          constraint: 't_pkey',
          where: 'somewhere',
        });
      case 'fatal':
        throw new QuoralError(rest[0] as string, rest.slice(1).join(' '), { severity: 'FATAL' });
      case 'crash':
        throw new TypeError('cannot read what is not there');
      case 'broken':
        throw new AssertionError('an invariant');
      case 'unplanned':
        throw new QuoralError('XX000', 'internal error while planning', { cause: new AssertionError('a plan') });
      case 'notice':
        sink.notice({
          severity: 'WARNING',
          sqlstate: '01000',
          message: argument,
          hint: 'nothing to do',
        });
        return sink.complete('NOTICE');
      case 'set':
        sink.parameterStatus(rest[0] as string, rest[1] as string);
        return sink.complete('SET');
      case 'begin':
        this.transactionStatus = 'T';
        return sink.complete('BEGIN');
      case 'commit':
      case 'rollback':
        this.transactionStatus = 'I';
        return sink.complete(verb.toUpperCase());
      case 'wait':
        await this.#wait();
        return;
      case 'copyin':
        return this.#copyIn(sink);
      case 'copyout':
        sink.copyOut('text', 2);
        for (let i = 0; i < Number(argument); i++) sink.copyData(Buffer.from(`${i}\tx\n`));
        sink.copyDone();
        return sink.complete(`COPY ${argument}`);
      default:
        return sink.complete(portal.text.toUpperCase());
    }
  }

  #rows(portal: Portal, total: number, maxRows: number, sink: ResultSink): void {
    const end = maxRows === 0 ? total : Math.min(total, portal.sent + maxRows);
    for (; portal.sent < end; portal.sent++)
      sink.row([portal.sent + 1, portal.sent % 2 === 0 ? `row ${portal.sent + 1}` : null]);
    if (maxRows !== 0 && portal.sent === end && end < total) sink.suspended();
    else sink.complete(`SELECT ${total}`);
  }

  async #wait(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#cancel = resolve;
    });
    this.#cancel = null;
    throw sqlError('57014', 'canceling statement due to user request');
  }

  async #copyIn(sink: ResultSink): Promise<void> {
    const parts: Buffer[] = [];
    for await (const chunk of sink.copyIn('text', 2)) {
      parts.push(chunk);
      if (chunk.includes('bad'))
        throw sqlError('22P04', 'missing data for column "b"', { where: 'COPY t, line 1: "bad"' });
    }
    const text = Buffer.concat(parts).toString('latin1');
    this.calls.push(`copied ${brief(text)}`);
    sink.complete(`COPY ${text.split('\n').length - 1}`);
  }
}

function columnsOf(text: string): readonly ResultColumn[] | null {
  if (text.startsWith('rows')) return ROWS_COLUMNS;
  if (text.startsWith('unsendable')) return UNSENDABLE_COLUMNS;
  if (text.startsWith('types')) return TYPES_COLUMNS;
  if (text.startsWith('big') || text.startsWith('echo')) return BIG_COLUMNS;
  return null;
}

function brief(text: string): string {
  return text.length > 60 ? `${text.slice(0, 20)}… (${text.length})` : JSON.stringify(text);
}

export class ScriptedServer implements SqlServer {
  readonly sessions: ScriptedSession[] = [];
  readonly opened: SessionOptions[] = [];

  async openSession(options: SessionOptions): Promise<SqlSession> {
    if (options.database === 'nowhere') {
      throw sqlError('3D000', 'database "nowhere" does not exist');
    }
    this.opened.push(options);
    const session = new ScriptedSession(this.sessions.length + 1);
    this.sessions.push(session);
    return session;
  }

  cancel(processId: number, secretKey: number): void {
    const session = this.sessions.find((one) => one.processId === processId);
    if (session !== undefined && session.secretKey === secretKey) session.cancel();
  }
}
