/** What kept rows of lateral parts hold: all that is taken is given back, and values that hardly come again are given up. */
import { expect, it } from 'vitest';
import { LateralMemo } from '../../../src/sql/exec/lateral-memo.js';
import type { Run } from '../../../src/sql/exec/run.js';
import { NodeMemory, StatementMemory } from '../../../src/sql/session/memory.js';

const ROWS = [['x'.repeat(1_000)]];

/** A statement that may hold so much, and nothing else in its node. */
function statement(limitBytes: number): { run: Run; node: NodeMemory } {
  const node = new NodeMemory(limitBytes);
  const run = { ctx: { memory: new StatementMemory(node, limitBytes) } } as unknown as Run;
  Object.assign(run, { whole: run });
  return { run, node };
}

it('counts rows and keys, up to an eighth of the memory, and gives all back', () => {
  const { run, node } = statement(80_000);
  const memo = new LateralMemo(run);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 40; i++) memo.keep(`${round} ${i}`, ROWS);
    const kept = Array.from({ length: 40 }, (_, i) => memo.find(`${round} ${i}`)).filter(
      (rows) => rows === ROWS,
    ).length;
    // A full one takes no more, not even what would fit.
    memo.keep('small', []);
    if (round > 0) expect(kept).toBe(0);
    else expect(kept * 1_000 < 10_000 && kept > 2).toBe(true);
    expect(memo.find('small')).toBe(undefined);
    if (round === 0) expect(node.usedBytes).toBeGreaterThan(kept * 1_000);
  }
  memo.close();
  expect(node.usedBytes).toBe(0);
  memo.close();
  expect(node.usedBytes).toBe(0);
  expect(memo.find('0 0')).toBe(undefined);
});

it('leaves to others of the statement what one has given back', () => {
  const { run } = statement(80_000);
  const [first, second] = [new LateralMemo(run), new LateralMemo(run)];
  for (let i = 0; i < 40; i++) first.keep(`${i}`, ROWS);
  second.keep('a', ROWS);
  expect(second.find('a')).toBe(undefined);
  first.close();
  const third = new LateralMemo(run);
  third.keep('a', ROWS);
  expect(third.find('a')).toBe(ROWS);
});

it('gives up after some hundred if less than one of eight was known', () => {
  for (const [every, stays] of [
    [4, true],
    [20, false],
  ] as const) {
    const { run, node } = statement(80_000_000);
    const memo = new LateralMemo(run);
    for (let i = 0; i < 600; i++) {
      const key = i % every === 0 ? 'again' : `${i}`;
      if (memo.find(key) === undefined) memo.keep(key, ROWS);
    }
    expect(memo.find('again') === ROWS).toBe(stays);
    expect(node.usedBytes > 0).toBe(stays);
    memo.close();
  }
});
