/**
 * Snapshots to a replica that fell behind the truncated log (DESIGN 5): streamed in chunks beside
 * Raft over the bulk stream, one at a time per store, each chunk acknowledged before the next.
 *
 * The receiver marks its replica 'installing' durably before it deletes the old data, writes chunk
 * after chunk, and removes the mark in the batch that sets the applied index. Interrupted, the mark
 * stays: such a replica votes and keeps its log, but applies nothing until another snapshot came (Raft calls it
 * stateless, and asks for one).
 *
 * Raft learns of the snapshot when its data is durable: from then on the log may forget what it
 * replaces. A crash in between leaves more applied than logged, from which a start recovers.
 *
 * A stream that breaks is resumed where it stopped: the sender keeps its view and sends the chunk that was not
 * answered again, for RESUME_MS; the receiver answers a chunk that it has taken already as it did
 * before. If the receiver restarted, what it has is worth nothing (the rows were never synced), it refuses, and
 * Raft begins another snapshot.
 *
 * Invariants
 * - What is streamed is the state at exactly the message's snapshot index.
 * - Data is cleared only for a snapshot that Raft would accept: from a leader of this replica's term
 *   or a later one, at an index beyond everything that its log is known to hold. A stream that
 *   outlived its sender's leadership must not touch what a newer leader has put there.
 * - A replica without state takes any snapshot that its log can go on from, also of an index that the log holds:
 *   what it lacks is the data, and of an idle range there is never a later one.
 * - One installation per replica: whoever comes later voids the earlier one, and every step after a wait
 *   looks whether it still counts.
 */
import { assert } from '../base/assert.js';
import { keyNext } from '../base/key.js';
import type { NodeId, RangeId } from '../base/ids.js';
import { SnapshotChunk, SnapshotChunkReply } from '../encoding/proto/kv.js';
import { LOCAL_DESCRIPTOR_PREFIX } from '../encoding/keyspace.js';
import { QuoralError } from '../base/errors.js';
import { crashPoint } from '../base/probes.js';
import { confMembers } from '../raft/conf-change.js';
import { decodeRaftBatch, encodeRaftBatch } from '../raft/raft-codec.js';
import type { RaftMessage } from '../raft/types.js';
import { RpcError } from '../rpc/errors.js';
import { defineMethod } from '../rpc/methods.js';
import type { RpcNetwork } from '../rpc/types.js';
import { applyBatch, BatchBuilder } from '../storage/batch-codec.js';
import type { DataFamily, EngineSnapshot, WriteBatch } from '../storage/engine.js';
import { intentSpan, transactionSpan } from '../storage/lock-record.js';
import { versionPrefix } from '../storage/mvcc-key.js';
import type { RangeDescriptor } from './kv-api.js';
import { descriptorFromWire, descriptorToWire } from './range-descriptor-codec.js';
import { writeApplied, writeDescriptor, writeInstalling } from './range-state.js';
import type { Replica } from './replica.js';
import type { Store } from './store.js';

const SNAPSHOT_CHUNK = defineMethod<SnapshotChunk, SnapshotChunkReply>('snapshotChunk', {
  encodeRequest: (m) => SnapshotChunk.encode(m).finish(),
  decodeRequest: (b) => SnapshotChunk.decode(b),
  encodeResponse: (m) => SnapshotChunkReply.encode(m).finish(),
  decodeResponse: (b) => SnapshotChunkReply.decode(b),
});
const CHUNK_BYTES = 1 << 20;
const CHUNK_DEADLINE_MS = 30_000;
/** Rows deleted at a time: about a millisecond of work. */
const CLEAR_ROWS = 256;
/** How long the sender tries to reach a receiver again, and the pause before each try. */
const RESUME_MS = 10_000;
const RESUME_PAUSE_MS = 50;
/** Without a chunk for this long a stream is taken for dead. */
const STALLED_MS = 5_000;

export interface DataSpan {
  readonly family: DataFamily;
  readonly start: string;
  readonly end: string;
}

/** Everything a range owns in the data families. */
export function dataSpans({ start, end }: RangeDescriptor): DataSpan[] {
  const spans: DataSpan[] = [];
  for (const [from, to] of [
    [start, end],
    [LOCAL_DESCRIPTOR_PREFIX + start, LOCAL_DESCRIPTOR_PREFIX + end],
  ] as const) {
    spans.push({ family: 'versions', start: versionPrefix(from), end: versionPrefix(to) });
    spans.push({ family: 'locks', ...intentSpan(from, to) });
    spans.push({ family: 'locks', ...transactionSpan(from, to) });
  }
  return spans;
}

