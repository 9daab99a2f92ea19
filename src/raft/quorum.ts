/**
 * Quorums of simple and joint configurations. A joint decision needs a majority of both halves; an
 * empty half agrees with everything. Lists of voters hold a handful of ids, so insertion into a
 * scratch array is the fastest sort there is.
 */
import type { NodeId } from '../base/ids.js';
import type { ConfState } from './types.js';

export type VoteResult = 'won' | 'lost' | 'pending';

const scratch: number[] = [];

/** The largest value that a majority of `voters` has reached; Infinity if there are none. */
export function majorityValue(voters: readonly NodeId[], valueOf: (id: NodeId) => number): number {
  const count = voters.length;
  if (count === 0) return Infinity;
  for (let i = 0; i < count; i++) {
    const value = valueOf(voters[i]!);
    let at = i;
    while (at > 0 && scratch[at - 1]! < value) {
      scratch[at] = scratch[at - 1]!;
      at--;
    }
    scratch[at] = value;
  }
  return scratch[count >> 1]!;
}

/** The largest value that a quorum of the configuration has reached; 0 without any voter. */
export function quorumValue(conf: ConfState, valueOf: (id: NodeId) => number): number {
  const incoming = majorityValue(conf.voters, valueOf);
  const value =
    conf.votersOutgoing.length === 0 ? incoming : Math.min(incoming, majorityValue(conf.votersOutgoing, valueOf));
  return value === Infinity ? 0 : value;
}

function majorityVote(voters: readonly NodeId[], votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  if (voters.length === 0) return 'won';
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  const needed = (voters.length >> 1) + 1;
  if (granted >= needed) return 'won';
  return granted + missing >= needed ? 'pending' : 'lost';
}

export function voteResult(conf: ConfState, votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  const incoming = majorityVote(conf.voters, votes);
  const outgoing = majorityVote(conf.votersOutgoing, votes);
  if (incoming === outgoing) return incoming;
  return incoming === 'lost' || outgoing === 'lost' ? 'lost' : 'pending';
}
