/**
 * Runs golden scripts against one store that is alone in its cluster: the real Store, Raft, executor
 * and engine in memory, with a clock that only the script moves. Commands:
 *
 *   txn a ts=2000 [write=] [limit=] [iso=rc|rr] [anchor=] [epoch=]     defines (or redefines) a transaction
 *   clock 20000                                            sets the wall clock, in microseconds
 *   a [options] | request; request …                       sends a batch of transaction a ('-': none)
 *       bump nowait skip past sent= obs= rows= bytes= at= range= timeout= bg=name (prints 'waits' if it does)
 *       brief: without timestamps, where they come from the running clock
 *   pause ms                                               as long as it takes who waits to push
 *   await name                                             the answer of a batch that waited
 *   cancel name                                            its client gives up
 *   lease                                                  the range gets a new lease: what the leaseholder had in memory is lost
 *   show                                                   versions, intents, records, locks
 *
 * Requests (\x00 in keys is that byte): get k [lock|share] [existence|whole] · scan s e [rev] [lock|share] [whole] ·
 * put k v|~ seq [new] [since=] · inc k n · ingest k v ts · refresh s e|- from to · end action [flight=k:seq,…] [local=k,…] [keys=k,…] [split=key] · beat ts ·
 * push b type ts [force] · recover b yes|no · query b k seq ts · resolve b status ts k,… [span=s,e] [upto=seq] · gc b [committed=ts]
 */
import { KEY_MAX, KEY_MIN } from '../../../src/base/key.js';
import { formatKey } from '../../../src/base/key.js';
import { MemoryHub } from '../../../src/env/memory-transport.js';
import { createNodeEnv } from '../../../src/env/node/node-env.js';
import { Hlc } from '../../../src/hlc/hlc.js';
import { StoreLiveness } from '../../../src/cluster/store-liveness.js';
import { decodeCounter } from '../../../src/range/eval/write.js';
import type {
  BatchRequest,
  BatchResponse,
  KvIsolation,
  KvRequest,
  KvResponse,
  PushTxnRequest,
  RangeDescriptor,
  TxnMeta,
} from '../../../src/range/kv-api.js';
import { KvError } from '../../../src/range/kv-errors.js';
import type { ResolvedTxn } from '../../../src/range/services.js';
import { Store } from '../../../src/range/store.js';
import { RpcNetworkImpl } from '../../../src/rpc/network.js';
import { decodeIntent, decodeTransaction, intentUserKey, isIntentKey } from '../../../src/storage/lock-record.js';
import { MemoryEngine } from '../../../src/storage/memory-engine.js';
import { decodeVersionValue } from '../../../src/storage/mvcc.js';
import { decodeVersionKey } from '../../../src/storage/mvcc-key.js';

const ISOLATIONS: Record<string, KvIsolation> = { rc: 'read committed', rr: 'repeatable read', s: 'serializable' };

interface Background {
  readonly promise: Promise<string>;
  readonly abort: AbortController;
}

export class ScriptRange {
  readonly #env = createNodeEnv({ logLevel: 'error' });
  readonly #engine = new MemoryEngine();
  #wallUs = 1_000;
  readonly #clock = { wallUs: () => this.#wallUs, monotonicMs: () => this.#env.clock.monotonicMs() };
  #hlc!: Hlc;
  #store!: Store;
  #liveness!: StoreLiveness;
  #network!: RpcNetworkImpl;
  readonly #txns = new Map<string, TxnMeta>();
  readonly #background = new Map<string, Background>();
  fatal: unknown = null;

  static async start(): Promise<ScriptRange> {
    const script = new ScriptRange();
    await script.#start();
    return script;
  }

  async #start(): Promise<void> {
    const { timers, disk, logger } = this.#env;
    const descriptor: RangeDescriptor = {
      rangeId: 1,
      start: KEY_MIN,
      end: KEY_MAX,
      replicas: [{ nodeId: 1, type: 'voter' }],
      generation: 1,
    };
    Store.writeInitialRanges(this.#engine, [descriptor], () => undefined);
    this.#hlc = await Hlc.open({ boundPath: null }, { clock: this.#clock, timers, disk, logger });
    await this.#open();
    await this.#listen();
  }

