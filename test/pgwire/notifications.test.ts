import { describe, expect, it } from 'vitest';
import { QuoralError } from '../../src/base/errors.js';
import { Harness, settle } from './harness.js';

const NEWS = { processId: 7, channel: 'news', payload: 'grüße' };

describe('notifications', () => {
  it('go to an idle client at once', async () => {
    const harness = new Harness();
    const client = await harness.ready();
    const session = harness.sql.sessions[0]!;
    client.messages();
    session.notifications.push(NEWS);
    session.push();
    expect(client.messages()).toEqual([{ kind: 'notification', ...NEWS }]);
  });

  it('wait for the end of a statement and of a transaction, and come before ReadyForQuery', async () => {
    const harness = new Harness();
    const client = await harness.ready();
    const session = harness.sql.sessions[0]!;
    client.kinds();
    client.send((w) => w.query('wait'));
    session.notifications.push(NEWS);
    session.push();
    expect(client.kinds()).toEqual([]);
    session.cancel();
    await settle();
    expect(client.kinds().slice(-2)).toEqual(['notification', 'ready I']);
    client.send((w) => w.query('begin'));
    await settle();
    session.notifications.push(NEWS);
    session.push();
    await settle();
    expect(client.kinds()).not.toContain('notification');
    client.send((w) => w.query('commit'));
    await settle();
    expect(client.kinds().slice(-2)).toEqual(['notification', 'ready I']);
  });

  it('do not pile up for a client that does not read', async () => {
    const harness = new Harness({ outputBytesMax: 1_000 });
    const client = await harness.ready();
    const session = harness.sql.sessions[0]!;
    client.kinds();
    client.stream.stuck = true;
    session.notifications.push({ ...NEWS, payload: 'x'.repeat(2_000) });
    session.push();
    session.notifications.push(NEWS);
    session.push();
    expect(client.kinds()).toEqual(['notification']);
    client.stream.unstick();
    expect(client.kinds()).toEqual(['notification']);
  });

  it('a session that ended by itself tells its client at once', async () => {
    const harness = new Harness();
    const client = await harness.ready();
    const session = harness.sql.sessions[0]!;
    client.kinds();
    session.takeNotifications = () => {
      throw new QuoralError('57P05', 'terminating connection due to idle-session timeout', { severity: 'FATAL' });
    };
    session.push();
    await settle();
    expect(client.kinds()).toEqual(['error FATAL 57P05']);
    expect(session.closed).toBe(true);
  });

  it('a session that ended while a statement took place: the client hears of both, in this order', async () => {
    const harness = new Harness();
    const client = await harness.ready();
    const session = harness.sql.sessions[0]!;
    client.send((w) => w.query('begin'));
    await settle();
    client.kinds();
    session.takeNotifications = () => {
      throw new QuoralError('57P01', 'terminating connection due to administrator command', { severity: 'FATAL' });
    };
    client.send((w) => w.query('commit'));
    await settle();
    expect(client.kinds().slice(-2)).toEqual(['ready I', 'error FATAL 57P01']);
    expect(session.closed).toBe(true);
  });
});
