/**
 * The text of a view makes the same view again: in both forms, with the same columns and the same rows. The text of that
 * one does not change any more. (The first may: a cast of a whole array is read as one of its items, `ON TRUE` as a
 * condition, as in PostgreSQL.) The views are those of the session script whose texts are PostgreSQL's.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

const SCRIPT = new URL('../../scripts/session/view-texts.sql', import.meta.url);
const statements = readFileSync(SCRIPT, 'utf8')
  .split('\n')
  .filter((line) => !line.startsWith('--'))
  .join('\n')
  .split(/;\s*\n/)
  .map((statement) => statement.trim())
  .filter((statement) => /^(create|alter|insert)/i.test(statement));

/** What a query gives that is another at each time, or has no order to be compared in. */
const MOVING = /random\(\)|CURRENT_|now\(\)|TABLESAMPLE/;

let c: Client;
const names = statements.flatMap((statement) => /^CREATE VIEW (\w+)/.exec(statement)?.[1] ?? []);

beforeAll(async () => {
  c = await Client.open(await startServer());
  for (const statement of statements) await c.all(statement);
});

async function textOf(view: string, pretty: boolean): Promise<string> {
  const [[text]] = (await c.rows(`SELECT pg_get_viewdef('${view}'::regclass, ${pretty})`)) as [[string]];
  return text;
}

async function shape(view: string): Promise<unknown> {
  return c.rows(
    `SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '${view}'::regclass ORDER BY attnum`,
  );
}

async function rowsOf(view: string): Promise<string[]> {
  return (await c.rows(`SELECT * FROM ${view}`)).map((row) => JSON.stringify(row)).sort();
}

describe('the text of a view', () => {
  it('there are views to look at', () => expect(names.length).toBeGreaterThan(50));

  it.each(names.flatMap((name) => [false, true].map((pretty) => ({ name, pretty }))))(
    '$name, pretty: $pretty',
    async ({ name, pretty }) => {
      const [first, second] = ['first', 'second'].map((word) => `${name}_${word}_${pretty ? 'pretty' : 'plain'}`);
      const text = await textOf(name, pretty);
      await c.all(`CREATE VIEW ${first} AS ${text}`);
      const again = await textOf(first!, pretty);
      await c.all(`CREATE VIEW ${second} AS ${again}`);
      expect(await textOf(second!, pretty)).toBe(again);
      for (const copy of [first!, second!]) {
        expect(await shape(copy)).toEqual(await shape(name));
        if (!MOVING.test(text)) expect(await rowsOf(copy)).toEqual(await rowsOf(name));
      }
    },
  );

  it('is short where a line may be long', async () => {
    await c.all('CREATE TABLE short (a int, b int, c int)');
    await c.all('CREATE VIEW shorter AS SELECT a, b, c FROM short');
    const wrapped = async (width: number): Promise<unknown> =>
      (await c.rows(`SELECT pg_get_viewdef('shorter'::regclass, ${width})`))[0]![0];
    expect(await wrapped(80)).toBe(' SELECT short.a, short.b, short.c\n   FROM short;');
    expect(await wrapped(18)).toBe(' SELECT short.a,\n    short.b,\n    short.c\n   FROM short;');
  });
});
