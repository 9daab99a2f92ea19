/**
 * A client in the manner of node-postgres' `Client`, without a socket and without that package: what
 * `query` takes and gives, its errors (`code`, `detail`, `constraint`, …) and its events follow it, so
 * that code under test can be handed either. It speaks the wire protocol to the node, as any client does.
 *
 * Queries run one after the other in the order of the calls. Without `values` a text goes by the simple
 * protocol and may hold several statements (the result is then an array), with them by the extended one;
 * a `name` prepares the statement once per connection.
 *
 * Limits: no callbacks, no cursors or query streams, no COPY (57014 from the client's side);
 * value-parsers.ts says which types are parsed. For those give the real package `cluster.stream()`.
 */
import { EventEmitter } from 'node:events';
import { QuoralError } from '../base/errors.js';
import type { ByteStream } from '../env/env.js';
import { BackendParser, type BackendMessage, ClientWriter, type ServerFields } from '../pgwire/client-codec.js';
import { textOf } from './query.js';
import { parseValue } from './value-parsers.js';

export interface ClientOptions {
  readonly user?: string;
  readonly database?: string;
  /** Further start-up parameters, such as application_name or options. */
  readonly parameters?: Readonly<Record<string, string>>;
}

export interface ClientQuery {
  readonly text: string;
  readonly values?: readonly unknown[];
  /** Prepares the statement under this name, once per connection. */
  readonly name?: string;
  /** 'array': each row is an array of its values. */
  readonly rowMode?: 'array';
}

export interface ClientField {
  readonly name: string;
  readonly tableID: number;
  readonly columnID: number;
  readonly dataTypeID: number;
  readonly dataTypeSize: number;
  readonly dataTypeModifier: number;
  readonly format: 'text';
}

export interface ClientResult<Row = Record<string, unknown>> {
  readonly command: string;
  readonly rowCount: number | null;
  readonly oid: number | null;
  readonly fields: readonly ClientField[];
  readonly rows: Row[];
}

/** An error of the server, with node-postgres' names for its fields. */
export class DatabaseError extends Error {
  override readonly name = 'error';
  readonly severity: string;
  readonly code: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  readonly position: string | undefined;
  readonly internalQuery: string | undefined;
  readonly where: string | undefined;
  readonly schema: string | undefined;
  readonly table: string | undefined;
  readonly column: string | undefined;
  readonly dataType: string | undefined;
  readonly constraint: string | undefined;

  constructor(fields: ServerFields) {
    super(fields['M'] ?? 'unknown error');
    this.severity = fields['V'] ?? fields['S'] ?? 'ERROR';
    this.code = fields['C'] ?? 'XX000';
    this.detail = fields['D'];
    this.hint = fields['H'];
    this.position = fields['P'];
    this.internalQuery = fields['q'];
    this.where = fields['W'];
    this.schema = fields['s'];
    this.table = fields['t'];
    this.column = fields['c'];
    this.dataType = fields['d'];
    this.constraint = fields['n'];
  }
}

interface Building {
  fields: readonly ClientField[];
  rows: unknown[];
}

interface Pending {
  readonly query: ClientQuery;
  readonly results: ClientResult<unknown>[];
  building: Building | null;
  error: Error | null;
  /** The name to remember when the statement was prepared without an error. */
  prepares: string | null;
  readonly resolve: (result: ClientResult<unknown> | ClientResult<unknown>[]) => void;
  readonly reject: (error: Error) => void;
}

const NO_VALUES: readonly unknown[] = [];

export class PgClient extends EventEmitter {
  readonly #options: ClientOptions;
  readonly #open: () => Promise<ByteStream>;
  readonly #writer = new ClientWriter();
  readonly #parser = new BackendParser();
  readonly #queue: Pending[] = [];
  readonly #prepared = new Map<string, string>();
  #stream: ByteStream | null = null;
  #current: Pending | null = null;
  #connecting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;
  #state: 'new' | 'connecting' | 'ready' | 'ended' = 'new';
  #onEnd: (() => void)[] = [];
  processID = 0;

