/**
 * A client's connection in a simulation: the virtual byte stream, with a look at the messages that pass.
 * What was asked and answered goes into the timeline; a statement's connection breaks where the
 * conflicts say so; a connection whose server's machine is gone is given up after a while, as TCP's
 * keep-alive does.
 *
 * Invariants: bytes pass unchanged and in order until the connection breaks; after that neither side
 * hears more. An error that ends it has the `code` that a socket's would have.
 *
 * Limit: of several statements sent ahead of their answers one at most breaks the connection at a time.
 */
import type { ByteStream } from '../../env/env.js';
import type { BreakMoment } from './conflicts.js';

export interface ClientStreamHooks {
  readonly note: (text: string) => void;
  /** Whether the connection breaks around the statement that is being sent. */
  readonly breakMoment: () => BreakMoment | null;
  /** Runs `fn` in a later event of the client's process. */
  readonly later: (fn: () => void) => void;
  readonly closed: (stream: ClientStream) => void;
}

const TEXT_MAX = 160;
const VALUES_MAX = 8;

export class ClientStream implements ByteStream {
  readonly name: string;
  readonly node: string;
  readonly #inner: ByteStream;
  readonly #hooks: ClientStreamHooks;
  readonly #sent: Messages;
  readonly #received = new Messages(false);
  /** Texts of prepared statements by name. */
  readonly #prepared = new Map<string, string>();
  #bound = '';
  #sentUnnoted = '';
  /** The answer that is under way never arrives. */
  #breaksAtAnswer = false;
  #closed = false;
  #onClose: ((error: Error | null) => void) | null = null;
  /** 'I' idle, 'T' in a transaction, 'E' in a failed one. */
  status = 'I';

  constructor(name: string, node: string, inner: ByteStream, hooks: ClientStreamHooks) {
    this.name = name;
    this.node = node;
    this.#inner = inner;
    this.#hooks = hooks;
    this.#sent = new Messages(true);
    inner.onClose((error) => this.#finish(error === null ? null : socketError('ECONNRESET', error.message)));
  }

  get remote(): string {
    return this.#inner.remote;
  }
  get bufferedBytes(): number {
    return this.#inner.bufferedBytes;
  }

  write(data: Uint8Array): boolean {
    if (this.#closed) return true;
    let statement = false;
    for (const message of this.#sent.push(data)) if (this.#onSent(message)) statement = true;
    const moment = statement ? this.#hooks.breakMoment() : null;
    if (moment === 'before') {
      this.break('the statement was not sent');
      return true;
    }
    const more = this.#inner.write(data);
    if (moment === 'during') this.break('the statement was sent');
    if (moment === 'after') this.#breaksAtAnswer = true;
    return more;
  }

  /** The connection is gone without the server's word. */
  break(why: string, code: 'ECONNRESET' | 'ETIMEDOUT' = 'ECONNRESET'): void {
    if (this.#closed) return;
    this.#hooks.note(`${this.name}: the connection to ${this.node} breaks (${why})`);
    this.#inner.destroy();
    this.#finish(socketError(code, why));
  }

  pause(): void {
    this.#inner.pause();
  }
  resume(): void {
    this.#inner.resume();
  }
  end(): void {
    this.#inner.end();
    this.#finish(null);
  }
  destroy(): void {
    this.#inner.destroy();
    this.#finish(null);
  }
  onDrain(fn: () => void): void {
    this.#inner.onDrain(fn);
  }
  onClose(fn: (error: Error | null) => void): void {
    this.#onClose = fn;
  }
  onData(fn: (data: Buffer) => void): void {
    this.#inner.onData((data) => {
      if (this.#closed) return;
      if (this.#breaksAtAnswer) {
        this.break('its answer was lost');
        return;
      }
      for (const message of this.#received.push(data)) this.#onReceived(message);
      fn(data);
    });
  }

  #finish(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#hooks.closed(this);
    this.#hooks.later(() => this.#onClose?.(error));
  }

  /** True: a statement, or a group of messages, is complete. */
  #onSent(message: Message): boolean {
    const { body } = message;
    switch (message.type) {
      case 'Q':
        this.#asked(textAt(body, 0));
        return true;
      case 'P': {
        const name = textAt(body, 0);
        this.#prepared.set(name, textAt(body, Buffer.byteLength(name) + 1));
        return false;
      }
      case 'B':
        this.#bound = this.#describeBind(body);
        return false;
      case 'S':
        if (this.#bound !== '') this.#asked(this.#bound);
        this.#bound = '';
        return true;
      default:
        return false;
    }
  }

  #describeBind(body: Buffer): string {
    const portal = textAt(body, 0);
    const name = textAt(body, Buffer.byteLength(portal) + 1);
    let at = Buffer.byteLength(portal) + Buffer.byteLength(name) + 2;
    const formats = body.readUInt16BE(at);
    const binary = Array.from({ length: formats }, (_, i) => body.readUInt16BE(at + 2 + 2 * i) === 1);
    at += 2 + 2 * formats;
    const count = body.readUInt16BE(at);
    at += 2;
    const values: string[] = [];
    for (let i = 0; i < Math.min(count, VALUES_MAX); i++) {
      const length = body.readInt32BE(at);
      at += 4;
      const value = length < 0 ? null : body.subarray(at, at + length);
      if (value === null) values.push('NULL');
      else values.push(binary[formats === 1 ? 0 : i] === true ? `\\x${value.toString('hex')}` : value.toString('utf8'));
      at += Math.max(0, length);
    }
    const text = this.#prepared.get(name) ?? '';
    return count === 0 ? text : `${text} [${values.join(', ')}${count > VALUES_MAX ? ', …' : ''}]`;
  }

  #asked(text: string): void {
    this.#sentUnnoted = shorten(text);
    this.#hooks.note(`${this.name} → ${this.node}: ${this.#sentUnnoted}`);
  }

  #onReceived(message: Message): void {
    const { body } = message;
    if (message.type === 'C') this.#hooks.note(`${this.name} ← ${this.node}: ${textAt(body, 0)}`);
    else if (message.type === 'E') this.#hooks.note(`${this.name} ← ${this.node}: ERROR ${describeError(body)}`);
    else if (message.type === 'Z') this.status = String.fromCharCode(body[0] ?? 0x49);
  }
}

