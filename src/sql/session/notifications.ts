/**
 * A session's part in LISTEN and NOTIFY: what its transaction wants to say and to hear, the channels it listens
 * on, and what waits to be sent to its client. How nodes share it is in notify/hub.ts.
 *
 * Invariants
 * - LISTEN, UNLISTEN and NOTIFY take effect when their transaction commits, in the order they were given; what
 *   was given after a savepoint goes with it.
 * - What comes in between a LISTEN's registration and its commit is kept, and given out only if it committed
 *   (`#armed`); within a transaction nothing is given out.
 */
import { QuoralError, sqlError } from '../../base/errors.js';
import type { KvDb, KvTxn } from '../../txn/kv-txn.js';
import type { Listener, NotificationHub } from '../notify/hub.js';
import type { Enqueued, Said } from '../notify/queue.js';
import type { Notification } from '../session-api.js';

/** PostgreSQL's: NAMEDATALEN, and what fits into one of its queue's pages. */
const CHANNEL_BYTES = 64;
const PAYLOAD_BYTES = 8_000;
/** Bytes that may wait for a session that stays in a transaction, or whose client does not read. */
const INBOX_BYTES_MAX = 32 << 20;
/** How long a COMMIT waits for the session's own notifications, which then come before its end. */
const OWN_WAIT_MS = 1_000;

type Action = { readonly kind: 'listen' | 'unlisten'; readonly channel: string } | { readonly kind: 'unlisten all' };

export interface NotificationsHost {
  readonly databaseId: number;
  readonly processId: number;
  readonly hub: NotificationHub;
  readonly db: KvDb;
  /** Ends the session from inside. */
  terminate(reason: QuoralError): void;
}

export interface NotificationMark {
  readonly actions: number;
  readonly said: number;
}

interface Waiting extends Notification {
  readonly sequence: number;
}

const NOTHING: readonly Notification[] = [];

export class SessionNotifications implements Listener {
  readonly #host: NotificationsHost;
  #actions: Action[] = [];
  #said: (readonly [channel: string, payload: string])[] = [];
  #saidKeys = new Set<string>();
  #queued: Enqueued | null = null;
  /** By channel: the number after which the queue is of interest. */
  readonly #channels = new Map<string, number>();
  #armed = new Map<string, number>();
  #listening = false;
  #inbox: Waiting[] = [];
  #inboxBytes = 0;
  #onPush: () => void = () => undefined;

  constructor(host: NotificationsHost) {
    this.#host = host;
  }

