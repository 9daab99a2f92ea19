import { describe, expect, it } from 'vitest';
import type { ExecContext } from '../../../src/sql/contract.js';
import { Pace, sortPaced } from '../../../src/sql/exec/pace.js';
import { Client, startServer } from '../support/server.js';

/** Statements that would run for minutes without waiting for anything. */
const ENDLESS = [
  'select count(*) from generate_series(1, 1000000000)',
  'select count(*) from generate_series(1, 100000) a, generate_series(1, 100000) b where a + b = 0',
  'select count(*) from generate_series(1, 100000) a left join generate_series(1, 100000) b on a < b',
  'with recursive t (n) as (select 1 union all select 1 from t) select count(*) from (select n from t limit 1000000000) x where n = 2',
  'select count(*) from generate_series(1, 100000000) a where (select count(*) from generate_series(1, 100) b where b = a) > 1',
  'select max(x) from (select sum(g) over (order by g rows between 20000 preceding and 20000 following) x from generate_series(1, 50000) g) y',
];

describe('a statement that computes for long', () => {
  it.each(ENDLESS)('lets others go on, and can be cancelled: %s', async (text) => {
    const server = await startServer();
    const [c, other] = [await Client.open(server), await Client.open(server)];
    let ended = false;
    const running = c.error(text).finally(() => (ended = true));
    for (let i = 0; i < 3; i++) expect(await other.rows(`select ${i}`)).toEqual([[String(i)]]);
    expect(ended).toBe(false);
    c.session.cancel();
    expect(await running).toMatch(/^57014/);
  });

  it('ends by statement_timeout', async () => {
    const c = await Client.open(await startServer());
    await c.all('set statement_timeout = 100');
    expect(await c.error(ENDLESS[0]!)).toBe('57014 canceling statement due to statement timeout');
  });
});

describe('sortPaced', () => {
  /** Rests at every look. */
  function context(): { ctx: ExecContext; rests: () => number } {
    let [now, rests] = [0, 0];
    const pace = new Pace(
      () => (now += 20),
      (fn) => {
        rests++;
        queueMicrotask(fn);
      },
    );
    const ctx = { pace, signal: new AbortController().signal } as unknown as ExecContext;
    return { ctx, rests: () => rests };
  }

  it.each([0, 1, 2, 8191, 8192, 8193, 16384, 16385, 40000])('sorts %i items as Array.sort does', async (length) => {
    const { ctx, rests } = context();
    let state = 7;
    const items = Array.from({ length }, (_, at) => ({ key: (state = (state * 48271) % 2147483647) % 1000, at }));
    const compare = (a: { key: number }, b: { key: number }): number => a.key - b.key;
    const sorted = await sortPaced(items.slice(), compare, ctx);
    expect(sorted).toEqual(items.slice().sort(compare));
    if (length > 8192) expect(rests()).toBeGreaterThan(0);
  });
});
