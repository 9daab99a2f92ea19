/**
 * A log file of bounded size: at `bytesMax` it is renamed to `<path>.1` (the older `.1` goes) and
 * begun anew, so a node's log takes at most twice that. Writes are synchronous: a line is in the
 * operating system's hands when the call returns, and survives the process, though not the machine.
 *
 * A write that fails (disk full) must not stop the node: the line is dropped, counted, and the
 * count is written once writing works again.
 */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const BYTES_MAX_DEFAULT = 16 * 1024 * 1024;

export class RotatingFile {
  readonly #path: string;
  readonly #bytesMax: number;
  #descriptor: number;
  #bytes: number;
  #dropped = 0;

  /** @throws the system's error when the file cannot be opened for appending. */
  constructor(path: string, bytesMax = BYTES_MAX_DEFAULT) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    mkdirSync(dirname(path), { recursive: true });
    this.#descriptor = openSync(path, 'a', 0o600);
    this.#bytes = fstatSync(this.#descriptor).size;
  }

  write(text: string): void {
    try {
      if (this.#dropped > 0) {
        this.#append(`(${this.#dropped} lines could not be written)\n`);
        this.#dropped = 0;
      }
      this.#append(text);
    } catch (error) {
      // Only the system's own refusals; anything else is a fault of ours.
      if (!(error instanceof Error && 'code' in error)) throw error;
      this.#dropped++;
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #append(text: string): void {
    const bytes = Buffer.byteLength(text);
    if (this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax) this.#rotate();
    this.#bytes += writeSync(this.#descriptor, text);
  }

  #rotate(): void {
    renameSync(this.#path, `${this.#path}.1`);
    const descriptor = openSync(this.#path, 'a', 0o600);
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
    this.#bytes = 0;
  }
}
