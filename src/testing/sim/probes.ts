/**
 * The simulator's side of the probes in the code: counts the marks that a run reached, and strikes a
 * node (a crash, a pause) at a named point when the nemesis has armed it.
 */
import { CRASH_POINTS, type CrashPointName, installProbes, removeProbes } from '../../base/probes.js';
import { QuoralError } from '../../base/errors.js';
import { onUnhandledRejection } from '../../env/node/uncaught.js';
import type { SimRandom } from '../../env/sim/random.js';
import type { SimMachine, SimWorld } from './world.js';

/** An armed node passes this many points at most before it is struck. */
const PASSES_MAX = 12;
/** Points among which the rarest is chosen. */
const CANDIDATES = 3;

export type Strike = (machine: SimMachine, point: string) => void;

export class ProbeBoard {
  readonly marks = new Map<string, number>();
  readonly crashPoints = new Map<string, number>();
  readonly #world: SimWorld;
  readonly #random: SimRandom;
  /** By node: it is struck at one of the next points that it passes. */
  readonly #armed = new Map<number, { left: number; readonly strike: Strike }>();
  /** By point: whichever node passes it is struck. Rare points would never be met otherwise. */
  readonly #passes = new Map<string, number>();
  readonly #armedPoints = new Map<string, Strike>();

  constructor(world: SimWorld, random: SimRandom) {
    this.#world = world;
    this.#random = random;
  }

  /** Until the returned function is called, this board gets every probe, and `onRejection` every stray error. */
  install(onRejection: (error: unknown) => void): () => void {
    installProbes({
      onMark: (name) => void this.marks.set(name, (this.marks.get(name) ?? 0) + 1),
      onCrashPoint: (name, nodeId) => this.#pass(name, nodeId),
    });
    const off = onUnhandledRejection((error) => {
      // The last words of a process that is dead already.
      if (error instanceof QuoralError && error.message === 'the storage is closed') return;
      onRejection(error);
    });
    return () => {
      off();
      removeProbes();
    };
  }

  /** `strike` is called once, in the middle of the turn that passes the point. */
  arm(machine: SimMachine, strike: Strike): void {
    if (this.#random.chance(0.5))
      this.#armed.set(machine.index + 1, { left: 1 + this.#random.int(PASSES_MAX), strike });
    else this.#armedPoints.set(this.#rarePoint(), strike);
  }

  /** The next node that passes the point is struck; `machine`: only this one. */
  armPoint(point: CrashPointName, machine: SimMachine | null, strike: Strike): void {
    this.#armedPoints.set(point, (passing, name) => {
      if (machine === null || passing === machine) strike(passing, name);
      else this.armPoint(point, machine, strike);
    });
  }

  /** Whichever node passes one of the points next is struck. */
  armOneOf(points: readonly CrashPointName[], strike: Strike): void {
    this.#armedPoints.set(this.#random.pick(points), strike);
  }

  /** Of a few, the point that this run has passed least often. */
  #rarePoint(): string {
    let rarest = this.#random.pick(CRASH_POINTS).name as string;
    for (let i = 1; i < CANDIDATES; i++) {
      const { name } = this.#random.pick(CRASH_POINTS);
      if ((this.#passes.get(name) ?? 0) < (this.#passes.get(rarest) ?? 0)) rarest = name;
    }
    return rarest;
  }

  disarm(): void {
    this.#armed.clear();
    this.#armedPoints.clear();
  }

  #pass(name: string, nodeId: number): void {
    this.#passes.set(name, (this.#passes.get(name) ?? 0) + 1);
    const machine = this.#world.machines[nodeId - 1];
    if (machine?.up !== true) return;
    if (name === 'after-lease-began') this.#world.deliveries.leaseBegan(machine);
    const strike = this.#armedPoints.get(name) ?? this.#strikeOf(nodeId);
    if (strike === null) return;
    this.#armedPoints.delete(name);
    this.crashPoints.set(name, (this.crashPoints.get(name) ?? 0) + 1);
    strike(machine, name);
  }

  #strikeOf(nodeId: number): Strike | null {
    const armed = this.#armed.get(nodeId);
    if (armed === undefined || --armed.left > 0) return null;
    this.#armed.delete(nodeId);
    return armed.strike;
  }
}
