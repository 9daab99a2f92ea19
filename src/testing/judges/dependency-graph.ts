/**
 * The graph of what had to come before what. A history is possible at the levels that its transactions
 * ran at exactly if the graph has no cycle, as far as the order of versions is known.
 *
 * Levels, also mixed. Each committed transaction is one or more points on the line of commit timestamps,
 * and every edge says "not after":
 * - serializable: one point, at which it reads and writes;
 * - repeatable read (snapshot isolation): a start, at which it reads, before a commit, at which it writes;
 *   because the first committer wins, what it overwrites lies before its start as well;
 * - read committed: a point for each read, all before one commit.
 *     ww  T → U   commit(T) → start(U) if U is repeatable read, else commit(U)
 *     wr  T → U   commit(T) → the point at which U read
 *     rw  T → U   the point at which T read → commit(U)
 * So the reader's level alone decides how much an anti-dependency weighs, as in Adya's mixed graph: at
 * serializable every cycle is an anomaly; at repeatable read a cycle with one anti-dependency (or with
 * several, no two adjacent ones both by way of a snapshot: long fork) is, while write skew goes from
 * start to commit twice and closes no cycle; at read committed an anti-dependency leads from a point that
 * only versions and real time lead into, so what remains is G0, G1c and stale reads. When levels mix, a
 * serializable transaction still forbids cycles through itself unless the others' freedom opens them.
 * (A database that checks serializable transactions only against one another promises less in a mix.)
 *
 * Real time
 * - `per-key`: a write counts as visible from its acknowledgement, or from the acknowledgement of somebody
 *   who read it; whoever begins after that and touches the key comes after it, and whoever writes a key
 *   comes after those who had read it and were done before. Two reads of a key order nothing by themselves
 *   (with clocks that are apart, only their versions do).
 * - `strict`: whoever begins after an acknowledgement comes after that transaction.
 * - `none`: no such edges. A transaction that is `stale` on purpose is never held to be fresh.
 * Only the frontier (what no later one covers) gets edges: their number is near n times the concurrency.
 *
 * Process edges join consecutive transactions of one client: always with `strict`; with `per-key` only
 * where both were recorded on the same node, since two nodes' clocks may be apart.
 */
import type { HistoryKey, HistoryTransaction, HistoryValue } from './history.js';
import type { Observations } from './observations.js';

export type RealTime = 'per-key' | 'strict' | 'none';
export type EdgeKind = 'ww' | 'wr' | 'rw' | 'real-time' | 'process' | 'within' | 'next';

export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly kind: EdgeKind;
  /** It rests on real time: it is one, or the order of versions behind it was concluded from real time. */
  readonly timed: boolean;
  readonly key?: HistoryKey;
  readonly list?: boolean;
  readonly before?: HistoryValue | null;
  readonly after?: HistoryValue;
  /** Position of the read in its transaction. */
  readonly op?: number;
  /** Real time by way of this reader, which was done before the other began. */
  readonly via?: number;
}

export type EdgeReason = Omit<Edge, 'from' | 'to' | 'kind' | 'timed'>;

export class DependencyGraph {
  readonly observations: Observations;
  readonly #txnOf: number[] = [];
  readonly #start: number[] = [];
  readonly #commit: number[] = [];
  readonly #reads = new Map<number, Map<number, number>>();
  readonly edges: Edge[] = [];

  constructor(observations: Observations) {
    this.observations = observations;
    observations.transactions.forEach((transaction, txn) => {
      const commit = this.#node(txn);
      this.#commit.push(commit);
      this.#start.push(commit);
      if (!observations.committed[txn]) return;
      if (transaction.level === 'repeatable read') {
        const start = this.#node(txn);
        this.#start[txn] = start;
        this.edges.push({ from: start, to: commit, kind: 'within', timed: false });
      } else if (transaction.level === 'read committed') {
        this.#readNodes(transaction, txn, commit);
      }
    });
  }

  get nodes(): number {
    return this.#txnOf.length;
  }

  /** The transaction of a point, or -1 for an auxiliary point. */
  txnOf(node: number): number {
    return this.#txnOf[node] as number;
  }

  transaction(txn: number): HistoryTransaction {
    return this.observations.transactions[txn] as HistoryTransaction;
  }

  readPoint(txn: number, op: number): number {
    return this.#reads.get(txn)?.get(op) ?? (this.#start[txn] as number);
  }

