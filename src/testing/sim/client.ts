/**
 * A client of the simulated cluster: PostgreSQL's protocol over a virtual connection, the same codec
 * as everywhere, one statement at a time. It gives up on an answer after `timeoutUs` of virtual time
 * and then drops the connection, as a driver with a statement timeout of its own does.
 */
import { QuoralError } from '../../base/errors.js';
import type { ByteStream, Transport } from '../../env/env.js';
import type { SimProcess, SimScheduler } from '../../env/sim/scheduler.js';
import { BackendParser, ClientWriter, type ClientColumn } from '../../pgwire/client-codec.js';

export interface ClientResult {
  /** Values in text form, by column. */
  readonly rows: readonly (readonly (string | null)[])[];
  readonly columns: readonly string[];
  readonly tag: string;
}

/** What a statement ended with: `code` is the SQLSTATE; 08xxx when the connection is gone. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: string;
  readonly severity: string;

  constructor(code: string, message: string, severity = 'ERROR') {
    super(message);
    this.code = code;
    this.severity = severity;
  }

  /** Nobody knows whether the statement took effect. */
  get lost(): boolean {
    return this.code.startsWith('08') || this.severity === 'FATAL';
  }
}

interface Answer {
  rows: (string | null)[][];
  columns: readonly ClientColumn[];
  tag: string;
  error: ClientError | null;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: ClientError) => void;
  readonly answer: Answer;
}

const CONNECT_TIMEOUT_MS = 3_000;

export class SimClient {
  readonly #scheduler: SimScheduler;
  readonly #process: SimProcess;
  readonly #stream: ByteStream;
  readonly #timeoutUs: number;
  readonly #parser = new BackendParser();
  readonly #writer = new ClientWriter();
  #waiting: Waiting | null = null;
  #closed: ClientError | null = null;
  #notice: ClientError | null = null;
  /** 'I' idle, 'T' in a transaction, 'E' in a failed one. */
  status = 'I';

  /** @throws ClientError 08xxx when nobody answers, or what the server refuses with. */
  static async connect(
    deps: { readonly scheduler: SimScheduler; readonly process: SimProcess; readonly transport: Transport },
    address: string,
    timeoutUs: number,
  ): Promise<SimClient> {
    let stream: ByteStream;
    try {
      stream = await deps.transport.connectBytes(address, CONNECT_TIMEOUT_MS);
    } catch (error) {
      throw new ClientError('08001', error instanceof Error ? error.message : String(error));
    }
    const client = new SimClient(deps, stream, timeoutUs);
    await client.#exchange((writer) =>
      writer.startup({ user: 'postgres', database: 'postgres', application_name: deps.process.name }),
    );
    return client;
  }

  private constructor(
    deps: { readonly scheduler: SimScheduler; readonly process: SimProcess },
    stream: ByteStream,
    timeoutUs: number,
  ) {
    this.#scheduler = deps.scheduler;
    this.#process = deps.process;
    this.#stream = stream;
    this.#timeoutUs = timeoutUs;
    stream.onData((data) => this.#receive(data));
    stream.onClose((error) =>
      this.#lose(this.#notice ?? new ClientError('08006', error?.message ?? 'the server closed the connection')),
    );
  }

  get usable(): boolean {
    return this.#closed === null;
  }

  /** One statement. @throws ClientError */
  async query(text: string, params: readonly (string | number | null)[] = []): Promise<ClientResult> {
    const answer = await this.#exchange((writer) => {
      if (params.length === 0) return writer.query(text);
      const values = params.map((value) => (value === null ? null : String(value)));
      return writer.parse('', text).bind('', '', values).describe('portal', '').execute('').sync();
    });
    return { rows: answer.rows, columns: answer.columns.map((column) => column.name), tag: answer.tag };
  }

  close(): void {
    if (this.#closed !== null) return;
    this.#stream.write(this.#writer.terminate().take());
    this.#stream.end();
    this.#lose(new ClientError('08003', 'the connection is closed'));
  }

  /** The client vanishes without a word. */
  abandon(): void {
    this.#stream.destroy();
    this.#lose(new ClientError('08003', 'the connection is closed'));
  }

  async #exchange(build: (writer: ClientWriter) => unknown): Promise<Answer> {
    if (this.#closed !== null) throw this.#closed;
    if (this.#waiting !== null) throw new QuoralError('55000', 'a statement is running on this connection');
    const answer: Answer = { rows: [], columns: [], tag: '', error: null };
    const answered = new Promise<Answer>((resolve, reject) => {
      this.#waiting = { resolve, reject, answer };
    });
    const timer = this.#scheduler.after(this.#timeoutUs, this.#process, () => {
      this.#stream.destroy();
      this.#lose(new ClientError('08006', `no answer within ${this.#timeoutUs / 1e6} s`));
    });
    build(this.#writer);
    this.#stream.write(this.#writer.take());
    try {
      await answered;
    } finally {
      timer.cancel();
    }
    if (answer.error !== null) throw answer.error;
    return answer;
  }

  #receive(data: Buffer): void {
    this.#parser.push(data);
    while (this.#parser.next()) {
      const message = this.#parser.decode();
      const answer = this.#waiting?.answer;
      switch (message.kind) {
        case 'rowDescription':
          if (answer !== undefined) answer.columns = message.columns;
          break;
        case 'dataRow':
          answer?.rows.push(message.values.map((value) => (value === null ? null : value.toString('utf8'))));
          break;
        case 'commandComplete':
          if (answer !== undefined) answer.tag = message.tag;
          break;
        case 'error':
          this.#onError(message.fields, answer);
          break;
        case 'readyForQuery':
          this.status = message.status;
          this.#settle();
          break;
        default:
          break;
      }
    }
  }

  #onError(fields: Readonly<Record<string, string>>, answer: Answer | undefined): void {
    const error = new ClientError(fields['C'] ?? 'XX000', fields['M'] ?? '', fields['S'] ?? 'ERROR');
    if (answer !== undefined) answer.error ??= error;
    if (error.severity === 'FATAL') this.#notice = error;
  }

  #settle(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(waiting.answer);
  }

  #lose(error: ClientError): void {
    if (this.#closed !== null) return;
    this.#closed = error;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(waiting.answer.error ?? error);
  }
}
