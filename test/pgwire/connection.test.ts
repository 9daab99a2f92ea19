import { describe, expect, it } from 'vitest';
import { connectTcp, listenTcp } from '../../src/env/node/bytes-tcp.js';
import { NodeTimers } from '../../src/env/node/timers.js';
import { BackendParser, ClientWriter } from '../../src/pgwire/client-codec.js';
import { assertLoopback, PgWireServer } from '../../src/pgwire/server.js';
import { Harness, kindOf, settle } from './harness.js';
import { ScriptedServer, typeByOid } from './scripted-session.js';

describe('listening', () => {
  it.each(['127.0.0.1:7432', '127.8.9.1:1', 'localhost:0', '[::1]:7432'])('allows %s', (address) => {
    assertLoopback(address);
  });

  it.each([
    '0.0.0.0:7432',
    '[::]:7432',
    '10.0.0.1:7432',
    '128.0.0.1:1',
    '127.0.0.1.example.org:1',
    '127.0.0.999:1',
    ':7432',
    'example.org:7432',
  ])('refuses %s', (address) => {
    expect(() => assertLoopback(address)).toThrow(/only loopback addresses are allowed/);
  });

  it('serves over real sockets and drains', async () => {
    const sql = new ScriptedServer();
    const logger = { log: () => undefined, child: () => logger };
    const server = new PgWireServer(
      { address: '127.0.0.1:0' },
      {
        sql,
        transport: { listenBytes: listenTcp },
        timers: new NodeTimers(),
        logger,
        typeByOid,
        onFatal: () => undefined,
      },
    );
    await server.start();
    const stream = await connectTcp(`127.0.0.1:${server.port}`, 5_000);
    const parser = new BackendParser();
    const seen: string[] = [];
    const closed = new Promise<void>((resolve) => stream.onClose(() => resolve()));
    let onReady: () => void = () => undefined;
    stream.onData((data) => {
      parser.push(data);
      while (parser.next()) {
        const kind = kindOf(parser.decode());
        seen.push(kind);
        if (kind.startsWith('ready')) onReady();
      }
    });
    const answer = (bytes: Buffer): Promise<void> => {
      const ready = new Promise<void>((resolve) => (onReady = resolve));
      stream.write(bytes);
      return ready;
    };
    await answer(new ClientWriter().startup({ user: 'u' }).take());
    await answer(new ClientWriter().parse('', 'big 50 20000').bind('', '', []).execute('').sync().take());
    expect(seen.filter((kind) => kind === 'dataRow')).toHaveLength(50);
    await server.close(1_000);
    await closed;
    expect(seen.at(-1)).toBe('error FATAL 57P01');
    expect(sql.sessions[0]?.closed).toBe(true);
    expect(server.metrics.connectionsOpen).toBe(0);
  });
});

describe('limits', () => {
  it('refuses one client too many, and takes the next when one has left', async () => {
    const harness = new Harness({ connectionsMax: 1 });
    const first = await harness.ready();
    const second = harness.connect();
    second.send((w) => w.startup({ user: 'u' }));
    await settle();
    expect(second.kinds()).toEqual(['error FATAL 53300']);
    first.send((w) => w.terminate());
    await settle();
    const third = harness.connect();
    third.send((w) => w.startup({ user: 'u' }));
    await settle();
    expect(third.kinds().at(-1)).toBe('ready I');
    expect(harness.server.metrics).toMatchObject({
      connectionsOpen: 1,
      connectionsAccepted: 3,
      connectionsRefused: 1,
    });
  });

  it('ends a start-up that takes too long', async () => {
    const harness = new Harness();
    const silent = harness.connect();
    const done = await harness.ready();
    harness.timers.fire(60_000);
    await settle();
    expect(silent.kinds()).toEqual(['error FATAL 57014']);
    expect(silent.stream.closed).toBe(true);
    expect(done.stream.closed).toBe(false);
  });

  it('refuses a limit of zero', () => {
    expect(() => new Harness({ connectionsMax: 0 })).toThrow('limit connectionsMax');
  });
});

