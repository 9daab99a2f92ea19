/**
 * Changes of the configuration: proposed one at a time by the leader, effective at each replica when
 * it applies the entry. A leader refuses to remove or demote itself: it must transfer first, because
 * the lease it serves under would end only when it applies its own removal. One that was elected during the
 * joint configuration that removes it makes way before that is left; if an entry of an earlier leader
 * removes it all the same, it steps down as it applies that.
 */
import { assert } from '../base/assert.js';
import { changeConf, confMembers, isJoint, isVoter } from './conf-change.js';
import type { RaftCore } from './core.js';
import { becomeFollower } from './elections.js';
import { broadcastFortify, releaseFromRemovedLeader } from './leases.js';
import { decodeConfChange, encodeConfChange } from './disk-codec.js';
import { appendOwn, maybeCommit, sendHeartbeat } from './replication.js';
import type { ConfChange, ConfState, Entry, ProposalRefusal } from './types.js';

const LEAVE: ConfChange = { changes: [], transition: 'auto', context: new Uint8Array(0) };

/** Why `change` cannot be proposed now; null if it can. */
export function confChangeObstacle(core: RaftCore, change: ConfChange): ProposalRefusal | null {
  if (core.pendingConfIndex > core.log.applied) return 'conf-change-pending';
  const result = changeConf(core.conf, change);
  if (!result.ok) {
    core.debug(() => `configuration change refused: ${result.reason}`);
    return isJoint(core.conf) && core.conf.autoLeave ? 'conf-change-pending' : 'conf-change-invalid';
  }
  if (result.conf.voters.includes(core.id)) return null;
  // To leave the joint configuration it makes way for an incoming voter, which is then the one to leave it.
  return change.changes.length === 0 ? 'conf-change-pending' : 'conf-change-invalid';
}

export function proposeChecked(core: RaftCore, change: ConfChange): Entry {
  const entry = appendOwn(core, 'conf-change', encodeConfChange(change));
  core.pendingConfIndex = entry.index;
  return entry;
}

export function applyChange(core: RaftCore, entry: Entry): ConfState {
  assert(entry.type === 'conf-change', 'not a configuration change');
  const result = changeConf(core.conf, decodeConfChange(entry.data));
  // The same decision on every replica: the change was proposed against another configuration.
  if (!result.ok) {
    core.debug(() => `configuration change at ${entry.index} void: ${result.reason}`);
    return core.conf;
  }
  if (core.role === 'leader') tellRemoved(core, result.conf);
  core.setConf(result.conf);
  core.leadSupportMax = 0;
  if (core.role !== 'leader') {
    releaseFromRemovedLeader(core, entry);
    if (core.role !== 'follower' && !isVoter(core.conf, core.id)) {
      becomeFollower(core, core.term, 0);
    }
    return core.conf;
  }
  if (!isVoter(core.conf, core.id)) {
    becomeFollower(core, core.term, 0);
    return core.conf;
  }
  // A smaller quorum may have been reached already; new peers need the log.
  maybeCommit(core);
  core.appendDirty = true;
  broadcastFortify(core);
  if (core.transferee !== 0 && !core.conf.voters.includes(core.transferee) && !core.leaseVoid) {
    core.transferee = 0;
  }
  return core.conf;
}

/** Those that go should learn of it: nobody sends them anything afterwards. */
function tellRemoved(core: RaftCore, next: ConfState): void {
  const staying = confMembers(next);
  for (const [id, progress] of core.progress) {
    if (id !== core.id && !staying.includes(id)) sendHeartbeat(core, id, progress);
  }
}

/** Leader: leaves a joint configuration that is to be left automatically, once it is applied. */
export function maybeAutoLeave(core: RaftCore): void {
  if (core.role !== 'leader' || !isJoint(core.conf) || !core.conf.autoLeave) return;
  if (core.transferee !== 0 || core.pendingConfIndex > core.log.applied) return;
  // Once it had left, nobody might be left who knows that it is so: see makeWay.
  if (!core.conf.voters.includes(core.id)) return;
  proposeChecked(core, LEAVE);
}
