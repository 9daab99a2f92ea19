/**
 * Which keys a request speaks of, and how it divides by ranges. Pure functions over the KV API.
 *
 * Every request is one of three: at one address (get, put, end-txn at its anchor …), over a span
 * (scan, refresh), or a bag of keys and spans (ingest, resolve-intents, gc-txns). `partsOf` cuts a
 * request at a range's bounds: the piece inside, and nothing lost or repeated over all ranges.
 */
import { unreachable } from '../base/assert.js';
import { KEY_MIN, type Key } from '../base/key.js';
import { addressOf } from '../encoding/keyspace.js';
import type { KvRequest, KvResponse, RangeDescriptor, TxnMeta } from '../range/kv-api.js';

/** The single address of a request, or null if it may concern several ranges. */
export function pointAddress(request: KvRequest, txn: TxnMeta | null): Key | null {
  switch (request.kind) {
    case 'get':
    case 'put':
    case 'increment':
    case 'query-intent':
      return addressOf(request.key);
    case 'refresh':
      return request.end === null ? addressOf(request.start) : null;
    case 'end-txn':
    case 'heartbeat-txn':
      return addressOf(txn === null ? KEY_MIN : txn.anchorKey);
    case 'push-txn':
      return addressOf(request.pushee.anchorKey);
    case 'recover-txn':
      return addressOf(request.txn.anchorKey);
    case 'scan':
    case 'ingest':
    case 'resolve-intents':
    case 'gc-txns':
      return null;
    case 'range-stats':
    case 'transfer-lease':
      return KEY_MIN;
    default:
      return unreachable(request, 'request');
  }
}

/** Addresses from which the ranges of a request are found: of a span, where it starts. */
export function firstAddresses(request: KvRequest, txn: TxnMeta | null): Key[] {
  const point = pointAddress(request, txn);
  if (point !== null) return [point];
  switch (request.kind) {
    case 'scan':
      return [addressOf(request.start)];
    case 'refresh':
      return [addressOf(request.start)];
    case 'ingest':
      return request.keys.map(addressOf);
    case 'resolve-intents':
      return [...request.keys.map(addressOf), ...request.spans.map((s) => addressOf(s.start))];
    case 'gc-txns':
      return request.txns.map((t) => addressOf(t.anchorKey));
    default:
      return [];
  }
}

export function insideRange(descriptor: RangeDescriptor, address: Key): boolean {
  return descriptor.start <= address && address < descriptor.end;
}

/** True if the whole request lies in the range. */
export function requestInside(request: KvRequest, txn: TxnMeta | null, range: RangeDescriptor): boolean {
  const point = pointAddress(request, txn);
  if (point !== null) return insideRange(range, point);
  switch (request.kind) {
    case 'scan':
      return insideRange(range, addressOf(request.start)) && request.end <= range.end;
    case 'refresh':
      return insideRange(range, addressOf(request.start)) && request.end !== null && request.end <= range.end;
    case 'ingest':
      return request.keys.every((k) => insideRange(range, addressOf(k)));
    case 'resolve-intents':
      return (
        request.keys.every((k) => insideRange(range, addressOf(k))) &&
        request.spans.every((s) => insideRange(range, addressOf(s.start)) && s.end <= range.end)
      );
    case 'gc-txns':
      return request.txns.every((t) => insideRange(range, addressOf(t.anchorKey)));
    default:
      return false;
  }
}

/** The part of a request that lies in the range, or null. */
export function clipRequest(request: KvRequest, txn: TxnMeta | null, range: RangeDescriptor): KvRequest | null {
  const point = pointAddress(request, txn);
  if (point !== null) return insideRange(range, point) ? request : null;
  switch (request.kind) {
    case 'scan': {
      const start = request.start > range.start ? request.start : range.start;
      const end = request.end < range.end ? request.end : range.end;
      if (start >= end) return null;
      return start === request.start && end === request.end ? request : { ...request, start, end };
    }
    case 'refresh': {
      const wanted = request.end!;
      const start = request.start > range.start ? request.start : range.start;
      const end = wanted < range.end ? wanted : range.end;
      if (start >= end) return null;
      return start === request.start && end === wanted ? request : { ...request, start, end };
    }
    case 'ingest': {
      const keys: Key[] = [];
      const values: Uint8Array[] = [];
      for (let i = 0; i < request.keys.length; i++) {
        if (!insideRange(range, addressOf(request.keys[i]!))) continue;
        keys.push(request.keys[i]!);
        values.push(request.values[i]!);
      }
      return keys.length === 0 ? null : { ...request, keys, values };
    }
    case 'resolve-intents': {
      const keys = request.keys.filter((k) => insideRange(range, addressOf(k)));
      const spans: { start: Key; end: Key }[] = [];
      for (const span of request.spans) {
        const start = span.start > range.start ? span.start : range.start;
        const end = span.end < range.end ? span.end : range.end;
        if (start < end) spans.push({ start, end });
      }
      return keys.length + spans.length === 0 ? null : { ...request, keys, spans };
    }
    case 'gc-txns': {
      const txns = request.txns.filter((t) => insideRange(range, addressOf(t.anchorKey)));
      return txns.length === 0 ? null : { ...request, txns };
    }
    default:
      return null;
  }
}

/** Spans of a request beyond what starts in a range: where to look for the next one. */
export function spansOf(request: KvRequest): readonly { readonly start: Key; readonly end: Key }[] {
  if (request.kind === 'scan') return [request];
  if (request.kind === 'refresh' && request.end !== null) return [{ start: request.start, end: request.end }];
  if (request.kind === 'resolve-intents') return request.spans;
  return [];
}

/**
 * May the batch be sent again although an earlier sending may have been evaluated? Writes of a
 * transaction are ordered by sequence, its end by its record; a counter and a one-phase commit leave no
 * trace by which the server could recognise the repetition.
 */
export function isReplaySafe(requests: readonly KvRequest[]): boolean {
  for (const request of requests) {
    if (request.kind === 'increment') return false;
    if (request.kind === 'end-txn' && request.action === 'one-phase') return false;
  }
  return true;
}

/** Joins the replies of the parts of one request, given in key order (scan direction order). */
export function joinResponses(request: KvRequest, parts: readonly KvResponse[]): KvResponse {
  if (parts.length === 1) return parts[0]!;
  if (request.kind === 'scan') {
    const keys: Key[] = [];
    const values: Buffer[] = [];
    let resumeKey: Key | null = null;
    for (const part of parts) {
      if (part.kind !== 'scan') continue;
      for (let i = 0; i < part.keys.length; i++) {
        keys.push(part.keys[i]!);
        values.push(part.values[i]!);
      }
      resumeKey = part.resumeKey;
      if (resumeKey !== null) break;
    }
    return { kind: 'scan', keys, values, resumeKey };
  }
  if (parts.length === 0) return emptyResponse(request);
  return parts[0]!;
}

/** What a request without any part gets. */
export function emptyResponse(request: KvRequest): KvResponse {
  switch (request.kind) {
    case 'scan':
      return { kind: 'scan', keys: [], values: [], resumeKey: null };
    case 'refresh':
    case 'resolve-intents':
      return { kind: request.kind, resumeKey: null };
    case 'ingest':
    case 'gc-txns':
      return { kind: request.kind };
    default:
      return unreachable(request as never, 'empty response');
  }
}
