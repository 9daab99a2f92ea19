/**
 * Faults by name. Each leaves a line in the timeline and gives a handle that takes it back; `healAll`
 * takes back whatever is left.
 */
import { QuoralError } from '../../base/errors.js';
import { type Key, keyNext } from '../../base/key.js';
import { SYSTEM_PREFIX } from '../../encoding/keyspace.js';
import type { RangeDescriptor } from '../../range/kv-api.js';
import type { Engine } from '../../storage/engine.js';
import { decodeVersionKey, versionPrefix } from '../../storage/mvcc-key.js';
import { type CutKind, NO_LINK_FAULTS, type LinkFaults } from '../../env/sim/network.js';
import type { SimRandom } from '../../env/sim/random.js';
import type { SimMachine, SimWorld } from '../sim/world.js';
import { APP } from './clients.js';
import { type Duration, microseconds, positiveMicroseconds } from './durations.js';

export interface Heal {
  /** Takes the fault back. Twice does no harm. */
  heal(): void;
}

export interface PartitionOptions {
  /** Only what the first group sends to the second is cut. */
  readonly oneWay?: boolean;
  /** What is sent meanwhile between nodes: 'drop' (default) loses it, 'hold' delivers it late, as TCP's resending does. */
  readonly kind?: CutKind;
}

export interface LinkOptions {
  /** Also from the second to the first. */
  readonly both?: boolean;
}

/** The disk of one node's machine. */
export interface SimDiskControl {
  /** Writes fail with ENOSPC. */
  full(): SimDiskControl;
  /** Writes and syncs fail with EIO with this chance, default 1. */
  failing(chance?: number): SimDiskControl;
  /** Syncs take this many times as long. */
  slow(factor: number): SimDiskControl;
  /** Reads find a flipped bit with this chance. */
  flipping(chance: number): SimDiskControl;
  /** Everything works again. */
  ok(): SimDiskControl;
}

/** Rows that are looked at for a place to split; sizes are known too coarsely for the tables of a test. */
const ROWS_MAX = 2_000;

function rowsOf(engine: Engine, { start, end }: RangeDescriptor): readonly Key[] {
  const keys: Key[] = [];
  let from = start > SYSTEM_PREFIX ? start : keyNext(SYSTEM_PREFIX);
  while (keys.length < ROWS_MAX) {
    const row = engine.first('versions', versionPrefix(from), versionPrefix(end));
    if (row === null) break;
    const { key } = decodeVersionKey(row.key);
    if (key > start) keys.push(key);
    from = keyNext(key);
  }
  return keys;
}

export class SimFaults {
  readonly #world: SimWorld;
  readonly #active = new Set<() => void>();
  /** What is set by name on links, on top of nothing: delays and loss of one link go together. */
  readonly #links = new Map<string, Partial<LinkFaults>>();

  constructor(world: SimWorld) {
    this.#world = world;
  }