  constructor(options: ClientOptions, open: () => Promise<ByteStream>) {
    super();
    this.#options = options;
    this.#open = open;
  }

  /** @throws DatabaseError 3D000 and the like; QuoralError 08001 the node does not run. */
  async connect(): Promise<void> {
    if (this.#state !== 'new') throw new QuoralError('08002', 'the client was connected before');
    this.#state = 'connecting';
    const stream = await this.#open().catch((error: unknown) => {
      this.#state = 'ended';
      throw error;
    });
    this.#stream = stream;
    const ready = new Promise<void>((resolve, reject) => {
      this.#connecting = { resolve, reject };
    });
    stream.onData((data) => this.#onData(data));
    stream.onClose((error) => this.#onClose(error));
    const { user = 'postgres', database = user, parameters = {} } = this.#options;
    stream.write(this.#writer.startup({ user, database, client_encoding: 'UTF8', ...parameters }).take());
    await ready;
  }

  query<Row = Record<string, unknown>>(
    query: string | ClientQuery,
    values?: readonly unknown[],
  ): Promise<ClientResult<Row>> {
    const asked: ClientQuery = typeof query === 'string' ? { text: query } : query;
    const whole = values === undefined ? asked : { ...asked, values };
    return new Promise<ClientResult<unknown> | ClientResult<unknown>[]>((resolve, reject) => {
      if (this.#state === 'ended' || this.#state === 'new') {
        const what =
          this.#state === 'new' ? 'the client is not connected: call connect() first' : 'the connection is closed';
        reject(new QuoralError('08003', what));
        return;
      }
      this.#queue.push({ query: whole, results: [], building: null, error: null, prepares: null, resolve, reject });
      this.#next();
    }) as Promise<ClientResult<Row>>;
  }

  /** Waits for the queries under way, then closes. */
  async end(): Promise<void> {
    if (this.#state === 'new' || this.#state === 'ended') {
      this.#state = 'ended';
      return;
    }
    const ended = new Promise<void>((resolve) => this.#onEnd.push(resolve));
    this.#closeWhenIdle();
    await ended;
  }

  /** A client of its own is not given back to anyone: the same as `end`. */
  release(): Promise<void> {
    return this.end();
  }

  #closeWhenIdle(): void {
    if (this.#onEnd.length === 0 || this.#state !== 'ready' || this.#current !== null || this.#queue.length > 0) return;
    this.#stream?.write(this.#writer.terminate().take());
    this.#stream?.end();
  }

  // ---- sending ----

  #next(): void {
    if (this.#state !== 'ready' || this.#current !== null) return;
    const pending = this.#queue.shift();
    if (pending === undefined) {
      this.#closeWhenIdle();
      return;
    }
    this.#current = pending;
    try {
      this.#send(pending);
    } catch (error) {
      // A value that has no text form: nothing was sent.
      this.#writer.take();
      this.#current = null;
      pending.reject(error as Error);
      this.#next();
    }
  }

  #send(pending: Pending): void {
    const { text, values = NO_VALUES, name = '', rowMode } = pending.query;
    const writer = this.#writer;
    if (values.length === 0 && name === '' && rowMode === undefined) {
      this.#stream!.write(writer.query(text).take());
      return;
    }
    const known = name === '' ? undefined : this.#prepared.get(name);
    if (known !== undefined && known !== text) {
      throw new QuoralError('42P05', `prepared statement "${name}" was made with another text`);
    }
    const parameters = values.map((value) => (value === null || value === undefined ? null : textOf(value)));
    if (known === undefined) {
      writer.parse(name, text);
      if (name !== '') pending.prepares = name;
    }
    writer.bind('', name, parameters).describe('portal', '').execute('').sync();
    this.#stream!.write(writer.take());
  }

  // ---- receiving ----

  #onData(data: Buffer): void {
    this.#parser.push(data);
    while (this.#parser.next()) this.#message(this.#parser.decode());
  }

  #message(message: BackendMessage): void {
    switch (message.kind) {
      case 'rowDescription':
        if (this.#current !== null) this.#current.building = { fields: message.columns.map(fieldOf), rows: [] };
        return;
      case 'dataRow':
        this.#row(message.values);
        return;
      case 'commandComplete':
        this.#complete(message.tag);
        return;
      case 'emptyQueryResponse':
        this.#complete('');
        return;
      case 'parseComplete':
        if (this.#current?.prepares != null) this.#prepared.set(this.#current.prepares, this.#current.query.text);
        return;
      case 'backendKeyData':
        this.processID = message.processId;
        return;
      case 'error':
        this.#error(new DatabaseError(message.fields));
        return;
      case 'notice':
        this.emit('notice', new DatabaseError(message.fields));
        return;
      case 'readyForQuery':
        this.#ready();
        return;
      case 'notification': {
        const { processId, channel, payload } = message;
        this.emit('notification', { name: 'notification', processId, channel, payload });
        return;
      }
      case 'copyIn':
        this.#stream!.write(this.#writer.copyFail('this client has no COPY').take());
        return;
      default:
        // Parameter status, NoData, BindComplete and the like need no answer.
        return;
    }
  }

  #row(values: readonly (Buffer | null)[]): void {
    const current = this.#current;
    if (current?.building == null) return;
    const { fields, rows } = current.building;
    if (current.query.rowMode === 'array') {
      rows.push(values.map((value, i) => parseValue(fields[i]!.dataTypeID, value)));
      return;
    }
    const row: Record<string, unknown> = {};
    for (let i = 0; i < values.length; i++) row[fields[i]!.name] = parseValue(fields[i]!.dataTypeID, values[i]!);
    rows.push(row);
  }

  #complete(tag: string): void {
    const current = this.#current;
    if (current === null) return;
    const { fields, rows } = current.building ?? { fields: [], rows: [] };
    current.building = null;
    const count = /(\d+)$/.exec(tag);
    const command = tag.split(' ')[0] ?? '';
    current.results.push({
      command,
      rowCount: count === null ? null : Number(count[1]),
      oid: command === 'INSERT' ? 0 : null,
      fields,
      rows,
    });
  }

  #error(error: DatabaseError): void {
    if (this.#connecting !== null) {
      const { reject } = this.#connecting;
      this.#connecting = null;
      reject(error);
    } else if (this.#current !== null) this.#current.error ??= error;
    // Without a listener an 'error' event would end the process: the next query fails in any case.
    else if (this.listenerCount('error') > 0) this.emit('error', error);
  }

  #ready(): void {
    this.#state = 'ready';
    this.#connecting?.resolve();
    this.#connecting = null;
    const current = this.#current;
    this.#current = null;
    if (current !== null) settle(current);
    this.#next();
  }

  #onClose(error: Error | null): void {
    this.#state = 'ended';
    const lost = error ?? new QuoralError('08006', 'the connection was closed by the node');
    this.#connecting?.reject(lost);
    const current = this.#current;
    this.#current = null;
    current?.reject(current.error ?? lost);
    for (const pending of this.#queue.splice(0)) pending.reject(lost);
    for (const done of this.#onEnd.splice(0)) done();
    this.emit('end');
  }
}

function settle(pending: Pending): void {
  if (pending.error !== null) {
    pending.reject(pending.error);
    return;
  }
  const { results } = pending;
  pending.resolve(results.length > 1 ? results : results[0]!);
}

function fieldOf(column: {
  readonly name: string;
  readonly tableOid: number;
  readonly columnNumber: number;
  readonly typeOid: number;
  readonly typeLength: number;
  readonly typmod: number;
}): ClientField {
  return {
    name: column.name,
    tableID: column.tableOid,
    columnID: column.columnNumber,
    dataTypeID: column.typeOid,
    dataTypeSize: column.typeLength,
    dataTypeModifier: column.typmod,
    format: 'text',
  };
}
