import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { get } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../src/env/node/address.js';
import { monitorEventLoop } from '../../src/env/node/event-loop.js';
import { createNodeEnv } from '../../src/env/node/node-env.js';

const env = createNodeEnv({ logLevel: 'error' });
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quoral-env-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('clock', () => {
  it("stays in the system clock's millisecond and has finer steps", () => {
    const seen = new Set<number>();
    for (let i = 0; i < 3_000; i++) {
      const before = Date.now();
      const us = env.clock.wallUs();
      const after = Date.now();
      expect(Number.isSafeInteger(us)).toBe(true);
      expect(us).toBeGreaterThanOrEqual(before * 1000);
      expect(us).toBeLessThan((after + 1) * 1000);
      seen.add(us);
    }
    expect(seen.size).toBeGreaterThan(30);
  });

  it('follows a clock that is set', () => {
    const real = Date.now;
    try {
      for (const jumpMs of [3_600_000, -7_200_000]) {
        Date.now = () => real() + jumpMs;
        const before = Date.now();
        const us = env.clock.wallUs();
        expect(us).toBeGreaterThanOrEqual(before * 1000);
        expect(us).toBeLessThan((Date.now() + 1) * 1000);
      }
    } finally {
      Date.now = real;
    }
  });
});

describe('timers', () => {
  it('run, cancel, and do not fire at once for huge delays', async () => {
    const events: string[] = [];
    env.timers.after(2 ** 40, () => events.push('never'));
    env.timers.after(1, () => events.push('cancelled')).cancel();
    env.timers.endOfTurn(() => events.push('end of turn'));
    queueMicrotask(() => events.push('microtask'));
    await env.timers.sleep(10);
    expect(events).toEqual(['microtask', 'end of turn']);
  });
});

describe('disk', () => {
  it('replaces files whole and leaves nothing beside them', async () => {
    const path = join(folder, 'a/b/file');
    expect(await env.disk.readFile(path)).toBeNull();
    await env.disk.mkdirp(join(folder, 'a/b'));
    for (let i = 0; i < 5; i++) await env.disk.writeFileSync(path, Buffer.from(`content ${i}`));
    expect((await env.disk.readFile(path))?.toString()).toBe('content 4');
    expect(await env.disk.list(join(folder, 'a/b'))).toEqual(['file']);
    await env.disk.remove(path);
    expect(await env.disk.readFile(path)).toBeNull();
    expect(await env.disk.list(join(folder, 'nowhere'))).toEqual([]);
    await expect(env.disk.writeFileSync(join(folder, 'nowhere/file'), Buffer.from('x'))).rejects.toThrow(/ENOENT/);
  });

  it('gives a lock to one only, within a process', async () => {
    const path = join(folder, 'LOCK');
    const taken = (await Promise.all(Array.from({ length: 8 }, () => env.disk.lock(path)))).filter(
      (lock) => lock !== null,
    );
    expect(taken.length).toBe(1);
    expect(await env.disk.lock(path)).toBeNull();
    await taken[0]!.release();
    await taken[0]!.release();
    const again = await env.disk.lock(path);
    expect(again).not.toBeNull();
    await again!.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('refuses a lock that a living process holds, and takes over that of a killed one', async () => {
    const path = join(folder, 'LOCK');
    const child = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1000)'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    writeFileSync(path, `${child.pid}\n${boot}/${start}\nabc\n`);
    expect(await env.disk.lock(path)).toBeNull();
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    const lock = await env.disk.lock(path);
    expect(lock).not.toBeNull();
    await lock!.release();
    // The id lives on in another process (this one's parent), or in this very process.
    for (const stale of [`${process.ppid}\n${boot}/1\nabc\n`, `${process.pid}\n${boot}/1\nabc\n`, '', 'rubbish']) {
      writeFileSync(path, stale);
      const taken = await env.disk.lock(path);
      expect(taken, stale).not.toBeNull();
      await taken!.release();
    }
  });
});

describe('log', () => {
  it('writes one line per entry with its fields, from the level on', () => {
    const lines: string[] = [];
    const { logger } = createNodeEnv({ logLevel: 'info', logWrite: (line) => void lines.push(line) });
    logger.log('debug', 'no');
    logger.child({ node: 3 }).log('warn', 'two\nlines', { text: 'a b', path: '/x', n: 1n, error: new Error('bad') });
    expect(lines.length).toBe(1);
    expect(lines[0]).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z WARN {2}two\\nlines node=3 text="a b" path=\/x n=1 error="Error: bad\\n/,
    );
    expect(lines[0]!.match(/\n/g)!.length).toBe(1);
    const json: string[] = [];
    createNodeEnv({ logFormat: 'json', logWrite: (line) => void json.push(line) }).logger.log('error', 'm', { a: [1] });
    expect(JSON.parse(json[0]!)).toMatchObject({ level: 'error', message: 'm', a: [1] });
  });
});

