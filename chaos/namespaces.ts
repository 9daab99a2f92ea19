/**
 * A machine for each node, as far as the network goes: a kernel namespace with an address of its own,
 * all on one bridge, with real packets, handshakes and retransmissions between them. Needs root, Linux
 * and iproute2.
 *
 * A cut from one node to another is an entry in the first one's neighbour table with the link address of
 * nobody: its packets leave, and no machine takes them. That needs no packet filter, which small kernels
 * lack, and it is one-way. Loss is a cut of a moment, again and again: bursts, as on a bad line.
 *
 * Limits. No delay (that would need netem), and connections are reset only where the kernel lets `ss -K`
 * do it. SQL is served on a node's own loopback, so a small forwarder in each namespace carries clients'
 * connections there; it is not what is tested, and no fault touches it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { Random } from '../bench/random.js';
import type { ChaosNetwork, NetworkPorts } from './network.js';

/** One cut of a moment, when a link loses packets. */
const BURST_MS = 30;
const NOBODY = '02:51:ff:ff:ff:ff';

/** Carries connections to `listen` on to the loopback's port. */
const FORWARDER = `
import { connect, createServer } from 'node:net';
const [host, port] = process.argv.slice(-2);
createServer((near) => {
  const far = connect(Number(port), '127.0.0.1');
  for (const [a, b] of [[near, far], [far, near]]) {
    a.setNoDelay(true);
    a.on('error', () => b.destroy());
    a.on('close', () => b.destroy());
    a.pipe(b);
  }
}).listen(Number(port), host);
`;

