/**
 * A machine's disk in the simulated world: small files that survive crashes, and the state that the
 * storage of the same machine consults (speed, full, failing, flipping bits).
 *
 * Invariants
 * - A file write that has resolved survives; one that was under way when the process died is there
 *   as a whole or not at all, as the seed decides.
 * - What is read back under `flip` differs in one bit: whoever reads must notice.
 */
import { QuoralError } from '../../base/errors.js';
import type { Disk, DiskLock } from '../env.js';
import type { SimRandom } from './random.js';
import type { SimProcess, SimScheduler } from './scheduler.js';

/** What is wrong with the disk. Probabilities are per operation. */
export interface DiskFaults {
  /** Factor on the time that a sync takes. */
  slow: number;
  /** Writes fail with ENOSPC. */
  full: boolean;
  /** Chance that a write or a sync fails (EIO). */
  failWrite: number;
  /** Chance that what is read back has a bit flipped. */
  flip: number;
}

const SYNC_US_MIN = 150;
const SYNC_US_SPREAD = 700;
const READ_US = 60;

export class SimMachineDisk {
  readonly name: string;
  readonly scheduler: SimScheduler;
  readonly random: SimRandom;
  readonly files = new Map<string, Buffer>();
  /** The process that used the disk last. */
  user: SimProcess | null = null;
  readonly faults: DiskFaults = { slow: 1, full: false, failWrite: 0, flip: 0 };

  constructor(name: string, scheduler: SimScheduler, random: SimRandom) {
    this.name = name;
    this.scheduler = scheduler;
    this.random = random;
  }

  /** How long a sync takes now, microseconds. */
  syncUs(): number {
    return (SYNC_US_MIN + this.random.int(SYNC_US_SPREAD)) * this.faults.slow;
  }

  /** What a write fails with now, or null. */
  writeFailure(what: string): QuoralError | null {
    if (this.faults.full) return new QuoralError('53100', `could not write ${what}: no space left on device (ENOSPC)`);
    if (this.random.chance(this.faults.failWrite)) {
      return new QuoralError('58030', `could not write ${what}: input/output error (EIO)`);
    }
    return null;
  }

  /** The disk as one process sees it. */
  open(process: SimProcess): Disk {
    this.user = process;
    return new SimDisk(this, process);
  }
}

class SimDisk implements Disk {
  readonly #machine: SimMachineDisk;
  readonly #process: SimProcess;

  constructor(machine: SimMachineDisk, process: SimProcess) {
    this.#machine = machine;
    this.#process = process;
  }

  async readFile(path: string): Promise<Buffer | null> {
    await this.#wait(READ_US);
    const data = this.#machine.files.get(path);
    if (data === undefined) return null;
    const copy = Buffer.from(data);
    const { random, faults } = this.#machine;
    if (copy.length > 0 && random.chance(faults.flip)) {
      copy[random.int(copy.length)]! ^= 1 << random.int(8);
    }
    return copy;
  }

  writeFileSync(path: string, data: Uint8Array): Promise<void> {
    const bytes = Buffer.from(data);
    const machine = this.#machine;
    const { scheduler, random } = machine;
    return new Promise((resolve, reject) => {
      const us = machine.syncUs();
      // On the machine, not the process: what is under way may be done although the process dies.
      const survives = random.chance(0.5);
      scheduler.after(us, null, () => {
        const failure = machine.writeFailure(`file "${path}"`);
        // A write of a dead process does not land after its successor has begun.
        const lands = this.#process.alive || (survives && machine.user === this.#process);
        if (failure === null && lands) machine.files.set(path, bytes);
        if (!this.#process.alive) return;
        scheduler.after(0, this.#process, () => (failure === null ? resolve() : reject(failure)));
      });
    });
  }

  async mkdirp(_path: string): Promise<void> {
    await this.#wait(READ_US);
  }

  async remove(path: string): Promise<void> {
    await this.#wait(READ_US);
    const { files } = this.#machine;
    for (const name of [...files.keys()]) if (name === path || name.startsWith(`${path}/`)) files.delete(name);
  }

  async list(path: string): Promise<string[]> {
    await this.#wait(READ_US);
    const names = new Set<string>();
    for (const name of this.#machine.files.keys()) {
      if (name.startsWith(`${path}/`)) names.add(name.slice(path.length + 1).split('/')[0]!);
    }
    return [...names].sort();
  }

  /** The world starts no second process on a machine whose first one lives. */
  async lock(_path: string): Promise<DiskLock | null> {
    await this.#wait(READ_US);
    return { release: async () => undefined };
  }

  #wait(us: number): Promise<void> {
    return new Promise((resolve) => void this.#machine.scheduler.after(us, this.#process, resolve));
  }
}
