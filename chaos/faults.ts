/**
 * Faults: the plan comes from the seed alone, and is carried out by the clock.
 *
 * Two lanes run side by side, so that a node may be killed while the network is partitioned. Each lane
 * is a sequence of episodes with a pause between them. A minority is hit most of the time, so that the
 * rest has to go on serving; now and then a majority, or everything, when only safety can be asked for.
 */
import type { Random } from '../bench/random.js';
import type { ChaosCluster } from './cluster.js';

export const FAULT_KINDS = ['kill', 'pause', 'partition', 'loss', 'disk'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export type Fault =
  | { readonly kind: 'kill'; readonly nodes: readonly number[] }
  | { readonly kind: 'pause'; readonly nodes: readonly number[] }
  /** Pairs in which nothing passes any more. */
  | {
      readonly kind: 'partition';
      readonly shape: 'split' | 'one-way' | 'bridge' | 'isolated';
      readonly cuts: readonly (readonly [number, number])[];
      readonly resets: boolean;
    }
  | {
      readonly kind: 'loss';
      readonly links: readonly (readonly [number, number])[];
      readonly loss: number;
      readonly delayMs: number;
    }
  | { readonly kind: 'disk'; readonly node: number };

export interface Episode {
  readonly fromMs: number;
  readonly toMs: number;
  readonly fault: Fault;
}

export interface PlanOptions {
  readonly kinds: readonly FaultKind[];
  readonly nodes: number;
  readonly lengthMs: number;
  readonly diskNode: number | null;
}

/** Before the first fault: the tables are made and clients at work. */
const FIRST_MS = 4_000;

export function planFaults(options: PlanOptions, random: Random): Episode[] {
  const plan: Episode[] = [];
  const processes = options.kinds.filter((kind) => kind === 'kill' || kind === 'pause' || kind === 'disk');
  const network = options.kinds.filter((kind) => kind === 'partition' || kind === 'loss');
  for (const kinds of [processes, network]) {
    if (kinds.length === 0) continue;
    let at = FIRST_MS + random.between(0, 2_000);
    for (;;) {
      const kind = kinds[random.between(0, kinds.length - 1)] as FaultKind;
      const fault = makeFault(kind, options, random);
      const length = random.between(800, kind === 'disk' ? 6_000 : 9_000);
      if (at + length > options.lengthMs) break;
      if (fault !== null) plan.push({ fromMs: at, toMs: at + length, fault });
      at += length + random.between(500, 6_000);
    }
  }
  return plan.sort((a, b) => a.fromMs - b.fromMs);
}

function makeFault(kind: FaultKind, options: PlanOptions, random: Random): Fault | null {
  const all = Array.from({ length: options.nodes }, (_, i) => i + 1);
  switch (kind) {
    case 'kill':
      return { kind, nodes: someNodes(all, random) };
    case 'pause':
      return { kind, nodes: someNodes(all, random) };
    case 'partition':
      return all.length < 2 ? null : partition(all, random);
    case 'loss':
      return {
        kind,
        links: pairs(all, all).filter(() => random.next() < 0.7),
        loss: [0.01, 0.05, 0.2][random.between(0, 2)] as number,
        delayMs: [0, 0, 20, 100][random.between(0, 3)] as number,
      };
    case 'disk':
      return options.diskNode === null ? null : { kind, node: options.diskNode };
  }
}

function shuffled(nodes: readonly number[], random: Random): number[] {
  const result = [...nodes];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.between(0, i);
    [result[i], result[j]] = [result[j] as number, result[i] as number];
  }
  return result;
}

function someNodes(all: readonly number[], random: Random): number[] {
  const minority = Math.max(1, Math.floor((all.length - 1) / 2));
  const dice = random.next();
  const count =
    dice < 0.08 ? all.length : dice < 0.2 ? Math.min(all.length, minority + 1) : random.between(1, minority);
  return shuffled(all, random).slice(0, count).sort();
}

function pairs(from: readonly number[], to: readonly number[]): (readonly [number, number])[] {
  return from.flatMap((a) => to.filter((b) => b !== a).map((b) => [a, b] as const));
}