  async #open(): Promise<void> {
    const { timers, rng, logger } = this.#env;
    const clock = this.#clock;
    const hlc = this.#hlc;
    const transport = new MemoryHub(timers).host('n1');
    const onFatal = (error: unknown): void => {
      this.fatal = error;
    };
    this.#network = new RpcNetworkImpl(
      { nodeId: 1, clusterId: 'test' },
      { transport, timers, clock, rng, hlc, logger, onFatal },
    );
    this.#liveness = new StoreLiveness(
      { self: 1, heartbeatMs: 20, supportMs: 300 },
      { network: this.#network, hlc, clock, timers, logger, persisted: null, persist: async () => undefined },
    );
    this.#store = new Store(
      { nodeId: 1, tickMs: 2, rangeBytesMax: 1 << 30, logBytesKept: 1 << 20, balanceLeaders: false },
      {
        env: { ...this.#env, clock, transport },
        hlc,
        engine: this.#engine,
        liveness: this.#liveness,
        network: this.#network,
        pusher: { push: (pushee, type, pushTo) => this.#push(pushee, type, pushTo), finish: async () => undefined },
        waitGraph: { waitBegins: () => () => undefined },
        requestSplit: async () => undefined,
        onFatal,
      },
    );
    await this.#network.start('n1:1');
    this.#liveness.setPeers([1]);
    this.#liveness.start();
    this.#store.start();
    await this.#serving(1);
  }

  async #newLease(): Promise<string> {
    await this.#shut();
    await this.#open();
    await this.#listen();
    return 'ok';
  }

  async #shut(): Promise<void> {
    await this.#store.stop();
    await this.#network.stop();
    await this.#liveness.stop();
  }

  async close(): Promise<void> {
    for (const { abort, promise } of this.#background.values()) {
      abort.abort();
      await promise;
    }
    await this.#shut();
    if (this.fatal !== null) throw this.fatal;
  }

  /** Until nodes that were not heard of count as dead; in steps that the lease outlasts. */
  async #listen(): Promise<void> {
    const enough = this.#wallUs + 399_000;
    while (this.#wallUs < enough) {
      this.#wallUs += 100_000;
      const until = this.#wallUs + 250_000;
      while (this.#liveness.supportFrom(1).expiration < until) await this.#env.timers.sleep(1);
    }
  }

  async #serving(rangeId: number): Promise<void> {
    for (let i = 0; i < 4000; i++) {
      if (this.#store.replica(rangeId)?.serving(this.#store.hlc.now()) === true) return;
      await this.#env.timers.sleep(1);
    }
    throw new Error(`range ${rangeId} does not serve`);
  }

  /** The pusher of src/txn without routing and recovery. */
  async #push(pushee: TxnMeta, type: PushTxnRequest['type'], pushTo: number): Promise<ResolvedTxn> {
    const askedAt = this.#hlc.now();
    const answer = await this.#store.executor.execute(
      this.#batch('-', new Map(), [{ kind: 'push-txn', pushee, type, pushTo, force: false }]),
    );
    const r = answer.responses[0]!;
    if (r.kind !== 'push-txn') throw new Error('wrong reply');
    return {
      status: r.status === 'staging' ? 'pending' : r.status,
      ts: r.writeTs,
      epoch: r.epoch,
      pendingAt: r.status === 'pending' ? askedAt : 0,
    };
  }

  async run(line: string): Promise<string> {
    const bar = line.indexOf(' | ');
    if (bar >= 0) return this.#send(line.slice(0, bar), line.slice(bar + 3));
    const [command, ...args] = line.trim().split(/\s+/);
    switch (command) {
      case 'txn':
        return this.#define(args);
      case 'clock':
        this.#wallUs = Number(args[0]);
        await this.#serving(1);
        return 'ok';
      case 'pause':
        await this.#env.timers.sleep(Number(args[0]));
        return 'ok';
      case 'await':
      case 'cancel': {
        const waiting = this.#background.get(args[0]!)!;
        if (command === 'cancel') waiting.abort.abort();
        this.#background.delete(args[0]!);
        return waiting.promise;
      }
      case 'lease':
        return this.#newLease();
      case 'show':
        return this.#show();
      default:
        throw new Error(`unknown command: ${line}`);
    }
  }

  #define(args: readonly string[]): string {
    const name = args[0]!;
    const options = optionsOf(args.slice(1));
    const old = this.#txns.get(name);
    const readTs = Number(options.get('ts') ?? old?.readTs ?? 0);
    const writeTs = Math.max(readTs, Number(options.get('write') ?? old?.writeTs ?? 0));
    const limit = Number(options.get('limit') ?? old?.uncertaintyLimit ?? readTs);
    this.#txns.set(name, {
      id: name.padEnd(16, '.'),
      anchorKey: options.get('anchor') ?? old?.anchorKey ?? 'a',
      epoch: Number(options.get('epoch') ?? old?.epoch ?? 0),
      isolation: ISOLATIONS[options.get('iso') ?? 's']!,
      readTs,
      writeTs,
      minTs: old?.minTs ?? readTs,
      uncertaintyLimit: limit,
      coordinator: Number(options.get('node') ?? 1),
      name,
    });
    return 'ok';
  }

  #batch(name: string, options: ReadonlyMap<string, string>, requests: readonly KvRequest[]): BatchRequest {
    const number = (key: string, or: number): number => Number(options.get(key) ?? or);
    return {
      header: {
        rangeId: number('range', 1),
        txn: name === '-' ? null : this.#txns.get(name)!,
        timestamp: number('at', 0),
        wait: (['nowait', 'skip', 'past'] as const).find((policy) => options.has(policy)) ?? 'block',
        canBumpReadTs: options.has('bump'),
        observedTs: number('obs', 0),
        maxRows: number('rows', 0),
        maxBytes: number('bytes', 0),
        lockTimeoutMs: number('timeout', 0),
        gatewayNode: 1,
        sentTs: number('sent', 0),
      },
      requests,
    };
  }

  async #send(head: string, body: string): Promise<string> {
    const [name, ...rest] = head.trim().split(/\s+/);
    const options = optionsOf(rest);
    const requests = body.split(';').map((text) => this.#request(text.trim().split(/\s+/)));
    const { executor } = this.#store;
    const waitsBefore = executor.counters.lockWaits + executor.counters.latchWaits;
    const abort = new AbortController();
    let settled = false;
    const promise = executor
      .execute(this.#batch(name!, options, requests), abort.signal)
      .then(
        (response) => this.#render(response),
        (error: unknown) => renderError(error),
      )
      .then((answer) => (options.has('brief') ? answer.replace(/@\d+/g, '@…') : answer))
      .finally(() => {
        settled = true;
      });
    const background = options.get('bg');
    if (background === undefined) {
      const answer = await promise;
      if (requests.some((r) => r.kind === 'end-txn' && r.split !== null)) await this.#serving(2);
      return answer;
    }
    while (!settled && executor.counters.lockWaits + executor.counters.latchWaits === waitsBefore)
      await this.#env.timers.sleep(1);
    if (settled) return promise;
    this.#background.set(background, { promise, abort });
    return 'waits';
  }

  #request(written: readonly string[]): KvRequest {
    const words = written.map((word) => word.replaceAll('\\x00', '\x00'));
    const [kind, a, b, c, d] = words;
    const scope = (['existence', 'whole'] as const).find((one) => words.includes(one));
    const options = optionsOf(words);
    const txn = (name: string | undefined): TxnMeta => this.#txns.get(name!)!;
    switch (kind) {
      case 'get':
        return {
          kind,
          key: a!,
          lock: options.has('lock') ? 'exclusive' : options.has('share') ? 'share' : 'none',
          ...(scope === undefined ? {} : { scope }),
        };
      case 'scan':
        return {
          kind,
          start: a!,
          end: b!,
          reverse: options.has('rev'),
          lock: options.has('lock') ? 'exclusive' : options.has('share') ? 'share' : 'none',
          ...(scope === undefined ? {} : { scope }),
        };
      case 'put':
        return {
          kind,
          key: a!,
          value: b === '~' ? null : Buffer.from(b!),
          sequence: Number(c),
          mustNotExist: options.has('new'),
          exclusionSince: Number(options.get('since') ?? 0),
        };
      case 'inc':
        return { kind: 'increment', key: a!, by: Number(b) };
      case 'ingest':
        return { kind, keys: [a!], values: [Buffer.from(b!)], timestamp: Number(c) };
      case 'refresh':
        return { kind, start: a!, end: b === '-' ? null : b!, fromTs: Number(c), toTs: Number(d) };
      case 'end':
        return this.#end(a!, options);
      case 'beat':
        return { kind: 'heartbeat-txn', now: Number(a) };
      case 'push':
        return {
          kind: 'push-txn',
          pushee: txn(a),
          type: b as PushTxnRequest['type'],
          pushTo: Number(c),
          force: options.has('force'),
        };
      case 'recover':
        return { kind: 'recover-txn', txn: txn(a), committed: b === 'yes' };
      case 'query':
        return {
          kind: 'query-intent',
          key: b!,
          txnId: txn(a).id,
          epoch: txn(a).epoch,
          sequence: Number(c),
          ts: Number(d),
        };
      case 'resolve': {
        const span = listOf(options.get('span'));
        return {
          kind: 'resolve-intents',
          keys: words
            .slice(4)
            .filter((w) => !w.includes('='))
            .flatMap((w) => w.split(',')),
          spans: span.length === 2 ? [{ start: span[0]!, end: span[1]! }] : [],
          txnId: txn(a).id,
          epoch: txn(a).epoch,
          status: b as 'committed' | 'aborted' | 'pending',
          ts: Number(c),
          upTo: Number(options.get('upto') ?? 0),
        };
      }
      case 'gc':
        return {
          kind: 'gc-txns',
          txns: [{ id: txn(a).id, anchorKey: txn(a).anchorKey, committedAt: Number(options.get('committed') ?? 0) }],
        };
      default:
        throw new Error(`unknown request: ${words.join(' ')}`);
    }
  }

  #end(action: string, options: ReadonlyMap<string, string>): KvRequest {
    const splitAt = options.get('split');
    const now = this.#store.replica(1)!.descriptor;
    const generation = now.generation + 1;
    return {
      kind: 'end-txn',
      action: action as 'one-phase' | 'stage' | 'commit' | 'abort',
      inFlight: listOf(options.get('flight')).map((w) => ({
        key: w.split(':')[0]!,
        sequence: Number(w.split(':')[1]),
      })),
      localLocks: listOf(options.get('local')),
      lockKeys: listOf(options.get('keys') ?? options.get('local')),
      lockSpans: options.has('spans')
        ? [{ start: listOf(options.get('spans'))[0]!, end: listOf(options.get('spans'))[1]! }]
        : [],
      split:
        splitAt === undefined
          ? null
          : {
              left: { ...now, end: splitAt, generation },
              right: { ...now, rangeId: 2, start: splitAt, generation },
              firstLeader: 0,
            },
    };
  }

  #render(response: BatchResponse): string {
    const lines = response.responses.map(renderResponse);
    if (response.txn !== null) lines.push(`  read ${response.txn.readTs} write ${response.txn.writeTs}`);
    return lines.join('\n');
  }

  #show(): string {
    const lines: string[] = [];
    for (const row of this.#engine.scan({ family: 'versions', start: '', end: '\xff' })) {
      const { key, ts } = decodeVersionKey(row.key);
      const { value, shifted } = decodeVersionValue(row.key, row.value);
      lines.push(
        `version ${formatKey(key)}@${ts} ${value === null ? 'deleted' : text(value)}${shifted ? ' shifted' : ''}`,
      );
    }
    for (const row of this.#engine.scan({ family: 'locks', start: '', end: '\xff' })) {
      if (isIntentKey(row.key)) {
        const i = decodeIntent(row.value);
        lines.push(
          `intent ${formatKey(intentUserKey(row.key))}@${i.writeTs} ${name(i.txnId)} seq ${i.sequence} ${i.value === null ? 'deleted' : text(i.value)}`,
        );
      } else {
        const t = decodeTransaction(row.value);
        lines.push(
          `record ${name(t.txnId)} ${t.status} @${t.writeTs} in flight [${t.inFlight.map((w) => `${w.key}:${w.sequence}`).join(' ')}]`,
        );
      }
    }
    for (const replica of this.#store.replicas()) {
      for (const lock of replica.locks.range('', '\xff')) {
        const what = [lock.unreplicated ? 'unreplicated' : '', lock.intentTs === 0 ? '' : `intent@${lock.intentTs}`]
          .filter((w) => w !== '')
          .join('+');
        const sharers = [...lock.sharers.keys()].map(name);
        const who =
          lock.holder !== null ? name(lock.holder.id) : sharers.length === 0 ? 'free' : `shared [${sharers.join(' ')}]`;
        lines.push(
          `lock r${replica.rangeId} ${formatKey(lock.key)} ${who} ${what} queue [${lock.queue.map((w) => w.txn?.name ?? '-').join(' ')}]`,
        );
      }
      if (!replica.latches.idle) lines.push(`latches held in r${replica.rangeId}`);
    }
    return lines.length === 0 ? 'nothing' : lines.join('\n');
  }
}

