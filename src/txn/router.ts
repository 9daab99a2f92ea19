/**
 * Sends a batch that speaks of keys to the ranges that hold them (DESIGN 6, 7).
 *
 * A batch is cut by ranges with the cached directory; the parts go in parallel, except scans under a
 * row or byte limit, which go range by range in the scan's direction and stop where the limit is
 * reached. A part that meets a changed range is cut again; the others are not sent twice.
 *
 * Invariants
 * - When `send` settles, nothing of the batch is still under way from here.
 * - What may have been evaluated and lost is sent again only if the repetition is recognised or
 *   harmless (`isReplaySafe`); otherwise the answer is 'ambiguous' (40003).
 * - A one-phase commit is never cut: over two ranges it is refused here, and two phases follow.
 * - A batch over several ranges never lets one of them move the read timestamp alone.
 *
 * Fails: 'unavailable' after `retryDeadlineMs` (default 30 s) of nothing but routing errors;
 * everything else is the range's own answer.
 */
import { unreachable } from '../base/assert.js';
import { backoffMs } from '../base/backoff.js';
import { QuoralError } from '../base/errors.js';
import type { NodeId, Timestamp } from '../base/ids.js';
import { keyNext, type Key } from '../base/key.js';
import { crashPoint, mark } from '../base/probes.js';
import { addressOf, META_PREFIX, metaKey } from '../encoding/keyspace.js';
import type { Clock, HlcClock, Logger, Rng, Timers } from '../env/env.js';
import type {
  BatchHeader,
  BatchRequest,
  BatchResponse,
  KvRequest,
  KvResponse,
  RangeDescriptor,
  ScanRequest,
} from '../range/kv-api.js';
import { needsSentTs } from '../range/eval/sent.js';
import { KvError } from '../range/kv-errors.js';
import { decodeRangeDescriptor } from '../range/range-descriptor-codec.js';
import { isRefusal, RpcError } from '../rpc/errors.js';
import { graver, merge, spend, Times, trimLocal, trimmed, type Part, type TrimOptions } from './batch-parts.js';
import { RangeDirectory, type RangeEntry } from './range-directory.js';
import { clipRequest, emptyResponse, firstAddresses, isReplaySafe, requestInside, spansOf } from './request-split.js';

export type SendToNode = (node: NodeId, batch: BatchRequest, signal?: AbortSignal) => Promise<BatchResponse>;

/** A header without what only the router knows. */
export type RouteHeader = Omit<BatchHeader, 'rangeId' | 'observedTs' | 'gatewayNode' | 'sentTs'>;

export interface SendOptions extends TrimOptions {
  readonly signal?: AbortSignal | undefined;
  /** Clock of each node when the transaction first visited it; filled and used here. */
  readonly observed?: Map<NodeId, Timestamp> | undefined;
  /** Milliseconds of routing errors after which to give up; default RouterOptions.retryDeadlineMs. */
  readonly deadlineMs?: number | undefined;
}

export interface RouterOptions {
  readonly nodeId: NodeId;
  /** Default 30,000 ms. */
  readonly retryDeadlineMs?: number;
  /** Parts of one batch under way at a time; default 32. */
  readonly parallelMax?: number;
}

export interface RouterDependencies {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly hlc: HlcClock;
  readonly sendToNode: SendToNode;
}

/** Reads without a transaction, at a time the leaseholder chooses. */
export const PRESENT: RouteHeader = {
  txn: null,
  timestamp: 0,
  wait: 'block',
  canBumpReadTs: false,
  maxRows: 0,
  maxBytes: 0,
  lockTimeoutMs: 0,
};

const NO_OPTIONS: SendOptions = {};
/** A batch that fails for this long is worth a line in the log. */
const SLOW_MS = 3_000;
const BACKOFF = { baseMs: 4, maxMs: 200 };

/** How long one batch has been failing, over all its re-routings. */
interface RetryState {
  failingSinceMs: number;
  attempts: number;
  maybeEvaluated: boolean;
  /** The log has a line of it. */
  told: boolean;
}

type Verdict =
  | { readonly kind: 'throw'; readonly error: unknown }
  | { readonly kind: 'next' }
  | { readonly kind: 'target'; readonly node: NodeId }
  | { readonly kind: 'reroute' };