function partition(all: readonly number[], random: Random): Fault {
  const order = shuffled(all, random);
  const minority = Math.max(1, Math.floor((all.length - 1) / 2));
  const few = order.slice(0, random.between(1, minority));
  const rest = order.slice(few.length);
  const resets = random.next() < 0.3;
  const both = [...pairs(few, rest), ...pairs(rest, few)];
  switch (random.between(0, 3)) {
    case 0:
      return { kind: 'partition', shape: 'split', cuts: both, resets };
    case 1: {
      const out = random.next() < 0.5;
      return { kind: 'partition', shape: 'one-way', cuts: out ? pairs(few, rest) : pairs(rest, few), resets };
    }
    case 2: {
      // Two halves that only the bridge node sees both of.
      const [, ...others] = order;
      const left = others.slice(0, Math.floor(others.length / 2));
      const right = others.slice(left.length);
      return { kind: 'partition', shape: 'bridge', cuts: [...pairs(left, right), ...pairs(right, left)], resets };
    }
    default: {
      const alone = order.slice(0, 1);
      const others = order.slice(1);
      return { kind: 'partition', shape: 'isolated', cuts: [...pairs(alone, others), ...pairs(others, alone)], resets };
    }
  }
}

export function describeFault(fault: Fault): string {
  const arrows = (list: readonly (readonly [number, number])[]): string => list.map(([a, b]) => `${a}>${b}`).join(' ');
  switch (fault.kind) {
    case 'kill':
    case 'pause':
      return `${fault.kind} ${fault.nodes.map((node) => `n${node}`).join(',')}`;
    case 'partition':
      return `partition (${fault.shape}${fault.resets ? ', connections reset' : ''}) ${arrows(fault.cuts)}`;
    case 'loss':
      return `loss ${fault.loss * 100} %, delay ${fault.delayMs} ms, on ${fault.links.length} links`;
    case 'disk':
      return `disk of n${fault.node} full`;
  }
}

export interface TimelineEntry {
  readonly atMs: number;
  readonly text: string;
}

/** Carries the plan out. Every fault that it begins is ended by `heal` at the latest. */
export class FaultRunner {
  readonly timeline: TimelineEntry[] = [];
  readonly #cluster: ChaosCluster;
  readonly #nowMs: () => number;
  readonly #active = new Set<Fault>();
  readonly #timers: NodeJS.Timeout[] = [];
  #stopped = false;

  constructor(cluster: ChaosCluster, nowMs: () => number) {
    this.#cluster = cluster;
    this.#nowMs = nowMs;
  }

  start(plan: readonly Episode[]): void {
    for (const { fromMs, toMs, fault } of plan) {
      this.#timers.push(setTimeout(() => this.#begin(fault), fromMs));
      this.#timers.push(setTimeout(() => this.#end(fault), toMs));
    }
  }

  get active(): readonly Fault[] {
    return [...this.#active];
  }

  note(text: string): void {
    this.timeline.push({ atMs: Math.round(this.#nowMs()), text });
  }

  /** Its disk is full, or was until a moment ago: its end is no finding. */
  diskIsFull(node: number): boolean {
    return this.active.some((fault) => fault.kind === 'disk' && fault.node === node);
  }

  heal(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const fault of this.active) this.#end(fault);
    this.#cluster.network.heal();
    for (const node of this.#cluster.nodes) {
      if (node.paused) node.resume();
      if (!node.running) node.start();
    }
    this.note('healed');
  }

  #begin(fault: Fault): void {
    if (this.#stopped) return;
    this.#active.add(fault);
    this.note(`begin ${describeFault(fault)}`);
    const cluster = this.#cluster;
    switch (fault.kind) {
      case 'kill':
        for (const id of fault.nodes) cluster.node(id).kill();
        return;
      case 'pause':
        for (const id of fault.nodes) cluster.node(id).pause();
        return;
      case 'partition':
        for (const [from, to] of fault.cuts) {
          cluster.network.cut(from, to);
          if (fault.resets) cluster.network.reset(from, to);
        }
        return;
      case 'loss':
        for (const [from, to] of fault.links) cluster.network.setLoss(from, to, fault.loss, fault.delayMs);
        return;
      case 'disk':
        cluster.fillDisk(fault.node);
        return;
    }
  }

  #end(fault: Fault): void {
    if (!this.#active.delete(fault)) return;
    const cluster = this.#cluster;
    switch (fault.kind) {
      case 'kill':
        for (const id of fault.nodes) if (!cluster.node(id).running) cluster.node(id).start();
        break;
      case 'pause':
        for (const id of fault.nodes) cluster.node(id).resume();
        break;
      case 'partition':
        for (const [from, to] of fault.cuts) cluster.network.mend(from, to);
        break;
      case 'loss':
        for (const [from, to] of fault.links) cluster.network.setLoss(from, to, 0, 0);
        break;
      case 'disk':
        cluster.emptyDisk(fault.node);
        if (!cluster.node(fault.node).running) cluster.node(fault.node).start();
        break;
    }
    this.note(`end ${describeFault(fault)}`);
  }
}
