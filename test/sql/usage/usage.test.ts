/** Counters of use: what becomes of figures at the ends of transactions, and their bounds. */
import { describe, expect, it } from 'vitest';
import { NodeUsage } from '../../../src/sql/usage/counters.js';
import { SessionUsage } from '../../../src/sql/usage/session-usage.js';

const DATABASE = 5;

class World {
  nowMs = 0;
  moment = 100n;
  settings = { trackCounts: true, trackFunctions: 'all' as const };
  readonly node = new NodeUsage(0n);

  session(databaseId = DATABASE): SessionUsage {
    return new SessionUsage({
      node: this.node,
      databaseId,
      monotonicMs: () => this.nowMs,
      settings: () => this.settings,
      now: () => this.moment,
    });
  }
}

describe('the figures of a node', () => {
  it('are of so many relations: what was met first is forgotten, and a reset gives the room back', () => {
    const { node } = new World();
    const [a, b] = [node.database(1), node.database(2)];
    for (let id = 0; id < 20_000; id++) node.relation(a, id).scans++;
    node.relation(a, 20_000).scans++;
    expect([a.relations.size, a.relations.has(0), a.relations.has(1)]).toEqual([20_000, false, true]);
    // Another database takes it from whoever has some.
    node.relation(b, 1);
    node.relation(b, 2);
    expect([a.relations.size, b.relations.size]).toEqual([19_999, 1]);
    node.forget(a, 20_000);
    node.relation(b, 3);
    expect([a.relations.size, b.relations.size]).toEqual([19_998, 2]);
    node.reset(a, 7n);
    expect([a.relations.size, a.resetAt]).toEqual([0, 7n]);
    for (let id = 0; id < 20_000; id++) node.relation(b, id);
    expect(b.relations.size).toBe(20_000);
  });

  it('are of so many functions', () => {
    const { node } = new World();
    const database = node.database(1);
    for (let id = 0; id < 5_003; id++) node.function(database, id).calls++;
    expect([database.functions.size, database.functions.has(2), database.functions.has(3)]).toEqual([
      5_000,
      false,
      true,
    ]);
  });
});

describe('what a session has done', () => {
  it('counts once when the server runs its transaction again', () => {
    const world = new World();
    const session = world.session();
    for (let run = 0; run < 3; run++) {
      if (run > 0) session.restarts();
      session.relation(1).inserted += 5;
      session.relation(1).scans++;
    }
    session.end(true);
    expect(world.node.relation(session.database, 1)).toMatchObject({ inserted: 5, scans: 1, live: 5 });
    session.relation(1).inserted += 1;
    session.end(true);
    expect(world.node.relation(session.database, 1)).toMatchObject({ inserted: 6, live: 6 });
  });

  it('leaves dead rows when it is taken back, and never fewer than no live ones', () => {
    const world = new World();
    const session = world.session();
    const total = world.node.relation(session.database, 1);
    Object.assign(session.relation(1), { inserted: 2, updated: 1 });
    const mark = session.mark();
    Object.assign(session.relation(1), { inserted: 5, updated: 5, deleted: 3 });
    session.rollbackTo(mark);
    expect(session.relation(1)).toMatchObject({ inserted: 2, updated: 1, deleted: 0 });
    session.end(true);
    // Three inserted and four new versions were for nothing, one version was replaced.
    expect(total).toMatchObject({ inserted: 5, updated: 5, deleted: 3, live: 2, dead: 8, changed: 3 });
    // Nobody counted these when they came.
    session.relation(1).deleted = 7;
    session.end(true);
    expect(total).toMatchObject({ live: 0, dead: 15 });
    session.relation(1).inserted = 1;
    session.end(true);
    expect(total.live).toBe(1);
    Object.assign(session.relation(1), { inserted: 4, updated: 2, deleted: 1 });
    session.end(false);
    expect(total).toMatchObject({ inserted: 10, updated: 7, deleted: 11, live: 1, dead: 21, changed: 11 });
  });

  it('is a transaction if there was one, and point reads are some too, counted or not', () => {
    const world = new World();
    const session = world.session();
    session.transactionEnds(false, true);
    session.transactionEnds(true, true);
    session.transactionEnds(true, false);
    session.pointRead(9, 2);
    expect(session.database).toMatchObject({ commits: 2, rollbacks: 1, returned: 2, fetched: 2 });
    expect(world.node.relation(session.database, 9)).toMatchObject({ scans: 1, returned: 2, fetched: 2 });
    Object.assign(world.settings, { trackCounts: false });
    session.pointRead(9, 2);
    session.relation(9).scans++;
    session.end(true);
    expect(session.database).toMatchObject({ commits: 3, returned: 2 });
    expect(world.node.relation(session.database, 9).scans).toBe(1);
  });

  it('has functions’ time, of calls within calls once', () => {
    const world = new World();
    const session = world.session();
    const call = (id: number, body: () => void): void => {
      session.callBegins(id);
      body();
      session.callEnds();
    };
    const passes = (ms: number): void => void (world.nowMs += ms);
    call(1, () => {
      passes(10);
      call(2, () => {
        passes(5);
        call(1, () => passes(3));
      });
      call(1, () => passes(4));
    });
    session.end(true);
    const { functions } = session.database;
    expect(functions.get(1)).toMatchObject({ calls: 3, totalMs: 22, selfMs: 17 });
    expect(functions.get(2)).toMatchObject({ calls: 1, totalMs: 8, selfMs: 5 });
  });
});

describe('what a transaction is shown', () => {
  it.each(['none', 'cache', 'snapshot'] as const)('%s', (consistency) => {
    const world = new World();
    const [session, other] = [world.session(), world.session()];
    const more = (id: number): void => {
      other.relation(id).scans++;
      other.end(true);
    };
    const scans = (id: number, lasting = true): number | undefined =>
      session.shown(consistency, lasting).relation(id)?.scans;
    more(1);
    more(2);
    expect(scans(1)).toBe(1);
    more(1);
    more(2);
    expect([scans(1), scans(2)]).toEqual({ none: [2, 2], cache: [1, 2], snapshot: [1, 1] }[consistency]);
    expect(session.shown(consistency, true).takenAt).toBe(consistency === 'snapshot' ? 100n : null);
    // A statement by itself, another setting, and the next transaction begin anew.
    expect([scans(1, false), scans(2, false)]).toEqual([2, 2]);
    expect(session.shown(consistency === 'cache' ? 'snapshot' : 'cache', true).relation(1)?.scans).toBe(2);
    more(1);
    session.end(true);
    world.moment = 200n;
    expect(scans(1)).toBe(3);
    expect(session.shown(consistency, true).takenAt).toBe(consistency === 'snapshot' ? 200n : null);
    session.clearShown();
    more(1);
    expect(scans(1)).toBe(4);
  });
});
