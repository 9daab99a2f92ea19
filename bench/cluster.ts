/** Starts a cluster of its own for a run, gone afterwards: `quoral demo` in a temporary folder, or one in this process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startCluster as startInProcess } from '../src/testing/cluster.js';

const READY_MS_MAX = 60_000;

export interface OwnCluster {
  readonly urls: readonly string[];
  readonly processIds: readonly number[];
  stop(): Promise<void>;
}

export async function startCluster(extra: readonly string[]): Promise<OwnCluster> {
  const main = resolve('dist/cli/main.js');
  if (!existsSync(main)) throw new Error(`${main} is missing; run npm run build first`);
  const folder = mkdtempSync(join(tmpdir(), 'quoral-bench-'));
  const child = spawn(process.execPath, [main, 'demo', ...extra], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    const url = await readyUrl(child);
    const first = new URL(url);
    const urls = [0, 1, 2].map((i) => {
      const one = new URL(url);
      one.port = String(Number(first.port) + i);
      return one.href;
    });
    return { urls, processIds: [child.pid as number], stop: () => stop(child, folder) };
  } catch (error) {
    await stop(child, folder);
    throw error;
  }
}

/** Three nodes in memory in this process, which is then client and servers at once. */
export async function startEmbedded(): Promise<OwnCluster> {
  const cluster = await startInProcess();
  return { urls: [0, 1, 2].map((i) => cluster.url(i)), processIds: [process.pid], stop: () => cluster.close() };
}

/** The cluster's last line when it serves: `ready  postgresql://…`. */
function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolveUrl, reject) => {
    let output = '';
    const timer = setTimeout(
      () => reject(new Error(`no "ready" within ${READY_MS_MAX / 1000} s:\n${output}`)),
      READY_MS_MAX,
    );
    const onText = (data: Buffer): void => {
      output = (output + data.toString()).slice(-20_000);
      const match = /^ready\s+(postgresql:\S+)/m.exec(output);
      if (match === null) return;
      clearTimeout(timer);
      resolveUrl(match[1] as string);
    };
    child.stdout?.on('data', onText);
    child.stderr?.on('data', onText);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the cluster ended with code ${code} before it was ready:\n${output}`));
    });
  });
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise<void>((done) => child.once('exit', () => done()));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(timer);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
