/** Banks, counters, unique keys, indexes and sets: each way to be wrong, and the nearest right one. */
import { describe, expect, test } from 'vitest';
import { checkBank, type BankRead, type Transfer } from '../../../src/testing/judges/bank.js';
import { checkCounters, type CounterOperation } from '../../../src/testing/judges/counter.js';
import type { Outcome } from '../../../src/testing/judges/history.js';
import { assertOk, explain } from '../../../src/testing/judges/report.js';
import { checkIndex } from '../../../src/testing/judges/secondary-index.js';
import { checkSet } from '../../../src/testing/judges/set.js';
import { checkUnique } from '../../../src/testing/judges/unique.js';

describe('bank', () => {
  const balances = (...list: number[]): Map<string, number> => new Map(list.map((value, i) => [`a${i}`, value]));
  const initial = balances(10, 20, 30);
  const read = (id: number, list: number[], asOf?: number): BankRead => ({
    id,
    balances: balances(...list),
    ...(asOf === undefined ? {} : { asOf }),
  });
  const transfer = (id: number, from: string, to: string, amount: number, outcome: Outcome = 'done'): Transfer => ({
    id,
    from,
    to,
    amount,
    outcome,
  });

  test('totals, now and in the past', () => {
    expect(
      checkBank({ initial, reads: [read(1, [0, 30, 30]), read(2, [10, 20, 30], 5)], final: balances(60, 0, 0) }).ok,
    ).toBe(true);
    const bad = checkBank({ initial, reads: [read(1, [0, 20, 30]), read(2, [10, 20, 31], 5)] });
    expect(bad.anomalies.map(({ name, explanation }) => `${name}: ${explanation}`)).toEqual([
      'bank-total: T1 adds up to 50, not 60: 10 missing (a0: 0, a1: 20, a2: 30).',
      'bank-total: T2 as of 5 adds up to 61, not 60: 1 too much (a0: 10, a1: 20, a2: 31).',
    ]);
    expect(checkBank({ initial, reads: [], final: balances(60, 0, 1) }).ok).toBe(false);
  });

  test('accounts missing, overdrawn, and a past that changes', () => {
    expect(checkBank({ initial, reads: [read(1, [30, 30])] }).anomalies[0]?.explanation).toContain('has no account a2');
    expect(checkBank({ initial, reads: [read(1, [10, 20, 30, 0])] }).anomalies[0]?.explanation).toContain(
      'nobody opened',
    );
    const overdrawn = { initial, reads: [read(1, [-5, 35, 30])] };
    expect(checkBank(overdrawn).ok).toBe(true);
    expect(checkBank(overdrawn, { nonNegative: true }).ok).toBe(false);
    const past = { initial, reads: [read(1, [10, 20, 30], 5), read(2, [0, 30, 30], 5)] };
    expect(checkBank(past).anomalies[0]?.explanation).toContain('the past changed');
    expect(checkBank({ initial, reads: [read(1, [10, 20, 30], 5), read(2, [0, 30, 30], 6)] }).ok).toBe(true);
  });

  test('what became of the transfers', () => {
    const transfers = [
      transfer(1, 'a0', 'a1', 5),
      transfer(2, 'a1', 'a2', 7, 'unknown'),
      transfer(3, 'a2', 'a0', 1, 'failed'),
    ];
    const ok = (...list: number[]): boolean =>
      checkBank({ initial, reads: [], final: balances(...list), transfers }).ok;
    expect(ok(5, 25, 30)).toBe(true);
    expect(ok(5, 18, 37)).toBe(true);
    expect(ok(10, 20, 30), 'lost').toBe(false);
    expect(ok(0, 30, 30), 'twice').toBe(false);
    expect(ok(6, 25, 29), 'though refused').toBe(false);
    const many = Array.from({ length: 40 }, (_, i) => transfer(i, 'a0', 'a1', 1, 'unknown'));
    expect(checkBank({ initial, reads: [], final: balances(-30, 60, 30), transfers: many }).ok).toBe(true);
    expect(checkBank({ initial, reads: [], final: balances(-31, 61, 30), transfers: many }).ok).toBe(false);
    const verdict = checkBank({ initial, reads: [], final: balances(10, 20, 30), transfers });
    expect(verdict.anomalies[0]?.explanation).toContain('a0 by +5, a1 by -5');
  });
});

