/**
 * Notifications (LISTEN, NOTIFY) over the nodes of a cluster: one hub per node, one feed per database that
 * sessions of the node listen in.
 *
 * Protocol
 *   1. A LISTEN puts its node into the head of the database's queue, with an end that the node moves ahead as
 *      long as it has listeners. The session gets what comes after the number that the head had then.
 *   2. A transaction that notifies reads the head, under its lock, just before its commit. With no node there
 *      that is all. Otherwise what it says becomes rows with the next numbers, in the transaction itself.
 *   3. After the commit its node tells the nodes of the head that there is something. They read the head and
 *      the rows after the last one that they have given out, and hand them to their sessions. A node looks
 *      by itself as well, every POLL_MS.
 *   4. Rows older than KEEP_MS are removed by the first node of the head; by the last one that leaves, all.
 *
 * Promises
 * - A notification is given to every session, on every node, whose LISTEN was answered before the COMMIT was
 *   asked for, if and only if that commit took place: also when the notifying node dies right after it, or its
 *   message is lost (then within POLL_MS, once the system range serves).
 * - All sessions get the notifications of a database in the same order, that of the commits.
 * - Once each, as long as the client's connection lasts.
 * - A node that could not read the queue for so long that rows may be gone, or that others may have stopped to
 *   write for it, ends the sessions that listen (57P01): their clients learn that they missed something,
 *   connect again, and look for themselves. Nothing is skipped in silence.
 *
 * Costs: a NOTIFY that nobody listens for is a read of the head. With listeners, transactions that notify in one
 * database commit one after the other, as in PostgreSQL, and each also writes to the system's range.
 *
 * What breaks it: clocks further apart than the maximum offset (a node that is taken for gone while it believes
 * in its own end); MARGIN_MS is wider than that. A head that its leaseholder's crash frees of a lock makes the
 * notifying transaction's commit fail (40001), as with any lock.
 *
 * Limits: a transaction that inserts a row whose key another has locked may wait for that one at its commit, while
 * it holds the head: if the other notifies too, that is a deadlock, and one of them gets 40P01. Above READ
 * COMMITTED the lock of the head moves a transaction's snapshot up to the last commit that notified, so it fails
 * with 40001 if something it read has changed until then.
 */
import type { Clock, Logger, TimerHandle, Timers } from '../../env/env.js';
import type { RpcNetwork } from '../../rpc/types.js';
import type { KvDb, KvTxn } from '../../txn/kv-txn.js';
import { notifyMethod } from './notify-rpc.js';
import { enqueue, readHead, readRows, register, trim, unregister } from './queue.js';
import type { Enqueued, Said } from './queue.js';

export const POLL_MS = 1_000;
/** How long a node stays in a head after it was last heard of, and rows are kept. */
export const KEEP_MS = 60_000;
const RENEW_BELOW_MS = 40_000;
const TRIM_EVERY_MS = 10_000;
const MARGIN_MS = 3_000;

/** A session as the hub sees it. */
export interface Listener {
  /** What one transaction (or a part of a large one) said, in order; for every listener of the database. */
  offer(sequence: number, processId: number, notifications: Said): void;
  /** Notifications may have been missed: the session must end. */
  lost(): void;
}

export interface HubDeps {
  readonly db: KvDb;
  readonly network: RpcNetwork | null;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

interface Feed {
  readonly databaseId: number;
  readonly listeners: Set<Listener>;
  /** Number of the last row given out; -1 before the node is in the head. */
  position: number;
  /** HLC time until which the head names this node. */
  until: number;
  registering: Promise<number> | null;
  polling: Promise<void> | null;
  /** Something came in while a look at the queue was under way. */
  again: boolean;
  trimmedMs: number;
}

export class NotificationHub {
  readonly #deps: HubDeps;
  readonly #feeds = new Map<number, Feed>();
  /** Removals of this node from a head that are under way: whoever listens anew comes after them. */
  readonly #leaving = new Map<number, Promise<void>>();
  /** Databases in which the last transaction that notified found nobody. */
  readonly #quiet = new Set<number>();
  #timer: TimerHandle | null = null;
  #closed = false;

