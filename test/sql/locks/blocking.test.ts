/** pg_blocking_pids from a picture of who holds and awaits what. */
import { describe, expect, it } from 'vitest';
import type { ListedLock } from '../../../src/sql/advisory/advisory-locks.js';
import { pidsInTheWay } from '../../../src/sql/locks/blocking.js';
import type { LockReport, ReportedSession } from '../../../src/sql/locks/lock-reports.js';
import { keepsAway, MODES } from '../../../src/sql/locks/modes.js';

const NOTHING: LockReport = { sessions: [], waits: [] };

function advisory(processId: number, granted: boolean, exclusive: boolean, low = 1, databaseId = 5): ListedLock {
  const entry = { node: 1, incarnation: 'i', number: processId, processId, exclusive };
  return { databaseId, name: { space: 1, high: 0, low }, entry, granted };
}

function session(processId: number, txn: string, relations: ReportedSession['relations'] = []): ReportedSession {
  return { processId, txn, relations, databaseId: 5, userId: 10, virtualTransaction: `1/${processId}`, xid: 0 };
}

const lock = (mode: number, granted: boolean, relationId = 100): ReportedSession['relations'][number] => ({
  ...{ relationId, mode, granted },
  waitStart: granted ? 0 : 1,
});

describe('who waits for an advisory lock', () => {
  const inTheWay = (locks: readonly ListedLock[], processId: number): number[] =>
    pidsInTheWay(NOTHING, locks, processId).toSorted((a, b) => a - b);

  it('waits for those that have it and do not suit', () => {
    const shared = [advisory(1, true, false), advisory(2, true, false)];
    expect(inTheWay([...shared, advisory(3, false, true)], 3)).toEqual([1, 2]);
    expect(inTheWay([...shared, advisory(3, false, false)], 3)).toEqual([]);
    expect(inTheWay([advisory(1, true, true), advisory(3, false, false)], 3)).toEqual([1]);
    // One that has it shared and wants more of it is not in its own way.
    expect(inTheWay([...shared, advisory(2, false, true)], 2)).toEqual([1]);
  });

  it('does not wait for another lock, another database’s, or others that wait', () => {
    const wanted = advisory(3, false, true);
    expect(inTheWay([advisory(1, true, true, 2), wanted], 3)).toEqual([]);
    expect(inTheWay([advisory(1, true, true, 1, 6), wanted], 3)).toEqual([]);
    expect(inTheWay([advisory(1, true, true), advisory(2, false, true), wanted], 3)).toEqual([1]);
    // What a session has makes it wait for nobody.
    expect(inTheWay([advisory(1, true, false), advisory(2, true, true)], 2)).toEqual([]);
  });
});

describe('who waits for a transaction', () => {
  it('waits for whose it is, and for 0 if no session has it; edges of advisory locks are told by their own list', () => {
    const sessions = [session(1, 'a'), session(2, 'b'), session(3, 'c'), session(4, '')];
    const edge = (waiter: string, holder: string, isAdvisory = false): LockReport['waits'][number] => ({
      ...{ waiter, holder, since: 1 },
      advisory: isAdvisory,
    });
    const waits = [edge('a', 'b'), edge('a', 'gone'), edge('b', 'c', true), edge('', 'b')];
    const report = { sessions, waits };
    expect(pidsInTheWay(report, [], 1)).toEqual([2, 0]);
    for (const pid of [2, 3, 4, 5]) expect(pidsInTheWay(report, [], pid)).toEqual([]);
  });
});

describe('who waits for a table', () => {
  it('waits for those that have a lock of it that does not suit', () => {
    const report: LockReport = {
      waits: [],
      sessions: [
        session(1, 'a', [lock(8, false), lock(1, true)]),
        session(2, 'b', [lock(1, true)]),
        session(3, 'c', [lock(8, false)]),
        session(4, 'd', [lock(8, true, 200)]),
        session(5, 'e', [lock(3, true), lock(1, true, 200)]),
      ],
    };
    expect(pidsInTheWay(report, [], 1)).toEqual([2, 5]);
    expect(pidsInTheWay(report, [], 3)).toEqual([1, 2, 5]);
    expect(pidsInTheWay(report, [], 5)).toEqual([]);
  });

  it('uses suit each other; what wants a table for itself suits nothing, both ways', () => {
    const uses = ['AccessShareLock', 'RowShareLock', 'RowExclusiveLock'];
    for (let a = 1; a < MODES.length; a++)
      for (let b = 1; b < MODES.length; b++)
        expect(keepsAway(a, b)).toBe(!uses.includes(MODES[a]!) || !uses.includes(MODES[b]!));
  });
});
