/** Calls between servers of one test: through the methods' codecs, with nodes that can be cut off. */
import { QuoralError } from '../../../src/base/errors.js';
import { RpcError } from '../../../src/rpc/errors.js';
import type { CallContext, CallOptions, RpcMethod, RpcNetwork } from '../../../src/rpc/types.js';

type Handler = (bytes: Uint8Array, ctx: CallContext) => Promise<Uint8Array>;

export class LocalHub {
  readonly handlers = new Map<string, Handler>();
  /** Nodes that nobody reaches. */
  readonly down = new Set<number>();
  calls = 0;
  /** One-way messages do not arrive. */
  losesMessages = false;

  network(self: number): RpcNetwork {
    return {
      self,
      handle: <Req, Res>(method: RpcMethod<Req, Res>, fn: (request: Req, ctx: CallContext) => Promise<Res>) => {
        this.handlers.set(`${self}/${method.id}`, async (bytes, ctx) =>
          method.encodeResponse(await fn(method.decodeRequest(bytes), ctx)),
        );
      },
      handleOneWay: <Msg>(method: RpcMethod<Msg, never>, fn: (message: Msg, from: number) => void) => {
        this.handlers.set(`${self}/${method.id}`, async (bytes, { from }) => {
          fn(method.decodeRequest(bytes), from);
          return new Uint8Array();
        });
      },
      call: async <Req, Res>(
        to: number,
        method: RpcMethod<Req, Res>,
        request: Req,
        options?: CallOptions,
      ): Promise<Res> => {
        this.calls++;
        await Promise.resolve();
        if (this.down.has(to) || this.down.has(self)) throw new RpcError('unreachable', `node ${to} is not reachable`);
        const handler = this.handlers.get(`${to}/${method.id}`);
        if (handler === undefined) throw new QuoralError('0A000', 'no handler');
        const answer = await handler(method.encodeRequest(request), {
          from: self,
          signal: options?.signal ?? new AbortController().signal,
        });
        if (this.down.has(to) || this.down.has(self)) throw new RpcError('broken', `node ${to} went away`);
        return method.decodeResponse(answer);
      },
      send: <Msg>(to: number, method: RpcMethod<Msg, never>, message: Msg): void => {
        if (this.down.has(to) || this.down.has(self) || this.losesMessages) return;
        const bytes = method.encodeRequest(message);
        void Promise.resolve().then(() =>
          this.handlers.get(`${to}/${method.id}`)?.(bytes, { from: self, signal: new AbortController().signal }),
        );
      },
      setAddress: () => undefined,
      isConnected: (node) => !this.down.has(node),
    };
  }
}
