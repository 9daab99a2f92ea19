/**
 * Golden transcripts: what a client sends (`>`), what the server answers (`<`), what the session was
 * asked (`.`). A run of `>` lines goes out as one chunk. UPDATE_SCRIPTS=1 rewrites the answers.
 *
 *   > query "select 1"       a message of ClientWriter, arguments as JSON
 *   > bytes 00000004         raw bytes
 *   > vanish | stick | unstick | drain | cancel
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ClientWriter, type BackendMessage } from '../../src/pgwire/client-codec.js';
import { Harness, settle, type TestClient } from './harness.js';

const FOLDER = join(import.meta.dirname, '../scripts/pgwire');

type Call = (...args: unknown[]) => unknown;

function render(message: BackendMessage): string {
  const { kind, ...rest } = message;
  const body = JSON.stringify(rest, (_, value: unknown) => (isBufferJson(value) ? bufferText(value.data) : value));
  return body === '{}' ? kind : `${kind} ${body}`;
}

function isBufferJson(value: unknown): value is { readonly type: 'Buffer'; readonly data: number[] } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
}

function bufferText(data: number[]): string {
  const bytes = Buffer.from(data);
  const text = bytes.toString('utf8');
  return /[\x00-\x08\x0e-\x1f\ufffd]/.test(text) ? `0x${bytes.toString('hex')}` : text;
}

class Player {
  readonly harness = new Harness();
  readonly client: TestClient = this.harness.connect();
  readonly #writer = new ClientWriter();
  #callsShown = 0;

  async play(lines: readonly string[]): Promise<string[]> {
    for (const line of lines) this.#step(line.slice(2).trim());
    this.#send();
    await settle();
    return this.#observed();
  }

  #step(line: string): void {
    const [command, ...rest] = line.split(' ');
    const argument = rest.join(' ');
    const { stream } = this.client;
    switch (command) {
      case 'bytes':
        this.#send();
        return stream.feed(Buffer.from(argument.replaceAll(' ', ''), 'hex'));
      case 'vanish':
        this.#send();
        return stream.vanish();
      case 'stick':
        stream.stuck = true;
        return;
      case 'unstick':
        return stream.unstick();
      case 'drain':
        this.#send();
        void this.harness.server.close(60_000);
        return;
      case 'cancel':
        this.#send();
        return this.harness.connect().send((w) => w.cancelRequest(1, -1));
      default: {
        const method = (this.#writer as unknown as Record<string, Call>)[command as string];
        if (method === undefined) throw new Error(`unknown command ${command}`);
        const args = argument === '' ? [] : (JSON.parse(`[${argument}]`) as unknown[]);
        const isCopy = command === 'copyData';
        method.apply(this.#writer, isCopy ? [Buffer.from(args[0] as string)] : args.map(parameters));
      }
    }
  }

  #send(): void {
    if (this.#writer.length > 0) this.client.stream.feed(this.#writer.take());
  }

  #observed(): string[] {
    const session = this.harness.sql.sessions[0];
    const seen: string[] = [];
    const { written } = this.client.stream;
    if (written[0]?.length === 1) seen.push(`< byte ${(written.shift() as Buffer).toString('latin1')}`);
    for (const message of this.client.messages()) seen.push(`< ${render(message)}`);
    for (const call of session?.calls.slice(this.#callsShown) ?? []) seen.push(`. ${call}`);
    this.#callsShown = session?.calls.length ?? 0;
    if (this.client.stream.ended) seen.push('< end');
    return seen;
  }
}

/** Objects of the form {"hex":"00ff"} are binary parameters. */
function parameters(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(parameters);
  if (typeof value === 'object' && value !== null && 'hex' in value) return Buffer.from(String(value.hex), 'hex');
  return value;
}

describe.each(readdirSync(FOLDER).sort())('%s', (file) => {
  it('answers as written', async () => {
    const path = join(FOLDER, file);
    const before = readFileSync(path, 'utf8');
    const player = new Player();
    const after: string[] = [];
    let batch: string[] = [];
    const flush = async (): Promise<void> => {
      if (batch.length > 0) after.push(...batch, ...(await player.play(batch)));
      batch = [];
    };
    for (const line of before.trimEnd().split('\n')) {
      if (line.startsWith('> ')) batch.push(line);
      else {
        await flush();
        if (!line.startsWith('< ') && !line.startsWith('. ')) after.push(line);
      }
    }
    await flush();
    const text = `${after.join('\n')}\n`;
    if (process.env['UPDATE_SCRIPTS'] === '1') writeFileSync(path, text);
    else expect(text).toBe(before);
    expect(player.harness.fatal).toEqual([]);
  });
});