export class RangeRouter {
  readonly directory: RangeDirectory;
  readonly #nodeId: NodeId;
  readonly #deadlineMs: number;
  readonly #parallelMax: number;
  readonly #deps: RouterDependencies;
  #stopped = false;
  batches = 0;
  retries = 0;
  reroutes = 0;

  constructor(options: RouterOptions, deps: RouterDependencies) {
    this.#nodeId = options.nodeId;
    this.#deadlineMs = options.retryDeadlineMs ?? 30_000;
    this.#parallelMax = options.parallelMax ?? 32;
    this.#deps = deps;
    this.directory = new RangeDirectory((address, before, locks) => this.#fetchDescriptors(address, before, locks));
  }

  get nodeId(): NodeId {
    return this.#nodeId;
  }

  send(header: RouteHeader, requests: readonly KvRequest[], options: SendOptions = NO_OPTIONS): Promise<BatchResponse> {
    this.batches++;
    const entry = this.#onlyRange(header, requests);
    return entry === null
      ? this.#sendSplit(header, requests, options, newRetry())
      : this.#sendWhole(entry, header, requests, options);
  }

  /** Sends to a known range (statistics), whatever keys it holds; no re-routing. */
  async sendToRange(
    entry: RangeEntry,
    header: RouteHeader,
    requests: readonly KvRequest[],
    options: SendOptions = NO_OPTIONS,
  ): Promise<BatchResponse> {
    const response = await this.#sendPart(entry, header, requests, options, newRetry());
    if (response === null) throw new KvError({ kind: 'range-mismatch', descriptors: [] });
    return response;
  }

  /** The cached range that holds the whole batch: nearly every batch. */
  #onlyRange(header: RouteHeader, requests: readonly KvRequest[]): RangeEntry | null {
    const first = requests[0]!;
    let address: Key;
    if (first.kind === 'get' || first.kind === 'put') address = addressOf(first.key);
    else {
      const addresses = firstAddresses(first, header.txn);
      if (addresses.length === 0) return null;
      address = addresses[0]!;
    }
    const entry = this.directory.cached(address);
    if (entry === null) return null;
    for (const request of requests) {
      if (!requestInside(request, header.txn, entry.descriptor)) return null;
    }
    return entry;
  }

