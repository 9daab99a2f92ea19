/**
 * Runs golden scripts (test/scripts/raft/*.txt): a command, then what it printed, blank line between.
 * Commands are described in test/scripts/raft/README.md. Everything is deterministic: election
 * timeouts take a fixed jitter, time stands still unless told.
 */
import type { NodeId, Timestamp } from '../../src/base/ids.js';
import { EMPTY_CONF } from '../../src/raft/conf-change.js';
import { RaftNode } from '../../src/raft/node.js';
import { decodeConfChange } from '../../src/raft/disk-codec.js';
import type {
  ConfChangeKind,
  ConfState,
  Entry,
  HardState,
  Liveness,
  RaftMessage,
  RaftStorage,
  Ready,
  SnapshotMeta,
} from '../../src/raft/types.js';

class MemoryLog implements RaftStorage {
  hard: HardState = { term: 0, vote: 0, commit: 0, lead: 0, leadEpoch: 0 };
  conf: ConfState;
  cut = { index: 0, term: 0 };
  rows: Entry[] = [];
  applied = 0;
  /** Configurations by the index that made them, for a restart with less applied. */
  confs: { readonly index: number; readonly conf: ConfState }[] = [];

  constructor(conf: ConfState) {
    this.conf = conf;
    this.confs.push({ index: 0, conf });
  }
  changed(index: number, conf: ConfState): void {
    this.conf = conf;
    this.confs.push({ index, conf });
  }
  /** As after a crash that lost what was applied beyond `applied`. */
  rewind(applied: number): void {
    this.applied = applied;
    this.confs = this.confs.filter((c) => c.index <= applied);
    this.conf = this.confs.at(-1)!.conf;
  }
  hardState(): HardState {
    return this.hard;
  }
  confState(): ConfState {
    return this.conf;
  }
  truncated(): { index: number; term: number } {
    return this.cut;
  }
  lastIndex(): number {
    return this.cut.index + this.rows.length;
  }
  term(index: number): number | null {
    if (index === this.cut.index) return this.cut.term;
    return this.rows[index - this.cut.index - 1]?.term ?? null;
  }
  entries(lo: number, hi: number, maxBytes: number): readonly Entry[] | null {
    if (lo <= this.cut.index) return null;
    const found: Entry[] = [];
    let bytes = 0;
    for (let i = lo; i < hi; i++) {
      const entry = this.rows[i - this.cut.index - 1]!;
      bytes += RaftNode.entryBytes(entry);
      if (bytes > maxBytes && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }
  snapshotMeta(): SnapshotMeta {
    return { index: this.applied, term: this.term(this.applied)!, conf: this.conf };
  }
  write(ready: Ready): void {
    if (ready.snapshot !== null) {
      this.cut = { index: ready.snapshot.index, term: ready.snapshot.term };
      this.rows = [];
      this.changed(ready.snapshot.index, ready.snapshot.conf);
      this.applied = ready.snapshot.index;
    }
    if (ready.entries.length > 0) {
      this.rows.length = ready.entries[0]!.index - this.cut.index - 1;
      this.rows.push(...ready.entries);
    }
    if (ready.hardState !== null) this.hard = ready.hardState;
  }
  truncate(index: number): void {
    const term = this.term(index)!;
    this.rows = this.rows.slice(index - this.cut.index);
    this.cut = { index, term };
  }
}

/** Promises between nodes, set by the script. */
class ScriptLiveness implements Liveness {
  readonly #cluster: ScriptCluster;
  readonly #id: NodeId;
  constructor(cluster: ScriptCluster, id: NodeId) {
    this.#cluster = cluster;
    this.#id = id;
  }
  supportFor(node: NodeId): { epoch: number; supported: boolean } {
    return this.#cluster.support(this.#id, node);
  }
  supportFrom(node: NodeId): { epoch: number; expiration: Timestamp } {
    return this.#cluster.support(node, this.#id);
  }
}

interface Promised {
  epoch: number;
  supported: boolean;
  expiration: Timestamp;
}

interface Host {
  readonly id: NodeId;
  readonly log: MemoryLog;
  node: RaftNode;
  /** Readys whose write is held back. */
  pending: Ready[];
  holdSync: boolean;
  holdApply: boolean;
  /** Committed entries that are not applied yet. */
  unapplied: Entry[];
  jitter: number;
  timeoutJitter: number;
}

export class ScriptCluster {
  #hosts = new Map<NodeId, Host>();
  #network: RaftMessage[] = [];
  /** Taken out of the network, to arrive late. */
  #delayed: RaftMessage[] = [];
  #promises = new Map<string, Promised>();
  #blocked = new Set<string>();
  #out: string[] = [];
  #quiet = false;
  #now = 100;
  #liveness = false;
  #options: Record<string, number> = {};

  support(giver: NodeId, receiver: NodeId): Promised {
    if (!this.#liveness) return { epoch: 0, supported: false, expiration: 0 };
    if (giver === receiver) return { epoch: 1, supported: true, expiration: 1_000_000 };
    const key = `${giver}>${receiver}`;
    let promised = this.#promises.get(key);
    if (promised === undefined) {
      promised = { epoch: 1, supported: true, expiration: 200 };
      this.#promises.set(key, promised);
    }
    return promised;
  }

  run(command: string): string {
    this.#out = [];
    this.#quiet = false;
    const [name, ...words] = command.trim().split(/\s+/);
    try {
      this.#command(name!, words);
    } catch (error) {
      this.#out.push(`${(error as Error).name}: ${(error as Error).message}`);
    }
    return this.#out.length === 0 ? 'ok' : this.#out.join('\n');
  }

  #print(line: string): void {
    if (!this.#quiet) this.#out.push(line);
  }

  #host(word: string | undefined): Host {
    const host = this.#hosts.get(Number(word));
    if (host === undefined) throw new Error(`no node ${word}`);
    return host;
  }

  #targets(words: readonly string[]): Host[] {
    const ids = words.filter((w) => /^\d+$/.test(w));
    return ids.length === 0 ? [...this.#hosts.values()] : ids.map((w) => this.#host(w));
  }

  #command(name: string, words: string[]): void {
    const options = new Map(words.filter((w) => w.includes('=')).map((w) => w.split('=') as [string, string]));
    const args = words.filter((w) => !w.includes('='));
    switch (name) {
      case 'cluster':
        return this.#setUp(options);
      case 'node':
        return this.#addNode(Number(args[0]), EMPTY_CONF, 0);
      case 'log':
        return this.#setLog(this.#host(args[0]), args.slice(1), options);
      case 'campaign':
        this.#print(this.#host(args[0]).node.campaign() ? 'campaigning' : 'refused');
        return this.#settle();
      case 'elect':
        this.#quiet = true;
        this.#host(args[0]).node.campaign();
        this.#settle();
        this.#stabilize();
        this.#quiet = false;
        return this.#printState(this.#host(args[0]));
      case 'tick':
        return this.#tick(args, Number(options.get('count') ?? 1));
      case 'propose':
        return this.#propose(this.#host(args[0]), args.slice(1));
      case 'ready':
        return this.#settle();
      case 'deliver':
        return this.#deliver(args, Number(options.get('count') ?? Infinity));
      case 'stabilize':
        this.#quiet = options.get('quiet') === 'yes';
        return this.#stabilize();
      case 'drop':
        return this.#drop(args);
      case 'delay':
        this.#delayed.push(...this.#takeMessages(args));
        return;
      case 'late':
        this.#network.push(...this.#delayed.splice(0));
        return;
      case 'duplicate':
        this.#network.push(...this.#network.filter((m) => matches(m, args)).map((m) => ({ ...m })));
        return;
      case 'reverse': {
        const taken = this.#takeMessages(args).reverse();
        this.#network.push(...taken);
        return;
      }
      case 'block':
        for (const link of args) this.#blocked.add(link);
        return;
      case 'isolate':
        for (const other of this.#hosts.keys()) {
          this.#blocked.add(`${args[0]}>${other}`);
          this.#blocked.add(`${other}>${args[0]}`);
        }
        return;
      case 'heal':
        this.#blocked.clear();
        return;
      case 'network':
        for (const message of this.#network) this.#print(formatMessage(message));
        return;
      case 'state':
        for (const host of this.#targets(args)) this.#printState(host);
        return;
      case 'show':
        for (const host of this.#targets(args)) this.#print(formatLog(host));
        return;
      case 'members':
        for (const host of this.#targets(args)) this.#print(`${host.id}: ${formatConf(host.node.conf)}`);
        return;
      case 'peers':
        return this.#printPeers(this.#host(args[0]));
      default:
        return this.#command2(name, args, options);
    }
  }

  #command2(name: string, args: string[], options: Map<string, string>): void {
    const host = (): Host => this.#host(args[0]);
    switch (name) {
      case 'hold-sync':
        host().holdSync = true;
        return;
      case 'sync':
        return this.#sync(host(), options);
      case 'hold-apply':
        host().holdApply = true;
        return;
      case 'apply':
        host().holdApply = false;
        this.#apply(host());
        return this.#settle();
      case 'jitter':
        host().jitter = Number(args[1]);
        return;
      case 'restart':
        return this.#restart(host(), options);
      case 'lose-state':
        return host().node.loseState();
      case 'truncate':
        return host().log.truncate(Number(args[1]));
      case 'transfer':
        this.#print(host().node.transferLeadership(Number(args[1])) ? 'transferring' : 'refused');
        return this.#settle();
      case 'unreachable':
        host().node.reportUnreachable(Number(args[1]));
        return this.#settle();
      case 'snapshot-status':
        this.#reportSnapshot(host(), Number(args[1]), args[2] === 'ok');
        return this.#settle();
      case 'read':
        this.#print(host().node.readIndex(Number(args[1])) ? 'asked' : 'refused');
        return this.#settle();
      case 'conf':
        return this.#changeConf(host(), args.slice(1), options);
      case 'now':
        this.#now = Number(args[0]);
        return;
      case 'support':
        return this.#setSupport(args, options);
      case 'withdraw':
        return this.#withdraw(args);
      case 'lease':
        for (const target of this.#targets(args)) {
          const until = target.node.leadSupportUntil();
          this.#print(`${target.id}: until ${until}${until > this.#now ? ' may serve' : ''}`);
        }
        return;
      case 'quiesce':
        for (const target of this.#targets(args)) {
          this.#print(`${target.id}: ${target.node.canQuiesce() ? 'may sleep' : 'awake'}`);
        }
        return;
      default:
        throw new Error(`no command ${name}`);
    }
  }

  #reportSnapshot({ node }: Host, peer: NodeId, ok: boolean): void {
    const index = node.peers().find((p) => p.id === peer)?.pendingSnapshot ?? 0;
    node.reportSnapshot(peer, { term: node.term, index }, ok);
  }

  #setUp(options: Map<string, string>): void {
    const count = Number(options.get('nodes') ?? 3);
    const learners = (options.get('learners') ?? '').split(',').filter(Boolean).map(Number);
    this.#liveness = options.get('liveness') === 'on';
    for (const [key, value] of options) this.#options[key] = Number(value);
    const ids = Array.from({ length: count }, (_, i) => i + 1);
    const conf = { ...EMPTY_CONF, voters: ids.filter((id) => !learners.includes(id)), learners };
    const start = Number(options.get('start') ?? 0);
    for (const id of ids) this.#addNode(id, conf, start);
  }

  #addNode(id: NodeId, conf: ConfState, start: number): void {
    const log = new MemoryLog(conf);
    log.cut = { index: start, term: start > 0 ? 1 : 0 };
    log.applied = start;
    log.hard = { ...log.hard, term: log.cut.term, commit: start };
    const host: Host = {
      id,
      log,
      node: undefined as never,
      pending: [],
      holdSync: false,
      holdApply: false,
      unapplied: [],
      jitter: 0,
      timeoutJitter: 0,
    };
    host.node = this.#newNode(host);
    this.#hosts.set(id, host);
  }

  #newNode(host: Host, stateless = false): RaftNode {
    const option = (name: string, value: number): number => this.#options[name] ?? value;
    return new RaftNode({
      id: host.id,
      storage: host.log,
      liveness: new ScriptLiveness(this, host.id),
      random: () => host.jitter,
      now: () => this.#now,
      electionTicks: option('election', 10),
      heartbeatTicks: option('heartbeat', 2),
      maxInflightMessages: option('inflight', 16),
      maxInflightBytes: option('inflight-bytes', 1 << 20),
      maxEntriesBytesPerMessage: option('message-bytes', 1 << 20),
      maxUncommittedBytes: option('uncommitted', 1 << 20),
      applied: host.log.applied,
      stateless,
    });
  }

