/**
 * What the client sends between CopyInResponse and CopyDone, as the executor reads it. While a COPY
 * runs, this and not the connection's loop takes messages from the parser, so the order on the wire
 * is the order here, and a slow executor holds the client back through the same input bound.
 *
 * Messages that are already there are handed over as one buffer: clients send one CopyData per line
 * (psql, pgbench), and their boundaries mean nothing.
 */
import { type QuoralError, sqlError } from '../base/errors.js';
import { decodeCopyFail, decodeEmpty, type FrontendParser } from './codec.js';
import { connectionLost, Frontend, protocolError } from './protocol.js';

const BATCH_BYTES = 128 * 1024;

interface Waiter {
  readonly resolve: (result: IteratorResult<Buffer>) => void;
  readonly reject: (error: unknown) => void;
}

export class CopySource implements AsyncIterable<Buffer>, AsyncIterator<Buffer> {
  readonly #parser: FrontendParser;
  /** Called at each read; `dry` when nothing complete is left and the network must give more. */
  readonly #wantInput: (dry: boolean) => void;
  #waiter: Waiter | null = null;
  #done = false;
  #failure: unknown = null;

  constructor(parser: FrontendParser, wantInput: (dry: boolean) => void) {
    this.#parser = parser;
    this.#wantInput = wantInput;
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return this;
  }

  next(): Promise<IteratorResult<Buffer>> {
    const result = this.#step();
    if (result !== null) {
      this.#wantInput(false);
      return result;
    }
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#wantInput(true);
    });
  }

  return(): Promise<IteratorResult<Buffer>> {
    this.#done = true;
    return Promise.resolve({ done: true, value: undefined });
  }

  /** True while the executor waits for the client. */
  get waiting(): boolean {
    return this.#waiter !== null;
  }

  /** More bytes are in the parser. */
  onInput(): void {
    const waiter = this.#waiter;
    if (waiter === null) return;
    const result = this.#step();
    if (result === null) {
      this.#wantInput(true);
      return;
    }
    this.#waiter = null;
    result.then(waiter.resolve, waiter.reject);
  }

  /** The client is gone or must go: the executor learns it at its next read. */
  fail(error: QuoralError): void {
    if (this.#done) return;
    this.#failure = error;
    this.#done = true;
    const waiter = this.#waiter;
    this.#waiter = null;
    waiter?.reject(error);
  }

  /** null: nothing complete has arrived. */
  #step(): Promise<IteratorResult<Buffer>> | null {
    if (this.#failure !== null) {
      const failure = this.#failure;
      this.#failure = null;
      return Promise.reject(failure as Error);
    }
    try {
      const batch = this.#done ? null : this.#pull();
      if (batch !== null) return Promise.resolve({ done: false, value: batch });
      return this.#done ? Promise.resolve({ done: true, value: undefined }) : null;
    } catch (error) {
      this.#done = true;
      return Promise.reject(error as Error);
    }
  }

  #pull(): Buffer | null {
    const parser = this.#parser;
    const parts: Buffer[] = [];
    let bytes = 0;
    while (bytes < BATCH_BYTES && !this.#done && parser.next()) {
      switch (parser.type) {
        case Frontend.copyData:
          if (parser.body.length > 0) parts.push(parser.body);
          bytes += parser.body.length;
          break;
        case Frontend.copyDone:
          decodeEmpty(parser.body);
          this.#done = true;
          break;
        case Frontend.copyFail:
          throw sqlError('57014', `COPY from stdin failed: ${decodeCopyFail(parser.body)}`);
        case Frontend.flush:
        case Frontend.sync:
          // Clients send these before they know that the statement was a COPY.
          break;
        case Frontend.terminate:
          throw connectionLost();
        default:
          throw protocolError(`unexpected message type 0x${hex(parser.type)} during COPY from stdin`);
      }
    }
    if (parts.length === 0) return null;
    return parts.length === 1 ? parts[0] : Buffer.concat(parts, bytes);
  }
}

function hex(type: number): string {
  return type.toString(16).toUpperCase().padStart(2, '0');
}
