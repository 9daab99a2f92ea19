/**
 * Calls between nodes as the layers above see them (DESIGN 9). Everything one turn of the event
 * loop produces for a peer and class leaves as one frame. A node calls itself without serialising.
 */
import type { NodeId } from '../base/ids.js';

/**
 * Separate streams so that bulk data never delays consensus, and entries of logs never the heartbeats between stores: a peer
 * that is seconds behind in reading them is alive.
 */
export type StreamClass = 'liveness' | 'raft' | 'kv' | 'bulk';

/** A method with its codec; ids are stable numbers, listed in src/rpc/methods.ts. */
export interface RpcMethod<Req, Res> {
  readonly id: number;
  readonly name: string;
  readonly streamClass: StreamClass;
  encodeRequest(request: Req): Uint8Array;
  decodeRequest(bytes: Uint8Array): Req;
  encodeResponse(response: Res): Uint8Array;
  decodeResponse(bytes: Uint8Array): Res;
}

export interface CallContext {
  readonly from: NodeId;
  /** Aborted when the caller cancels, its deadline passes, or its stream breaks. */
  readonly signal: AbortSignal;
}

export interface RpcNetwork {
  readonly self: NodeId;
  /** Registers the handler; a handler's QuoralError reaches the caller with all its fields. */
  handle<Req, Res>(method: RpcMethod<Req, Res>, fn: (request: Req, ctx: CallContext) => Promise<Res>): void;
  /** One-way messages (Raft, heartbeats): dropped when the peer is not reachable. */
  /**
   * `onClockRefused` gets the messages of frames that are refused because the sender's clock is too far
   * ahead: for what is there to notice exactly that. Without it they are dropped.
   */
  handleOneWay<Msg>(
    method: RpcMethod<Msg, never>,
    fn: (message: Msg, from: NodeId) => void,
    onClockRefused?: (message: Msg, from: NodeId) => void,
  ): void;
  /**
   * @throws RpcError 'unreachable' (request was never sent: safe to retry elsewhere) or
   * 'broken' (sent, outcome unknown) or 'deadline'; or the remote QuoralError.
   */
  call<Req, Res>(to: NodeId, method: RpcMethod<Req, Res>, request: Req, options?: CallOptions): Promise<Res>;
  send<Msg>(to: NodeId, method: RpcMethod<Msg, never>, message: Msg): void;
  /** Tells the network where a node listens (from membership). */
  setAddress(node: NodeId, address: string): void;
  /** True while a stream to the node is up. */
  isConnected(node: NodeId): boolean;
}

export interface CallOptions {
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}
