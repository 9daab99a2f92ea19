/** Every anomaly once: the bad history is found by its name, the nearest good one is not. */
import { describe, expect, test } from 'vitest';
import type { AnomalyName, History, IsolationLevel } from '../../../src/testing/judges/history.js';
import { checkListAppend } from '../../../src/testing/judges/elle-list.js';
import { checkRegisters } from '../../../src/testing/judges/elle-register.js';
import { checkIsolation, type IsolationOptions } from '../../../src/testing/judges/isolation.js';
import { checkLongFork } from '../../../src/testing/judges/long-fork.js';
import { explain } from '../../../src/testing/judges/report.js';
import { checkWriteSkew } from '../../../src/testing/judges/write-skew.js';
import { history, type Line } from './build.js';

const SER = 'serializable';
const RR = 'repeatable read';
const RC = 'read committed';

type Case = readonly [
  name: AnomalyName,
  what: string,
  level: IsolationLevel,
  bad: readonly Line[],
  good: readonly Line[],
  options?: IsolationOptions,
];

/** All at once, so that real time says nothing. */
const at = (ops: string, extra = {}): Line => [0, 100, ops, extra];

const LISTS: readonly Case[] = [
  [
    'G0',
    'two writers interleave',
    RC,
    [at('x+1, y+1'), at('x+2, y+2'), at('x=[1 2], y=[2 1]')],
    [at('x+1, y+1'), at('x+2, y+2'), at('x=[1 2], y=[1 2]')],
  ],
  [
    'G0',
    "another's append in the middle of a transaction's",
    RC,
    [at('x+1, x+3'), at('x+2'), at('x=[1 2 3]')],
    [at('x+1, x+3'), at('x+2'), at('x=[1 3 2]')],
  ],
  [
    'G1a',
    'what was rolled back is read',
    RC,
    [at('x+1', { outcome: 'failed', error: '40001 conflict' }), at('x=[1]')],
    [at('x+1', { outcome: 'unknown' }), at('x=[1]')],
  ],
  ['G1b', 'a state in the middle of a transaction', RC, [at('x+1, x+2'), at('x=[1]')], [at('x+1, x+2'), at('x=[1 2]')]],
  [
    'G1c',
    'each reads what the other appended',
    RC,
    [at('x+1, y=[2]'), at('y+2, x=[1]')],
    [at('x+1, y=[2]'), at('y+2, x=[]')],
  ],
  [
    'G-single',
    'half of a transaction is seen',
    RR,
    [at('x+1, y+1'), at('x=[1], y=[]')],
    [at('x+1, y+1'), at('x=[], y=[]')],
  ],
  [
    'G-single',
    'read skew is allowed at read committed',
    RR,
    [at('x+1, y+1'), at('x=[], y=[1]')],
    [at('x+1, y+1'), at('x=[], y=[1]', { level: RC })],
  ],
  [
    'lost-update',
    'both append to the list as it was',
    RR,
    [at('x=[], x+1'), at('x=[], x+2'), at('x=[1 2]')],
    [at('x=[], x+1'), at('x=[1], x+2'), at('x=[1 2]')],
  ],
  [
    'lost-update',
    'allowed at read committed',
    SER,
    [at('x=[], x+1'), at('x=[], x+2'), at('x=[1 2]')],
    [at('x=[], x+1'), at('x=[], x+2', { level: RC }), at('x=[1 2]')],
  ],
  ['G2', 'write skew', SER, [at('x=[], y+1'), at('y=[], x+2')], [at('x=[], y+1'), at('y=[1], x+2')]],
  [
    'G2',
    'write skew is allowed where one is repeatable read',
    SER,
    [at('x=[], y+1'), at('y=[], x+2')],
    [at('x=[], y+1'), at('y=[], x+2', { level: RR })],
  ],
  [
    'G2',
    'long fork is forbidden to snapshots as well',
    RR,
    [at('x+1'), at('y+2'), at('x=[1], y=[]'), at('x=[], y=[2]')],
    [at('x+1'), at('y+2'), at('x=[1], y=[]'), at('x=[], y=[]')],
  ],
  [
    'real-time',
    'a stale read',
    RC,
    [
      [0, 10, 'x+1'],
      [20, 30, 'x=[]'],
      [40, 50, 'x=[1]'],
    ],
    [
      [0, 10, 'x+1'],
      [9, 30, 'x=[]'],
      [40, 50, 'x=[1]'],
    ],
  ],
  [
    'real-time',
    'a read at a past timestamp may be stale',
    SER,
    [
      [0, 10, 'x+1'],
      [20, 30, 'x=[]'],
      [40, 50, 'x=[1]'],
    ],
    [
      [0, 10, 'x+1'],
      [20, 30, 'x=[]', { stale: true }],
      [40, 50, 'x=[1]'],
    ],
  ],
  [
    'real-time',
    'what one had seen, a later one does not see, and the writer never got an answer',
    SER,
    [
      [0, Infinity, 'x+1', { outcome: 'unknown' }],
      [5, 10, 'x=[1]'],
      [20, 30, 'x=[]'],
    ],
    [
      [0, Infinity, 'x+1', { outcome: 'unknown' }],
      [5, 25, 'x=[1]'],
      [20, 30, 'x=[]'],
    ],
  ],
  [
    'real-time',
    'different keys count in strict order only',
    SER,
    [
      [0, 10, 'x+1'],
      [20, 30, 'y+2'],
      [5, 40, 'x=[], y=[2]'],
    ],
    [
      [0, 10, 'x+1'],
      [9, 30, 'y+2'],
      [5, 40, 'x=[], y=[2]'],
    ],
    { realTime: 'strict' },
  ],
  [
    'real-time',
    'session order on one node',
    SER,
    [
      [0, 10, 'x+1', { process: 7, node: 'n1' }],
      [20, 30, 'y+2', { process: 7, node: 'n1' }],
      [5, 40, 'x=[], y=[2]'],
    ],
    [
      [0, 10, 'x+1', { process: 7, node: 'n1' }],
      [20, 30, 'y+2', { process: 7, node: 'n2' }],
      [5, 40, 'x=[], y=[2]'],
    ],
  ],
  [
    'lost-write',
    'an acknowledged append is in no later read',
    SER,
    [
      [0, 10, 'x+1'],
      [0, 10, 'x+2'],
      [20, 30, 'x=[2]'],
    ],
    [
      [0, 10, 'x+1', { outcome: 'unknown' }],
      [0, 10, 'x+2'],
      [20, 30, 'x=[2]'],
    ],
  ],
  [
    'incompatible-order',
    'two reads of one list disagree',
    RC,
    [at('x+1'), at('x+2'), at('x=[1 2]'), at('x=[2 1]')],
    [at('x+1'), at('x+2'), at('x=[1 2]'), at('x=[1]')],
  ],
  ['duplicate-value', 'an append applied twice', RC, [at('x+1'), at('x=[1 1]')], [at('x+1'), at('x=[1]')]],
  ['unwritten-value', 'from nowhere', RC, [at('x+1'), at('x=[1 9]')], [at('x+1'), at('x+9'), at('x=[1 9]')]],
  ['internal', 'its own append is missing', RC, [at('x+1, x=[]')], [at('x+1, x=[1]')]],
  [
    'internal',
    'a snapshot that changes',
    RR,
    [at('x+1'), at('x=[], x=[1]')],
    [at('x+1'), at('x=[], x=[1]', { level: RC })],
  ],
];

