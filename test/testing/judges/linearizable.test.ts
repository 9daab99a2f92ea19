/** Hand-made registers, and the search against trying every order. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HistoryValue, Outcome } from '../../../src/testing/judges/history.js';
import {
  checkLinearizable,
  registerOperations,
  type RegisterAction,
  type RegisterOperation,
} from '../../../src/testing/judges/linearizable.js';
import { run } from './executor.js';

type Short = readonly [from: number, to: number, what: string, outcome?: Outcome];

/** `w1`, `r1`, `r-`, `c1>2` (compared 1, set 2), `c1!2` (refused). */
function operations(...list: readonly Short[]): RegisterOperation[] {
  return list.map(([from, to, what, outcome], id) => ({
    id,
    process: id,
    key: 'x',
    invokedAt: from,
    completedAt: to,
    outcome: outcome ?? 'done',
    action: action(what),
  }));
}

function action(what: string): RegisterAction {
  const rest = what.slice(1);
  if (what.startsWith('w')) return { f: 'write', value: Number(rest) };
  if (what.startsWith('r')) return { f: 'read', value: rest === '-' ? null : Number(rest) };
  const [expected, value] = rest.split(/[>!]/) as [string, string];
  return {
    f: 'cas',
    expected: expected === '-' ? null : Number(expected),
    value: Number(value),
    applied: rest.includes('>'),
  };
}

const CASES: readonly (readonly [string, readonly Short[], readonly Short[]])[] = [
  [
    'a stale read',
    [
      [0, 1, 'w1'],
      [2, 3, 'r-'],
    ],
    [
      [0, 3, 'w1'],
      [2, 3, 'r-'],
    ],
  ],
  [
    'reads that go back',
    [
      [0, 9, 'w1'],
      [1, 2, 'r1'],
      [3, 4, 'r-'],
    ],
    [
      [0, 9, 'w1'],
      [1, 2, 'r-'],
      [3, 4, 'r1'],
    ],
  ],
  [
    'a lost write',
    [
      [0, 1, 'w1'],
      [2, 3, 'w2'],
      [4, 5, 'r1'],
    ],
    [
      [0, 1, 'w1'],
      [2, 3, 'w2', 'unknown'],
      [4, 5, 'r1'],
    ],
  ],
  [
    'a late effect that comes and goes',
    [
      [0, 1, 'w1', 'unknown'],
      [2, 3, 'r1'],
      [4, 5, 'r-'],
      [6, 7, 'r1'],
    ],
    [
      [0, 1, 'w1', 'unknown'],
      [2, 3, 'r-'],
      [4, 5, 'r-'],
      [6, 7, 'r1'],
    ],
  ],
  [
    'two compare-and-sets that both win',
    [
      [0, 1, 'w1'],
      [2, 9, 'c1>2'],
      [2, 9, 'c1>3'],
    ],
    [
      [0, 1, 'w1'],
      [2, 9, 'c1>2'],
      [2, 9, 'c1!3'],
    ],
  ],
  [
    'a refusal without a reason',
    [
      [0, 1, 'w1'],
      [2, 3, 'c1!2'],
    ],
    [
      [0, 1, 'w1'],
      [0, 9, 'w5', 'unknown'],
      [2, 3, 'c1!2'],
    ],
  ],
  [
    'a failed write that is seen',
    [
      [0, 1, 'w1', 'failed'],
      [2, 3, 'r1'],
    ],
    [
      [0, 1, 'w1', 'unknown'],
      [2, 3, 'r1'],
    ],
  ],
];

test.each(CASES)('%s', (_what, bad, good) => {
  const verdict = checkLinearizable(operations(...bad));
  expect(verdict.anomalies.map(({ name }) => name)).toEqual(['not-linearizable']);
  expect(checkLinearizable(operations(...good)).ok).toBe(true);
});

