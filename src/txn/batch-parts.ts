/**
 * The parts of a batch that was cut by ranges: what each sends, and how their answers become one.
 * Pure functions for the router.
 */
import { QuoralError } from '../base/errors.js';
import type { Timestamp } from '../base/ids.js';
import type { Key } from '../base/key.js';
import { addressOf } from '../encoding/keyspace.js';
import type { BatchResponse, KvRequest, KvResponse, RangeDescriptor } from '../range/kv-api.js';
import { KvError } from '../range/kv-errors.js';
import type { RangeEntry } from './range-directory.js';
import { insideRange, joinResponses } from './request-split.js';

export interface Part {
  readonly entry: RangeEntry;
  readonly requests: KvRequest[];
  /** Position of each request in the batch. */
  readonly positions: number[];
}

export interface TrimOptions {
  /** Receives keys of an end-txn's localLocks that turned out to lie in another range. */
  readonly trimmed?: Key[] | undefined;
}

/** Takes localLocks that lie elsewhere out of an end-txn, and hands them to who resolves them. */
export function trimLocal(request: KvRequest, range: RangeDescriptor, options: TrimOptions): KvRequest {
  if (request.kind !== 'end-txn') return request;
  if (request.localLocks.every((k) => insideRange(range, addressOf(k)))) return request;
  const localLocks: Key[] = [];
  for (const key of request.localLocks) {
    if (insideRange(range, addressOf(key))) localLocks.push(key);
    else options.trimmed?.push(key);
  }
  return { ...request, localLocks };
}

export function trimmed(
  requests: readonly KvRequest[],
  range: RangeDescriptor,
  options: TrimOptions,
): readonly KvRequest[] {
  const last = requests[requests.length - 1]!;
  if (last.kind !== 'end-txn') return requests;
  const clipped = trimLocal(last, range, options);
  return clipped === last ? requests : [...requests.slice(0, -1), clipped];
}

export function spend(left: { rows: number; bytes: number; spent: boolean }, rows: number, bytes: number): void {
  if (left.rows > 0) {
    left.rows -= rows;
    if (left.rows <= 0) left.spent = true;
  }
  if (left.bytes > 0) {
    left.bytes -= bytes;
    if (left.bytes <= 0) left.spent = true;
  }
}

/** Timestamps of several answers to one batch. */
export class Times {
  #readTs: Timestamp = 0;
  #writeTs: Timestamp = 0;
  #now: Timestamp = 0;
  #readAt: Timestamp = 0;
  #txn = false;

  add(answer: BatchResponse): void {
    if (answer.txn !== null) {
      this.#txn = true;
      this.#readTs = Math.max(this.#readTs, answer.txn.readTs);
      this.#writeTs = Math.max(this.#writeTs, answer.txn.writeTs);
    }
    this.#now = Math.max(this.#now, answer.now);
    this.#readAt = Math.max(this.#readAt, answer.readAt);
  }

  response(responses: readonly KvResponse[]): BatchResponse {
    const txn = this.#txn ? { readTs: this.#readTs, writeTs: this.#writeTs } : null;
    return { responses, txn, now: this.#now, readAt: this.#readAt };
  }
}

export function merge(
  requests: readonly KvRequest[],
  parts: readonly Part[],
  answers: readonly BatchResponse[],
): BatchResponse {
  const times = new Times();
  const pieces: KvResponse[][] = requests.map(() => []);
  for (let p = 0; p < parts.length; p++) {
    times.add(answers[p]!);
    const positions = parts[p]!.positions;
    for (let i = 0; i < positions.length; i++) pieces[positions[i]!]!.push(answers[p]!.responses[i]!);
  }
  const responses = requests.map((request, i) => {
    const list = pieces[i]!;
    if (request.kind === 'scan' && request.reverse) list.reverse();
    return joinResponses(request, list);
  });
  return times.response(responses);
}

/** Of two failures the one that says more about what became of the batch. */
export function graver(a: unknown, b: unknown): unknown {
  return gravity(b) > gravity(a) ? b : a;
}

function gravity(error: unknown): number {
  if (!(error instanceof KvError)) return error instanceof QuoralError ? 2 : 10;
  switch (error.detail.kind) {
    case 'ambiguous':
      return 9;
    case 'deadlock':
      return 8;
    case 'aborted':
      return 7;
    case 'key-exists':
      return 6;
    case 'retry':
      return error.detail.reason === 'pushed' ? 3 : 5;
    case 'uncertainty':
    case 'write-too-old':
      return 4;
    default:
      return 1;
  }
}