const REGISTERS: readonly Case[] = [
  [
    'G0',
    'writes in opposite orders',
    RC,
    [at('x?2, x:=1, y:=1'), at('y?1, y:=2, x:=2')],
    [at('x:=1, y:=1'), at('y?1, y:=2, x:=2')],
  ],
  [
    'G1a',
    'what was rolled back is read',
    RC,
    [at('x:=1', { outcome: 'failed' }), at('x?1')],
    [at('x:=1', { outcome: 'unknown' }), at('x?1')],
  ],
  ['G1b', 'a state in the middle of a transaction', RC, [at('x:=1, x:=2'), at('x?1')], [at('x:=1, x:=2'), at('x?2')]],
  [
    'G1c',
    'each reads what the other wrote',
    RC,
    [at('x:=1, y?2'), at('y:=2, x?1')],
    [at('x:=1, y?2'), at('y:=2, x?-')],
  ],
  [
    'G-single',
    'half of a transaction is seen',
    RR,
    [at('x:=1, y:=1'), at('x?1, y?-')],
    [at('x:=1, y:=1'), at('x?1, y?1')],
  ],
  [
    'lost-update',
    'both replace what they read',
    RR,
    [at('x:=1'), at('x?1, x:=2'), at('x?1, x:=3')],
    [at('x:=1'), at('x?1, x:=2'), at('x?2, x:=3')],
  ],
  [
    'lost-update',
    'allowed at read committed',
    SER,
    [at('x?-, x:=2'), at('x?-, x:=3')],
    [at('x?-, x:=2', { level: RC }), at('x?-, x:=3')],
  ],
  ['G2', 'write skew', SER, [at('x?-, y:=1'), at('y?-, x:=2')], [at('x?-, y:=1'), at('y?1, x:=2')]],
  [
    'G2',
    'write skew is allowed to snapshots',
    SER,
    [at('x?-, y:=1'), at('y?-, x:=2')],
    [at('x?-, y:=1', { level: RR }), at('y?-, x:=2', { level: RR })],
  ],
  [
    'real-time',
    'a stale read after blind writes',
    SER,
    [
      [0, 10, 'x:=1'],
      [20, 30, 'x:=2'],
      [40, 50, 'x?1'],
    ],
    [
      [0, 10, 'x:=1'],
      [5, 30, 'x:=2'],
      [40, 50, 'x?1'],
    ],
  ],
  [
    'real-time',
    'two reads see two writes in turn',
    SER,
    [
      [0, 10, 'x:=1'],
      [0, 10, 'x:=2'],
      [20, 30, 'x?1'],
      [40, 50, 'x?2'],
    ],
    [
      [0, 10, 'x:=1'],
      [0, 45, 'x:=2'],
      [20, 30, 'x?1'],
      [40, 50, 'x?2'],
    ],
  ],
  [
    'lost-write',
    'the latest read is of what it had replaced',
    SER,
    [
      [0, 10, 'x:=1'],
      [20, 30, 'x?1, x:=2'],
      [40, 50, 'x?1'],
    ],
    [
      [0, 10, 'x:=1'],
      [20, 45, 'x?1, x:=2'],
      [40, 50, 'x?1'],
    ],
  ],
  ['duplicate-value', 'two write the same', RC, [at('x:=1'), at('x:=1')], [at('x:=1'), at('x:=2')]],
  ['unwritten-value', 'from nowhere', RC, [at('x:=1'), at('x?9')], [at('x:=1'), at('x?1')]],
  ['internal', 'its own write is missing', RC, [at('x:=1'), at('x:=2, x?1')], [at('x:=1'), at('x:=2, x?2')]],
  [
    'internal',
    'a snapshot that changes',
    RR,
    [at('x:=1'), at('x?-, x?1')],
    [at('x:=1'), at('x?-, x?1', { level: RC })],
  ],
];