  commitPoint(txn: number): number {
    return this.#commit[txn] as number;
  }

  /** Where the writer of the version before leads in. */
  overwritePoint(txn: number): number {
    return this.transaction(txn).level === 'repeatable read' ? (this.#start[txn] as number) : this.commitPoint(txn);
  }

  /** Every point that nothing of the same transaction leads into. */
  entryPoints(txn: number): readonly number[] {
    const reads = this.#reads.get(txn);
    return reads === undefined ? [this.#start[txn] as number] : [...reads.values(), this.commitPoint(txn)];
  }

  ww(before: number, after: number, timed: boolean, reason: EdgeReason): void {
    this.#add(this.commitPoint(before), this.overwritePoint(after), 'ww', timed, reason);
  }

  wr(writer: number, reader: number, op: number, reason: EdgeReason): void {
    this.#add(this.commitPoint(writer), this.readPoint(reader, op), 'wr', false, { ...reason, op });
  }

  rw(reader: number, op: number, writer: number, timed: boolean, reason: EdgeReason): void {
    this.#add(this.readPoint(reader, op), this.commitPoint(writer), 'rw', timed, { ...reason, op });
  }

  realTime(from: number, to: number, reason: EdgeReason): void {
    this.#add(from, to, 'real-time', true, reason);
  }

  process(before: number, after: number): void {
    for (const to of this.entryPoints(after)) this.#add(this.commitPoint(before), to, 'process', true, {});
  }

  /**
   * Anti-dependencies of many readers of one version on many writers of the versions after it, in
   * |readers| + |writers| edges by way of an auxiliary point; a reader that is one of the writers
   * gets its own edges, as a path through the point would lead back to itself.
   */
  fan(
    readers: readonly { readonly txn: number; readonly op: number }[],
    writers: readonly { readonly txn: number; readonly value: HistoryValue }[],
    timed: boolean,
    reason: EdgeReason,
  ): void {
    if (readers.length === 0 || writers.length === 0) return;
    const among = new Set(writers.map((writer) => writer.txn));
    const direct = readers.length === 1 || writers.length === 1 ? readers : readers.filter((r) => among.has(r.txn));
    for (const reader of direct) {
      for (const writer of writers) {
        if (writer.txn === reader.txn) continue;
        this.rw(reader.txn, reader.op, writer.txn, timed, { ...reason, after: writer.value });
      }
    }
    if (direct.length === readers.length) return;
    const middle = this.#node(-1);
    for (const reader of readers) {
      if (among.has(reader.txn)) continue;
      this.#add(this.readPoint(reader.txn, reader.op), middle, 'rw', timed, { ...reason, op: reader.op });
    }
    for (const writer of writers) {
      this.#add(middle, this.commitPoint(writer.txn), 'next', timed, { ...reason, after: writer.value });
    }
  }

  #add(from: number, to: number, kind: EdgeKind, timed: boolean, reason: EdgeReason): void {
    if (from !== to) this.edges.push({ from, to, kind, timed, ...reason });
  }

  #node(txn: number): number {
    this.#txnOf.push(txn);
    return this.#txnOf.length - 1;
  }

  #readNodes(transaction: HistoryTransaction, txn: number, commit: number): void {
    const reads = new Map<number, number>();
    transaction.ops.forEach((op, index) => {
      if (op.f !== 'read' && op.f !== 'read-list') return;
      const node = this.#node(txn);
      reads.set(index, node);
      this.edges.push({ from: node, to: commit, kind: 'within', timed: false });
    });
    this.#reads.set(txn, reads);
  }
}

/** Session order: see the header. */
export function addProcessEdges(graph: DependencyGraph, everywhere: boolean): void {
  const { transactions, committed } = graph.observations;
  const last = new Map<number, number>();
  const order = [...transactions.keys()].sort(
    (a, b) => graph.transaction(a).invokedAt - graph.transaction(b).invokedAt || a - b,
  );
  for (const txn of order) {
    const transaction = graph.transaction(txn);
    if (!committed[txn] || transaction.stale === true) continue;
    const before = last.get(transaction.process);
    if (before !== undefined) {
      const { node } = graph.transaction(before);
      if (everywhere || (node !== undefined && node === transaction.node)) graph.process(before, txn);
    }
    // One without an answer may take effect later than the next one.
    if (transaction.outcome === 'done') last.set(transaction.process, txn);
  }
}