  /** log <id> 1 1 2 3 term=3 commit=2: entries of these terms, from index 1 on. */
  #setLog(host: Host, terms: string[], options: Map<string, string>): void {
    host.log.rows = terms.map((term, i) => ({
      term: Number(term),
      index: i + 1,
      type: 'normal',
      data: Buffer.from(`t${term}`),
    }));
    const commit = Number(options.get('commit') ?? 0);
    host.log.hard = { term: Number(options.get('term')), vote: 0, commit, lead: 0, leadEpoch: 0 };
    host.log.applied = 0;
    host.node = this.#newNode(host);
    this.#quiet = true;
    this.#settle();
  }

  #tick(args: string[], count: number): void {
    for (let i = 0; i < count; i++) {
      for (const host of this.#targets(args)) {
        host.node.tick();
        this.#settle();
      }
    }
  }

  #propose(host: Host, texts: string[]): void {
    for (const text of texts) {
      const result = host.node.propose(Buffer.from(text));
      this.#print(result === null ? `refused: ${host.node.refusal}` : `${text} at ${result.index}/${result.term}`);
    }
    this.#settle();
  }

  #changeConf(host: Host, args: string[], options: Map<string, string>): void {
    const kinds: Record<string, ConfChangeKind> = {
      '+': 'add-voter',
      '?': 'add-learner',
      '-': 'remove',
    };
    const changes = args.filter((a) => a !== 'leave').map((a) => ({ kind: kinds[a[0]!]!, node: Number(a.slice(1)) }));
    const transition = (options.get('transition') ?? 'auto') as 'auto';
    const result = host.node.proposeConfChange({ changes, transition, context: new Uint8Array(0) });
    this.#print(result === null ? `refused: ${host.node.refusal}` : `change at ${result.index}/${result.term}`);
    this.#settle();
  }

  #setSupport(args: string[], options: Map<string, string>): void {
    const promised = this.support(...(args[0]!.split('>').map(Number) as [NodeId, NodeId]));
    promised.epoch = Number(options.get('epoch') ?? promised.epoch);
    promised.expiration = Number(options.get('until') ?? promised.expiration);
    promised.supported = options.get('supported') !== 'no';
    for (const host of this.#hosts.values()) host.node.livenessChanged();
    this.#settle();
  }

  #withdraw(links: string[]): void {
    for (const link of links) {
      const [giver, receiver] = link.split('>').map(Number) as [NodeId, NodeId];
      const promised = this.support(giver, receiver);
      promised.epoch++;
      promised.supported = false;
      promised.expiration = 0;
      this.#hosts.get(giver)?.node.supportWithdrawn();
    }
    this.#settle();
  }

  #restart(host: Host, options: Map<string, string>): void {
    host.pending = [];
    host.unapplied = [];
    const applied = options.get('applied');
    if (applied !== undefined) host.log.rewind(Number(applied));
    host.holdSync = false;
    host.holdApply = false;
    this.#network = this.#network.filter((m) => m.from !== host.id);
    host.node = this.#newNode(host, options.get('state') === 'lost');
    this.#printState(host);
    this.#settle();
  }

  // Effects.

  #settle(): void {
    for (const host of this.#hosts.values()) {
      while (host.node.hasReady()) this.#handle(host, host.node.ready());
    }
  }

  #handle(host: Host, ready: Ready): void {
    const say = (line: string): void => this.#print(`${host.id}: ${line}`);
    if (ready.soft !== null) {
      say(`${ready.soft.role} at term ${ready.soft.term}, leader ${ready.soft.leader}`);
    }
    if (ready.stable !== null) {
      const { hardState: hard, snapshot, entries } = ready;
      const parts: string[] = [];
      if (hard !== null) {
        parts.push(`hard term=${hard.term} vote=${hard.vote} commit=${hard.commit}`);
        if (hard.lead !== 0) parts.push(`lead=${hard.lead}@${hard.leadEpoch}`);
      }
      if (snapshot !== null) parts.push(`snapshot ${snapshot.index}/${snapshot.term}`);
      if (entries.length > 0) parts.push(`entries ${formatEntries(entries)}`);
      say(`write ${parts.join(' ')}`);
    }
    for (const message of ready.messagesNow) this.#send(message);
    for (const read of ready.readStates) say(`read ${read.context} at ${read.index}`);
    host.unapplied.push(...ready.committed);
    if (!host.holdApply) this.#apply(host);
    if (ready.stable === null) return;
    host.pending.push(ready);
    if (!host.holdSync) this.#flush(host, Infinity);
  }

  #apply(host: Host): void {
    const entries = host.unapplied;
    host.unapplied = [];
    if (entries.length === 0) return;
    this.#print(`${host.id}: apply ${formatEntries(entries)}`);
    for (const entry of entries) {
      if (entry.type !== 'conf-change') continue;
      host.log.changed(entry.index, host.node.applyConfChange(entry));
      this.#print(`${host.id}: conf ${formatConf(host.log.conf)}`);
    }
    host.log.applied = entries.at(-1)!.index;
    host.node.appliedTo(host.log.applied);
  }

  #flush(host: Host, count: number): void {
    for (const ready of host.pending.splice(0, count)) {
      host.log.write(ready);
      for (const message of ready.messagesAfterSync) this.#send(message);
      host.node.stableTo(ready.stable!);
    }
  }

  #sync(host: Host, options: Map<string, string>): void {
    const count = options.get('count');
    if (count === undefined) host.holdSync = false;
    this.#flush(host, count === undefined ? Infinity : Number(count));
    this.#settle();
  }

  #send(message: RaftMessage): void {
    const lost = this.#blocked.has(`${message.from}>${message.to}`);
    this.#print(`${formatMessage(message)}${lost ? ' lost' : ''}`);
    if (!lost) this.#network.push(message);
  }

  #takeMessages(filters: string[], count = Infinity): RaftMessage[] {
    const taken = this.#network.filter((m) => matches(m, filters)).slice(0, count);
    this.#network = this.#network.filter((m) => !taken.includes(m));
    return taken;
  }

  #deliver(filters: string[], count = Infinity): void {
    for (const message of this.#takeMessages(filters, count)) {
      const host = this.#hosts.get(message.to);
      // The data came before the message: a state inside the log needs no more than this.
      if (host?.node.stateless === true && message.type === 'snap') host.log.applied = message.snapshot!.index;
      host?.node.step(message);
      this.#settle();
    }
  }

  #drop(filters: string[]): void {
    for (const message of this.#takeMessages(filters)) this.#print(`dropped ${formatMessage(message)}`);
  }

  #stabilize(): void {
    this.#settle();
    for (let round = 0; this.#network.length > 0; round++) {
      if (round > 200) throw new Error('does not settle');
      this.#deliver([]);
    }
  }

  #printState(host: Host): void {
    const { node } = host;
    const parts = [
      `${host.id}: ${node.role} term=${node.term} leader=${node.leader}`,
      `last=${node.lastIndex} commit=${node.committed} applied=${node.applied}`,
    ];
    const hard = node.hardState();
    if (hard.lead !== 0) parts.push(`lead=${hard.lead}@${hard.leadEpoch}${node.fortified ? '' : ' ended'}`);
    if (node.transferring) parts.push('transferring');
    if (node.stateless) parts.push('stateless');
    this.#print(parts.join(' '));
  }

  #printPeers(host: Host): void {
    for (const peer of host.node.peers()) {
      this.#print(
        `${peer.id}: ${peer.state}${peer.wantsSnapshot ? ' wants a snapshot' : ''} match=${peer.match} next=${peer.next} inflight=${peer.inflight}` +
          `${peer.fortified ? ' fortified' : ''}${peer.recentActive ? '' : ' inactive'}`,
      );
    }
  }
}

