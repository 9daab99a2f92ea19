/**
 * Statements that are made to hurt (fuzz/hostile.ts has the list), sent to one node: each ends as it should, others are
 * answered while it runs, it can be cancelled, and the node lives. Nothing here looks at how long anything takes.
 */
import { Socket } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hostile } from '../../fuzz/hostile-values.js';
import { hostile } from '../../fuzz/hostile.js';
import { type Cluster, startCluster } from '../../src/testing/index.js';

let cluster: Cluster;
let other: pg.Client;

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: cluster.url() });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

beforeAll(async () => {
  cluster = await startCluster({ nodes: 1 });
  other = await connect();
});
afterAll(async () => {
  await other.end();
  await cluster.close();
});

type Query = { text: string; rowMode: 'array'; values?: unknown[] };

/** '=' and the first value, or the SQLSTATE. */
async function outcome(client: pg.Client, query: Query): Promise<string> {
  try {
    const result = (await client.query(query)) as unknown as { rows?: unknown[][] };
    return `=${String(result.rows?.[0]?.[0] ?? 'nothing').slice(0, 40)}`;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

function queryOf({ statements, values }: Hostile): Query {
  const text = statements.at(-1)!;
  return { text, rowMode: 'array', ...(values === undefined ? {} : { values: [...values] }) };
}

/** Asks the other session again and again until `done`; gives the number of answers. */
async function answered(done: { yet: boolean }): Promise<number> {
  let count = 0;
  while (!done.yet) {
    await other.query('SELECT 1');
    count++;
  }
  return count;
}

async function attack(one: Hostile, timeoutMs: number): Promise<{ ended: string; answers: number }> {
  const client = await connect();
  try {
    for (const text of one.statements.slice(0, -1)) await client.query(text);
    await client.query(`SET statement_timeout = ${timeoutMs}`);
    const done = { yet: false };
    const counting = answered(done);
    const ended = await outcome(client, queryOf(one));
    done.yet = true;
    return { ended, answers: await counting };
  } finally {
    await client.end();
  }
}

/** Asks for the cancelling of what the client runs. */
function cancel(client: pg.Client): Promise<void> {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(80_877_102, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  const { hostname, port } = new URL(cluster.url());
  return new Promise((resolve, reject) => {
    const socket = new Socket();
    socket.on('error', reject);
    socket.on('close', () => resolve());
    socket.connect(Number(port), hostname, () => socket.end(request));
    socket.resume();
  });
}

const isEndless = (one: Hostile): boolean => one.ends.includes('57014');

describe('a statement that ends by itself', () => {
  it.each(hostile().filter((one) => !isEndless(one)))('$name', async (one) => {
    const { ended } = await attack(one, 0);
    expect(one.ends.startsWith('=') ? [one.ends] : one.ends.split(' ')).toContain(ended);
  });
});

describe('a statement that would run for ever', () => {
  it.each(hostile().filter(isEndless))('$name', async (one) => {
    // Those that run out of memory may do so at once. In little time a slow machine has none for others.
    for (let timeoutMs = 300; ; timeoutMs *= 3) {
      const { ended, answers } = await attack(one, timeoutMs);
      expect(one.ends.split(' ')).toContain(ended);
      if (ended !== '57014' || answers > 1) break;
      expect(timeoutMs).toBeLessThan(20_000);
    }
  });

  it.each(hostile().filter((one) => one.ends === '57014 53200'))('is cancelled: $name', async (one) => {
    const client = await connect();
    for (const text of one.statements.slice(0, -1)) await client.query(text);
    const done = { yet: false };
    const ended = outcome(client, queryOf(one)).finally(() => (done.yet = true));
    // A request may come before the statement and then is for nothing.
    while (!done.yet) await cancel(client);
    expect(one.ends.split(' ')).toContain(await ended);
    await client.end();
  });
});

describe('a long statement that is parsed and planned', () => {
  const values = `SELECT count(*) FROM (VALUES ${Array.from({ length: 50_000 }, (_, i) => `(${i})`).join(', ')}) AS v (a)`;

  it('is ended by the time-out before its end', async () => {
    expect((await attack({ name: '', ends: '', statements: [values] }, 1)).ended).toBe('57014');
  });

  it('leaves its session as it was', async () => {
    const client = await connect();
    await client.query('BEGIN');
    await client.query('SET LOCAL statement_timeout = 1');
    await expect(client.query(values)).rejects.toMatchObject({ code: '57014' });
    await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' });
    await client.query('ROLLBACK');
    expect(await outcome(client, { text: values, rowMode: 'array' })).toBe('=50000');
    await client.end();
  });

  it('is planned as it is while others change the tables it reads', async () => {
    const client = await connect();
    await client.query('CREATE TABLE changing (a int)');
    const text = `SELECT count(*) FROM changing WHERE a IN (${Array.from({ length: 30_000 }, (_, i) => i).join(', ')})`;
    for (let round = 0; round < 5; round++) {
      const [ended] = await Promise.all([
        outcome(client, { text, rowMode: 'array' }),
        other.query(`ALTER TABLE changing ADD COLUMN c${round} int DEFAULT ${round}`),
      ]);
      expect(ended).toBe('=0');
    }
    await client.query('INSERT INTO changing (a) VALUES (5)');
    expect(await outcome(client, { text, rowMode: 'array' })).toBe('=1');
    await client.end();
  });
});

describe('many of one thing', () => {
  it('savepoints', async () => {
    const client = await connect();
    const many = (text: (i: number) => string): string => Array.from({ length: 5000 }, (_, i) => text(i)).join('; ');
    await client.query('CREATE TABLE saved (a int)');
    await client.query(`BEGIN; ${many((i) => `SAVEPOINT s${i}`)}; INSERT INTO saved VALUES (1)`);
    await client.query('ROLLBACK TO s2500; INSERT INTO saved VALUES (2); COMMIT');
    expect(await outcome(client, { text: 'SELECT a FROM saved', rowMode: 'array' })).toBe('=2');
    await client.end();
  });

  it('prepared statements and cursors: as many as there may be, then an error', async () => {
    const client = await connect();
    let refused = '';
    for (let from = 0; from < 20_000 && refused === ''; from += 1000) {
      const some = Array.from({ length: 1000 }, (_, i) => `PREPARE p${from + i} AS SELECT ${from + i}`).join('; ');
      refused = await client.query(some).then(
        () => '',
        (error: { code: string }) => error.code,
      );
    }
    expect(refused).toBe('53000');
    expect(await outcome(client, { text: 'EXECUTE p17', rowMode: 'array' })).toBe('=17');
    await client.query('DEALLOCATE ALL');
    const cursors = Array.from({ length: 2000 }, (_, i) => `DECLARE c${i} CURSOR FOR SELECT ${i}`).join('; ');
    const declared = await client.query(`BEGIN; ${cursors}`).then(
      () => '',
      (error: { code: string }) => error.code,
    );
    expect(['', '53000']).toContain(declared);
    await client.query('ROLLBACK');
    await client.end();
  });
});

describe('bytes that are not the protocol', () => {
  /** What the node answers to them after a start-up, until it hangs up. */
  function sent(bytes: Buffer, startUp = true): Promise<Buffer> {
    const { hostname, port } = new URL(cluster.url());
    return new Promise((resolve, reject) => {
      const socket = new Socket();
      const parts: Buffer[] = [];
      socket.on('data', (part) => parts.push(part));
      socket.on('error', (error: { code?: string }) => {
        if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error as Error);
      });
      socket.on('close', () => resolve(Buffer.concat(parts)));
      socket.connect(Number(port), hostname, () => {
        if (startUp) socket.write(message('', Buffer.from('\0\x03\0\0user\0postgres\0\0', 'latin1')));
        // Hanging up at once could lose the answer; a Terminate comes after it.
        if (startUp) socket.write(Buffer.concat([bytes, message('X', Buffer.alloc(0))]));
        else socket.end(bytes);
      });
    });
  }

  function message(type: string, body: Buffer): Buffer {
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length + 4);
    return Buffer.concat([Buffer.from(type), length, body]);
  }

  const text = (...bytes: number[]): Buffer =>
    Buffer.concat([Buffer.from("SELECT '"), Buffer.from(bytes), Buffer.from("'\0")]);

  it.each([
    ['a NUL in a statement', message('Q', text(0, 65)), /C08P01|C42601/],
    ['half a character', message('Q', text(0xc3)), /C22021/],
    ['a surrogate', message('Q', text(0xed, 0xa0, 0x80)), /C22021/],
    ['a character in too many bytes', message('Q', text(0xc0, 0x80)), /C22021/],
    ['a message of no known type', message('?', Buffer.from('x')), /C08P01/],
    ['a length below that of itself', Buffer.from([0x51, 0, 0, 0, 1]), /C08P01/],
    ['a length of two gigabytes', Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xff]), /C08P01|C54000|C53200/],
    ['a Bind that promises more than it has', message('B', Buffer.from([0, 0, 0, 0, 0x7f, 0xff])), /C08P01/],
    ['an Execute of nothing', message('E', Buffer.from('none\0\0\0\0\0', 'latin1')), /C34000/],
    ['CopyData out of the blue', message('d', Buffer.from('x')), /^R/],
  ])('%s', async (_name, bytes, expected) => {
    expect((await sent(bytes)).toString('latin1')).toMatch(expected);
    await other.query('SELECT 1');
  });

  it('at the start-up', async () => {
    for (const bytes of [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(64, 0xff),
      Buffer.alloc(8),
      Buffer.from([0]),
    ])
      await sent(bytes, false);
    await other.query('SELECT 1');
  });
});