  constructor(deps: HubDeps) {
    this.#deps = deps;
    deps.network?.handleOneWay(notifyMethod, ({ databaseId }) => this.#nudge(databaseId));
  }

  get feeds(): number {
    return this.#feeds.size;
  }

  // ---- saying ----

  /** In the transaction, right before its commit. */
  async enqueue(txn: KvTxn, databaseId: number, processId: number, notifications: Said): Promise<Enqueued | null> {
    const quiet = this.#quiet.has(databaseId);
    const now = this.#deps.db.now();
    const queued = await enqueue(txn, databaseId, { processId, notifications, now, quiet });
    if (queued === null) this.#quiet.add(databaseId);
    else this.#quiet.delete(databaseId);
    return queued;
  }

  /** After the commit: tells those who listen. */
  announce(databaseId: number, queued: Enqueued): void {
    const { network, db } = this.#deps;
    for (const node of queued.nodes) {
      if (node === db.nodeId) this.#nudge(databaseId);
      else network?.send(node, notifyMethod, { databaseId });
    }
  }

  /** Resolves when this node has given out the row, or when that takes too long to wait for. */
  async given(databaseId: number, sequence: number, waitMs: number): Promise<void> {
    const start = this.#deps.clock.monotonicMs();
    for (;;) {
      const feed = this.#feeds.get(databaseId);
      const left = waitMs - (this.#deps.clock.monotonicMs() - start);
      if (feed === undefined || feed.position >= sequence || left <= 0) return;
      let timer: TimerHandle | null = null;
      const late = new Promise<void>((resolve) => {
        timer = this.#deps.timers.after(left, resolve);
      });
      const before = feed.position;
      await Promise.race([this.#poll(feed), late]);
      (timer as TimerHandle | null)?.cancel();
      // A look that failed was logged; the next one is the timer's.
      if (feed.position === before) return;
    }
  }

  // ---- listening ----

  /** The session is given everything after the number returned. @throws what KV throws */
  async listen(databaseId: number, listener: Listener): Promise<number> {
    let feed = this.#feeds.get(databaseId);
    if (feed === undefined) {
      feed = {
        databaseId,
        listeners: new Set(),
        position: -1,
        until: 0,
        registering: null,
        polling: null,
        again: false,
        trimmedMs: this.#deps.clock.monotonicMs(),
      };
      this.#feeds.set(databaseId, feed);
      this.#timer ??= this.#deps.timers.every(POLL_MS, () => this.#tick());
    }
    feed.listeners.add(listener);
    return this.#startOf(feed);
  }

  leave(databaseId: number, listener: Listener): void {
    // The feed goes with the next tick: whoever listens again at once finds it.
    this.#feeds.get(databaseId)?.listeners.delete(listener);
  }

  async #startOf(feed: Feed): Promise<number> {
    if (feed.position >= 0 && this.#leftMs(feed) > RENEW_BELOW_MS / 2) {
      const head = await readHead(this.#deps.db, feed.databaseId);
      if (head.nodes.some(([node]) => node === this.#deps.db.nodeId)) return head.last;
    }
    return this.#register(feed);
  }

  #leftMs(feed: Feed): number {
    return (feed.until - this.#deps.db.now()) / 1000;
  }

  #register(feed: Feed): Promise<number> {
    feed.registering ??= this.#writeRegistration(feed).finally(() => {
      feed.registering = null;
    });
    return feed.registering;
  }

  async #writeRegistration(feed: Feed): Promise<number> {
    const { db } = this.#deps;
    await this.#leaving.get(feed.databaseId);
    const until = db.now() + KEEP_MS * 1000;
    const head = await register(db, feed.databaseId, until);
    feed.until = until;
    if (feed.position < 0) feed.position = head.last;
    return head.last;
  }

  // ---- reading ----

  #nudge(databaseId: number): void {
    const feed = this.#feeds.get(databaseId);
    if (feed !== undefined && feed.position >= 0) void this.#poll(feed);
  }

  /** Gives out what is new. Never rejects: what goes wrong is logged, and tried again with the next tick. */
  #poll(feed: Feed): Promise<void> {
    feed.again = true;
    feed.polling ??= this.#pollAll(feed).finally(() => {
      feed.polling = null;
    });
    return feed.polling;
  }

  async #pollAll(feed: Feed): Promise<void> {
    try {
      while (feed.again && !this.#closed && this.#feeds.get(feed.databaseId) === feed) {
        feed.again = false;
        await this.#giveNew(feed);
      }
    } catch (error) {
      this.#deps.logger.log('warn', 'notifications could not be read', {
        database: feed.databaseId,
        error: String(error),
      });
    }
  }

  async #giveNew(feed: Feed): Promise<void> {
    const { db } = this.#deps;
    const head = await readHead(db, feed.databaseId);
    if (!head.nodes.some(([node]) => node === db.nodeId)) {
      this.#lost(feed, 'the node was taken out of the queue');
      return;
    }
    while (feed.position < head.last) {
      const rows = await readRows(db, feed.databaseId, feed.position + 1, head.last);
      if (this.#feeds.get(feed.databaseId) !== feed) return;
      if (rows.length === 0) this.#lost(feed, 'rows were removed before this node read them');
      for (const row of rows) {
        if (row.sequence !== feed.position + 1) {
          this.#lost(feed, 'a row is missing');
          return;
        }
        feed.position = row.sequence;
        for (const listener of feed.listeners) listener.offer(row.sequence, row.processId, row.notifications);
      }
    }
  }

  #lost(feed: Feed, why: string): void {
    this.#feeds.delete(feed.databaseId);
    this.#deps.logger.log('error', 'notifications may have been missed: sessions that listen are ended', {
      database: feed.databaseId,
      sessions: feed.listeners.size,
      why,
    });
    for (const listener of feed.listeners) listener.lost();
  }

  // ---- time ----

  #tick(): void {
    for (const feed of [...this.#feeds.values()]) {
      if (feed.position < 0) {
        if (feed.listeners.size === 0 && feed.registering === null) this.#feeds.delete(feed.databaseId);
      } else if (feed.listeners.size === 0) this.#leave(feed);
      else if (this.#leftMs(feed) < MARGIN_MS) this.#lost(feed, 'the queue was out of reach for too long');
      else {
        if (this.#leftMs(feed) < RENEW_BELOW_MS) this.#renew(feed);
        void this.#poll(feed);
        this.#trim(feed);
      }
    }
    if (this.#feeds.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #renew(feed: Feed): void {
    this.#register(feed).catch((error: unknown) => {
      this.#deps.logger.log('warn', 'a node could not stay in the queue of notifications', {
        database: feed.databaseId,
        error: String(error),
      });
    });
  }

  #leave(feed: Feed): void {
    const { databaseId } = feed;
    this.#feeds.delete(databaseId);
    const leaving = this.#removeSelf(databaseId).finally(() => this.#leaving.delete(databaseId));
    this.#leaving.set(databaseId, leaving);
  }

  async #removeSelf(databaseId: number): Promise<void> {
    const { db, logger } = this.#deps;
    try {
      await unregister(db, databaseId);
      const head = await readHead(db, databaseId);
      if (head.nodes.length === 0) while (await trim(db, databaseId, db.now()));
    } catch (error) {
      // The node's end in the head passes by itself.
      logger.log('info', 'a node could not leave the queue of notifications', {
        database: databaseId,
        error: String(error),
      });
    }
  }

  #trim(feed: Feed): void {
    const { db, clock, logger } = this.#deps;
    if (clock.monotonicMs() - feed.trimmedMs < TRIM_EVERY_MS) return;
    feed.trimmedMs = clock.monotonicMs();
    this.#trimOld(feed.databaseId).catch((error: unknown) => {
      logger.log('warn', 'old notifications could not be removed', {
        database: feed.databaseId,
        node: db.nodeId,
        error: String(error),
      });
    });
  }

  async #trimOld(databaseId: number): Promise<void> {
    const { db } = this.#deps;
    const head = await readHead(db, databaseId);
    const now = db.now();
    const first = head.nodes.find(([, until]) => until > now)?.[0];
    if (first !== db.nodeId || head.first > head.last) return;
    while (!this.#closed && (await trim(db, databaseId, now - KEEP_MS * 1000)));
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = null;
    this.#feeds.clear();
  }
}