  async #sendWhole(
    entry: RangeEntry,
    header: RouteHeader,
    requests: readonly KvRequest[],
    options: SendOptions,
  ): Promise<BatchResponse> {
    const retry = newRetry();
    const response = await this.#sendPart(entry, header, trimmed(requests, entry.descriptor, options), options, retry);
    return response ?? this.#sendSplit(header, requests, options, retry);
  }

  async #sendSplit(
    header: RouteHeader,
    requests: readonly KvRequest[],
    options: SendOptions,
    retry: RetryState,
  ): Promise<BatchResponse> {
    const limited = header.maxRows > 0 || header.maxBytes > 0;
    if (limited && requests.some((r) => r.kind === 'scan')) return this.#sendInOrder(header, requests, options, retry);
    let parts = this.#partition(header, requests, options);
    while (typeof parts === 'string') {
      await this.directory.lookup(parts);
      parts = this.#partition(header, requests, options);
    }
    if (parts.length === 0) {
      return { responses: requests.map(emptyResponse), txn: null, now: 0, readAt: 0 };
    }
    if (parts.length > 1) {
      if (requests.some((r) => r.kind === 'end-txn' && r.action === 'one-phase')) {
        throw new KvError({ kind: 'one-phase-refused', reason: 'the keys lie in several ranges' });
      }
      const staging = requests.some((r) => r.kind === 'end-txn');
      if (header.canBumpReadTs && !staging) header = { ...header, canBumpReadTs: false };
    }
    const answers = await this.#sendParts(parts, header, options, retry);
    return merge(requests, parts, answers);
  }

  /** Cuts the batch by cached ranges, or names an address whose range must be looked up first. */
  #partition(header: RouteHeader, requests: readonly KvRequest[], options: SendOptions): Part[] | Key {
    const parts = new Map<Key, Part>();
    const touch = (address: Key): Part | null => {
      const entry = this.directory.cached(address);
      if (entry === null) return null;
      let part = parts.get(entry.descriptor.start);
      if (part === undefined) {
        part = { entry, requests: [], positions: [] };
        parts.set(entry.descriptor.start, part);
      }
      return part;
    };
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i]!;
      const wanted = new Set<Part>();
      for (const address of firstAddresses(request, header.txn)) {
        const part = touch(address);
        if (part === null) return address;
        wanted.add(part);
      }
      for (const span of spansOf(request)) {
        for (let address = addressOf(span.start); address < span.end;) {
          const part = touch(address);
          if (part === null) return address;
          wanted.add(part);
          address = part.entry.descriptor.end;
        }
      }
      for (const part of wanted) {
        const clipped = clipRequest(request, header.txn, part.entry.descriptor);
        if (clipped === null) continue;
        part.requests.push(trimLocal(clipped, part.entry.descriptor, options));
        part.positions.push(i);
      }
    }
    return [...parts.values()]
      .filter((p) => p.requests.length > 0)
      .sort((a, b) => (a.entry.descriptor.start < b.entry.descriptor.start ? -1 : 1));
  }

  async #sendParts(
    parts: readonly Part[],
    header: RouteHeader,
    options: SendOptions,
    retry: RetryState,
  ): Promise<BatchResponse[]> {
    const answers = new Array<BatchResponse>(parts.length);
    let failure: unknown;
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < parts.length) {
        const at = next++;
        const part = parts[at]!;
        const own: RetryState = parts.length === 1 ? retry : { ...retry };
        try {
          const answer = await this.#sendPart(part.entry, header, part.requests, options, own);
          answers[at] = answer ?? (await this.#sendSplit(header, part.requests, options, own));
          if (parts.length > 1) crashPoint('after-part-answered', this.#nodeId);
        } catch (error) {
          failure = failure === undefined ? error : graver(failure, error);
        }
      }
    };
    const workers: Promise<void>[] = [];
    for (let i = 0; i < Math.min(this.#parallelMax, parts.length); i++) workers.push(worker());
    await Promise.all(workers);
    if (failure !== undefined) throw failure;
    return answers;
  }

  /** Scans under limits: range after range in scan direction, what is left of the limits each time. */
  async #sendInOrder(
    header: RouteHeader,
    requests: readonly KvRequest[],
    options: SendOptions,
    retry: RetryState,
  ): Promise<BatchResponse> {
    const left = { rows: header.maxRows, bytes: header.maxBytes, spent: false };
    const times = new Times();
    const responses: KvResponse[] = [];
    for (const request of requests) {
      if (request.kind === 'scan') {
        responses.push(await this.#scanInOrder(header, request, options, retry, left, times));
      } else {
        const answer = await this.#sendSplit(
          { ...header, maxRows: 0, maxBytes: 0, canBumpReadTs: false },
          [request],
          options,
          retry,
        );
        times.add(answer);
        responses.push(answer.responses[0]!);
      }
    }
    return times.response(responses);
  }

  async #scanInOrder(
    header: RouteHeader,
    scan: ScanRequest,
    options: SendOptions,
    retry: RetryState,
    left: { rows: number; bytes: number; spent: boolean },
    times: Times,
  ): Promise<KvResponse> {
    const keys: Key[] = [];
    const values: Buffer[] = [];
    let { start, end } = scan;
    while (start < end) {
      if (left.spent) return { kind: 'scan', keys, values, resumeKey: scan.reverse ? end : start };
      const entry = scan.reverse
        ? await this.directory.lookupBefore(end)
        : await this.directory.lookup(addressOf(start));
      const range = entry.descriptor;
      const from = scan.reverse && range.start > start ? range.start : start;
      const to = !scan.reverse && range.end < end ? range.end : end;
      const whole = from === scan.start && to === scan.end;
      const partHeader = {
        ...header,
        maxRows: left.rows,
        maxBytes: left.bytes,
        canBumpReadTs: header.canBumpReadTs && whole,
      };
      const answer = await this.#sendPart(entry, partHeader, [{ ...scan, start: from, end: to }], options, retry);
      if (answer === null) continue;
      times.add(answer);
      const found = answer.responses[0]!;
      if (found.kind !== 'scan') throw new QuoralError('XX000', 'a scan was answered with something else');
      let bytes = 0;
      for (let i = 0; i < found.keys.length; i++) {
        keys.push(found.keys[i]!);
        values.push(found.values[i]!);
        bytes += found.keys[i]!.length + found.values[i]!.length;
      }
      spend(left, found.keys.length, bytes);
      if (found.resumeKey !== null) {
        left.spent = true;
        return { kind: 'scan', keys, values, resumeKey: found.resumeKey };
      }
      if (scan.reverse) end = from;
      else start = to;
    }
    return { kind: 'scan', keys, values, resumeKey: null };
  }

  /** One range, through its replicas until one answers; null if the range is not what was thought. */
  async #sendPart(
    entry: RangeEntry,
    header: RouteHeader,
    requests: readonly KvRequest[],
    options: SendOptions,
    retry: RetryState,
  ): Promise<BatchResponse | null> {
    let target = this.#firstTarget(entry);
    let failures = 0;
    let notFound = 0;
    for (;;) {
      throwIfCancelled(options.signal);
      try {
        const response = await this.#deps.sendToNode(
          target,
          this.#batch(entry, header, requests, target, options),
          options.signal,
        );
        entry.leaseholder = target;
        const observed = options.observed;
        if (observed !== undefined && !observed.has(target)) observed.set(target, response.now);
        retry.failingSinceMs = 0;
        retry.attempts = 0;
        return response;
      } catch (error) {
        const verdict = this.#judge(error, entry, target, requests, options, retry);
        if (verdict.kind === 'throw') throw verdict.error;
        this.retries++;
        failures++;
        if (error instanceof KvError && error.detail.kind === 'range-not-found') notFound++;
        this.#checkDeadline(error, entry, requests, options, retry);
        const replicas = entry.descriptor.replicas;
        if (notFound >= replicas.length) this.directory.evict(entry.descriptor);
        const reroute = verdict.kind === 'reroute' || notFound >= replicas.length;
        if (reroute) this.reroutes++;
        // The first hop to a named leaseholder or to the next replica costs no pause.
        const pause = reroute ? retry.attempts > 0 : failures >= replicas.length;
        if (pause || reroute) retry.attempts++;
        if (pause) await this.#deps.timers.sleep(backoffMs(BACKOFF, retry.attempts, this.#deps.rng.next()));
        if (reroute) return null;
        target = verdict.kind === 'target' ? verdict.node : nextReplica(entry.descriptor, target);
      }
    }
  }

  #firstTarget(entry: RangeEntry): NodeId {
    if (entry.leaseholder !== 0) return entry.leaseholder;
    for (const replica of entry.descriptor.replicas) if (replica.nodeId === this.#nodeId) return this.#nodeId;
    const first = entry.descriptor.replicas[0];
    if (first === undefined) throw new KvError({ kind: 'unavailable', reason: 'the range has no replicas' });
    return first.nodeId;
  }

  #batch(
    entry: RangeEntry,
    header: RouteHeader,
    requests: readonly KvRequest[],
    target: NodeId,
    options: SendOptions,
  ): BatchRequest {
    return {
      header: {
        rangeId: entry.descriptor.rangeId,
        txn: header.txn,
        timestamp: header.timestamp,
        wait: header.wait,
        canBumpReadTs: header.canBumpReadTs,
        observedTs: options.observed?.get(target) ?? 0,
        maxRows: header.maxRows,
        maxBytes: header.maxBytes,
        lockTimeoutMs: header.lockTimeoutMs,
        gatewayNode: this.#nodeId,
        sentTs: header.txn !== null && requests.some(needsSentTs) ? this.#deps.hlc.now() : 0,
      },
      requests,
    };
  }

  #judge(
    error: unknown,
    entry: RangeEntry,
    target: NodeId,
    requests: readonly KvRequest[],
    options: SendOptions,
    retry: RetryState,
  ): Verdict {
    if (error instanceof RpcError) {
      if (options.signal?.aborted === true && error.reason === 'cancelled')
        return { kind: 'throw', error: cancelError(options.signal) };
      entry.leaseholder = 0;
      switch (error.reason) {
        case 'unreachable':
        case 'overloaded':
          return { kind: 'next' };
        case 'broken':
        case 'deadline':
        case 'cancelled':
          return this.#lost(error.message, requests, retry);
        default:
          return unreachable(error.reason, 'rpc failure');
      }
    }
    if (!(error instanceof KvError)) {
      // Refused before any handler saw it: the node is starting, or has no such service yet.
      if (isRefusal(error)) {
        entry.leaseholder = 0;
        return { kind: 'next' };
      }
      return { kind: 'throw', error };
    }
    const detail = error.detail;
    switch (detail.kind) {
      case 'not-leaseholder': {
        entry.leaseholder = 0;
        if (detail.descriptor !== null && detail.descriptor.generation > entry.descriptor.generation) {
          this.directory.insert(detail.descriptor);
          return { kind: 'reroute' };
        }
        if (detail.leaseholder === 0) return { kind: 'next' };
        // Naming itself it asks for the same once more, sent later.
        entry.leaseholder = detail.leaseholder;
        return { kind: 'target', node: detail.leaseholder };
      }
      case 'range-mismatch': {
        mark('rerouted-by-leaseholder');
        let changed = false;
        for (const descriptor of detail.descriptors) changed = this.directory.insert(descriptor) || changed;
        // The range serves, but has been split: perhaps after half a minute's work on what it was asked.
        if (changed) retry.failingSinceMs = 0;
        else if (this.directory.cached(entry.descriptor.start) === entry) this.directory.evict(entry.descriptor);
        return { kind: 'reroute' };
      }
      case 'range-not-found':
      case 'unavailable':
        entry.leaseholder = 0;
        return { kind: 'next' };
      case 'ambiguous':
        entry.leaseholder = 0;
        return this.#lost(detail.reason, requests, retry);
      default:
        return { kind: 'throw', error };
    }
  }

  /** The request may have been evaluated although no answer came. */
  #lost(reason: string, requests: readonly KvRequest[], retry: RetryState): Verdict {
    if (!isReplaySafe(requests)) return { kind: 'throw', error: new KvError({ kind: 'ambiguous', reason }) };
    mark('answer-lost-and-sent-again');
    retry.maybeEvaluated = true;
    return { kind: 'next' };
  }

  /** The node ends: what fails from now on is not tried again. */
  stop(): void {
    this.#stopped = true;
  }

  #checkDeadline(
    error: unknown,
    entry: RangeEntry,
    requests: readonly KvRequest[],
    options: SendOptions,
    retry: RetryState,
  ): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const first = retry.failingSinceMs === 0;
    if (first) retry.failingSinceMs = nowMs;
    const deadlineMs = options.deadlineMs ?? this.#deadlineMs;
    const why = error instanceof Error ? error.message : String(error);
    const ms = nowMs - retry.failingSinceMs;
    if (ms >= SLOW_MS && !retry.told) {
      retry.told = true;
      const range = entry.descriptor.rangeId;
      this.#deps.logger.log('info', 'a range does not serve', { range, ms: Math.round(ms), reason: why });
    }
    if (!this.#stopped && (first || ms < deadlineMs)) return;
    const reason = this.#stopped
      ? `the node stops (${why})`
      : `no replica could serve it for ${Math.round(deadlineMs / 1000)} s (${why})`;
    const writes = requests.some((r) => r.kind !== 'get' && r.kind !== 'scan' && r.kind !== 'refresh');
    throw new KvError(retry.maybeEvaluated && writes ? { kind: 'ambiguous', reason } : { kind: 'unavailable', reason });
  }

  /** Descriptors are found by the greatest start at or before the address. */
  async #fetchDescriptors(address: Key, before: boolean, wait: 'past' | 'block'): Promise<RangeDescriptor[]> {
    if (this.directory.cached(META_PREFIX) === null) {
      throw new KvError({ kind: 'unavailable', reason: 'the first range is not known yet' });
    }
    const end = before ? metaKey(address) : keyNext(metaKey(address));
    const scan: KvRequest = { kind: 'scan', start: META_PREFIX, end, reverse: true, lock: 'none' };
    const response = await this.send({ ...PRESENT, wait, maxRows: 1 }, [scan]);
    const found = response.responses[0]!;
    return found.kind === 'scan' ? found.values.map(decodeRangeDescriptor) : [];
  }
}

function newRetry(): RetryState {
  return { failingSinceMs: 0, attempts: 0, maybeEvaluated: false, told: false };
}

function nextReplica(descriptor: RangeDescriptor, after: NodeId): NodeId {
  const at = descriptor.replicas.findIndex((r) => r.nodeId === after);
  return descriptor.replicas[(at + 1) % descriptor.replicas.length]!.nodeId;
}

export function cancelError(signal: AbortSignal): unknown {
  const reason: unknown = signal.reason;
  return reason instanceof QuoralError ? reason : new QuoralError('57014', 'canceling statement due to user request');
}

export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelError(signal);
}
