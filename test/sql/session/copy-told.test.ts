/** A sender that pauses learns at once of a row that is bad: nothing waits for a block to fill. */
import { beforeEach, describe, expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import { Client, CollectingSink, startServer } from '../support/server.js';

let c: Client;
beforeEach(async () => {
  c = await Client.open(await startServer());
  await c.all(`
    create domain positive as int check (value > 0);
    create function checked(int) returns boolean language plpgsql as 'begin return $1 < 50; end';
    create table t (a int primary key, b text not null, c positive, d int check (d < 10), e varchar(3))`);
});

/** Sends the chunks, and then neither more nor the end. */
class Pausing extends CollectingSink {
  readonly #chunks: readonly string[];
  constructor(client: Client, chunks: readonly string[]) {
    super(client.session);
    this.#chunks = chunks;
  }
  override async *copyIn(): AsyncIterable<Buffer> {
    for (const chunk of this.#chunks) yield await Promise.resolve(Buffer.from(chunk));
    await new Promise(() => undefined);
  }
}

async function told(text: string, chunks: readonly string[]): Promise<string> {
  try {
    await c.session.simpleQuery(text, new Pausing(c, chunks));
  } catch (error) {
    if (error instanceof QuoralError) return `${error.sqlstate} ${error.fields.where}`;
    throw error;
  }
  return 'no error';
}

const GOOD = '1\tx\t1\t1\tx\n2\tx\t1\t1\tx\n';

/** Sends a byte at a time. */
class Slow extends CollectingSink {
  readonly #bytes: Buffer;
  constructor(client: Client, text: string) {
    super(client.session);
    this.#bytes = Buffer.from(text);
  }
  override async *copyIn(): AsyncIterable<Buffer> {
    for (let i = 0; i < this.#bytes.length; i++) yield await Promise.resolve(this.#bytes.subarray(i, i + 1));
  }
}

describe('the last line', () => {
  it.each([
    ['copy t (a, b) from stdin', '1\tx\n2\ty'],
    ['copy t (a, b) from stdin csv', '1,x\n2,"y"'],
    ['copy t (a, b) from stdin csv', '1,x\r\n2,y\r\n'],
  ])('counts without an end: %s', async (text, input) => {
    const sink = new Slow(c, input);
    await c.session.simpleQuery(text, sink);
    expect(sink.results[0]!.tag).toBe('COPY 2');
    expect(await c.rows('select a, b from t order by a')).toEqual([
      ['1', 'x'],
      ['2', 'y'],
    ]);
  });

  it.each([
    ['2\tx\tq\t1\tx', '22P02 COPY t, line 2, column c: "q"'],
    ['2\t\\N\t1\t1\tx', '23502 COPY t, line 2: "2\t\\N\t1\t1\tx"'],
    ['1\tx\t1\t1\tx', '23505 COPY t, line 2'],
  ])('is looked at without an end', async (line, expected) => {
    const sink = new Slow(c, `1\tx\t1\t1\tx\n${line}`);
    const failed: unknown = await c.session.simpleQuery('copy t from stdin', sink).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(QuoralError);
    const { sqlstate, fields } = failed as QuoralError;
    expect(`${sqlstate} ${fields.where}`).toBe(expected);
  });
});

describe('while the sender pauses', () => {
  it.each([
    ['a field that cannot be read', '3\tx\tq\t1\tx\n', '22P02 COPY t, line 3, column c: "q"'],
    ['too few fields', '3\tx\n', '22P04 COPY t, line 3: "3\tx"'],
    ['a NULL', '3\t\\N\t1\t1\tx\n', '23502 COPY t, line 3: "3\t\\N\t1\t1\tx"'],
    ['a check', '3\tx\t1\t10\tx\n', '23514 COPY t, line 3: "3\tx\t1\t10\tx"'],
    ['a length', '3\tx\t1\t1\tlong\n', '22001 COPY t, line 3, column e: "long"'],
  ])('%s is told of', async (_, line, expected) => {
    expect(await told('copy t from stdin', [GOOD, line])).toBe(expected);
  });

  it('a domain is, whose check calls a function', async () => {
    await c.all('create domain small as int check (checked(value)); create table u (a small)');
    expect(await told('copy u from stdin', ['1\n', '60\n'])).toMatch(/^23514 COPY u, line 2/);
  });

  it('the condition is, that fails', async () => {
    expect(await told('copy t from stdin where 1 / (a - 3) < 5', [GOOD, '3\tx\t1\t1\tx\n'])).toMatch(
      /^22012 COPY t, line 3/,
    );
  });

  it('what is long is written before the end, so that a key that is taken is told of', async () => {
    await c.all("insert into t values (1, 'there')");
    const long = `${'x'.repeat(600_000)}`;
    expect(await told('copy t (a, b) from stdin', [`1\t${long}\n`])).toBe('23505 COPY t, line 1');
  });
});