describe('addresses', () => {
  it('are host and port', () => {
    expect(parseAddress('127.0.0.1:7432')).toEqual({ host: '127.0.0.1', port: 7432 });
    expect(parseAddress('[::1]:0')).toEqual({ host: '::1', port: 0 });
    expect(formatAddress('::1', 5)).toBe('[::1]:5');
    for (const bad of ['', 'host', 'host:', 'host:x', 'host:70000', '::1:5', 'a b:1', ':5'])
      expect(() => parseAddress(bad), bad).toThrow(/invalid address/);
  });
});

describe('byte streams', () => {
  it('carry bytes both ways, with back-pressure and ends', async () => {
    const listener = await env.transport.listenBytes('127.0.0.1:0', (stream) => {
      stream.onData((data) => void stream.write(data));
      stream.onClose(() => undefined);
    });
    const client = await env.transport.connectBytes(`127.0.0.1:${listener.port}`, 1000);
    let received = 0;
    const sent = 5_000_000;
    const all = new Promise<void>((resolve) =>
      client.onData((data) => void ((received += data.length) === sent && resolve())),
    );
    client.pause();
    let drained = client.write(Buffer.alloc(sent, 7));
    expect(drained).toBe(false);
    expect(client.bufferedBytes).toBeGreaterThan(0);
    client.onDrain(() => (drained = true));
    client.resume();
    await all;
    expect(drained).toBe(true);
    const closed = new Promise((resolve) => client.onClose(resolve));
    client.end();
    expect(await closed).toBeNull();
    await expect(env.transport.listenBytes(`127.0.0.1:${listener.port}`, () => undefined)).rejects.toMatchObject({
      sqlstate: '55006',
      message: expect.stringContaining(`port ${listener.port}`),
    });
    await listener.close();
    await expect(env.transport.connectBytes(`127.0.0.1:${listener.port}`, 1000)).rejects.toMatchObject({
      sqlstate: '08001',
    });
  });
});

describe('http', () => {
  it('answers, and survives a failing handler', async () => {
    const listener = await env.transport.listenHttp('127.0.0.1:0', (request) => {
      if (request.path === '/bad') throw new Error('broken');
      return { status: 200, contentType: 'text/plain', body: `${request.method} ${request.path}` };
    });
    const ask = (path: string) =>
      new Promise<[number | undefined, string]>((resolve) => {
        get({ port: listener.port, path, agent: false }, (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => (body += chunk.toString()));
          response.on('end', () => resolve([response.statusCode, body]));
        });
      });
    expect(await ask('/health?x=1')).toEqual([200, 'GET /health?x=1']);
    expect(await ask('/bad')).toEqual([500, 'internal error: broken\n']);
    await expect(
      env.transport.listenHttp(`127.0.0.1:${listener.port}`, () => ({ status: 200, contentType: '', body: '' })),
    ).rejects.toMatchObject({ sqlstate: '55006' });
    await listener.close();
  });
});

describe('event loop monitor', () => {
  it('sees a turn that takes long', async () => {
    const monitor = monitorEventLoop();
    await env.timers.sleep(30);
    monitor.reset();
    const end = env.clock.monotonicMs() + 120;
    while (env.clock.monotonicMs() < end);
    await env.timers.sleep(30);
    expect(monitor.maxMs()).toBeGreaterThan(60);
    monitor.stop();
  });
});