/** What either of them owns. A part of the first is not passed again: what was deleted there is still in the way. */
function spansOfBoth(first: RangeDescriptor, second: RangeDescriptor): DataSpan[] {
  const spans = dataSpans(first);
  const isWithin = ({ family, start, end }: DataSpan): boolean =>
    spans.some((s) => s.family === family && s.start <= start && end <= s.end);
  return [...spans, ...dataSpans(second).filter((span) => !isWithin(span))];
}

export class SnapshotSender {
  readonly #store: Store;
  readonly #network: RpcNetwork;
  /** One stream at a time: a snapshot is bulk work. */
  #tail: Promise<void> = Promise.resolve();
  /** Never used before, over restarts as well: the clock outlives them. */
  #nextId: number;

  constructor(store: Store, network: RpcNetwork) {
    this.#store = store;
    this.#network = network;
    this.#nextId = store.hlc.now();
  }

  /** Must run before anything more is applied, so that the view is of the message's index. */
  send(replica: Replica, message: RaftMessage): void {
    const meta = message.snapshot;
    assert(meta !== null, 'a snapshot message without its metadata');
    if (meta.index !== replica.appliedIndex || replica.installing) {
      this.#store.reportSnapshot(replica, message, false);
      return;
    }
    const view = this.#store.engine.snapshot();
    const { descriptor } = replica;
    this.#tail = this.#tail.then(() => this.#stream(replica, descriptor, message, view));
  }

  async #stream(
    replica: Replica,
    descriptor: RangeDescriptor,
    message: RaftMessage,
    view: EngineSnapshot,
  ): Promise<void> {
    const store = this.#store;
    let ok = false;
    let reason = 'nobody waits for it any more';
    try {
      // It waited for others; meanwhile the peer may have been caught up, or have another leader.
      const wanted = replica.raft.isSending(message.to, { term: message.term, index: message.snapshot!.index });
      if (wanted && !store.stopped) {
        const refusal = await this.#chunks(descriptor, message, view);
        ok = refusal === null;
        reason = refusal ?? '';
      }
    } catch (error) {
      reason = String(error);
    } finally {
      view.close();
    }
    if (!ok && !store.stopped) {
      store.env.logger.log('info', 'a snapshot was not delivered', {
        range: descriptor.rangeId,
        to: message.to,
        reason,
      });
    }
    if (!store.stopped) store.reportSnapshot(replica, message, ok);
  }

  /** Why the receiver did not take it; null: it is there. */
  async #chunks(descriptor: RangeDescriptor, message: RaftMessage, view: EngineSnapshot): Promise<string | null> {
    const meta = message.snapshot!;
    const snapshotId = this.#nextId++;
    let sequence = 0;
    const deliver = async (batch: Uint8Array, last: boolean): Promise<string | null> => {
      const first = sequence === 0;
      const reply = await this.#deliver(message.to, {
        rangeId: descriptor.rangeId,
        snapshotId,
        sequence: sequence++,
        descriptor: descriptorToWire(descriptor),
        index: meta.index,
        term: meta.term,
        batch: batch as Buffer,
        last,
        message: last || first ? encodeRaftBatch([{ rangeId: descriptor.rangeId, message }]) : Buffer.alloc(0),
      });
      return reply.accepted ? null : reply.reason;
    };
    const chunkBytes = this.#store.options.snapshotChunkBytes ?? CHUNK_BYTES;
    let builder = new BatchBuilder();
    for (const span of dataSpans(descriptor)) {
      let start = span.start;
      for (;;) {
        const rows = view.scan({ family: span.family, start, end: span.end, limit: 4096, limitBytes: chunkBytes });
        for (const row of rows) builder.put(span.family, row.key, row.value);
        if (builder.bytes >= chunkBytes) {
          const refusal = await deliver(builder.finish(), false);
          if (refusal !== null) return refusal;
          builder = new BatchBuilder();
        }
        if (rows.length === 0) break;
        start = `${rows[rows.length - 1]!.key}\x00`;
      }
    }
    return deliver(builder.finish(), true);
  }

  /** Sends a chunk, and again while the way to the receiver is broken. */
  async #deliver(to: NodeId, chunk: SnapshotChunk): Promise<SnapshotChunkReply> {
    const { env } = this.#store;
    const giveUpMs = env.clock.monotonicMs() + RESUME_MS;
    for (let tries = 1; ; tries++) {
      try {
        return await this.#network.call(to, SNAPSHOT_CHUNK, chunk, { deadlineMs: CHUNK_DEADLINE_MS });
      } catch (error) {
        const lost = error instanceof RpcError && (error.reason === 'unreachable' || error.reason === 'broken');
        const pauseMs = RESUME_PAUSE_MS * tries;
        if (!lost || this.#store.stopped || env.clock.monotonicMs() + pauseMs > giveUpMs) throw error;
        await env.timers.sleep(pauseMs);
        if (this.#store.stopped) throw error;
        this.#store.counters.resumes++;
      }
    }
  }
}

