/**
 * A lean PostgreSQL client for load: one connection, one request at a time, every statement
 * prepared at its first use, values as text. It does nothing else, so that the figures are the
 * server's; the bytes are those of any other driver.
 */
import { connect, type Socket } from 'node:net';
import { BackendParser, ClientWriter, type BackendMessage } from '../src/pgwire/client-codec.js';
import { Scram } from './scram.js';

const PASSWORD_MESSAGE = 0x70;

export type Row = readonly (string | null)[];
export type Parameter = string | number | null;

export interface Result {
  readonly rows: readonly Row[];
  readonly tag: string;
}

/** An error that the server reported, or the loss of the connection (08006). */
export class ServerError extends Error {
  readonly sqlstate: string;
  constructor(sqlstate: string, message: string) {
    super(`${sqlstate}: ${message}`);
    this.sqlstate = sqlstate;
  }
}

interface Pending {
  readonly rows: Row[];
  readonly onCopyIn: (() => void) | null;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: ServerError) => void;
  tag: string;
  error: ServerError | null;
}

export class Client {
  readonly #socket: Socket;
  readonly #parser = new BackendParser();
  readonly #writer = new ClientWriter();
  readonly #statements = new Map<string, string>();
  #pending: Pending | null = null;
  #lost: ServerError | null = null;
  #inTransaction = false;
  readonly #scram: Scram;

  private constructor(socket: Socket, password: string) {
    this.#socket = socket;
    this.#scram = new Scram(password);
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => this.#onData(data));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#onLost());
  }

  static async connect(url: string): Promise<Client> {
    const { hostname, port, username, password, pathname } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port === '' ? 5432 : port) });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error) => reject(new ServerError('08001', error.message)));
    });
    const client = new Client(socket, decodeURIComponent(password));
    const user = username === '' ? 'postgres' : username;
    const database = pathname.length > 1 ? pathname.slice(1) : user;
    client.#writer.startup({ user, database, application_name: 'quoral-bench' });
    await client.#request(null);
    return client;
  }

  get lost(): boolean {
    return this.#lost !== null;
  }

  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** A prepared statement. */
  run(sql: string, parameters: readonly Parameter[] = []): Promise<Result> {
    let name = this.#statements.get(sql);
    if (name === undefined) {
      name = `b${this.#statements.size}`;
      this.#statements.set(sql, name);
      this.#writer.parse(name, sql);
    }
    const values = parameters.map((value) => (typeof value === 'number' ? String(value) : value));
    this.#writer.bind('', name, values).execute('').sync();
    return this.#request(null).catch((error: unknown) => {
      // Whether its Parse went through is not known; the next use prepares it under a new name.
      if (error instanceof ServerError && error.sqlstate === '26000') this.#statements.delete(sql);
      throw error;
    });
  }

  /** The simple protocol; for DDL and several statements. */
  query(sql: string): Promise<Result> {
    this.#writer.query(sql);
    return this.#request(null);
  }

  /** COPY … FROM STDIN with the text of the given chunks. */
  async copyIn(sql: string, chunks: Iterable<string>): Promise<Result> {
    this.#writer.query(sql);
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const result = this.#request(begin);
    // If the statement fails at once there is no CopyInResponse: then the result rejects first.
    await Promise.race([begun, result]);
    for (const chunk of chunks) {
      if (this.#pending === null || this.#pending.error !== null) break;
      this.#writer.copyData(Buffer.from(chunk));
      if (!this.#socket.write(this.#writer.take())) {
        await Promise.race([new Promise<void>((resolve) => this.#socket.once('drain', resolve)), result]);
      }
    }
    if (this.#pending !== null) this.#socket.write(this.#writer.copyDone().take());
    return result;
  }

  close(): void {
    if (this.lost) return;
    this.#socket.end(this.#writer.terminate().take());
  }

  #request(onCopyIn: (() => void) | null): Promise<Result> {
    return new Promise((resolve, reject) => {
      const bytes = this.#writer.take();
      if (this.#lost !== null) {
        reject(this.#lost);
        return;
      }
      this.#pending = { rows: [], onCopyIn, resolve, reject, tag: '', error: null };
      this.#socket.write(bytes);
    });
  }

  #onData(data: Buffer): void {
    this.#parser.push(data);
    while (this.#parser.next()) this.#onMessage(this.#parser.decode());
  }

  #onMessage(message: BackendMessage): void {
    const pending = this.#pending;
    if (pending === null) return;
    switch (message.kind) {
      case 'dataRow':
        pending.rows.push(message.values.map((value) => (value === null ? null : value.toString())));
        return;
      case 'commandComplete':
        pending.tag = message.tag;
        return;
      case 'error':
        pending.error = new ServerError(message.fields['C'] ?? '?????', message.fields['M'] ?? '');
        return;
      case 'copyIn':
        pending.onCopyIn?.();
        return;
      case 'authentication':
        this.#authenticate(message.code);
        return;
      case 'readyForQuery':
        this.#inTransaction = message.status !== 'I';
        this.#pending = null;
        if (pending.error === null) pending.resolve({ rows: pending.rows, tag: pending.tag });
        else pending.reject(pending.error);
        return;
      default:
        return;
    }
  }

  /** Trust and SCRAM; any other way ends the connection. */
  #authenticate(code: number): void {
    if (code === 10) this.#socket.write(this.#writer.raw(PASSWORD_MESSAGE, this.#scram.initial()).take());
    else if (code === 11) {
      const challenge = this.#parser.body.subarray(4).toString();
      this.#socket.write(this.#writer.raw(PASSWORD_MESSAGE, this.#scram.answer(challenge)).take());
    } else if (code !== 0 && code !== 12) {
      this.#socket.destroy(new ServerError('08004', `authentication of kind ${code} is not known here`));
    }
  }

  #onLost(): void {
    this.#lost = this.#pending?.error ?? new ServerError('08006', 'the connection was closed');
    const pending = this.#pending;
    this.#pending = null;
    pending?.reject(this.#lost);
  }
}
