/**
 * Finds cycles in the dependency graph and names them. Strongly connected components first (linear, and
 * the end of it for a good history), then in each the shortest cycle of each class, from the worst:
 * only writes (G0), writes and reads (G1c), one anti-dependency (G-single), several (G2), and last those
 * that close only through real time.
 *
 * Invariants: one cycle per class and component is reported, a component's real-time cycle only if it
 * has no other. The result depends on the history alone.
 *
 * Limits: the search for shortest cycles stops at a budget of visited edges per component; the cycle
 * that is reported then is real, but perhaps not the shortest.
 */
import type { DependencyGraph, Edge, EdgeKind } from './dependency-graph.js';

export interface Cycle {
  readonly edges: readonly Edge[];
  /** Components of the whole graph, to tell which cycles explain one another. */
  readonly component: number;
}

export type CycleClass = 'G0' | 'G1c' | 'G-single' | 'G2' | 'real-time';

/** Edges by node, as positions in `graph.edges`. */
interface Adjacency {
  readonly first: Int32Array;
  readonly edges: Int32Array;
}

const STEPS_PER_COMPONENT = 4_000_000;

export function findCycles(graph: DependencyGraph): Map<CycleClass, Cycle[]> {
  const adjacency = adjacencyOf(graph);
  const all = components(graph, adjacency, () => true);
  const found = new Map<CycleClass, Cycle[]>();
  if (all.groups.length === 0) return found;
  const explained = new Set<number>();
  const search = new CycleSearch(graph, adjacency, all.of);
  const levels: readonly (readonly [CycleClass, (edge: Edge) => boolean, readonly EdgeKind[]])[] = [
    ['G0', (edge) => !edge.timed && isKind(edge, ['ww', 'within']), ['ww']],
    ['G1c', (edge) => !edge.timed && isKind(edge, ['ww', 'wr', 'within']), ['wr']],
    ['G2', (edge) => !edge.timed, ['rw']],
  ];
  const add = (name: CycleClass, cycle: Cycle): void => {
    const cycles = found.get(name);
    if (cycles === undefined) found.set(name, [cycle]);
    else cycles.push(cycle);
    explained.add(cycle.component);
  };
  for (const [name, allowed, needed] of levels) {
    for (const group of components(graph, adjacency, allowed).groups) {
      if (name === 'G2') {
        const single = search.shortest(group, (edge) => !edge.timed && edge.kind !== 'rw', needed);
        if (single !== undefined) add('G-single', single);
        const several = search.shortest(group, allowed, needed, 2);
        if (several !== undefined) add('G2', several);
      } else {
        const cycle = search.shortest(group, allowed, needed);
        if (cycle !== undefined) add(name, cycle);
      }
    }
  }
  for (const group of all.groups) {
    if (explained.has(all.of[group[0] as number] as number)) continue;
    const cycle = search.shortest(group, () => true, 'timed');
    if (cycle !== undefined) add('real-time', cycle);
  }
  return found;
}

function isKind(edge: Edge, kinds: readonly EdgeKind[]): boolean {
  return kinds.includes(edge.kind);
}

function adjacencyOf(graph: DependencyGraph): Adjacency {
  const first = new Int32Array(graph.nodes + 1);
  for (const edge of graph.edges) first[edge.from + 1] = (first[edge.from + 1] as number) + 1;
  for (let i = 0; i < graph.nodes; i++) first[i + 1] = (first[i + 1] as number) + (first[i] as number);
  const next = first.slice();
  const edges = new Int32Array(graph.edges.length);
  graph.edges.forEach((edge, index) => {
    const at = next[edge.from] as number;
    edges[at] = index;
    next[edge.from] = at + 1;
  });
  return { first, edges };
}

interface Components {
  /** With more than one node. */
  readonly groups: readonly (readonly number[])[];
  /** Component number of each node. */
  readonly of: Int32Array;
}

/** Tarjan's algorithm with its own stack: histories are deeper than the call stack. */
function components(graph: DependencyGraph, adjacency: Adjacency, allowed: (edge: Edge) => boolean): Components {
  const count = graph.nodes;
  const index = new Int32Array(count).fill(-1);
  const low = new Int32Array(count);
  const of = new Int32Array(count).fill(-1);
  const cursor = adjacency.first.slice();
  const path: number[] = [];
  const calls: number[] = [];
  const groups: number[][] = [];
  let counter = 0;
  let named = 0;
  const enter = (node: number): void => {
    index[node] = low[node] = counter++;
    path.push(node);
    calls.push(node);
  };
  const leave = (node: number): void => {
    calls.pop();
    const parent = calls.at(-1);
    if (parent !== undefined) low[parent] = Math.min(low[parent] as number, low[node] as number);
    if (low[node] !== index[node]) return;
    const start = path.lastIndexOf(node);
    const group = path.splice(start);
    for (const member of group) of[member] = named;
    named++;
    if (group.length > 1) groups.push(group.sort((a, b) => a - b));
  };
  for (let root = 0; root < count; root++) {
    if (index[root] !== -1) continue;
    enter(root);
    while (calls.length > 0) {
      const node = calls[calls.length - 1] as number;
      const at = cursor[node] as number;
      if (at === adjacency.first[node + 1]) {
        leave(node);
        continue;
      }
      cursor[node] = at + 1;
      const edge = graph.edges[adjacency.edges[at] as number] as Edge;
      if (!allowed(edge)) continue;
      if (index[edge.to] === -1) enter(edge.to);
      else if (of[edge.to] === -1) low[node] = Math.min(low[node] as number, index[edge.to] as number);
    }
  }
  groups.sort((a, b) => (a[0] as number) - (b[0] as number));
  return { groups, of };
}

