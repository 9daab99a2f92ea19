/**
 * The simulator's side of the probes in the code: counts the marks that a run reached, and crashes a
 * node at a named point when the nemesis has armed it.
 */
import { installProbes, removeProbes } from '../../base/probes.js';
import { QuoralError } from '../../base/errors.js';
import { onUnhandledRejection } from '../../env/node/uncaught.js';
import type { SimRandom } from '../../env/sim/random.js';
import type { Nemesis } from './nemesis.js';
import type { SimMachine, SimWorld } from './world.js';

/** An armed point is passed this many times at most before it crashes the node. */
const PASSES_MAX = 12;

export class ProbeBoard {
  readonly marks = new Map<string, number>();
  readonly crashPoints = new Map<string, number>();
  readonly #world: SimWorld;
  readonly #random: SimRandom;
  readonly #armed = new Map<number, { left: number; readonly crash: (point: string) => void }>();

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

  arm(machine: SimMachine, crash: (point: string) => void): void {
    this.#armed.set(machine.index + 1, { left: 1 + this.#random.int(PASSES_MAX), crash });
  }

  disarm(): void {
    this.#armed.clear();
  }

  #pass(name: string, nodeId: number): void {
    const armed = this.#armed.get(nodeId);
    const machine = this.#world.machines[nodeId - 1];
    if (armed === undefined || machine?.up !== true) return;
    if (--armed.left > 0) return;
    this.#armed.delete(nodeId);
    this.crashPoints.set(name, (this.crashPoints.get(name) ?? 0) + 1);
    armed.crash(name);
  }
}

/** The node crashes at one of the next crash points that it passes. */
export function armCrashPoint(board: ProbeBoard, world: SimWorld, machine: SimMachine, nemesis: Nemesis): void {
  board.arm(machine, (point) => {
    world.note(`crash of ${machine.name} at ${point}`);
    world.crash(machine, nemesis.keep(), true);
  });
}
