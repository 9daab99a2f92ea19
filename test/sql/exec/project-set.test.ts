/** Sets in a select list: of any length, one value after another. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Client, startServer } from '../support/server.js';

let c: Client;
beforeAll(async () => {
  c = await Client.open(await startServer());
});

describe('sets in a select list', () => {
  it('are not made whole when only some rows are asked for', async () => {
    expect(await c.rows('SELECT generate_series(1, 1000000000) LIMIT 3')).toEqual([['1'], ['2'], ['3']]);
    expect(await c.rows('SELECT EXISTS (SELECT generate_series(1, 1000000000))')).toEqual([['t']]);
  });
  it('stand side by side, the shorter ones with NULLs, for each row', async () => {
    expect(
      await c.rows('SELECT a, generate_series(1, a), unnest(ARRAY[8, 9]) FROM (VALUES (1), (3), (0)) AS v (a)'),
    ).toEqual([
      ['1', '1', '8'],
      ['1', null, '9'],
      ['3', '1', '8'],
      ['3', '2', '9'],
      ['3', '3', null],
      ['0', null, '8'],
      ['0', null, '9'],
    ]);
  });
  it('may be longer than a batch, and empty', async () => {
    expect(await c.rows('SELECT count(*), sum(s) FROM (SELECT generate_series(1, 5000) AS s) AS q')).toEqual([
      ['5000', '12502500'],
    ]);
    expect(await c.rows('SELECT a, generate_series(1, 0) FROM generate_series(1, 3000) AS g (a)')).toEqual([]);
  });
  it('end with the error of a later value', async () => {
    expect(await c.error('SELECT 1 / (3 - generate_series(1, 5))')).toContain('22012');
  });
});