interface Message {
  readonly type: string;
  readonly body: Buffer;
}

/** Cuts a stream of bytes into the protocol's messages. */
class Messages {
  /** A client's first messages have no type. */
  #starting: boolean;
  #rest: Buffer = Buffer.alloc(0);

  constructor(client: boolean) {
    this.#starting = client;
  }

  push(data: Uint8Array): Message[] {
    const bytes = Buffer.concat([this.#rest, data]);
    const found: Message[] = [];
    let at = 0;
    for (;;) {
      const typed = this.#starting ? 0 : 1;
      if (bytes.length - at < typed + 4) break;
      const end = at + typed + Math.max(4, bytes.readUInt32BE(at + typed));
      if (bytes.length < end) break;
      const body = bytes.subarray(at + typed + 4, end);
      if (this.#starting) {
        // The start-up message itself, not a request for encryption: its version is 3.x.
        if (body.length >= 2 && body.readUInt16BE(0) === 3) this.#starting = false;
      } else found.push({ type: String.fromCharCode(bytes[at]!), body });
      at = end;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
    return found;
  }
}

function textAt(body: Buffer, at: number): string {
  const end = body.indexOf(0, at);
  return body.toString('utf8', at, end < 0 ? body.length : end);
}

function describeError(body: Buffer): string {
  const fields = new Map(
    body
      .toString('utf8')
      .split('\0')
      .map((field) => [field[0], field.slice(1)]),
  );
  return `${fields.get('C') ?? ''} ${fields.get('M') ?? ''}`;
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > TEXT_MAX ? `${line.slice(0, TEXT_MAX)}…` : line;
}

function socketError(code: 'ECONNRESET' | 'ETIMEDOUT', why: string): Error {
  return Object.assign(new Error(`read ${code}: ${why}`), { code, syscall: 'read' });
}
