/**
 * Pure arithmetic of configurations: simple changes, entering and leaving a joint configuration.
 *
 * A simple change touches at most one voter, so old and new majorities overlap. Anything larger goes
 * through a joint configuration, in which both majorities decide. A voter that becomes a learner
 * stays a voter of the outgoing half and is kept in `learnersNext` until the joint is left.
 * All lists stay sorted: fan-out and encodings must not depend on the order of changes.
 */
import type { NodeId } from '../base/ids.js';
import type { ConfChange, ConfState } from './types.js';

export const EMPTY_CONF: ConfState = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

export function isJoint(conf: ConfState): boolean {
  return conf.votersOutgoing.length > 0;
}

/** Votes in either half. */
export function isVoter(conf: ConfState, id: NodeId): boolean {
  return conf.voters.includes(id) || conf.votersOutgoing.includes(id);
}

/** Every replica of the configuration, sorted. */
export function confMembers(conf: ConfState): NodeId[] {
  return sorted(new Set([...conf.voters, ...conf.votersOutgoing, ...conf.learners, ...conf.learnersNext]));
}

export function confVoters(conf: ConfState): NodeId[] {
  return sorted(new Set([...conf.voters, ...conf.votersOutgoing]));
}

export type ConfChangeResult =
  { readonly ok: true; readonly conf: ConfState } | { readonly ok: false; readonly reason: string };

/** The configuration after `change`, or why it makes no sense. Deterministic. */
export function changeConf(conf: ConfState, change: ConfChange): ConfChangeResult {
  if (change.changes.length === 0) return leaveJoint(conf);
  if (isJoint(conf)) return { ok: false, reason: 'the joint configuration must be left first' };
  const voters = new Set(conf.voters);
  const learners = new Set(conf.learners);
  const learnersNext = new Set<NodeId>();
  const touched = new Set<NodeId>();
  for (const { kind, node } of change.changes) {
    if (node <= 0) return { ok: false, reason: `node ${node} is not a node id` };
    if (touched.has(node)) return { ok: false, reason: `node ${node} is changed twice` };
    touched.add(node);
    switch (kind) {
      case 'add-voter':
        voters.add(node);
        learners.delete(node);
        break;
      case 'add-learner':
        if (voters.delete(node)) learnersNext.add(node);
        else learners.add(node);
        break;
      case 'remove':
        voters.delete(node);
        learners.delete(node);
        break;
    }
  }
  if (voters.size === 0) return { ok: false, reason: 'no voter would be left' };
  const joint = change.transition !== 'auto' || difference(conf.voters, voters) > 1;
  if (!joint) {
    for (const id of learnersNext) learners.add(id);
    return {
      ok: true,
      conf: { ...EMPTY_CONF, voters: sorted(voters), learners: sorted(learners) },
    };
  }
  return {
    ok: true,
    conf: {
      voters: sorted(voters),
      votersOutgoing: [...conf.voters],
      learners: sorted(learners),
      learnersNext: sorted(learnersNext),
      autoLeave: change.transition !== 'joint-explicit',
    },
  };
}

function leaveJoint(conf: ConfState): ConfChangeResult {
  if (!isJoint(conf)) return { ok: false, reason: 'there is no joint configuration to leave' };
  return {
    ok: true,
    conf: {
      ...EMPTY_CONF,
      voters: conf.voters,
      learners: sorted(new Set([...conf.learners, ...conf.learnersNext])),
    },
  };
}

function difference(before: readonly NodeId[], after: ReadonlySet<NodeId>): number {
  const kept = before.filter((id) => after.has(id)).length;
  return before.length - kept + (after.size - kept);
}

function sorted(ids: Iterable<NodeId>): NodeId[] {
  return [...ids].sort((a, b) => a - b);
}