for (const [kind, cases, check] of [
  ['lists', LISTS, checkListAppend],
  ['registers', REGISTERS, checkRegisters],
] as const) {
  describe(kind, () => {
    for (const [name, what, level, bad, good, options] of cases) {
      test(`${name}: ${what}`, () => {
        const verdict = check(history(level, ...bad), options);
        expect(verdict.anomalies.map((anomaly) => anomaly.name)).toContain(name);
        expect(verdict.ok).toBe(false);
        expect(explain([check(history(level, ...good), options)])).toMatch(/^[a-z-]+: ok/);
        // The judge of both kinds at once says the same.
        expect(checkIsolation(history(level, ...bad), options).anomalies.map((anomaly) => anomaly.name)).toContain(
          name,
        );
        expect(checkIsolation(history(level, ...good), options).ok).toBe(true);
      });
    }
  });
}

test('without real time a stale read is no anomaly, and per key a strict one is none', () => {
  const stale = history(SER, [0, 10, 'x+1'], [20, 30, 'x=[]'], [40, 50, 'x=[1]']);
  expect(checkListAppend(stale, { realTime: 'none' }).ok).toBe(true);
  const other = history(SER, [0, 10, 'x+1'], [20, 30, 'y+2'], [5, 40, 'x=[], y=[2]']);
  expect(checkListAppend(other).ok).toBe(true);
});

test('a cycle through a list and a register is found by the judge of both', () => {
  const mixed = history(SER, at('x=[], y:=1'), at('y?-, x+2'));
  expect(checkListAppend(mixed).ok).toBe(true);
  expect(checkRegisters(mixed).ok).toBe(true);
  expect(checkIsolation(mixed).anomalies.map(({ name }) => name)).toEqual(['G2']);
});

describe('levels mix', () => {
  const names = (input: History): string[] => checkIsolation(input).anomalies.map(({ name }) => name);

  test('the level of the reader decides what an anti-dependency forbids', () => {
    const bad = (reader: IsolationLevel, writer: IsolationLevel): History =>
      history(SER, at('x+1, y+1', { level: writer }), at('x=[1], y=[]', { level: reader }));
    for (const writer of [SER, RR, RC] as const) {
      expect(names(bad(SER, writer))).toEqual(['G-single']);
      expect(names(bad(RR, writer))).toEqual(['G-single']);
      expect(names(bad(RC, writer))).toEqual([]);
    }
  });

  test('a cycle of three needs every reader to forbid it', () => {
    const three = (level: IsolationLevel): History =>
      history(SER, at('x=[], y+1'), at('y=[], z+2'), at('z=[], x+3', { level }));
    expect(names(three(SER))).toEqual(['G2']);
    expect(names(three(RR))).toEqual([]);
    expect(names(three(RC))).toEqual([]);
  });
});

