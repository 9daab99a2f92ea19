/**
 * Faults by name. Each leaves a line in the timeline and gives a handle that takes it back; `healAll`
 * takes back whatever is left.
 */
import { QuoralError } from '../../base/errors.js';
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

  /** Splits a range somewhere, for the random faults. */
  splitSomewhere(random: SimRandom): void {
    const machine = random.pick(this.#world.machines);
    const { node, process } = machine;
    if (node === null || !machine.serving) return;
    for (const replica of random.shuffled([...node.store.replicas()])) {
      const key = node.store.maintenance.findSplitKey(replica.descriptor);
      if (key === null) continue;
      node.coordinator.split(key).catch((error: unknown) => {
        if (process?.alive === true) this.#world.note(`split failed: ${String(error)}`);
      });
      return;
    }
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