/** Null if namespaces can be made here, else why not. */
export function noNamespaces(): string | null {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.getuid?.() !== 0) return 'not root';
  const name = `quoral-probe-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name]);
  if (made.error !== undefined) return 'iproute2 is not installed';
  if (made.status !== 0) return oneLine(made.stderr);
  const linked = spawnSync('ip', ['-n', name, 'link', 'add', 'probe0', 'type', 'veth', 'peer', 'name', 'probe1']);
  const bridged = spawnSync('ip', ['-n', name, 'link', 'add', 'probe2', 'type', 'bridge']);
  spawnSync('ip', ['netns', 'del', name]);
  if (linked.status !== 0) return oneLine(linked.stderr);
  return bridged.status === 0 ? null : oneLine(bridged.stderr);
}

function oneLine(output: Buffer): string {
  return output.toString().trim().split('\n')[0] ?? '';
}

function run(...command: string[]): void {
  const { status, stderr, error } = spawnSync(command[0]!, command.slice(1));
  if (status !== 0) throw new Error(`${command.join(' ')}: ${error?.message ?? oneLine(stderr)}`);
}

export class NamespaceNetwork implements ChaosNetwork {
  readonly kind = 'namespaces';
  readonly #ids: readonly number[];
  readonly #random: Random;
  /** Of this run: names and addresses that no other run uses at the same time. */
  readonly #tag: string;
  readonly #subnet: string;
  /** One `ip` for each namespace, that takes commands as they come. */
  readonly #tables = new Map<number, ChildProcess>();
  readonly #forwarders: ChildProcess[] = [];
  readonly #cuts = new Set<string>();
  readonly #losses = new Map<string, NodeJS.Timeout>();
  #resets: boolean;

  constructor(ports: NetworkPorts, random: Random) {
    this.#ids = ports.ids;
    this.#random = random;
    this.#tag = process.pid.toString(36);
    this.#subnet = `10.${201 + (process.pid % 50)}.${(process.pid >> 6) % 250}`;
    this.#resets = true;
    try {
      this.#build(ports);
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  rpcHost(id: number): string {
    return `${this.#subnet}.${id}`;
  }
  sqlHost(id: number): string {
    return `${this.#subnet}.${id}`;
  }
  via(): readonly string[] {
    return [];
  }
  prefix(id: number): readonly string[] {
    return ['ip', 'netns', 'exec', this.#space(id)];
  }

  cut(from: number, to: number): void {
    this.#cuts.add(`${from}>${to}`);
    this.#direct(from, to);
  }

  mend(from: number, to: number): void {
    this.#cuts.delete(`${from}>${to}`);
    this.#direct(from, to);
  }

  reset(from: number, to: number): void {
    if (!this.#resets) return;
    const done = spawnSync('ip', ['netns', 'exec', this.#space(from), 'ss', '-K', 'dst', this.rpcHost(to)]);
    this.#resets = done.status === 0 && done.stderr.length === 0;
  }

  setLoss(from: number, to: number, loss: number, _delayMs: number): void {
    const link = `${from}>${to}`;
    clearInterval(this.#losses.get(link));
    this.#losses.delete(link);
    this.#direct(from, to);
    if (loss === 0) return;
    let lost = false;
    const timer = setInterval(() => {
      const now = this.#random.next() < loss;
      if (now !== lost) this.#direct(from, to, now);
      lost = now;
    }, BURST_MS);
    timer.unref();
    this.#losses.set(link, timer);
  }

  heal(): void {
    this.#cuts.clear();
    for (const timer of this.#losses.values()) clearInterval(timer);
    this.#losses.clear();
    for (const from of this.#ids) for (const to of this.#ids) if (from !== to) this.#direct(from, to);
  }

  destroy(): void {
    for (const timer of this.#losses.values()) clearInterval(timer);
    for (const child of [...this.#forwarders, ...this.#tables.values()]) child.kill('SIGKILL');
    for (const id of this.#ids) spawnSync('ip', ['netns', 'del', this.#space(id)]);
    spawnSync('ip', ['netns', 'del', this.#space(0)]);
    spawnSync('ip', ['link', 'del', this.#ours()]);
  }

  #space(id: number): string {
    return id === 0 ? `quoral-${this.#tag}-hub` : `quoral-${this.#tag}-n${id}`;
  }

  /** Our own end of a link to the bridge. */
  #ours(): string {
    return `qc-${this.#tag}`;
  }

  #build(ports: NetworkPorts): void {
    const hub = this.#space(0);
    run('ip', 'netns', 'add', hub);
    run('ip', '-n', hub, 'link', 'add', 'bridge0', 'type', 'bridge');
    run('ip', '-n', hub, 'link', 'set', 'bridge0', 'up');
    run('ip', 'link', 'add', this.#ours(), 'type', 'veth', 'peer', 'name', 'clients0', 'netns', hub);
    run('ip', '-n', hub, 'link', 'set', 'clients0', 'master', 'bridge0', 'up');
    run('ip', 'address', 'add', `${this.#subnet}.254/24`, 'dev', this.#ours());
    run('ip', 'link', 'set', this.#ours(), 'up');
    for (const id of this.#ids) {
      const space = this.#space(id);
      run('ip', 'netns', 'add', space);
      run('ip', '-n', hub, 'link', 'add', `node${id}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
      run('ip', '-n', hub, 'link', 'set', `node${id}`, 'master', 'bridge0', 'up');
      run('ip', '-n', space, 'link', 'set', 'eth0', 'address', linkAddress(id), 'up');
      run('ip', '-n', space, 'link', 'set', 'lo', 'up');
      run('ip', '-n', space, 'address', 'add', `${this.#subnet}.${id}/24`, 'dev', 'eth0');
      const table = spawn('ip', ['-force', '-n', space, '-batch', '-'], { stdio: ['pipe', 'ignore', 'ignore'] });
      // Killed by `destroy` while a command may be on its way.
      table.stdin.on('error', () => undefined);
      this.#tables.set(id, table);
      const forwarder = [process.execPath, '--input-type=module', '-e', FORWARDER, '--'];
      this.#forwarders.push(
        spawn('ip', ['netns', 'exec', space, ...forwarder, this.sqlHost(id), String(ports.sqlPort(id))], {
          stdio: 'ignore',
        }),
      );
    }
    this.heal();
  }

  /** Sets where `from` sends what is for `to`. */
  #direct(from: number, to: number, lost = false): void {
    const address = lost || this.#cuts.has(`${from}>${to}`) ? NOBODY : linkAddress(to);
    this.#tables
      .get(from)
      ?.stdin?.write(`neigh replace ${this.rpcHost(to)} lladdr ${address} nud permanent dev eth0\n`);
  }
}

function linkAddress(id: number): string {
  return `02:51:00:00:00:${id.toString(16).padStart(2, '0')}`;
}