/** Edges of `strict`. */
export function addStrictEdges(graph: DependencyGraph): void {
  const { transactions, committed } = graph.observations;
  const events: { at: number; txn: number; end: boolean }[] = [];
  transactions.forEach((transaction, txn) => {
    if (!committed[txn]) return;
    events.push({ at: transaction.invokedAt, txn, end: false });
    if (transaction.outcome === 'done') events.push({ at: transaction.completedAt, txn, end: true });
  });
  events.sort((a, b) => a.at - b.at || Number(a.end) - Number(b.end) || a.txn - b.txn);
  let frontier: number[] = [];
  for (const { txn, end } of events) {
    const transaction = graph.transaction(txn);
    if (transaction.stale === true) {
      // It need not be after anybody, so it covers nobody.
      continue;
    }
    if (!end) {
      for (const before of frontier) {
        for (const to of graph.entryPoints(txn)) graph.realTime(graph.commitPoint(before), to, {});
      }
      continue;
    }
    frontier = frontier.filter((before) => graph.transaction(before).completedAt >= transaction.invokedAt);
    frontier.push(txn);
  }
}

/** How one transaction touched one key. */
export interface Touch {
  readonly txn: number;
  /** Reads of what others wrote; `value` tells versions of a register apart. */
  readonly reads: { readonly op: number; readonly value?: HistoryValue | null }[];
  /** The last value that it wrote. */
  write?: HistoryValue;
  /** When its write was first known to be visible, and by whose answer. */
  visibleAt: number;
  via?: number;
}

/** Called for each visible write and each toucher that began after it. */
export type AfterVisible = (visible: Touch, later: Touch) => void;

/**
 * Real time on one key: see the header. `after` is told of every pair that gets an edge, so that the
 * order of a register's versions can be concluded from it.
 */
export function addKeyEdges(
  graph: DependencyGraph,
  key: HistoryKey,
  touches: readonly Touch[],
  after: AfterVisible,
  withEdges: boolean,
): void {
  const events: { at: number; touch: Touch; what: 'begin' | 'visible' | 'read' }[] = [];
  for (const touch of touches) {
    const transaction = graph.transaction(touch.txn);
    events.push({ at: transaction.invokedAt, touch, what: 'begin' });
    if (touch.write !== undefined && touch.visibleAt < Infinity) {
      events.push({ at: touch.visibleAt, touch, what: 'visible' });
    }
    if (touch.reads.length > 0 && transaction.outcome === 'done') {
      events.push({ at: transaction.completedAt, touch, what: 'read' });
    }
  }
  events.sort((a, b) => a.at - b.at || Number(b.what === 'begin') - Number(a.what === 'begin'));
  let visible: Touch[] = [];
  let readers: Touch[] = [];
  for (const { touch, what } of events) {
    const { invokedAt, stale } = graph.transaction(touch.txn);
    switch (what) {
      case 'begin':
        if (stale === true) break;
        for (const write of visible) {
          after(write, touch);
          if (withEdges) afterWrite(graph, key, write, touch);
        }
        if (withEdges && touch.write !== undefined) {
          for (const reader of readers) afterRead(graph, key, reader, touch);
        }
        break;
      case 'visible':
        // What got an edge into this one is covered by it.
        visible = visible.filter((write) => write.visibleAt >= invokedAt);
        readers = readers.filter((reader) => graph.transaction(reader.txn).completedAt >= invokedAt);
        visible.push(touch);
        break;
      case 'read':
        readers.push(touch);
        break;
    }
  }
}

function afterWrite(graph: DependencyGraph, key: HistoryKey, write: Touch, later: Touch): void {
  if (write.txn === later.txn) return;
  const reason: EdgeReason = { key, ...(write.via === undefined ? {} : { via: write.via }) };
  const from = graph.commitPoint(write.txn);
  const targets = new Set(later.reads.map((read) => graph.readPoint(later.txn, read.op)));
  if (later.write !== undefined) targets.add(graph.overwritePoint(later.txn));
  for (const to of targets) graph.realTime(from, to, reason);
}

function afterRead(graph: DependencyGraph, key: HistoryKey, reader: Touch, later: Touch): void {
  if (reader.txn === later.txn) return;
  const points = new Set(reader.reads.map((read) => graph.readPoint(reader.txn, read.op)));
  for (const from of points) graph.realTime(from, graph.commitPoint(later.txn), { key });
}