describe('one write per turn', () => {
  it('answers a pipelined batch in one write', async () => {
    const harness = new Harness();
    const client = await harness.ready();
    client.send((w) => w.parse('s', 'rows 1').sync());
    await settle();
    client.messages();
    client.stream.writes = 0;
    client.send((w) => {
      for (let i = 0; i < 20; i++) w.bind('', 's', []).execute('').sync();
    });
    await settle();
    expect(client.kinds().filter((kind) => kind === 'ready I')).toHaveLength(20);
    expect(client.stream.writes).toBe(1);
  });

  it('does not keep a finished answer behind a statement that waits', async () => {
    const harness = new Harness();
    const client = await harness.ready();
    client.send((w) => w.query('rows 1').query('wait'));
    await settle();
    expect(client.kinds()).toEqual(['rowDescription', 'dataRow', 'SELECT 1', 'ready I']);
  });

  it('lets others run between many messages of one client', async () => {
    const harness = new Harness();
    const client = await harness.ready();
    client.send((w) => {
      for (let i = 0; i < 1000; i++) w.query('');
    });
    let turns = 0;
    let answered = 0;
    while (answered < 1000 && turns < 100) {
      await settle(1);
      turns++;
      answered += client.kinds().filter((kind) => kind === 'ready I').length;
    }
    expect(answered).toBe(1000);
    expect(turns).toBeGreaterThan(3);
  });
});

describe('back-pressure', () => {
  it('holds the executor back while the client does not read', async () => {
    const harness = new Harness({ outputBytesMax: 100_000 });
    const client = await harness.ready();
    client.stream.stuck = true;
    client.send((w) => w.query('big 100 10000'));
    await settle();
    const session = harness.sql.sessions[0];
    expect(session?.calls).toContain('slow');
    expect(client.stream.bufferedBytes).toBeLessThan(250_000);
    client.stream.unstick();
    await settle();
    expect(client.kinds().filter((kind) => kind === 'dataRow')).toHaveLength(100);
  });

  it('takes no more messages from a client that does not read its answers', async () => {
    const harness = new Harness({ outputBytesMax: 100_000, inputBytesMax: 5_000 });
    const client = await harness.ready();
    client.stream.stuck = true;
    for (let i = 0; i < 400; i++) client.send((w) => w.query(`big 1 10000 ${'x'.repeat(100)}`));
    await settle(40);
    expect(client.stream.bufferedBytes).toBeLessThan(250_000);
    expect(client.stream.paused).toBe(true);
    const queries = (): number => harness.sql.sessions[0]?.calls.filter((call) => call.startsWith('query')).length ?? 0;
    expect(queries()).toBeLessThan(50);
    for (let i = 0; i < 200 && queries() !== 400; i++) {
      client.stream.unstick();
      client.stream.stuck = true;
      await settle();
    }
    expect(queries()).toBe(400);
  });

  it('wakes the executor when a client that did not read has gone', async () => {
    const harness = new Harness({ outputBytesMax: 100_000 });
    const client = await harness.ready();
    client.stream.stuck = true;
    client.send((w) => w.query('big 100 10000'));
    await settle();
    client.stream.vanish();
    await settle();
    expect(harness.sql.sessions[0]?.closed).toBe(true);
  });

  it('pauses input while a statement runs and resumes after it', async () => {
    const harness = new Harness({ inputBytesMax: 10_000 });
    const client = await harness.ready();
    client.send((w) => w.query('wait'));
    client.send((w) => w.query(`a ${'x'.repeat(20_000)}`));
    await settle();
    expect(client.stream.paused).toBe(true);
    harness.sql.sessions[0]?.cancel();
    await settle();
    expect(client.stream.paused).toBe(false);
    expect(client.kinds().filter((kind) => kind === 'ready I')).toHaveLength(2);
  });

  it('takes one COPY message that is larger than the input bound', async () => {
    const harness = new Harness({ inputBytesMax: 10_000 });
    const client = await harness.ready();
    client.send((w) => w.query('copyin'));
    await settle();
    const writer = new ClientWriter();
    const bytes = writer.copyData(Buffer.alloc(100_000, 0x61)).copyDone().take();
    for (let at = 0; at < bytes.length; at += 7_000) {
      client.stream.feed(bytes.subarray(at, at + 7_000));
      await settle(2);
    }
    await settle();
    expect(client.kinds()).toEqual(['copyIn', 'COPY 0', 'ready I']);
    expect(harness.sql.sessions[0]?.calls.at(-1)).toContain('(100000)');
  });
});