function matches(m: RaftMessage, filters: readonly string[]): boolean {
  return (
    filters.length === 0 ||
    filters.some((f) => f === `${m.from}>${m.to}` || f === m.type || f === `>${m.to}` || f === `${m.from}>`)
  );
}

function formatEntries(entries: readonly Entry[]): string {
  return entries.map(formatEntry).join(' ');
}

function formatEntry(entry: Entry): string {
  if (entry.type === 'conf-change') {
    const signs = { 'add-voter': '+', 'add-learner': '?', remove: '-' };
    const { changes } = decodeConfChange(entry.data);
    const text = changes.map((c) => `${signs[c.kind]}${c.node}`).join('') || 'leave';
    return `${entry.index}/${entry.term}:conf(${text})`;
  }
  return `${entry.index}/${entry.term}:${Buffer.from(entry.data).toString() || '∅'}`;
}

function formatLog(host: Host): string {
  const { cut, rows } = host.log;
  const start = cut.index > 0 ? `(${cut.index}/${cut.term}) ` : '';
  return `${host.id}: ${start}${formatEntries(rows)}`;
}

function formatConf(conf: ConfState): string {
  const parts = [`voters=${conf.voters.join(',')}`];
  if (conf.votersOutgoing.length > 0) parts.push(`outgoing=${conf.votersOutgoing.join(',')}`);
  if (conf.learners.length > 0) parts.push(`learners=${conf.learners.join(',')}`);
  if (conf.learnersNext.length > 0) parts.push(`next-learners=${conf.learnersNext.join(',')}`);
  if (conf.autoLeave) parts.push('auto');
  return parts.join(' ');
}

