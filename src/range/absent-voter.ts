/**
 * Votes for ranges that this store should hold and does not: they were split off while it was away, and the
 * log that says so is truncated. The replica comes by a snapshot, but only a leader sends one, and
 * if another replica is gone as well the range elects none without this vote.
 *
 * Nothing of the range is here, so its log is the one that every range begins with: whoever asks is up to
 * date. What counts is the hard state: a vote is durable before it leaves, under the keys that the replica
 * reads when it comes, so that nobody gets two votes in one term.
 *
 * Invariants
 * - Asked only when the range has been unknown for a while: a split about to be applied brings the replica itself.
 * - Forgotten when the replica comes. A vote still on its way to the disk is never sent then; the replica may
 *   give another in that term.
 * Bounded: beyond VOTERS_MAX the oldest is forgotten, which loses nothing durable.
 */
import type { RangeId } from '../base/ids.js';
import { EMPTY_CONF } from '../raft/conf-change.js';
import { RaftLog } from '../raft/log-storage.js';
import { RaftNode } from '../raft/node.js';
import type { RangeMessage } from '../raft/raft-codec.js';
import type { RaftMessage } from '../raft/types.js';
import { INITIAL_INDEX, INITIAL_TERM, logSink } from './range-state.js';
import { initialState } from './replica.js';
import type { StoreContext } from './store-context.js';

const VOTERS_MAX = 256;

interface AbsentVoter {
  readonly raft: RaftNode;
  readonly log: RaftLog;
}

export interface AbsentVotersDependencies {
  readonly store: StoreContext;
  readonly send: (rangeId: RangeId, messages: readonly RaftMessage[]) => void;
  readonly onFatal: (error: unknown) => void;
}

export function isVoteRequest(message: RaftMessage): boolean {
  return message.type === 'vote' || message.type === 'pre-vote';
}

export class AbsentVoters {
  readonly #deps: AbsentVotersDependencies;
  readonly #voters = new Map<RangeId, AbsentVoter>();

  constructor(deps: AbsentVotersDependencies) {
    this.#deps = deps;
  }

  has(rangeId: RangeId): boolean {
    return this.#voters.has(rangeId);
  }

  /** A vote was asked for in a later term than this: who leads in this one need not be answered. */
  beyond(rangeId: RangeId, term: number): boolean {
    return (this.#voters.get(rangeId)?.raft.term ?? 0) > term;
  }

  /** The replica is there. */
  forget(rangeId: RangeId): void {
    this.#voters.delete(rangeId);
  }

  answer({ rangeId, message }: RangeMessage): void {
    let voter = this.#voters.get(rangeId);
    if (voter === undefined) {
      voter = this.#open(rangeId);
      for (const oldest of this.#voters.keys()) {
        if (this.#voters.size < VOTERS_MAX) break;
        this.#voters.delete(oldest);
      }
      this.#voters.set(rangeId, voter);
    }
    voter.raft.step(message);
    this.#process(rangeId, voter);
  }

  #open(rangeId: RangeId): AbsentVoter {
    const { engine, liveness, env, hlc, nodeId } = this.#deps.store;
    const log = new RaftLog({
      rangeId,
      conf: EMPTY_CONF,
      applied: () => INITIAL_INDEX,
      appliedTerm: INITIAL_TERM,
      store: {
        get: (key) => engine.get('log', key) ?? initialState(rangeId, key),
        scan: (start, end, limitBytes) => engine.scan({ family: 'log', start, end, limitBytes }),
      },
    });
    const raft = new RaftNode({
      id: nodeId,
      storage: log,
      liveness,
      random: () => env.rng.next(),
      now: () => hlc.now(),
      electionTicks: 10,
      heartbeatTicks: 2,
      maxInflightMessages: 1,
      maxInflightBytes: 1,
      maxEntriesBytesPerMessage: 1,
      maxUncommittedBytes: 1,
      applied: INITIAL_INDEX,
    });
    return { raft, log };
  }

  #process(rangeId: RangeId, voter: AbsentVoter): void {
    const { engine } = this.#deps.store;
    while (voter.raft.hasReady()) {
      const ready = voter.raft.ready();
      this.#deps.send(rangeId, ready.messagesNow);
      if (ready.stable === null) continue;
      const batch = engine.newBatch();
      voter.log.append(ready, logSink(batch));
      engine.writeLog(batch).then(
        () => {
          if (this.#voters.get(rangeId) !== voter) return;
          this.#deps.send(rangeId, ready.messagesAfterSync);
          voter.raft.stableTo(ready.stable!);
          this.#process(rangeId, voter);
        },
        (error: unknown) => this.#deps.onFatal(error),
      );
    }
  }
}
