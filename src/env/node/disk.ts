/**
 * Small durable files, and the lock of a data directory.
 *
 * `writeFileSync` is atomic and durable when it resolves: temporary file, fsync, rename, fsync of
 * the folder (file-writer.ts). A crash leaves the old or the new content, and at worst a `.tmp` file.
 *
 * The lock. Node has no flock, so the lock is a file that names its owner: process id, the
 * process's start time and the machine's boot id (so a reused id is not mistaken for the owner),
 * and a random token. It comes into being whole and exclusively (written aside, then hard-linked).
 * A file whose owner is dead (SIGKILL, power loss) is taken over. Limits: where /proc is missing
 * (macOS) only the process id tells, so a reused id can make a stale lock look held; several
 * processes over one network file system do not see each other's processes and must not share a
 * directory; and of two processes that take over the same stale lock within microseconds both may
 * for an instant hold it, which the engine's own flock on its files then catches.
 */
import { link, mkdir, open, readdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { Disk, DiskLock } from '../env.js';
import { FileWriter } from './file-writer.js';

/** Tokens of the locks this process holds: its own id in a lock file proves nothing by itself. */
const heldTokens = new Set<string>();

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

async function writeSynced(path: string, data: Uint8Array): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readOrNull(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** What sets this run of a process apart from a later one with the same id; '' if unknown. */
async function processIncarnation(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  if (stat === '') return '';
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();
  // The command name, in brackets, may itself contain blanks and brackets.
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  return `${bootId}/${startTime}`;
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

async function ownerIsAlive(content: string): Promise<boolean> {
  const [pidText, incarnation, token] = content.split('\n');
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0 || incarnation === undefined || token === undefined) {
    // Lock files appear whole, so this one was torn by a power loss.
    return false;
  }
  if (pid === process.pid) return heldTokens.has(token);
  if (!processExists(pid)) return false;
  const current = await processIncarnation(pid);
  return current === '' || incarnation === '' || current === incarnation;
}

export class NodeDisk implements Disk {
  readonly #writer = new FileWriter();

  readFile(path: string): Promise<Buffer | null> {
    return readOrNull(path);
  }

  writeFileSync(path: string, data: Uint8Array): Promise<void> {
    return this.#writer.write(path, `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`, data);
  }

  async mkdirp(path: string): Promise<void> {
    await mkdir(path, { recursive: true });
  }

  async remove(path: string): Promise<void> {
    await rm(path, { force: true, recursive: true });
  }

  async list(path: string): Promise<string[]> {
    try {
      return (await readdir(path)).sort();
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  async lock(path: string): Promise<DiskLock | null> {
    const absolute = resolve(path);
    const token = randomBytes(8).toString('hex');
    const content = `${process.pid}\n${await processIncarnation(process.pid)}\n${token}\n`;
    const aside = `${absolute}.${token}.tmp`;
    heldTokens.add(token);
    let taken = false;
    try {
      await writeSynced(aside, Buffer.from(content));
      // A few rounds: each ends with the lock taken, a living owner, or a stale file removed.
      for (let round = 0; round < 8 && !taken; round++) {
        taken = await this.#tryLink(aside, absolute);
        if (!taken && !(await this.#removeStale(absolute, token))) return null;
      }
      return taken ? { release: () => this.#release(absolute, token, content) } : null;
    } finally {
      await rm(aside, { force: true });
      if (!taken) heldTokens.delete(token);
    }
  }

  async #tryLink(aside: string, path: string): Promise<boolean> {
    try {
      await link(aside, path);
      return true;
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false;
      throw error;
    }
  }

  /** False if the lock has a living owner. */
  async #removeStale(path: string, token: string): Promise<boolean> {
    const seen = await readOrNull(path);
    if (seen === null) return true;
    if (await ownerIsAlive(seen.toString('utf8'))) return false;
    const grabbed = `${path}.${token}.stale`;
    try {
      await rename(path, grabbed);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return true;
      throw error;
    }
    const moved = await readFile(grabbed);
    if (!moved.equals(seen)) {
      // Someone else was faster: this is a living lock, and it goes back.
      await this.#tryLink(grabbed, path);
      await unlink(grabbed);
      return false;
    }
    await unlink(grabbed);
    return true;
  }

  async #release(path: string, token: string, content: string): Promise<void> {
    if (!heldTokens.delete(token)) return;
    const current = await readOrNull(path);
    if (current !== null && current.toString('utf8') === content) await rm(path, { force: true });
  }
}