describe('failures', () => {
  it('gives an AssertionError to the process', async () => {
    const harness = new Harness();
    const client = await harness.ready();
    client.send((w) => w.query('broken'));
    await settle();
    expect(harness.fatal.map((error) => error.message)).toEqual(['an invariant']);
    expect(client.kinds()).toEqual(['error FATAL XX000']);
    expect(client.stream.closed).toBe(true);
  });

  it('logs an error that is none of ours and goes on', async () => {
    const harness = new Harness();
    const client = await harness.ready();
    client.send((w) => w.query('crash').query('rows 1'));
    await settle();
    expect(harness.logs.map((line) => line.level)).toEqual(['error']);
    expect(client.kinds()).toEqual([
      'error ERROR XX000',
      'ready I',
      'rowDescription',
      'dataRow',
      'SELECT 1',
      'ready I',
    ]);
  });

  it('logs a defect while planning, whose cause the client does not see, and goes on', async () => {
    const harness = new Harness();
    const client = await harness.ready();
    client.send((w) => w.query('unplanned').query('rows 1'));
    await settle();
    expect(harness.logs.map((line) => line.level)).toEqual(['error']);
    expect(harness.fatal).toEqual([]);
    expect(client.kinds().slice(0, 3)).toEqual(['error ERROR XX000', 'ready I', 'rowDescription']);
  });

  it('takes back the half-written row when a value cannot be encoded', async () => {
    const harness = new Harness();
    const client = await harness.ready();
    client.send((w) => w.parse('', 'unsendable').bind('', '', [], [1]).execute('').sync().query('rows 1'));
    await settle();
    expect(client.kinds()).toEqual([
      'parseComplete',
      'bindComplete',
      'error ERROR 42883',
      'ready I',
      'rowDescription',
      'dataRow',
      'SELECT 1',
      'ready I',
    ]);
  });

  it('does not wait for the rest of a cancelled client in COPY', async () => {
    const harness = new Harness();
    const client = await harness.ready();
    client.send((w) => w.query('copyin').copyData(Buffer.from('1\n')));
    await settle();
    const closing = harness.server.close(1_234);
    await settle();
    expect(client.stream.closed).toBe(false);
    harness.timers.fire(1_234);
    await closing;
    expect(client.kinds()).toEqual(['copyIn', 'error FATAL 57P01']);
    expect(harness.sql.sessions[0]?.closed).toBe(true);
  });

  it('lets cancel requests through while it drains, and no new sessions', async () => {
    const harness = new Harness();
    const client = await harness.ready();
    client.send((w) => w.query('wait'));
    await settle();
    const closing = harness.server.close(1_234);
    const late = harness.connect();
    late.send((w) => w.startup({ user: 'u' }));
    await settle();
    expect(late.kinds()).toEqual(['error FATAL 57P03']);
    harness.connect().send((w) => w.cancelRequest(1, -1));
    await closing;
    expect(client.kinds()).toEqual(['error ERROR 57014', 'ready I', 'error FATAL 57P01']);
  });

  it('opens and closes the session of a client that left during its start-up', async () => {
    const harness = new Harness();
    const client = harness.connect();
    client.send((w) => w.startup({ user: 'u' }));
    client.stream.vanish();
    await settle();
    expect(harness.sql.sessions[0]?.closed).toBe(true);
    expect(harness.server.metrics.connectionsOpen).toBe(0);
  });
});