class CycleSearch {
  readonly #graph: DependencyGraph;
  readonly #adjacency: Adjacency;
  readonly #component: Int32Array;
  /** Which search last came to a node, and by which edge. */
  readonly #seen: Int32Array;
  readonly #by: Int32Array;
  #round = 0;

  constructor(graph: DependencyGraph, adjacency: Adjacency, component: Int32Array) {
    this.#graph = graph;
    this.#adjacency = adjacency;
    this.#component = component;
    this.#seen = new Int32Array(graph.nodes);
    this.#by = new Int32Array(graph.nodes);
  }

  /**
   * The shortest cycle in `group` made of one `needed` edge and a way back over `allowed` ones. With
   * `antiDependencies` only cycles of at least so many rw edges count.
   */
  shortest(
    group: readonly number[],
    allowed: (edge: Edge) => boolean,
    needed: readonly EdgeKind[] | 'timed',
    antiDependencies = 0,
  ): Cycle | undefined {
    const inside = new Set(group);
    let best: Edge[] | undefined;
    let steps = 0;
    for (const node of group) {
      for (let at = this.#adjacency.first[node] as number; at < (this.#adjacency.first[node + 1] as number); at++) {
        const edge = this.#graph.edges[this.#adjacency.edges[at] as number] as Edge;
        if (!inside.has(edge.to)) continue;
        if (needed === 'timed' ? !edge.timed : edge.timed || !needed.includes(edge.kind)) continue;
        const limit = best === undefined ? Infinity : best.length - 1;
        const { way, visited } = this.#way(edge.to, edge.from, inside, allowed, limit);
        steps += visited;
        if (way !== undefined) {
          const cycle = [edge, ...way];
          const several = cycle.filter((part) => part.kind === 'rw').length >= antiDependencies;
          if (several && (best === undefined || cycle.length < best.length)) best = cycle;
        }
        if (best !== undefined && (best.length <= 2 || steps > STEPS_PER_COMPONENT)) break;
      }
      if (steps > STEPS_PER_COMPONENT || (best !== undefined && best.length <= 2)) break;
    }
    if (best === undefined) return undefined;
    return { edges: best, component: this.#component[(best[0] as Edge).from] as number };
  }

  /** Breadth first, so the fewest edges. */
  #way(
    from: number,
    to: number,
    inside: ReadonlySet<number>,
    allowed: (edge: Edge) => boolean,
    limit: number,
  ): { way: Edge[] | undefined; visited: number } {
    const round = ++this.#round;
    this.#seen[from] = round;
    this.#by[from] = -1;
    let level = [from];
    let visited = 0;
    for (let depth = 0; level.length > 0 && depth < limit; depth++) {
      const next: number[] = [];
      for (const node of level) {
        for (let at = this.#adjacency.first[node] as number; at < (this.#adjacency.first[node + 1] as number); at++) {
          visited++;
          const edge = this.#graph.edges[this.#adjacency.edges[at] as number] as Edge;
          if (this.#seen[edge.to] === round || !inside.has(edge.to) || !allowed(edge)) continue;
          this.#seen[edge.to] = round;
          this.#by[edge.to] = this.#adjacency.edges[at] as number;
          if (edge.to === to) return { way: this.#trace(from, to), visited };
          next.push(edge.to);
        }
      }
      level = next;
    }
    return { way: undefined, visited };
  }

  #trace(from: number, to: number): Edge[] {
    const way: Edge[] = [];
    for (let node = to; node !== from;) {
      const edge = this.#graph.edges[this.#by[node] as number] as Edge;
      way.push(edge);
      node = edge.from;
    }
    return way.reverse();
  }
}

/** A step between two transactions: what remains of a cycle when points of one transaction are joined. */
export interface Step extends Edge {
  readonly fromTxn: number;
  readonly toTxn: number;
}

/** Joins the points of each transaction and the halves of an anti-dependency that lead through an auxiliary point. */
export function stepsOf(graph: DependencyGraph, cycle: Cycle): Step[] {
  // Begin at a point of a transaction, so that no half is cut off.
  const start = cycle.edges.findIndex((edge) => graph.txnOf(edge.from) >= 0);
  const edges = [...cycle.edges.slice(start), ...cycle.edges.slice(0, start)];
  const steps: Step[] = [];
  for (let i = 0; i < edges.length; i++) {
    let edge = edges[i] as Edge;
    if (edge.kind === 'within') continue;
    if (graph.txnOf(edge.to) < 0) {
      const second = edges[++i] as Edge;
      edge = { ...edge, to: second.to, timed: edge.timed || second.timed, ...afterOf(second) };
    }
    steps.push({ ...edge, fromTxn: graph.txnOf(edge.from), toTxn: graph.txnOf(edge.to) });
  }
  return steps;
}

function afterOf(edge: Edge): Pick<Edge, 'after'> | object {
  return edge.after === undefined ? {} : { after: edge.after };
}