describe('counter', () => {
  const op = (
    id: number,
    from: number,
    to: number,
    what: number,
    isRead: boolean,
    outcome: Outcome = 'done',
  ): CounterOperation => ({
    id,
    key: 'c',
    invokedAt: from,
    completedAt: to,
    outcome,
    action: isRead ? { f: 'read', value: what } : { f: 'add', amount: what },
  });
  const final = (value: number): { final: Map<string, number> } => ({ final: new Map([['c', value]]) });

  test('the final value', () => {
    const adds = [op(0, 0, 1, 2, false), op(1, 0, 1, 3, false, 'unknown'), op(2, 0, 1, 7, false, 'failed')];
    expect([1, 2, 5, 6].map((value) => checkCounters(adds, final(value)).ok)).toEqual([false, true, true, false]);
  });

  test('reads', () => {
    const ok = (...list: CounterOperation[]): boolean => checkCounters(list).ok;
    expect(ok(op(0, 0, 10, 1, false), op(1, 20, 30, 0, true)), 'acknowledged, not seen').toBe(false);
    expect(ok(op(0, 0, 10, 1, false), op(1, 10, 30, 0, true))).toBe(true);
    expect(ok(op(0, 20, 30, 1, false), op(1, 0, 10, 1, true)), 'seen before it was asked for').toBe(false);
    expect(ok(op(0, 10, 30, 1, false), op(1, 0, 10, 1, true))).toBe(true);
    expect(ok(op(0, 0, 90, 1, false), op(1, 1, 10, 1, true), op(2, 20, 30, 0, true)), 'went back').toBe(false);
    expect(ok(op(0, 0, 90, 1, false), op(1, 1, 25, 1, true), op(2, 20, 30, 0, true))).toBe(true);
    expect(() => checkCounters([op(0, 0, 1, 0, false)])).toThrow('must be positive');
    const back = checkCounters([op(0, 0, 90_000, 1, false), op(1, 1, 10_000, 1, true), op(2, 20_000, 30_000, 0, true)]);
    expect(back.anomalies.map(({ name, explanation }) => `${name}: ${explanation}`)).toEqual([
      'counter: #2 read c = 0, but #1 had read 1 and ended 10 ms before #2 began: the counter went back.',
    ]);
  });
});

test('unique', () => {
  const insert = (
    id: number,
    owner: number,
    outcome: Outcome = 'done',
  ): { id: number; key: string; owner: number; outcome: Outcome } => ({ id, key: 'u', owner, outcome });
  const row = (owner: number): { key: string; owner: number } => ({ key: 'u', owner });
  const ok = (inserts: ReturnType<typeof insert>[], rows: ReturnType<typeof row>[]): boolean => {
    const verdict = checkUnique(inserts, rows);
    expect(verdict.anomalies.every(({ name }) => name === 'unique')).toBe(true);
    return verdict.ok;
  };
  expect(ok([insert(0, 1), insert(1, 2, 'failed')], [row(1)])).toBe(true);
  expect(ok([insert(0, 1), insert(1, 2)], [row(1)]), 'both told yes').toBe(false);
  expect(ok([insert(0, 1), insert(1, 2, 'unknown')], [row(1), row(2)]), 'twice').toBe(false);
  expect(ok([insert(0, 1)], []), 'lost').toBe(false);
  expect(ok([insert(0, 1), insert(1, 2, 'unknown')], [row(2)]), 'replaced').toBe(false);
  expect(ok([insert(0, 1, 'unknown'), insert(1, 2, 'unknown')], [row(2)])).toBe(true);
  expect(ok([insert(0, 1, 'unknown')], [])).toBe(true);
  expect(ok([insert(0, 1, 'failed')], [row(1)]), 'though refused').toBe(false);
  expect(ok([], [row(1)]), 'from nowhere').toBe(false);
});

test('index', () => {
  expect(
    checkIndex(
      'by_v',
      [
        [1, 'a'],
        [2, null],
      ],
      [
        [2, null],
        [1, 'a'],
      ],
    ).ok,
  ).toBe(true);
  const bad = checkIndex(
    'by_v',
    [
      [1, 'a'],
      [2, 9n],
    ],
    [
      [1, 'b'],
      [2, 9n],
      [2, 9n],
    ],
  );
  expect(bad.anomalies.map(({ name, explanation }) => `${name}: ${explanation}`)).toEqual([
    'index: The row [1,"a"] is in the table but not in the index by_v.',
    'index: The row [2,"9n"] is in the index by_v but not in the table.',
    'index: The row [1,"b"] is in the index by_v but not in the table.',
  ]);
  expect(bad.stats).toEqual({ rows: 2, entries: 3, missing: 1, dangling: 2 });
});

test('set', () => {
  const insert = (id: number, outcome: Outcome = 'done'): { id: number; value: number; outcome: Outcome } => ({
    id,
    value: id * 10,
    outcome,
  });
  const inserts = [insert(1), insert(2, 'unknown'), insert(3, 'failed'), insert(4, 'unknown')];
  const good = checkSet(inserts, [10, 20]);
  expect([good.ok, good.stats['recovered']]).toEqual([true, 1]);
  const names = (read: number[]): string[] => checkSet(inserts, read).anomalies.map(({ name }) => name);
  expect(names([20])).toEqual(['lost-write']);
  expect(names([10, 30])).toEqual(['G1a']);
  expect(names([10, 10])).toEqual(['duplicate-value']);
  expect(names([10, 99])).toEqual(['unwritten-value']);
});

test('the report names each verdict and throws when asked to', () => {
  const good = checkSet([], []);
  const bad = checkSet([{ id: 1, value: 5, outcome: 'done' }], []);
  expect(explain([good, bad])).toBe(
    [
      'set: ok (inserts 0, found 0, lost 0, resurrected 0, duplicate 0, unexpected 0, recovered 0)',
      'set: 1 anomaly (inserts 1, found 0, lost 1, resurrected 0, duplicate 0, unexpected 0, recovered 0)',
      '  1. lost-write: T1 inserted 5 and was acknowledged, but it is not in the final read.',
    ].join('\n'),
  );
  assertOk([good]);
  expect(() => assertOk([good, bad])).toThrow('T1 inserted 5');
});
