/** Databases that keep their promise are never accused; one changed answer is found in most cases. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { History, HistoryTransaction, IsolationLevel, MicroOp } from '../../../src/testing/judges/history.js';
import { checkIsolation, type IsolationOptions } from '../../../src/testing/judges/isolation.js';
import { checkLongFork } from '../../../src/testing/judges/long-fork.js';
import { checkWriteSkew } from '../../../src/testing/judges/write-skew.js';
import { explain } from '../../../src/testing/judges/report.js';
import { generator, run } from './executor.js';

const LEVELS: readonly IsolationLevel[] = ['serializable', 'repeatable read', 'read committed'];
const MIXES: readonly (readonly IsolationLevel[])[] = [
  ...LEVELS.map((level) => [level]),
  ['serializable', 'repeatable read'],
  ['serializable', 'read committed'],
  ['repeatable read', 'read committed'],
  LEVELS,
];
const REAL_TIME = ['per-key', 'strict', 'none'] as const;

const runs = fc.record({
  seed: fc.integer(),
  kind: fc.constantFrom('list' as const, 'register' as const),
  transactions: fc.integer({ min: 2, max: 60 }),
  processes: fc.integer({ min: 1, max: 8 }),
  keys: fc.integer({ min: 1, max: 5 }),
  opsMax: fc.integer({ min: 1, max: 5 }),
});
const options: fc.Arbitrary<IsolationOptions> = fc.record({ realTime: fc.constantFrom(...REAL_TIME) });

function expectClean(history: History, chosen: IsolationOptions): void {
  const verdicts = [checkIsolation(history, chosen), checkLongFork(history, chosen), checkWriteSkew(history, chosen)];
  expect(explain(verdicts.filter((verdict) => !verdict.ok))).toBe('');
}

describe('a database that keeps its promise is never accused', () => {
  test('serial execution satisfies every level, also in real time', () => {
    fc.assert(
      fc.property(runs, fc.constantFrom(...MIXES), options, (what, levels, chosen) => {
        expectClean(run({ ...what, levels, serial: true }), chosen);
      }),
      { numRuns: 150 },
    );
  });

  test.each(MIXES.map((levels) => [levels.join(' with '), levels] as const))('%s', (_name, levels) => {
    fc.assert(
      fc.property(runs, options, (what, chosen) => expectClean(run({ ...what, levels }), chosen)),
      { numRuns: 150 },
    );
  });
});

/** The same history held to a stricter level than it ran at. */
function relabel(history: History, level: IsolationLevel): History {
  return { transactions: history.transactions.map((transaction) => ({ ...transaction, level })) };
}

describe('a weaker database is found out', () => {
  test.each([
    ['repeatable read', 'serializable', 'list', 0.6],
    ['repeatable read', 'serializable', 'register', 0.6],
    ['read committed', 'repeatable read', 'list', 0.9],
    ['read committed', 'repeatable read', 'register', 0.9],
    ['read committed', 'serializable', 'list', 0.9],
    ['read committed', 'serializable', 'register', 0.9],
  ] as const)('%s that claims to be %s, with a %s', (real, claimed, kind, share) => {
    let found = 0;
    for (let seed = 0; seed < 40; seed++) {
      const history = run({ seed, kind, levels: [real], transactions: 80, processes: 8, keys: 4 });
      if (!checkIsolation(relabel(history, claimed)).ok) found++;
    }
    expect(found / 40).toBeGreaterThanOrEqual(share);
  });
});

/** Changes one answer that a committed transaction saw; undefined if there is none to change. */
function mutate(history: History, random: () => number): History | undefined {
  const places: (readonly [HistoryTransaction, number])[] = [];
  for (const transaction of history.transactions) {
    if (transaction.outcome !== 'done') continue;
    transaction.ops.forEach((op, index) => {
      if (op.f === 'read-list' && (op.values?.length ?? 0) > 0) places.push([transaction, index]);
      if (op.f === 'read' && op.value != null) places.push([transaction, index]);
    });
  }
  const place = places[Math.floor(random() * places.length)];
  if (place === undefined) return undefined;
  const [transaction, index] = place;
  const changed = changeRead(history, transaction.ops[index] as MicroOp, random);
  const ops = transaction.ops.map((op, i) => (i === index ? changed : op));
  return {
    transactions: history.transactions.map((other) => (other === transaction ? { ...transaction, ops } : other)),
  };
}

function changeRead(history: History, op: MicroOp, random: () => number): MicroOp {
  if (op.f === 'read-list') {
    const values = [...(op.values ?? [])];
    values.splice(Math.floor(random() * values.length), 1);
    return { ...op, values };
  }
  const others = history.transactions.flatMap((transaction) =>
    transaction.ops
      .filter((other) => other.f === 'write' && other.key === op.key)
      .map((other) => (other as { value: number }).value),
  );
  const different = others.filter((value) => op.f === 'read' && value !== op.value);
  const value = different[Math.floor(random() * different.length)] ?? null;
  return { f: 'read', key: op.key, value };
}

test.each([
  ['list', 0.95],
  ['register', 0.9],
] as const)('one changed answer in a history of a %s is found in most cases', (kind, share) => {
  let found = 0;
  let tried = 0;
  for (let seed = 0; seed < 150; seed++) {
    const history = run({ seed, kind, levels: ['serializable'], transactions: 60, processes: 4, keys: 4, lost: 0 });
    const changed = mutate(history, generator(seed + 1_000));
    if (changed === undefined) continue;
    tried++;
    if (!checkIsolation(changed).ok) found++;
  }
  expect(tried).toBeGreaterThan(120);
  expect(found / tried).toBeGreaterThanOrEqual(share);
});

test('twenty thousand transactions are judged, in the same words twice', () => {
  const history = run({ seed: 7, kind: 'list', levels: LEVELS, transactions: 20_000, processes: 16, keys: 200 });
  const first = checkIsolation(history);
  expect(explain([first])).toBe(explain([checkIsolation(history)]));
  expect(first.ok).toBe(true);
  expect(first.stats['edges']).toBeLessThan(20_000 * 20);
}, 120_000);
