/**
 * Faults of a simulated run: a subset of kinds with intensities of their own, chosen by the seed
 * ("swarm testing", Groce et al., ISSTA 2012: leaving kinds out lets the others show more), injected
 * at random moments and taken back after a while. `heal` takes back whatever is left.
 */
import type { CrashPointName } from '../../base/probes.js';
import type { SimRandom } from '../../env/sim/random.js';
import { type CutKind, NO_LINK_FAULTS } from '../../env/sim/network.js';
import type { SimMachine, SimWorld } from './world.js';

export const FAULT_KINDS = [
  'loss',
  'duplicate',
  'reorder',
  'delay',
  'reset',
  'partition',
  'one-way',
  'bridge',
  'pause',
  'crash',
  'crash-all',
  'kill',
  'slow-disk',
  'full-disk',
  'failing-disk',
  'flipped-bits',
  'drift',
  'jump',
  'jump-beyond',
  'lease-transfer',
  'split',
  'crash-point',
  'pause-point',
  'vanish',
  'late-delivery',
  'lost-answer',
  'lease-point',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What of the run, other than its machines, faults reach. */
export interface NemesisTargets {
  /** A client drops its connection without a word. */
  readonly vanish: () => void;
  /** Splits a range somewhere. */
  readonly split: () => void;
  /** Calls `strike` when the node, or whichever comes first, passes a named point in the code. */
  readonly arm: (machine: SimMachine, strike: (machine: SimMachine, point: string) => void) => void;
  /** The same at one of these points, whichever node passes it. */
  readonly armOneOf: (points: readonly CrashPointName[], strike: (machine: SimMachine, point: string) => void) => void;
}

/** Where a change of leases falls between two steps of the commit protocol. */
const LEASE_POINTS: readonly CrashPointName[] = [
  'after-part-answered',
  'after-staged-before-answer',
  'after-answer-before-explicit',
  'before-explicit',
  'after-spill',
  'before-resolve',
  'between-resolves',
  'after-resolve-before-record',
  'before-record-removed',
  'before-recovery-questions',
  'after-recovery-questions',
];

/** Clocks stay within this of true time, so any two within 200 ms: what the default bound of 250 ms tolerates. */
const CLOCK_ERROR_US = 95_000;

export interface Swarm {
  readonly kinds: readonly FaultKind[];
  /** Mean time between two faults, microseconds. */
  readonly everyUs: number;
}

/** Which faults a seed has. */
export function chooseSwarm(random: SimRandom, only: readonly FaultKind[] | null): Swarm {
  const share = random.pick([0.15, 0.3, 0.5, 0.8]);
  const chosen = FAULT_KINDS.filter(() => random.chance(share));
  const kinds = only === null ? chosen : FAULT_KINDS.filter((kind) => only.includes(kind));
  return { kinds, everyUs: random.pick([400_000, 1_000_000, 2_000_000, 4_000_000]) };
}

export class Nemesis {
  readonly #world: SimWorld;
  readonly #random: SimRandom;
  readonly #swarm: Swarm;
  readonly #targets: NemesisTargets;
  /** Undoes what is going on. */
  readonly #active = new Set<() => void>();
  #stopped = false;
  injected = 0;

  constructor(world: SimWorld, random: SimRandom, swarm: Swarm, targets: NemesisTargets) {
    this.#world = world;
    this.#random = random;
    this.#swarm = swarm;
    this.#targets = targets;
  }

  /** Injects faults until virtual time `endUs`. */
  async run(endUs: number): Promise<void> {
    const { kinds, everyUs } = this.#swarm;
    for (;;) {
      await this.#world.sleep(everyUs * -Math.log(1 - this.#random.next() * 0.99));
      if (this.#stopped || this.#world.nowUs >= endUs || kinds.length === 0) return;
      this.injected++;
      this.inject(this.#random.pick(kinds));
    }
  }

  /** Everything works again from here on; dead processes are started by the caller. */
  heal(): void {
    this.#stopped = true;
    for (const undo of [...this.#active]) undo();
    this.#world.deliveries.heal();
    for (const machine of this.#world.machines) {
      machine.clock.drift(0);
      machine.clock.correct();
    }
    this.#world.note('healed');
  }

  inject(kind: FaultKind): void {
    const machine = this.#random.pick(this.#world.machines);
    switch (kind) {
      case 'loss':
      case 'duplicate':
      case 'reorder':
      case 'delay':
      case 'reset':
        return this.#linkFault(kind);
      case 'partition':
      case 'one-way':
      case 'bridge':
        return this.#partition(kind);
      case 'pause':
        return this.#pause(machine);
      case 'crash':
      case 'crash-all':
      case 'kill':
        return this.#crash(kind, machine);
      case 'slow-disk':
      case 'full-disk':
      case 'failing-disk':
      case 'flipped-bits':
        return this.#diskFault(kind, machine);
      case 'drift':
      case 'jump':
      case 'jump-beyond':
        return this.#clockFault(kind, machine);
      case 'lease-transfer':
        return this.#transferLeases(machine);
      case 'split':
        return this.#targets.split();
      case 'crash-point':
        return this.#targets.arm(machine, (passing, point) => {
          this.#world.note(`crash of ${passing.name} at ${point}`);
          this.#world.crash(passing, this.keep(), true);
        });
      case 'pause-point':
        return this.#targets.arm(machine, (passing, point) => {
          this.#world.note(`${passing.name} passes ${point}`);
          // Mostly for longer than others wait before they take over what it had begun.
          this.#pause(passing, this.#random.chance(0.7) ? this.#random.between(3e6, 12e6) : this.#duration());
        });
      case 'vanish':
        return this.#targets.vanish();
      case 'late-delivery':
      case 'lost-answer':
        return this.#deliveryFault(kind);
      case 'lease-point':
        return this.#targets.armOneOf(LEASE_POINTS, (passing, point) => {
          this.#world.note(`leases move, as ${passing.name} passes ${point}`);
          for (const each of this.#world.machines) this.#transferLeases(each);
        });
    }
  }

  /** Takes `undo` back after a while, or when everything is healed. */
  #until(us: number, what: string, undo: () => void): void {
    const end = (): void => {
      if (!this.#active.delete(end)) return;
      undo();
      this.#world.note(`end of ${what}`);
    };
    this.#active.add(end);
    this.#world.note(`begin of ${what}`);
    this.#world.scheduler.after(us, null, end);
  }

  /** Mostly short, sometimes long. */
  #duration(): number {
    const random = this.#random;
    return random.chance(0.25) ? random.between(3e6, 12e6) : random.between(50_000, 2_500_000);
  }

  #linkFault(kind: 'loss' | 'duplicate' | 'reorder' | 'delay' | 'reset'): void {
    const random = this.#random;
    const { network, machines } = this.#world;
    const p = random.pick([0.01, 0.05, 0.2]);
    const faults = {
      ...NO_LINK_FAULTS,
      ...(kind === 'loss' ? { loss: p } : {}),
      ...(kind === 'duplicate' ? { duplicate: p } : {}),
      ...(kind === 'reorder' ? { reorder: p * 2, detourUs: random.pick([2_000, 50_000, 1_000_000]) } : {}),
      ...(kind === 'delay' ? { delayUs: random.pick([2_000, 20_000, 300_000]) } : {}),
      ...(kind === 'reset' ? { reset: p / 10 } : {}),
    };
    const links: [string, string][] = [];
    for (const from of machines) {
      for (const to of machines) if (from !== to && random.chance(0.4)) links.push([from.name, to.name]);
    }
    for (const [from, to] of links) network.setFaults(from, to, faults);
    this.#until(this.#duration(), `${kind} on ${links.map((l) => l.join('>')).join(' ')}`, () => {
      for (const [from, to] of links) network.setFaults(from, to, NO_LINK_FAULTS);
    });
  }

  #deliveryFault(kind: 'late-delivery' | 'lost-answer'): void {
    const { deliveries } = this.#world;
    const rate = kind === 'late-delivery' ? 'late' : 'answerLost';
    deliveries[rate] = this.#random.pick([0.01, 0.05, 0.2]);
    this.#until(this.#duration(), kind, () => {
      deliveries[rate] = 0;
    });
  }

  #partition(kind: 'partition' | 'one-way' | 'bridge'): void {
    const random = this.#random;
    const { network, machines } = this.#world;
    const names = random.shuffled(machines.map((m) => m.name));
    const bridge = kind === 'bridge' ? names.pop()! : null;
    const size = 1 + random.int(names.length - 1);
    const a = names.slice(0, size);
    const b = names.slice(size);
    const cutKind: CutKind = random.chance(0.5) ? 'drop' : 'hold';
    const cuts: { heal: () => void }[] = [];
    for (const from of a) {
      for (const to of b) {
        cuts.push(network.cut(from, to, cutKind));
        if (kind !== 'one-way') cuts.push(network.cut(to, from, cutKind));
        if (random.chance(0.2)) network.breakStreams(from, to);
      }
    }
    const what = `${kind} (${cutKind}) ${a.join()} | ${b.join()}${bridge === null ? '' : `, ${bridge} sees both`}`;
    this.#until(this.#duration(), what, () => {
      for (const cut of cuts) cut.heal();
    });
  }

  #pause(machine: SimMachine, us = this.#duration()): void {
    const { process } = machine;
    if (process === null || !process.alive || process.paused) return;
    process.pause();
    this.#until(us, `pause of ${machine.name}`, () => process.resume());
  }

  #crash(kind: 'crash' | 'crash-all' | 'kill', machine: SimMachine): void {
    const random = this.#random;
    const machines = kind === 'crash-all' ? this.#world.machines : [machine];
    for (const target of machines) {
      if (!target.up) continue;
      this.#world.note(`${kind} of ${target.name}`);
      if (kind === 'kill') this.#world.kill(target);
      else this.#world.crash(target, this.keep(), random.chance(0.5));
    }
  }

  /** Which share of the unsynced writes a crash keeps. */
  keep(): { log: number; data: number } {
    const share = (): number => this.#random.pick([0, 0, 1, this.#random.next()]);
    return { log: share(), data: share() };
  }

  #diskFault(kind: 'slow-disk' | 'full-disk' | 'failing-disk' | 'flipped-bits', machine: SimMachine): void {
    const random = this.#random;
    const { faults } = machine.disk;
    if (kind === 'slow-disk') faults.slow = random.pick([5, 50, 500]);
    else machine.excuses.add('disk');
    if (kind === 'full-disk') faults.full = true;
    if (kind === 'failing-disk') faults.failWrite = random.pick([0.01, 0.1, 1]);
    if (kind === 'flipped-bits') faults.flip = random.pick([0.0001, 0.001, 0.05]);
    this.#until(this.#duration(), `${kind} at ${machine.name}`, () => {
      if (kind === 'slow-disk') faults.slow = 1;
      if (kind === 'full-disk') faults.full = false;
      if (kind === 'failing-disk') faults.failWrite = 0;
      if (kind === 'flipped-bits') faults.flip = 0;
    });
  }

  #clockFault(kind: 'drift' | 'jump' | 'jump-beyond', machine: SimMachine): void {
    const random = this.#random;
    const { clock } = machine;
    if (kind === 'drift') {
      // As far as it may go until the end of the fault without leaving the bound.
      const us = this.#duration();
      const sign = random.chance(0.5) ? 1 : -1;
      const room = Math.max(0, CLOCK_ERROR_US - sign * clock.errorUs());
      clock.drift(sign * Math.min(50_000, (room / us) * 1e6));
      this.#until(us, `drift of ${machine.name}`, () => clock.drift(0));
      return;
    }
    if (kind === 'jump') {
      const target = random.between(-CLOCK_ERROR_US, CLOCK_ERROR_US);
      this.#world.note(`clock of ${machine.name} jumps to ${Math.round(target / 1000)} ms`);
      // A drift that went on from there would leave the bound.
      clock.drift(0);
      clock.jump(target - clock.errorUs());
      return;
    }
    // When several clocks are off it may be a good one that finds itself alone.
    for (const each of this.#world.machines) each.excuses.add('clock');
    // One at a time: a node whose clock was ahead waits for as long when it starts again.
    if (Math.abs(clock.errorUs()) > 2 * CLOCK_ERROR_US) return;
    const by = random.between(0.3e6, 15e6) * (random.chance(0.5) ? 1 : -1);
    clock.jump(by);
    this.#until(this.#duration(), `clock of ${machine.name} off by ${Math.round(by / 1000)} ms`, () => clock.correct());
  }

  #transferLeases(machine: SimMachine): void {
    const { node } = machine;
    if (node === null || !machine.serving) return;
    const random = this.#random;
    for (const replica of node.store.replicas()) {
      if (!replica.raft.isLeader || !random.chance(0.5)) continue;
      const to = random.pick(replica.descriptor.replicas).nodeId;
      if (to === node.nodeId || replica.gate !== null) continue;
      this.#world.note(`lease of range ${replica.rangeId} from ${machine.name} to n${to}`);
      void node.store.maintenance.mover.move(replica, to, true);
    }
  }
}
