/**
 * The Disk interface in memory, for nodes that keep nothing. What was written counts as durable:
 * the object outlives a node that is "restarted" on it. Locks die with `releaseAll` (the crash).
 */
import type { Disk, DiskLock } from './env.js';

export class MemoryDisk implements Disk {
  readonly #files = new Map<string, Buffer>();
  readonly #locks = new Map<string, symbol>();

  /** What is there now, for whoever holds the disk in its hands. */
  get(path: string): Buffer | null {
    const data = this.#files.get(path);
    return data === undefined ? null : Buffer.from(data);
  }

  put(path: string, data: Uint8Array): void {
    this.#files.set(path, Buffer.from(data));
  }

  async readFile(path: string): Promise<Buffer | null> {
    return this.get(path);
  }

  async writeFileSync(path: string, data: Uint8Array): Promise<void> {
    this.put(path, data);
  }

  async mkdirp(_path: string): Promise<void> {
    // Folders exist as soon as a file is in them.
  }

  async remove(path: string): Promise<void> {
    for (const name of [...this.#files.keys()]) {
      if (name === path || name.startsWith(`${path}/`)) this.#files.delete(name);
    }
  }

  async list(path: string): Promise<string[]> {
    const names = new Set<string>();
    for (const name of this.#files.keys()) {
      if (name.startsWith(`${path}/`)) names.add(name.slice(path.length + 1).split('/')[0] as string);
    }
    return [...names].sort();
  }

  async lock(path: string): Promise<DiskLock | null> {
    if (this.#locks.has(path)) return null;
    const owner = Symbol(path);
    this.#locks.set(path, owner);
    return {
      release: async () => {
        if (this.#locks.get(path) === owner) this.#locks.delete(path);
      },
    };
  }

  /** An independent disk with the same files, and no locks. */
  clone(): MemoryDisk {
    const copy = new MemoryDisk();
    for (const [path, data] of this.#files) copy.#files.set(path, data);
    return copy;
  }

  /** The process died: its locks are free. */
  releaseAll(): void {
    this.#locks.clear();
  }
}
