/** What the recorder writes down, and which errors leave the outcome open. */
import { describe, expect, test } from 'vitest';
import { HistoryRecorder, outcomeOf, sqlStateOf } from '../../../src/testing/judges/recorder.js';

function coded(code: string): Error {
  return Object.assign(new Error(`error ${code}`), { code });
}

describe('HistoryRecorder', () => {
  test('writes down what was seen, in the order in which it was seen', () => {
    const recorder = new HistoryRecorder({ nowUs: () => 1_760_000_000_000_000 });
    const first = recorder.begin({ process: 1, level: 'serializable', node: 'n1' });
    const second = recorder.begin({ process: 2, level: 'read committed', readOnly: true });
    const values = [1, 2];
    first.append('x', 3);
    first.readList('x', values);
    values.push(99);
    first.done();
    second.read('y', null);
    second.read('z', undefined);
    second.failed(coded('40001'));
    const third = recorder.begin({ process: 1, level: 'repeatable read' });
    third.write('y', 7);
    const { transactions } = recorder.history();
    expect(transactions.map(({ outcome }) => outcome)).toEqual(['done', 'failed', 'unknown']);
    expect(transactions[0]).toMatchObject({
      id: 0,
      node: 'n1',
      ops: [
        { f: 'append', key: 'x', value: 3 },
        { f: 'read-list', key: 'x', values: [1, 2] },
      ],
    });
    expect(transactions[1]).toMatchObject({ error: '40001 error 40001', readOnly: true });
    expect(transactions[2]?.completedAt).toBe(Infinity);
    // The clock stood still, yet the order is kept.
    const [a, b, c] = transactions.map((t) => [t.invokedAt, t.completedAt] as const);
    const stamps = [a?.[0], b?.[0], a?.[1], b?.[1], c?.[0]] as number[];
    expect([...stamps].sort((x, y) => x - y)).toEqual(stamps);
    expect(new Set(stamps).size).toBe(5);
  });

  test('refuses mistakes of the test', () => {
    const recorder = new HistoryRecorder({ nowUs: () => 0 });
    const t = recorder.begin({ process: 1, level: 'serializable' });
    expect(() => recorder.begin({ process: 1, level: 'serializable' })).toThrow('has a transaction under way');
    t.append('x', 1);
    expect(() => t.append('x', 1)).toThrow('was written to key x before');
    t.append('y', 1);
    t.write('x', 1);
    expect(t.settle(coded('40001'), 'commit')).toBe('failed');
    expect(() => t.done()).toThrow('has ended');
    expect(() => t.read('x', 1)).toThrow('has ended');
    recorder.begin({ process: 1, level: 'serializable' }).unknown();
  });
});

describe('outcomeOf', () => {
  test.each(['40003', '08006', '08003', '57P01', '57P02', '57P03', '58030', 'XX000', 'ECONNRESET', 'EPIPE'])(
    '%s after the commit was sent leaves it open',
    (code) => {
      expect(outcomeOf(coded(code), 'commit')).toBe('unknown');
      expect(outcomeOf(coded(code), 'autocommit')).toBe('unknown');
      expect(outcomeOf(coded(code), 'statement')).toBe('failed');
    },
  );

  test.each(['40001', '40P01', '23505', '25P02', '53300', '57014', '22012'])(
    '%s proves that nothing happened',
    (code) => {
      for (const sent of ['statement', 'commit', 'autocommit'] as const)
        expect(outcomeOf(coded(code), sent)).toBe('failed');
    },
  );

  test('errors without a SQLSTATE, of other shapes and in wrappers', () => {
    expect(outcomeOf(new Error('Connection terminated unexpectedly'), 'commit')).toBe('unknown');
    expect(outcomeOf('lost', 'autocommit')).toBe('unknown');
    expect(outcomeOf(undefined, 'commit')).toBe('unknown');
    expect(outcomeOf(new Error('query failed', { cause: coded('40001') }), 'commit')).toBe('failed');
    expect(outcomeOf(Object.assign(new Error('x'), { code: 'CONNECTION_CLOSED' }), 'commit')).toBe('unknown');
    expect(sqlStateOf(Object.assign(new Error('x'), { sqlState: '40003' }))).toBe('40003');
    const circle: { cause?: unknown } = {};
    circle.cause = circle;
    expect(sqlStateOf(circle)).toBeUndefined();
  });
});
