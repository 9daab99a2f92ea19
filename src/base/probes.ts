/**
 * Places in the code that a test may want to know of: marks say that a rare branch was taken, crash
 * points are moments at which a node's death is interesting. In production nobody listens, and a
 * probe costs one comparison.
 *
 * A mark says nothing about the state and must not change it. The hook of a crash point may declare
 * the node's whole environment dead and return: the code behind it runs on, and whatever it does has
 * no effect any more. So a crash point stands where code runs anyway, never behind an `await` of its own.
 *
 * One set of hooks per process: a simulation runs alone in its own.
 */
import type { NodeId } from './ids.js';

/** What it means that a mark was reached. */
export const MARKS = Object.freeze({
  'staging-recovery-commits': 'A transaction left STAGING was recovered, and all its writes were there.',
  'staging-recovery-aborts': 'A transaction left STAGING was recovered, and one of its writes was missing.',
  'staging-met-alive': 'A push found a STAGING record whose coordinator may still be at work.',
  'staging-repeated':
    'A coordinator staged again at a later timestamp, because a write could not be made at the first.',
  'staging-after-recovery': 'A coordinator staged once more when others had committed it already.',
  'staging-failed': 'A coordinator had to ask the record what became of a staging that failed.',
  'ambiguous-result': 'A client is told that nobody knows the outcome of its transaction.',
  'one-phase-commit': 'A transaction committed in one proposal.',
  'one-phase-answer-lost': 'The answer to a one-phase commit was lost.',
  'parallel-commit': 'A transaction was committed by its STAGING record and all of its writes.',
  'commit-falls-back-from-parallel':
    'A write landed above the staged timestamp, so the record was made COMMITTED explicitly.',
  'explicit-commit-pushed': 'The record had been pushed beyond an explicit commit, which moved up.',
  'push-honoured-at-commit': 'A commit moved above the timestamp to which a reader had pushed its record.',
  'replay-of-a-committed-command': 'The end of a transaction was delivered once more when its record said COMMITTED.',
  'record-collected-then-asked': 'Somebody asked for the end of a transaction whose record was collected.',
  'repeated-put-overtaken': 'A put was delivered when a later one of the same transaction was there.',
  'record-decided-by-another': 'The clean-up of a transaction found that somebody else had decided it.',
  'heartbeat-finds-aborted': 'A coordinator learnt from its heartbeat that its transaction was aborted.',
  'pushed-timestamp': 'A reader pushed a transaction above its own timestamp.',
  'pushed-abort': 'A waiter ended an abandoned transaction.',
  'abandoned-transaction-expired': 'A pushed transaction had given no sign of life for too long.',
  'dead-coordinator-pushed': 'A pushed transaction belonged to a node that is or was down.',
  'deadlock-broken': 'A cycle of waiting transactions was broken.',
  'lock-wait-cancelled': 'A request was cancelled while it waited for a lock.',
  'lock-passed-to-next': 'A released lock was reserved for the next in its queue.',
  'lost-lock-noticed': 'A write found that its unreplicated lock had been lost and the key written by another.',
  'reader-waits-for-intent': 'A plain read met an intent that it might have to see.',
  'waiter-resolves-intent': 'A waiter resolved the intent of a transaction whose end it had found out.',
  'uncertainty-restart': 'A read met a version within the uncertainty of the clocks.',
  'read-bumped-in-server': 'A leaseholder moved the timestamp of a first read itself.',
  'refresh-succeeds': 'A transaction moved its snapshot after all that it had read was verified.',
  'refresh-fails': 'A transaction could not move its snapshot.',
  'timestamp-cache-pushed-writer': 'A write moved above a read of its key.',
  'write-above-newer-version': 'A write moved above a newer version of its key.',
  'spilled-writes': 'A transaction wrote intents before its commit.',
  'savepoint-rolled-back-intents': 'A rollback to a savepoint made intents void.',
  'transaction-retried-in-server': 'A transaction was run again without its client noticing.',
  'statement-retried-in-server': 'READ COMMITTED ran a statement again without its client noticing.',
  'deferred-unique-violation': 'A unique key was found taken only at the commit.',
  'answer-lost-and-sent-again': 'A request whose answer was lost was sent again, because that is safe.',
  'split-races-a-write': 'A split waited for a write that was on its way.',
  'range-split-applied': 'A replica applied a split.',
  'split-inherits-locks': 'The first leaseholder of a new range went on with locks of the old one.',
  'message-before-split': 'A message came for a range that was not split off here yet.',
  'ambiguous-split': 'Nobody told whether a split had been committed.',
  'rerouted-by-leaseholder': 'A request addressed keys that its range holds no more.',
  'snapshot-overtakes-log': 'A snapshot was sent because the log that a follower needs was truncated.',
  'snapshot-applied': 'A replica jumped to the state of a snapshot.',
  'snapshot-asked-for': 'A replica without whole data asked for a snapshot.',
  'snapshot-obsolete': 'What a snapshot would bring was there already.',
  'proposal-superseded': 'Another entry was applied in the place of a proposal.',
  'proposal-lost-with-lease': 'A new lease began, so proposals of earlier terms were certainly lost.',
  'proposal-orphaned': 'The fate of a proposal stayed unknown after the leadership was lost.',
  'lease-lost-during-evaluation': 'A command was evaluated, but its lease ended before it was proposed.',
  'lease-taken-while-old-unexpired': 'A leader was elected by transfer while support for the old one still ran.',
  'vote-refused-by-promise': 'A voter ignored a candidate because of its promise to the leader.',
  'election-lost-by-pre-vote': 'A campaign ended in its pre-vote.',
  'election-lost': 'A candidate lost its election.',
  'check-quorum-step-down': 'A leader stepped down because it heard from no quorum.',
  'commit-learnt-from-vote': 'A replica learnt from a vote how much is committed.',
  'append-conflict-truncates-log': 'A follower replaced entries of an older leader.',
  'append-refused': 'A follower refused an append that does not fit its log.',
  'transfer-leadership': 'A leader began to hand over.',
  'transfer-abandoned': 'The leadership was not taken over in time.',
  'request-waits-at-gate': 'A request waited because the lease was about to move.',
  quiesced: 'A range fell asleep.',
  unquiesced: 'A sleeping range was woken.',
  'support-withdrawn': 'A store withdrew its support for another.',
  'support-epoch-raised': 'A store learnt that it must ask for support under a higher epoch.',
  'liveness-withdrawal-put-off': 'A store that had stalled put off withdrawing its support.',
  'rpc-link-lost-with-calls': 'A connection between nodes broke while calls were waiting for their answers.',
  'rpc-call-lost': 'A call or its answer was lost while the connection between the nodes stayed up.',
  'clock-refused-frame': 'A frame was refused because its clock is too far ahead.',
  'node-stopped-by-clock-offset': 'A node stopped because its clock disagrees with a majority.',
  'clock-bound-passed': 'The clock passed its persisted bound.',
  'restart-with-log-replay': 'A replica started with entries in its log that it had to apply again.',
  'restart-ahead-of-log': 'A replica started with more applied than its log holds.',
  'restart-inside-snapshot': 'A replica started inside the installation of a snapshot.',
  'disk-full-refused': 'A node stopped because its disk is full.',
  'log-write-failed': 'A node stopped because its disk failed.',
  'corruption-detected': 'What was read back did not match its checksum.',
} as const);