function formatMessage(m: RaftMessage): string {
  const parts = [`${m.from}>${m.to} ${m.type} term=${m.term}`];
  switch (m.type) {
    case 'app':
      parts.push(`prev=${m.index}/${m.logTerm} commit=${m.commit} [${formatEntries(m.entries)}]`);
      break;
    case 'app-resp':
      parts.push(`index=${m.index}`);
      if (m.reject) parts.push(`reject hint=${m.rejectHint}/${m.logTerm}`);
      break;
    case 'heartbeat':
    case 'heartbeat-resp':
      parts.push(`commit=${m.commit}`);
      break;
    case 'vote':
    case 'pre-vote':
      parts.push(`last=${m.index}/${m.logTerm}`);
      if (m.context !== 0) parts.push('transfer');
      break;
    case 'snap':
      parts.push(`at ${m.snapshot!.index}/${m.snapshot!.term}`);
      break;
    case 'fortify-resp':
      parts.push(m.reject ? 'reject' : `epoch=${m.leadEpoch}`);
      break;
    case 'read-index':
    case 'read-index-resp':
      parts.push(`context=${m.context} index=${m.index}`);
      break;
    default:
      if (m.reject) parts.push('reject');
      if (m.commit > 0) parts.push(`commit=${m.commit}/${m.rejectHint}`);
  }
  return parts.join(' ');
}
