import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Supervisor } from '../../src/cli/supervisor.js';
import { NodeTimers } from '../../src/env/node/timers.js';

const FIXTURE = resolve(import.meta.dirname, 'fixture-node.mjs');
let running: Supervisor | null = null;

function supervise(nodes: readonly (readonly string[])[], restart = true) {
  const lines: string[] = [];
  const supervisor = new Supervisor(
    {
      modulePath: FIXTURE,
      nodeArgs: [],
      nodes: nodes.map((args, index) => ({ id: index + 1, args, description: `args ${args[0]}` })),
      restart,
      restartMs: 10,
    },
    { timers: new NodeTimers(), nowMs: () => performance.now(), print: (line) => lines.push(line) },
  );
  running = supervisor;
  supervisor.start();
  const pid = (id: number): number => {
    const found = lines.filter((line) => line.startsWith(`node ${id}  pid`)).at(-1);
    return Number(/pid (\d+)/.exec(found ?? '')?.[1]);
  };
  return { supervisor, lines, pid };
}

function seen(lines: readonly string[], pattern: RegExp, times = 1): Promise<void> {
  return vi.waitFor(
    () => {
      expect(lines.filter((line) => pattern.test(line)).length, lines.join('\n')).toBeGreaterThanOrEqual(times);
    },
    { timeout: 20_000, interval: 20 },
  );
}

afterEach(() => {
  running?.kill();
  running = null;
});

describe('the supervisor', () => {
  it('starts every node, says which process is which, and stops them with 0', async () => {
    const { supervisor, lines } = supervise([['serve'], ['serve'], ['serve']]);
    await supervisor.serving;
    for (const id of [1, 2, 3])
      expect(lines.some((line) => new RegExp(`^node ${id}  pid \\d+  args`).test(line))).toBe(true);
    supervisor.stop();
    expect(await supervisor.ended).toBe(0);
  });

  it('starts a killed node again, all of them at once as well', async () => {
    const { supervisor, lines, pid } = supervise([['serve'], ['serve'], ['serve']]);
    await supervisor.serving;
    process.kill(pid(2), 'SIGKILL');
    await seen(lines, /^node 2 serves again/);
    for (const id of [1, 2, 3]) process.kill(pid(id), 'SIGKILL');
    await seen(lines, /serves again/, 4);
    expect(lines.filter((line) => line.includes('was killed by SIGKILL'))).toHaveLength(4);
    supervisor.stop();
    expect(await supervisor.ended).toBe(0);
  });

  it('passes on why a node refuses to start, and stops everything with its code', async () => {
    const { supervisor, lines } = supervise([['serve'], ['refuse', '', '1']]);
    expect(await supervisor.ended).toBe(1);
    expect(lines).toContain('node 2: quoral: port taken');
    expect(lines).toContain('node 2: hint: choose another');
    expect(lines.filter((line) => line.startsWith('node 2  pid'))).toHaveLength(1);
  });

  it('tries a node that has served some times, then goes on without it', async () => {
    const counter = join(mkdtempSync(join(tmpdir(), 'quoral-supervisor-')), 'count');
    const { supervisor, lines, pid } = supervise([['serve'], ['serve-then-refuse', counter, '1']]);
    await supervisor.serving;
    process.kill(pid(2), 'SIGKILL');
    await seen(lines, /^node 2 .*stays down after 5 attempts/);
    expect(lines.filter((line) => line.startsWith('node 2  pid'))).toHaveLength(6);
    expect(lines.some((line) => line.startsWith('node 1 ('))).toBe(false);
    supervisor.stop();
    expect(await supervisor.ended).toBe(0);
  });

  it('leaves dead nodes dead without restart, and ends with 1 when none is left', async () => {
    const { supervisor, lines, pid } = supervise([['serve'], ['serve']], false);
    await supervisor.serving;
    process.kill(pid(1), 'SIGKILL');
    await seen(lines, /^node 1 .*--no-restart/);
    process.kill(pid(2), 'SIGKILL');
    expect(await supervisor.ended).toBe(1);
  });
});
