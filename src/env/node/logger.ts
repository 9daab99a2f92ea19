/**
 * Log lines on standard error: time, level, message, then `key=value` fields (or one JSON object
 * a line). A line is one `write`, so lines of several processes on one pipe do not mix.
 */
import type { Logger, LogLevel } from '../env.js';

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

export interface NodeLoggerOptions {
  /** Lines below this level are left out. Default 'info'. */
  readonly level?: LogLevel;
  readonly format?: 'text' | 'json';
  /** Where lines go; standard error by default. */
  readonly write?: (line: string) => void;
}

export class NodeLogger implements Logger {
  readonly #options: NodeLoggerOptions;
  readonly #fields: Record<string, unknown>;
  readonly #rankMin: number;
  readonly #write: (line: string) => void;

  constructor(options: NodeLoggerOptions = {}, fields: Record<string, unknown> = {}) {
    this.#options = options;
    this.#fields = fields;
    this.#rankMin = RANK[options.level ?? 'info'];
    this.#write = options.write ?? ((line) => void process.stderr.write(line));
  }

  log(level: LogLevel, message: string, fields: Record<string, unknown> = {}): void {
    if (RANK[level] < this.#rankMin) return;
    const time = new Date().toISOString();
    const all = { ...this.#fields, ...fields };
    if (this.#options.format === 'json') {
      const line: Record<string, unknown> = { time, level, message };
      for (const [key, value] of Object.entries(all)) line[key] = plain(value);
      this.#write(`${JSON.stringify(line)}\n`);
      return;
    }
    let line = `${time} ${level.toUpperCase().padEnd(5)} ${oneLine(message)}`;
    for (const [key, value] of Object.entries(all)) line += ` ${key}=${text(value)}`;
    this.#write(`${line}\n`);
  }

  child(fields: Record<string, unknown>): Logger {
    return new NodeLogger(this.#options, { ...this.#fields, ...fields });
  }
}

/** Line breaks in a message must not look like a second line. */
function oneLine(message: string): string {
  return message.replaceAll('\r', '\\r').replaceAll('\n', '\\n');
}

function plain(value: unknown): unknown {
  if (value instanceof Error) return value.stack ?? value.message;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value;
}

function text(value: unknown): string {
  const shown = plain(value);
  if (typeof shown === 'string') return /^[\w.:/@+-]+$/.test(shown) ? shown : JSON.stringify(shown);
  return JSON.stringify(shown) ?? 'undefined';
}