/** What the node has done when it passes a crash point. */
export const CRASH_POINTS = Object.freeze({
  'before-one-phase': 'The coordinator is about to send a one-phase commit.',
  'after-one-phase-before-answer': 'A one-phase commit has been answered to the coordinator, the client knows nothing.',
  'before-stage': 'The coordinator is about to send the writes and the STAGING record.',
  'after-part-answered': 'One range of several has answered the coordinator.',
  'after-staged-before-answer': 'Everything is staged, the client knows nothing.',
  'after-answer-before-explicit': 'The client is being answered, the record says STAGING.',
  'before-explicit': 'The coordinator is about to make the record COMMITTED.',
  'after-explicit-before-answer': 'The record says COMMITTED, the client knows nothing.',
  'before-rollback-record': 'The coordinator is about to make the record ABORTED after a failed staging.',
  'before-spill': 'The coordinator is about to send writes as intents.',
  'after-spill': 'A part of the writes is there as intents.',
  'before-resolve': 'The coordinator is about to resolve intents.',
  'between-resolves': 'Some intents are resolved, others are not.',
  'after-resolve-before-record': 'All intents are resolved, the record is still there.',
  'before-record-removed': 'The record is about to be removed.',
  'before-recovery-questions': 'Somebody is about to ask whether the writes of a staged transaction are there.',
  'after-recovery-questions': 'The writes of a staged transaction have been asked for, its record is not decided.',
  'before-split-commit': 'A split is about to be committed.',
  'after-split-commit': 'A split is committed, its coordinator has not noted the new ranges.',
  'after-evaluation-before-proposal': 'A command is evaluated and not proposed.',
  'after-proposal': 'A command is proposed and nothing of it is written.',
  'after-split-proposed': 'A split is proposed and nothing of it is written.',
  'before-append': 'A turn of the store has applied its commands and not written its log.',
  'after-append-before-sync': 'The log is handed to the disk and not synced.',
  'after-sync-before-answer': 'The log is synced and nobody knows.',
  'after-apply-before-effects': 'Commands are applied in the data and not in the memory of the leaseholder.',
  'after-apply-before-reply': 'A command is applied and not answered.',
  'during-split-apply': 'A split is in the data and the new replica not in memory.',
  'before-log-truncation': 'The data are synced and the log behind them not truncated.',
  'before-snapshot-clear': 'The data of a replica are about to be deleted for a snapshot.',
  'during-snapshot-apply': 'A part of a snapshot is written.',
  'before-snapshot-sync': 'A snapshot is written and not synced.',
  'after-snapshot-sync': 'A snapshot is synced and Raft does not know of it.',
  'after-lease-began': 'A lease has begun.',
  'before-vote-for-self': 'A candidate is about to persist its vote for itself.',
  'before-vote': 'A voter is about to persist its vote.',
  'before-fortify': 'A follower is about to persist its promise to its leader.',
  'before-timeout-now': 'A leader is about to tell its successor to campaign.',
  'before-liveness-persist': 'Promises of support are about to be written.',
  'after-liveness-persist': 'Promises of support are written and not sent.',
} as const);

export type MarkName = keyof typeof MARKS;
export type CrashPointName = keyof typeof CRASH_POINTS;

export interface ProbeHooks {
  readonly onMark: (name: MarkName) => void;
  readonly onCrashPoint: (name: CrashPointName, nodeId: NodeId) => void;
}

let onMark: ProbeHooks['onMark'] | null = null;
let onCrashPoint: ProbeHooks['onCrashPoint'] | null = null;

export function installProbes(hooks: ProbeHooks): void {
  onMark = hooks.onMark;
  onCrashPoint = hooks.onCrashPoint;
}

export function removeProbes(): void {
  onMark = null;
  onCrashPoint = null;
}

export function mark(name: MarkName): void {
  if (onMark !== null) onMark(name);
}

export function crashPoint(name: CrashPointName, nodeId: NodeId): void {
  if (onCrashPoint !== null) onCrashPoint(name, nodeId);
}
