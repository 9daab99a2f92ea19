/**
 * The checkers of the Raft-level simulation. They see every election, vote, application, installation
 * and lease of every replica, and know nothing of how the core came to them:
 *
 * - election safety: one leader per term, elected once; one vote per replica and term, over restarts
 * - leader completeness: what was applied anywhere is in the log of every later leader
 * - log matching: equal index and term means an equal entry and an equal predecessor
 * - state machine safety: every replica applies the same entries in the same order, each once, and
 *   has the same state (digest) and configuration at the same index, snapshots included
 * - the commit rule: a leader moves its commit index only to an entry of its own term
 * - leases: a term serves only before the clock at which the next one began
 * - nothing acknowledged is lost
 * Fails by SafetyViolation, at once.
 */
import type { NodeId, Timestamp } from '../../base/ids.js';
import type { ConfState, Entry, RaftMessage } from '../../raft/types.js';
import type { SimHost } from './raft-sim-host.js';

export class SafetyViolation extends Error {
  override readonly name = 'SafetyViolation';
}

interface AppliedEntry {
  readonly term: number;
  readonly text: string;
  readonly digest: number;
  readonly conf: string;
  /** Term of the first replica that applied it: leaders of later terms hold it. */
  readonly appliedIn: number;
}

interface Proposed {
  readonly node: NodeId;
  readonly index: number;
  readonly term: number;
}

interface LeaderCommit {
  readonly term: number;
  readonly commit: number;
}

export class RaftChecks {
  readonly #fail: (what: string) => never;
  readonly #leaders = new Map<number, NodeId>();
  readonly #electedAt = new Map<number, Timestamp>();
  #termMax = 0;
  readonly #votes = new Map<string, NodeId>();
  readonly #history = new Map<number, AppliedEntry>();
  readonly #proposed = new Map<string, Proposed>();
  readonly #acknowledged = new Map<string, number>();
  /** The latest timestamp at which a leader of a term believed that it may serve. */
  readonly #served = new Map<number, Timestamp>();
  readonly #commits = new Map<NodeId, LeaderCommit>();
  /** What any replica has known to be committed. */
  #committedMax = 0;

  constructor(fail: (what: string) => never) {
    this.#fail = fail;
  }

