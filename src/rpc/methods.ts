/**
 * The registry of RPC methods. Numbers are on the wire: they are never used again for anything
 * else. The codecs belong to the users of a method, who build it with `defineMethod`.
 */
import { assert } from '../base/assert.js';
import type { RpcMethod, StreamClass } from './types.js';

export const METHODS = {
  /** One-way: what a store's Raft groups produced for a peer in one turn. */
  raftBatch: { id: 1, name: 'raft-batch', streamClass: 'raft' },
  /** One-way: asks for and grants store liveness. */
  livenessHeartbeat: { id: 2, name: 'liveness-heartbeat', streamClass: 'liveness' },
  kvBatch: { id: 3, name: 'kv-batch', streamClass: 'kv' },
  snapshotChunk: { id: 4, name: 'snapshot-chunk', streamClass: 'bulk' },
  /** The only method that a node outside a cluster may use and answer. */
  membershipExchange: { id: 5, name: 'membership-exchange', streamClass: 'kv' },
  deadlockDetect: { id: 6, name: 'deadlock-detect', streamClass: 'kv' },
  catalog: { id: 7, name: 'catalog', streamClass: 'kv' },
  admin: { id: 8, name: 'admin', streamClass: 'kv' },
  cancel: { id: 9, name: 'cancel', streamClass: 'kv' },
  /** One-way: a database's queue of notifications has new rows. */
  notify: { id: 10, name: 'notify', streamClass: 'kv' },
  advisory: { id: 11, name: 'advisory', streamClass: 'kv' },
  /** Who holds and awaits what, and signals to sessions. */
  locks: { id: 12, name: 'locks', streamClass: 'kv' },
} as const satisfies Record<string, { id: number; name: string; streamClass: StreamClass }>;

export type MethodName = keyof typeof METHODS;

export interface MethodCodec<Req, Res> {
  encodeRequest(request: Req): Uint8Array;
  decodeRequest(bytes: Uint8Array): Req;
  encodeResponse(response: Res): Uint8Array;
  decodeResponse(bytes: Uint8Array): Res;
}

export function defineMethod<Req, Res>(name: MethodName, codec: MethodCodec<Req, Res>): RpcMethod<Req, Res> {
  return { ...METHODS[name], ...codec };
}

/** A method without an answer. */
export function defineOneWay<Msg>(
  name: MethodName,
  codec: Pick<MethodCodec<Msg, never>, 'encodeRequest' | 'decodeRequest'>,
): RpcMethod<Msg, never> {
  return {
    ...METHODS[name],
    ...codec,
    encodeResponse: () => noAnswer(name),
    decodeResponse: () => noAnswer(name),
  };
}

function noAnswer(name: string): never {
  assert(false, `method ${name} has no answer`);
}