  partition(a: readonly string[], b: readonly string[], options: PartitionOptions): Heal {
    const { network } = this.#world;
    const kind = options.kind ?? 'drop';
    for (const name of [...a, ...b]) this.#checkHost(name);
    const both = a.find((name) => b.includes(name));
    if (both !== undefined) throw new QuoralError('22023', `"${both}" is on both sides of the partition`);
    const cuts: Heal[] = [];
    for (const from of a) {
      for (const to of b) {
        cuts.push(network.cut(from, to, kind));
        if (options.oneWay !== true) cuts.push(network.cut(to, from, kind));
      }
    }
    const arrow = options.oneWay === true ? 'does not reach' : '|';
    return this.#begin(`partition: ${a.join()} ${arrow} ${b.join()}`, () => {
      for (const cut of cuts) cut.heal();
    });
  }

  delay(from: string, to: string, duration: Duration, options: LinkOptions): Heal {
    const delayUs = positiveMicroseconds(duration);
    return this.#linkFault(`delay of ${delayUs / 1000} ms`, from, to, { delayUs }, { delayUs: 0 }, options);
  }

  loss(from: string, to: string, chance: number, options: LinkOptions): Heal {
    const loss = checkChance(chance);
    return this.#linkFault(`loss of ${loss * 100} %`, from, to, { loss }, { loss: 0 }, options);
  }

  pause(machine: SimMachine): Heal {
    const { process } = machine;
    if (process === null || !process.alive) throw new QuoralError('55000', `${machine.name} is not running`);
    process.pause();
    return this.#begin(`pause of ${machine.name}`, () => process.resume());
  }

  /** The clock is off by this much from now on. */
  skew(machine: SimMachine, offset: Duration): Heal {
    const offsetUs = microseconds(offset);
    const { clock } = machine;
    // When several are off it may be a good one that finds itself alone.
    for (const each of this.#world.machines) each.excuses.add('clock');
    clock.jump(offsetUs - clock.errorUs());
    return this.#begin(`clock of ${machine.name} off by ${offsetUs / 1000} ms`, () => clock.correct());
  }

  disk(machine: SimMachine): SimDiskControl {
    const { faults } = machine.disk;
    const change = (what: string, set: () => void): SimDiskControl => {
      machine.excuses.add('disk');
      set();
      this.#world.note(`disk of ${machine.name}: ${what}`);
      this.#active.add(ok);
      return control;
    };
    const ok = (): void => {
      this.#active.delete(ok);
      Object.assign(faults, { slow: 1, full: false, failWrite: 0, flip: 0 });
      this.#world.note(`disk of ${machine.name}: ok`);
    };
    const control: SimDiskControl = {
      full: () => change('full', () => (faults.full = true)),
      failing: (chance = 1) => change(`fails with chance ${chance}`, () => (faults.failWrite = checkChance(chance))),
      slow: (factor) => change(`${factor} times as slow`, () => (faults.slow = checkFactor(factor))),
      flipping: (chance) => change(`flips bits with chance ${chance}`, () => (faults.flip = checkChance(chance))),
      ok: () => {
        ok();
        return control;
      },
    };
    return control;
  }

  healAll(): void {
    for (const undo of [...this.#active]) undo();
  }

  /**
   * Splits a range in the middle: a random one, or (null) the one with most rows. False: no node serves, no
   * range can be split, or it failed.
   */
  async splitSomewhere(random: SimRandom | null): Promise<boolean> {
    const candidates: { readonly machine: SimMachine; readonly rows: readonly Key[] }[] = [];
    for (const machine of this.#world.machines) {
      // A disk that flips bits must not fail this look at the data.
      if (machine.node === null || !machine.serving || machine.disk.faults.flip > 0) continue;
      const { store } = machine.node;
      for (const replica of store.replicas()) {
        if (!replica.serving(store.hlc.now())) continue;
        const rows = rowsOf(store.engine, replica.descriptor);
        if (rows.length > 0) candidates.push({ machine, rows });
      }
    }
    if (candidates.length === 0) return false;
    const most = Math.max(...candidates.map(({ rows }) => rows.length));
    const { machine, rows } =
      random === null ? candidates.find((c) => c.rows.length === most)! : random.pick(candidates);
    const { node, process } = machine;
    const key = rows[rows.length >> 1]!;
    this.#world.note(`split asked of ${machine.name}`);
    try {
      await node!.coordinator.split(key);
      return true;
    } catch (error) {
      if (process?.alive === true) this.#world.note(`split failed: ${String(error)}`);
      return false;
    }
  }

  /** Begins to hand over the leases that `from` holds; gives their number. */
  transferLeases(from: SimMachine, to: SimMachine): number {
    const { node } = from;
    if (node === null || !from.serving || to.node === null) return 0;
    const target = to.node.nodeId;
    let moves = 0;
    for (const replica of node.store.replicas()) {
      if (!replica.raft.isLeader || replica.gate !== null || target === node.nodeId) continue;
      if (!replica.descriptor.replicas.some(({ nodeId }) => nodeId === target)) continue;
      this.#world.note(`lease of range ${replica.rangeId} from ${from.name} to ${to.name}`);
      void node.store.maintenance.mover.move(replica, target, true);
      moves++;
    }
    return moves;
  }

  #linkFault(
    what: string,
    from: string,
    to: string,
    fault: Partial<LinkFaults>,
    none: Partial<LinkFaults>,
    options: LinkOptions,
  ): Heal {
    this.#checkHost(from);
    this.#checkHost(to);
    const links = options.both === true ? [`${from}>${to}`, `${to}>${from}`] : [`${from}>${to}`];
    for (const link of links) this.#setLink(link, fault);
    return this.#begin(`${what} on ${links.join(' and ')}`, () => {
      for (const link of links) this.#setLink(link, none);
    });
  }

  #setLink(link: string, change: Partial<LinkFaults>): void {
    const faults = { ...this.#links.get(link), ...change };
    this.#links.set(link, faults);
    const [from, to] = link.split('>') as [string, string];
    this.#world.network.setFaults(from, to, { ...NO_LINK_FAULTS, ...faults });
  }

  #begin(what: string, undo: () => void): Heal {
    const end = (): void => {
      if (!this.#active.delete(end)) return;
      undo();
      this.#world.note(`end of ${what}`);
    };
    this.#active.add(end);
    this.#world.note(what);
    return { heal: end };
  }

  #checkHost(name: string): void {
    if (name !== APP) this.#world.machine(name);
  }
}

function checkChance(chance: number): number {
  if (chance >= 0 && chance <= 1) return chance;
  throw new QuoralError('22023', `a chance is from 0 to 1, not ${chance}`);
}

function checkFactor(factor: number): number {
  if (factor > 0 && Number.isFinite(factor)) return factor;
  throw new QuoralError('22023', `a factor is a positive number, not ${factor}`);
}