test('in words', () => {
  const verdict = checkLinearizable(
    operations([0, 1000, 'w1'], [2000, 3000, 'w2'], [4000, 5000, 'r1'], [4500, 6000, 'w3']),
  );
  expect(verdict.anomalies[0]?.explanation).toBe(
    [
      'not-linearizable: no order of the operations on x explains every answer. The furthest one ends:',
      '  #0 process 0, 0 ms to 1 ms: wrote 1',
      '  #1 process 1, 2 ms to 3 ms: wrote 2',
      '  #3 process 3, 4.5 ms to 6 ms: wrote 3',
      'and leaves x = 3. What must come next does not fit:',
      '  #2 process 2, 4 ms to 5 ms: read 1',
    ].join('\n'),
  );
});

test('keys are judged apart, and a budget that runs out is said', () => {
  const two = operations([0, 1, 'w1'], [2, 3, 'r-']).map((operation, i) => ({ ...operation, key: `k${i}` }));
  expect(checkLinearizable(two).ok).toBe(true);
  const many = Array.from({ length: 14 }, (_, i): Short => [0, 100, `w${i}`]);
  const verdict = checkLinearizable(operations(...many, [101, 102, 'r99']), { statesMax: 500 });
  expect([verdict.ok, verdict.undecided]).toEqual([true, ['x']]);
  expect(checkLinearizable(operations(...many, [101, 102, 'r99'])).ok).toBe(false);
});

/** Every order that real time allows, every choice of the unanswered. */
function bruteForce(list: readonly RegisterOperation[]): boolean {
  const relevant = list.filter(({ outcome }) => outcome !== 'failed');
  const search = (taken: ReadonlySet<RegisterOperation>, state: HistoryValue | null): boolean => {
    const open = relevant.filter((operation) => !taken.has(operation));
    if (open.every(({ outcome }) => outcome === 'unknown')) return true;
    const firstEnd = Math.min(
      ...open.filter(({ outcome }) => outcome === 'done').map(({ completedAt }) => completedAt),
    );
    return open.some((operation) => {
      if (operation.invokedAt > firstEnd) return false;
      const { action, outcome } = operation;
      let next = state;
      if (action.f === 'read') {
        if (outcome === 'done' && action.value !== state) return false;
      } else if (action.f === 'write') {
        next = action.value;
      } else {
        if (outcome === 'done' && action.applied !== (state === action.expected)) return false;
        if (state === action.expected) next = action.value;
      }
      return search(new Set([...taken, operation]), next);
    });
  };
  return search(new Set(), null);
}

describe('against every order', () => {
  const value = fc.integer({ min: 1, max: 3 });
  const what = fc.oneof(
    value.map((v) => `w${v}`),
    fc.oneof(value.map(String), fc.constant('-')).map((v) => `r${v}`),
    fc.tuple(value, fc.constantFrom('>', '!'), value).map(([a, b, c]) => `c${a}${b}${c}`),
  );
  const outcome = fc.constantFrom<Outcome>('done', 'done', 'done', 'unknown', 'failed');
  const one = fc
    .tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 1, max: 10 }), what, outcome)
    .map(([from, length, text, how]): Short => [from, from + length, text, how]);

  test('the search says the same', () => {
    const seen = { right: 0, wrong: 0 };
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 6 }), (list) => {
        const expected = bruteForce(operations(...list));
        seen[expected ? 'right' : 'wrong']++;
        expect(checkLinearizable(operations(...list)).ok).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(seen.right, seen.wrong)).toBeGreaterThan(200);
  });

  test('single operations of a serial execution are linearizable', () => {
    for (let seed = 0; seed < 20; seed++) {
      const history = run({
        seed,
        kind: 'register',
        levels: ['serializable'],
        transactions: 300,
        processes: 10,
        keys: 3,
        opsMax: 1,
        serial: true,
      });
      const verdict = checkLinearizable(registerOperations(history));
      expect([verdict.ok, verdict.undecided]).toEqual([true, []]);
    }
  });
});