function optionsOf(words: readonly string[]): Map<string, string> {
  return new Map(words.map((w) => [w.split('=')[0]!, w.slice(w.indexOf('=') + 1)]));
}
function listOf(words: string | undefined): string[] {
  return words === undefined || words === '' ? [] : words.split(',');
}
function name(id: string): string {
  return id.replace(/\.+$/, '');
}
function text(value: Buffer): string {
  return value.length === 8 && value[0] === 0 ? `#${decodeCounter(value, '')}` : value.toString('latin1');
}

function renderResponse(r: KvResponse): string {
  switch (r.kind) {
    case 'get':
      return `get: ${r.skipped ? 'skipped' : r.value === null ? 'nothing' : text(r.value)}`;
    case 'scan':
      return `scan: [${r.keys.map((k, i) => `${k}=${text(r.values[i]!)}`).join(' ')}]${r.resumeKey === null ? '' : ` resume ${formatKey(r.resumeKey)}`}`;
    case 'increment':
      return `increment: ${r.value}`;
    case 'end-txn':
      return `end: ${r.status} @${r.commitTs}`;
    case 'push-txn':
      return `push: ${r.pushed ? 'pushed' : 'not pushed'}, ${r.status} @${r.writeTs} in flight [${r.inFlight.map((w) => `${w.key}:${w.sequence}`).join(' ')}]`;
    case 'recover-txn':
      return `recover: ${r.status} @${r.writeTs}${r.lockSpans.map((s) => ` [${s.start},${s.end})`).join('')}`;
    case 'query-intent':
      return `query: ${r.found ? 'found' : 'missing'}`;
    case 'heartbeat-txn':
      return `heartbeat: ${r.status}`;
    default:
      return `${r.kind}: ok`;
  }
}

function renderError(error: unknown): string {
  if (!(error instanceof KvError))
    return `error: ${error instanceof Error ? `${(error as { sqlstate?: string }).sqlstate ?? error.name} ${error.message}` : String(error)}`;
  const d = error.detail;
  const parts: string[] = [d.kind];
  if ('reason' in d) parts.push(d.reason);
  if ('key' in d) parts.push(formatKey(d.key));
  if ('retryTs' in d) parts.push(`@${d.retryTs}`);
  if ('existing' in d) parts.push(`existing ${Buffer.from(d.existing).toString('latin1')}`);
  if ('descriptors' in d)
    parts.push(d.descriptors.map((x) => `r${x.rangeId}[${formatKey(x.start)},${formatKey(x.end)})`).join(' '));
  return `error: ${parts.join(' ')}`;
}