  #check(condition: boolean, what: () => string): void {
    if (!condition) this.#fail(what());
  }

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** Every message on its way out, durable where it must be. */
  sent(message: RaftMessage): void {
    const granted = message.type === 'vote-resp' && !message.reject;
    if (!granted && message.type !== 'vote') return;
    const candidate = granted ? message.to : message.from;
    const key = `${message.from}/${message.term}`;
    const before = this.#votes.get(key) ?? candidate;
    this.#check(
      before === candidate,
      () => `node ${message.from} votes for ${before} and for ${candidate} in term ${message.term}`,
    );
    this.#votes.set(key, candidate);
  }

  elected(host: SimHost): void {
    const { term } = host.node;
    const known = this.#leaders.get(term);
    this.#check(known === undefined, () => `node ${host.id} is elected in term ${term}, after ${known}`);
    this.#leaders.set(term, host.id);
    this.#termMax = Math.max(this.#termMax, term);
    const clock = host.strictNow();
    this.#electedAt.set(term, clock);
    for (const [earlier, served] of this.#served) {
      this.#check(
        earlier >= term || served < clock,
        () => `term ${term} starts at ${clock}, term ${earlier} served at ${served}`,
      );
    }
    this.#checkComplete(host, term);
  }

  /** Votes may arrive late: a leader of a later term may have committed meanwhile. */
  #checkComplete(host: SimHost, term: number): void {
    for (const [index, entry] of this.#history) {
      if (entry.appliedIn >= term) continue;
      this.#check(index <= host.node.lastIndex, () => `the new leader of term ${term} lacks ${index}`);
      if (index <= host.log.truncated().index || index > Math.min(host.log.lastIndex(), host.node.stableIndex))
        continue;
      this.#check(host.log.term(index) === entry.term, () => `the new leader of term ${term} differs at ${index}`);
    }
  }

  /** Between every two events: what a leader believes about its lease, and its commit index. */
  rested(host: SimHost): boolean {
    if (host.node.role === 'leader') this.#checkCommit(host);
    this.#committedMax = Math.max(this.#committedMax, host.node.committed);
    if (host.node.role !== 'leader') return false;
    const until = host.node.leadSupportUntil();
    const now = host.now();
    const { term } = host.node;
    if (until > now) this.#served.set(term, Math.max(this.#served.get(term) ?? 0, now));
    if (term < this.#termMax && until > 0) {
      for (const [laterTerm, clock] of this.#electedAt) {
        this.#check(
          laterTerm <= term || until < clock,
          () => `the lease of term ${term} lasts until ${until}, term ${laterTerm} began at ${clock}`,
        );
      }
    }
    return until > now;
  }

  #checkCommit(host: SimHost): void {
    const { term, committed } = host.node;
    const before = this.#commits.get(host.id);
    if (before !== undefined && before.term === term) {
      if (before.commit === committed) return;
      const entryTerm = host.node.termAt(committed);
      this.#check(
        // What another has committed may be learnt of it.
        entryTerm === null || entryTerm === term || committed <= this.#committedMax,
        () => `the leader of term ${term} commits entry ${committed} of term ${entryTerm} by counting`,
      );
    }
    this.#commits.set(host.id, { term, commit: committed });
  }

  proposed(text: string, proposal: Proposed): void {
    this.#proposed.set(text, proposal);
  }

  applied(host: SimHost, entry: Entry): void {
    const data = Buffer.from(entry.data);
    const text = `${entry.type}:${data.toString('hex')}`;
    const { digest } = host.applied;
    const conf = formatConf(host.applied.conf);
    const known = this.#history.get(entry.index);
    if (known === undefined) {
      this.#history.set(entry.index, { term: entry.term, text, digest, conf, appliedIn: host.node.term });
    } else {
      this.#check(
        known.term === entry.term && known.text === text,
        () => `node ${host.id} applies another entry at ${entry.index}`,
      );
      this.#checkState(host, known);
    }
    const name = data.toString('latin1');
    const proposal = this.#proposed.get(name);
    if (proposal?.node === host.id && proposal.index === entry.index && proposal.term === entry.term) {
      this.#acknowledged.set(name, entry.index);
    }
  }

  installed(host: SimHost): void {
    const known = this.#history.get(host.applied.index);
    if (known === undefined) return;
    this.#check(known.term === host.applied.term, () => `node ${host.id} installs a snapshot of another history`);
    this.#checkState(host, known);
  }

  #checkState(host: SimHost, known: AppliedEntry): void {
    const { index, digest, conf } = host.applied;
    this.#check(digest === known.digest, () => `node ${host.id} has another state at ${index}`);
    this.#check(
      formatConf(conf) === known.conf,
      () => `node ${host.id} has the configuration ${formatConf(conf)} at ${index}, not ${known.conf}`,
    );
  }

  /** Log matching over the durable part of every log. */
  checkLogs(hosts: Iterable<SimHost>): void {
    const seen = new Map<string, string>();
    for (const host of hosts) {
      const { index: cut, term } = host.log.truncated();
      if (!host.up || host.node.stableIndex <= cut) continue;
      let previous = term;
      for (let i = cut + 1; i <= host.node.stableIndex; i++) {
        const entry = host.log.entries(i, i + 1, 1)![0]!;
        const key = `${i}/${entry.term}`;
        const value = `${previous}>${entry.type}:${Buffer.from(entry.data).toString('hex')}`;
        this.#check((seen.get(key) ?? value) === value, () => `logs differ at ${key}`);
        seen.set(key, value);
        previous = entry.term;
      }
    }
  }

  /** At rest: every member has applied the same, and everything acknowledged is part of it. */
  checkConverged(leader: SimHost, hosts: ReadonlyMap<NodeId, SimHost>, members: readonly NodeId[]): void {
    const { index, digest } = leader.applied;
    for (const id of members) {
      const { applied } = hosts.get(id)!;
      this.#check(
        applied.index === index && applied.digest === digest,
        () => `node ${id} is at ${applied.index}/${applied.digest} at rest, the leader at ${index}/${digest}`,
      );
    }
    for (const [text, at] of this.#acknowledged) {
      const entry = this.#history.get(at);
      this.#check(
        at <= index && entry?.text === `normal:${Buffer.from(text, 'latin1').toString('hex')}`,
        () => `${text} was acknowledged at ${at} and is lost`,
      );
    }
  }
}

function formatConf(conf: ConfState): string {
  return (
    `voters ${conf.voters.join()} outgoing ${conf.votersOutgoing.join()} learners ${conf.learners.join()} ` +
    `next ${conf.learnersNext.join()}${conf.autoLeave ? ' auto' : ''}`
  );
}