interface Incoming {
  readonly from: NodeId;
  readonly snapshotId: number;
  nextSequence: number;
  activeMs: number;
}

/** The chunk that came last for a range, and its answer: for a sender that never got it. */
interface Answered {
  readonly from: NodeId;
  readonly snapshotId: number;
  readonly sequence: number;
  readonly reply: Promise<SnapshotChunkReply>;
}

export class SnapshotReceiver {
  readonly #store: Store;
  readonly #network: RpcNetwork;
  readonly #incoming = new Map<RangeId, Incoming>();
  readonly #answered = new Map<RangeId, Answered>();

  constructor(store: Store, network: RpcNetwork) {
    this.#store = store;
    this.#network = network;
  }

  register(): void {
    this.#network.handle(SNAPSHOT_CHUNK, (chunk, ctx) => this.#receiveOnce(chunk, ctx.from));
  }

  /** A stream of `from` is arriving: it will bring what the range lacks. One that stopped counts no more. */
  busy(rangeId: RangeId, from: NodeId): boolean {
    const incoming = this.#incoming.get(rangeId);
    if (incoming === undefined || incoming.from !== from) return false;
    return this.#store.env.clock.monotonicMs() - incoming.activeMs < STALLED_MS;
  }

  /** A chunk that is sent again because its answer got lost is answered again, not taken again. */
  #receiveOnce(chunk: SnapshotChunk, from: NodeId): Promise<SnapshotChunkReply> {
    const { rangeId, snapshotId, sequence } = chunk;
    const before = this.#answered.get(rangeId);
    if (before?.from === from && before.snapshotId === snapshotId && before.sequence === sequence) return before.reply;
    const reply = this.#receive(chunk, from);
    this.#answered.set(rangeId, { from, snapshotId, sequence, reply });
    return reply;
  }

  async #receive(chunk: SnapshotChunk, from: NodeId): Promise<SnapshotChunkReply> {
    const store = this.#store;
    const refuse = (reason: string): SnapshotChunkReply => ({ accepted: false, reason });
    if (store.stopped) return refuse('the node stops');
    if (chunk.descriptor === undefined) throw new QuoralError('08P01', 'snapshot without descriptor');
    const descriptor = descriptorFromWire(chunk.descriptor);
    let replica = store.replica(chunk.rangeId);
    if (replica === undefined) {
      if (chunk.sequence !== 0) return refuse('out of sequence');
      if (!descriptor.replicas.some((r) => r.nodeId === store.nodeId)) return refuse('not a member');
      const overlapping = store.overlapping(descriptor);
      if (overlapping !== undefined) return refuse(`range ${overlapping.rangeId} is in the way`);
      replica = store.createForSnapshot(descriptor);
    }
    let incoming = this.#incoming.get(chunk.rangeId);
    if (chunk.sequence === 0) {
      const problem = this.#obstacle(replica, descriptor, chunk, from);
      if (problem !== null) return refuse(problem);
      if (this.#superfluous(replica, chunk)) {
        // Without the answer the leader would take this replica for empty, and send snapshots for ever: it was
        // told so, before a split that was still under way brought the replica.
        for (const rangeMessage of decodeRaftBatch(chunk.message)) store.stepMessage(rangeMessage, from);
        return refuse('not behind');
      }
      incoming = { from, snapshotId: chunk.snapshotId, nextSequence: 0, activeMs: this.#nowMs() };
      this.#incoming.set(chunk.rangeId, incoming);
      crashPoint('before-snapshot-clear', store.nodeId);
      await this.#clear(replica, descriptor, incoming);
    }
    if (
      incoming === undefined ||
      this.#incoming.get(chunk.rangeId) !== incoming ||
      incoming.from !== from ||
      incoming.snapshotId !== chunk.snapshotId ||
      incoming.nextSequence !== chunk.sequence
    ) {
      return refuse('out of sequence');
    }
    if (store.stopped) return refuse('the node stops');
    incoming.nextSequence++;
    incoming.activeMs = this.#nowMs();
    const batch = store.engine.newBatch();
    applyBatch(chunk.batch, batch);
    if (!chunk.last) {
      store.engine.writeData(batch);
      crashPoint('during-snapshot-apply', store.nodeId);
      return { accepted: true, reason: '' };
    }
    return this.#finish(replica, descriptor, chunk, incoming, batch);
  }

  async #finish(
    replica: Replica,
    descriptor: RangeDescriptor,
    chunk: SnapshotChunk,
    incoming: Incoming,
    batch: WriteBatch,
  ): Promise<SnapshotChunkReply> {
    const store = this.#store;
    const { rangeId } = chunk;
    let problem = this.#obstacle(replica, descriptor, chunk, incoming.from);
    if (problem === null) {
      writeDescriptor(batch, descriptor);
      writeApplied(batch, rangeId, chunk.index, chunk.term);
      writeInstalling(batch, rangeId, false);
      store.engine.writeData(batch);
      crashPoint('before-snapshot-sync', store.nodeId);
      // The log forgets what the snapshot replaces; so the data must be durable before.
      await store.engine.syncData();
      crashPoint('after-snapshot-sync', store.nodeId);
      if (store.stopped) return { accepted: false, reason: 'the node stops' };
      if (this.#incoming.get(rangeId) !== incoming) return { accepted: false, reason: 'out of sequence' };
      problem = this.#obstacle(replica, descriptor, chunk, incoming.from);
      if (problem !== null) {
        const undo = store.engine.newBatch();
        writeApplied(undo, rangeId, replica.appliedIndex, replica.appliedTerm);
        writeInstalling(undo, rangeId, true);
        store.engine.writeData(undo);
      }
    }
    this.#incoming.delete(rangeId);
    if (problem !== null) return { accepted: false, reason: problem };
    const before = replica.descriptor;
    const [rangeMessage] = decodeRaftBatch(chunk.message);
    replica.snapshotInstalled(descriptor, rangeMessage!.message.snapshot!);
    store.descriptorChanged(replica, before);
    store.stepMessage(rangeMessage!, incoming.from);
    assert(!replica.installing, 'Raft did not take the snapshot whose data is installed');
    return { accepted: true, reason: '' };
  }

  #nowMs(): number {
    return this.#store.env.clock.monotonicMs();
  }

  /** Why Raft could not take this snapshot, or the store has no place for it; null if nothing stands against it. */
  #obstacle(replica: Replica, descriptor: RangeDescriptor, chunk: SnapshotChunk, from: NodeId): string | null {
    const store = this.#store;
    const overlapping = store.overlapping(descriptor);
    if (overlapping !== undefined) return `range ${overlapping.rangeId} is in the way`;
    const { raft } = replica;
    const message = decodeRaftBatch(chunk.message)[0]?.message;
    if (message === undefined || message.from !== from || message.to !== store.nodeId) return 'no Raft message';
    if (message.term < raft.term || raft.isLeader) return `the leader of term ${message.term} is deposed`;
    if (message.snapshot === null || !confMembers(message.snapshot.conf).includes(store.nodeId)) return 'not a member';
    // The leader has not applied what was applied here once. It will, and try again.
    if (raft.stateless && chunk.index < replica.log.truncated().index) return 'older than the log';
    return null;
  }

  /** The replica has all that it brings: Raft would only answer how far it is. */
  #superfluous({ raft }: Replica, chunk: SnapshotChunk): boolean {
    if (raft.stateless) return false;
    return raft.committed >= chunk.index || raft.termAt(chunk.index) === chunk.term;
  }

  /** Clears the way, in pieces: nothing of the old data may shine through. */
  async #clear(replica: Replica, descriptor: RangeDescriptor, incoming: Incoming): Promise<void> {
    const store = this.#store;
    replica.raft.loseState();
    const mark = store.engine.newBatch();
    writeInstalling(mark, descriptor.rangeId, true);
    store.engine.writeData(mark);
    for (const span of spansOfBoth(replica.descriptor, descriptor)) {
      // Each round begins behind the one before: to pass what that has deleted costs the engine as much as to pass what is there.
      let from = span.start;
      for (;;) {
        const batch = store.engine.newBatch();
        const it = store.engine.iterator(span.family, from, span.end, { rows: CLEAR_ROWS, keysOnly: true });
        try {
          for (it.seek(from); it.valid && batch.count < CLEAR_ROWS; it.next()) {
            batch.delete(span.family, it.key);
            from = keyNext(it.key);
          }
        } finally {
          it.close();
        }
        if (batch.count === 0) break;
        store.engine.writeData(batch);
        incoming.activeMs = this.#nowMs();
        await new Promise<void>((resolve) => store.env.timers.endOfTurn(resolve));
        if (store.stopped || this.#incoming.get(descriptor.rangeId) !== incoming) return;
      }
    }
  }
}