describe('long fork', () => {
  test.each([
    ['lists', ['x+1', 'y+2', 'x=[1], y=[]', 'x=[], y=[2]'], ['x+1', 'y+2', 'x=[1], y=[]', 'x=[1], y=[2]']],
    ['registers', ['x:=1', 'y:=2', 'x?1, y?-', 'x?-, y?2'], ['x:=1', 'y:=2', 'x?1, y?-', 'x?1, y?2']],
  ])('%s', (_kind, bad, good) => {
    const verdict = checkLongFork(history(RR, ...bad.map((ops) => at(ops))));
    expect(verdict.anomalies.map(({ name }) => name)).toEqual(['long-fork']);
    expect([...(verdict.anomalies[0]?.transactions ?? [])].sort()).toEqual([0, 1, 2, 3]);
    expect(checkLongFork(history(RR, ...good.map((ops) => at(ops)))).ok).toBe(true);
    expect(checkLongFork(history(RC, ...bad.map((ops) => at(ops)))).ok).toBe(true);
  });

  test('one transaction seen in halves is read skew, not a fork', () => {
    const halves = history(RR, at('x+1, y+2'), at('x=[1], y=[]'), at('x=[], y=[2]'));
    expect(checkLongFork(halves).ok).toBe(true);
    expect(checkListAppend(halves).anomalies[0]?.name).toBe('G-single');
  });
});

describe('write skew', () => {
  test.each([
    ['lists', ['x=[], y+1', 'y=[], x+2'], ['x=[], y+1', 'y=[1], x+2']],
    ['registers', ['x?-, y:=1', 'y?-, x:=2'], ['x?-, y:=1', 'y?1, x:=2']],
  ])('%s', (_kind, bad, good) => {
    const verdict = checkWriteSkew(history(SER, ...bad.map((ops) => at(ops))));
    expect(verdict.anomalies.map(({ name }) => name)).toEqual(['write-skew']);
    expect(verdict.anomalies[0]?.transactions).toEqual([0, 1]);
    expect(checkWriteSkew(history(SER, ...good.map((ops) => at(ops)))).ok).toBe(true);
    const snapshots = checkWriteSkew(history(RR, ...bad.map((ops) => at(ops))));
    expect(snapshots.ok).toBe(true);
    expect(snapshots.stats['allowed']).toBe(1);
  });
});

describe('in words', () => {
  test('a stale read', () => {
    const stale = history(SER, [0, 10, 'x+1', { node: 'n1' }], [13.2, 30, 'x=[]', { node: 'n2' }], [40, 50, 'x=[1]']);
    expect(explain([checkListAppend(stale)])).toBe(
      [
        'list-append: 1 anomaly (transactions 3, committed 3, keys 1, reads 2, edges 4)',
        '  1. real-time, possible in some order, but not in the order in which it happened:',
        '       T0 was acknowledged 3.2 ms before T1 began (both touched x)',
        '       T1 read x = [], without 1, which T0 appended',
        '     So each has to come before the next: T0 → T1 → T0, which no order allows.',
        '       T0: process 0 on n1, serializable, 0 ms to 10 ms, done',
        '       T1: process 1 on n2, serializable, 13.2 ms to 30 ms, done',
      ].join('\n'),
    );
  });

  test('a lost write and write skew', () => {
    const lost = history(SER, [0, 10, 'x+1'], [10.5, 12, 'x=[]']);
    expect(checkListAppend(lost).anomalies).toEqual([
      {
        name: 'lost-write',
        explanation:
          'T0 appended 1 to x and was acknowledged, but no later read has it: T1 read [], although T0 was acknowledged 0.5 ms before T1 began.',
        transactions: [0, 1],
      },
    ]);
    expect(checkWriteSkew(history(SER, at('x?-, y:=1'), at('y?-, x:=2'))).anomalies[0]?.explanation).toBe(
      [
        'write-skew: each read what the other one changed:',
        '  T0 read x = no row, without 2, which T1 wrote',
        '  T1 read y = no row, without 1, which T0 wrote',
        'So neither can have come first.',
      ].join('\n'),
    );
  });
});