  get channels(): readonly string[] {
    return [...this.#channels.keys()];
  }

  // ---- statements ----

  /** @throws QuoralError 22023 */
  notify(channel: string, payload: string): void {
    if (channel === '') throw sqlError('22023', 'channel name cannot be empty');
    if (Buffer.byteLength(channel) >= CHANNEL_BYTES) throw sqlError('22023', 'channel name too long');
    if (Buffer.byteLength(payload) >= PAYLOAD_BYTES) throw sqlError('22023', 'payload string too long');
    const key = `${channel}\0${payload}`;
    if (this.#saidKeys.has(key)) return;
    this.#saidKeys.add(key);
    this.#said.push([channel, payload]);
  }
  listen(channel: string): void {
    this.#actions.push({ kind: 'listen', channel });
  }
  unlisten(channel: string): void {
    this.#actions.push({ kind: 'unlisten', channel });
  }
  unlistenAll(): void {
    this.#actions.push({ kind: 'unlisten all' });
  }

  mark(): NotificationMark {
    return { actions: this.#actions.length, said: this.#said.length };
  }
  rollbackTo(mark: NotificationMark): void {
    this.#actions.length = mark.actions;
    for (const [channel, payload] of this.#said.splice(mark.said)) this.#saidKeys.delete(`${channel}\0${payload}`);
  }

  // ---- the transaction's end ----

  /** Something happens when the transaction commits. */
  get pending(): boolean {
    return this.#actions.length > 0 || this.#said.length > 0;
  }
  /** The commit needs a KV transaction. */
  get says(): boolean {
    return this.#said.length > 0;
  }

  /** Last before the commit; `txn` is null when the transaction cannot write: then `sayAlone` comes after it. */
  async beforeCommit(txn: KvTxn | null): Promise<void> {
    const { hub, databaseId, processId } = this.#host;
    for (const action of this.#actions) {
      if (action.kind !== 'listen' || this.#channels.has(action.channel) || this.#armed.has(action.channel)) continue;
      this.#listening = true;
      this.#armed.set(action.channel, await hub.listen(databaseId, this));
    }
    if (this.#said.length === 0 || txn === null) return;
    // READ COMMITTED: the head as it is now.
    txn.beginStatement();
    this.#queued = await hub.enqueue(txn, databaseId, processId, this.#said);
  }

  /** A read-only transaction has nothing that its notifications would have to be atomic with. */
  async sayAlone(): Promise<void> {
    const { hub, db, databaseId, processId } = this.#host;
    if (this.#said.length === 0) return;
    this.#queued = await db.run({ isolation: 'read committed', name: 'notify' }, (txn) =>
      hub.enqueue(txn, databaseId, processId, this.#said),
    );
  }

  async committed(): Promise<void> {
    const { hub, databaseId } = this.#host;
    const queued = this.#queued;
    const said = this.#said;
    for (const action of this.#actions) this.#apply(action);
    this.rolledBack();
    if (queued === null) return;
    hub.announce(databaseId, queued);
    // What the session says to itself comes before its COMMIT is answered, as in PostgreSQL.
    if (said.some(([channel]) => this.#channels.has(channel))) await hub.given(databaseId, queued.last, OWN_WAIT_MS);
  }

  rolledBack(): void {
    this.#actions = [];
    this.#said = [];
    this.#saidKeys.clear();
    this.#queued = null;
    this.#armed = new Map();
    this.#leaveIfSilent();
  }

  #apply(action: Action): void {
    if (action.kind === 'unlisten all') this.#channels.clear();
    else if (action.kind === 'unlisten') this.#channels.delete(action.channel);
    else if (!this.#channels.has(action.channel))
      this.#channels.set(action.channel, this.#armed.get(action.channel) ?? 0);
  }

  #leaveIfSilent(): void {
    if (!this.#listening || this.#channels.size > 0) return;
    this.#listening = false;
    this.#host.hub.leave(this.#host.databaseId, this);
  }

  /** The session is over. */
  close(): void {
    this.#channels.clear();
    this.#inbox = [];
    this.#inboxBytes = 0;
    this.rolledBack();
  }

  // ---- the client ----

  /** `fn` is called when there may be something to take. */
  onPush(fn: () => void): void {
    this.#onPush = fn;
  }
  wake(): void {
    this.#onPush();
  }

  offer(sequence: number, processId: number, notifications: Said): void {
    let some = false;
    for (const [channel, payload] of notifications) {
      if (!this.#channels.has(channel) && !this.#armed.has(channel)) continue;
      this.#inbox.push({ sequence, processId, channel, payload });
      this.#inboxBytes += channel.length + payload.length + 64;
      some = true;
    }
    if (!some) return;
    if (this.#inboxBytes > INBOX_BYTES_MAX) this.#tooMany();
    else this.#onPush();
  }

  #tooMany(): void {
    this.#inbox = [];
    this.#inboxBytes = 0;
    this.#host.terminate(
      new QuoralError('53200', 'terminating connection: too many notifications wait for it', {
        severity: 'FATAL',
        fields: { hint: 'A session that listens should not stay in a transaction, and should read what it is sent.' },
      }),
    );
  }

  lost(): void {
    this.#host.terminate(
      new QuoralError('57P01', 'terminating connection: notifications may have been missed', {
        severity: 'FATAL',
        fields: { hint: 'Connect again, listen, and then look for what has changed.' },
      }),
    );
  }

  /** What the client may be sent now: outside of a transaction only. */
  take(): readonly Notification[] {
    if (this.#inbox.length === 0) return NOTHING;
    const taken: Notification[] = [];
    for (const { sequence, processId, channel, payload } of this.#inbox) {
      const since = this.#channels.get(channel);
      if (since !== undefined && sequence > since) taken.push({ processId, channel, payload });
    }
    this.#inbox = [];
    this.#inboxBytes = 0;
    return taken;
  }
}
