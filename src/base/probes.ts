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

/**
 * What it means that a mark was reached. `scripted`: too rare for a few hundred seeds (the same message late
 * and twice, with much in between), so this test, which sets it up, fails if it is not reached. `forbidden`: a branch that
 * makes good what must not happen, so that a simulated run in which it was taken fails.
 */
export const MARKS = Object.freeze([
  {
    name: 'staging-recovery-commits',
    meaning: 'A transaction left STAGING was recovered, and all its writes were there.',
  },
  {
    name: 'staging-recovery-aborts',
    meaning: 'A transaction left STAGING was recovered, and one of its writes was missing.',
  },
  { name: 'staging-met-alive', meaning: 'A push found a STAGING record whose coordinator may still be at work.' },
  {
    name: 'late-staging-stays',
    meaning: 'A staging was delivered once more, when its writes would have to land later.',
    scripted: 'test/range/scripts.test.ts',
  },
  {
    name: 'moved-intent-committed',
    meaning: 'An intent above its commit was the only trace of the write: it had been moved up after it was counted.',
    scripted: 'test/range/scripts.test.ts',
    forbidden: true,
  },
  {
    name: 'committed-intent-read',
    meaning: 'A read saw the intent of a transaction that was known to have committed, before it was a version.',
    scripted: 'test/range/scripts.test.ts',
  },
  {
    name: 'abandoned-record-swept',
    meaning: 'The record of a transaction whose process is gone was ended and removed.',
  },
  {
    name: 'late-void-stays-off',
    meaning: 'A write was rolled back to a savepoint once more, late, when a later write of the key was there.',
    scripted: 'test/range/scripts.test.ts',
  },
  {
    name: 'void-put-ignored',
    meaning: 'A write came once more, late, when a rollback to a savepoint had undone it.',
    scripted: 'test/range/scripts.test.ts',
  },
  {
    name: 'sent-before-lease',
    meaning: 'A write had been sent before the lease began under which it arrived, and had to be sent again.',
  },
  {
    name: 'collected-record-pushed',
    meaning: 'A record that was to be removed once more had been made anew by a push.',
    scripted: 'test/range/scripts.test.ts',
  },
  {
    name: 'staging-after-recovery',
    meaning: 'A coordinator staged once more when others had committed it already.',
    scripted: 'test/txn/serializability.test.ts',
  },
  { name: 'staging-failed', meaning: 'A coordinator had to ask the record what became of a staging that failed.' },
  { name: 'ambiguous-result', meaning: 'A client is told that nobody knows the outcome of its transaction.' },
  { name: 'one-phase-commit', meaning: 'A transaction committed in one proposal.' },
  { name: 'one-phase-answer-lost', meaning: 'The answer to a one-phase commit was lost.' },
  { name: 'parallel-commit', meaning: 'A transaction was committed by its STAGING record and all of its writes.' },
  {
    name: 'commit-falls-back-from-parallel',
    meaning: 'A write landed above the staged timestamp, so the record was made COMMITTED explicitly.',
  },
  { name: 'explicit-commit-pushed', meaning: 'The record had been pushed beyond an explicit commit, which moved up.' },
  {
    name: 'push-honoured-at-commit',
    meaning: 'A commit moved above the timestamp to which a reader had pushed its record.',
  },
  {
    name: 'replay-of-a-committed-command',
    meaning: 'The end of a transaction was delivered once more when its record said COMMITTED.',
  },
  {
    name: 'record-collected-then-asked',
    meaning: 'Somebody asked for the end of a transaction whose record was collected.',
    scripted: 'test/range/scripts.test.ts',
  },
  {
    name: 'repeated-put-overtaken',
    meaning: 'A put was delivered when a later one of the same transaction was there.',
    scripted: 'test/range/scripts.test.ts',
  },
  {
    name: 'repeated-put-stays',
    meaning: 'A put was delivered once more, and its intent stayed where a recovery may have found it.',
    scripted: 'test/range/scripts.test.ts',
  },
  {
    name: 'heartbeat-finds-aborted',
    meaning: 'A coordinator learnt from its heartbeat that its transaction was aborted.',
  },
  { name: 'pushed-timestamp', meaning: 'A reader pushed a transaction above its own timestamp.' },
  { name: 'pushed-abort', meaning: 'A waiter ended an abandoned transaction.' },
  {
    name: 'abandoned-transaction-expired',
    meaning: 'A pushed transaction had given no sign of life for too long.',
    scripted: 'test/range/scripts.test.ts',
  },
  { name: 'dead-coordinator-pushed', meaning: 'A pushed transaction belonged to a node that is or was down.' },
  { name: 'deadlock-broken', meaning: 'A cycle of waiting transactions was broken.' },
  { name: 'lock-wait-cancelled', meaning: 'A request was cancelled while it waited for a lock.' },
  { name: 'lock-passed-to-next', meaning: 'A waiter was told that its turn for a lock had come.' },
  { name: 'lock-shared', meaning: 'A transaction came to share a lock that another had.' },
  {
    name: 'sharer-waits-behind-writer',
    meaning: 'A shared lock was not to be had because a writer waited for it.',
    scripted: 'test/range/scripts.test.ts',
  },
  {
    name: 'existence-holder-passes-remover',
    meaning: "Who holds a row's existence passed one who waits for both it and the row.",
    scripted: 'test/range/scripts.test.ts',
  },
  {
    name: 'shared-lock-upgraded',
    meaning: 'The last sharer of a lock took it exclusively.',
    scripted: 'test/range/scripts.test.ts',
  },
  {
    name: 'upgrade-waits-for-sharers',
    meaning: 'A sharer that wants to write waited for the others.',
    scripted: 'test/range/scripts.test.ts',
  },
  {
    name: 'split-inherits-shared-locks',
    meaning: 'The right side of a split went on with a shared lock.',
    scripted: 'test/range/scripts.test.ts',
  },
  { name: 'abandoned-sharer-released', meaning: 'A waiter found that a sharer of the lock was over.' },
  {
    name: 'lost-lock-noticed',
    meaning: 'A write found that its unreplicated lock had been lost and the key written by another.',
  },
  { name: 'reader-waits-for-intent', meaning: 'A plain read met an intent that it might have to see.' },
  {
    name: 'waiter-resolves-intent',
    meaning: 'A waiter resolved the intent of a transaction whose end it had found out.',
  },
  { name: 'uncertainty-restart', meaning: 'A read met a version within the uncertainty of the clocks.' },
  { name: 'read-bumped-in-server', meaning: 'A leaseholder moved the timestamp of a first read itself.' },
  { name: 'refresh-succeeds', meaning: 'A transaction moved its snapshot after all that it had read was verified.' },
  { name: 'refresh-fails', meaning: 'A transaction could not move its snapshot.' },
  { name: 'timestamp-cache-pushed-writer', meaning: 'A write moved above a read of its key.' },
  { name: 'write-above-newer-version', meaning: 'A write moved above a newer version of its key.' },
  { name: 'spilled-writes', meaning: 'A transaction wrote intents before its commit.' },
  { name: 'savepoint-rolled-back-intents', meaning: 'A rollback to a savepoint made intents void.' },
  { name: 'transaction-retried-in-server', meaning: 'A transaction was run again without its client noticing.' },
  {
    name: 'statement-retried-in-server',
    meaning: 'READ COMMITTED ran a statement again without its client noticing.',
    scripted: 'test/testing/read-committed.test.ts',
  },
  { name: 'deferred-unique-violation', meaning: 'A unique key was found taken only at the commit.' },
  {
    name: 'answer-lost-and-sent-again',
    meaning: 'A request whose answer was lost was sent again, because that is safe.',
  },
  { name: 'split-races-a-write', meaning: 'A split waited for a write that was on its way.' },
  { name: 'range-split-applied', meaning: 'A replica applied a split.' },
  { name: 'split-inherits-locks', meaning: 'The first leaseholder of a new range went on with locks of the old one.' },
  { name: 'message-before-split', meaning: 'A message came for a range that was not split off here yet.' },
  { name: 'ambiguous-split', meaning: 'Nobody told whether a split had been committed.' },
  { name: 'rerouted-by-leaseholder', meaning: 'A request addressed keys that its range holds no more.' },
  {
    name: 'snapshot-overtakes-log',
    meaning: 'A snapshot was sent because the log that a follower needs was truncated.',
  },
  { name: 'snapshot-applied', meaning: 'A replica jumped to the state of a snapshot.' },
  { name: 'snapshot-asked-for', meaning: 'A replica without whole data asked for a snapshot.' },
  { name: 'read-past-intent', meaning: 'A range was looked up while its descriptor was being changed.' },
  {
    name: 'rewrite-pushed-by-recovery',
    meaning: 'A write over an own intent moved up, since a recovery had not found it.',
    scripted: 'test/range/scripts.test.ts',
  },
  { name: 'snapshot-inside-log', meaning: 'A replica without state took one of an index that its log holds.' },
  { name: 'commit-learnt-from-stateless', meaning: 'A leader learnt a commit of a replica without state.' },
  {
    name: 'old-intent-looked-after',
    meaning: 'An intent that had been there for long was asked after, unmet by anybody.',
  },
  {
    name: 'cleanup-tried-again',
    meaning: 'The intents of an ended transaction could not be resolved, and were later.',
  },
  { name: 'proposal-paced', meaning: 'A large proposal waited for a live follower that is behind.' },
  { name: 'snapshot-obsolete', meaning: 'What a snapshot would bring was there already.' },
  { name: 'proposal-superseded', meaning: 'Another entry was applied in the place of a proposal.' },
  {
    name: 'proposal-lost-with-lease',
    meaning: 'A new lease began, so proposals of earlier terms were certainly lost.',
    scripted: 'test/range/cluster.test.ts',
  },
  { name: 'proposal-orphaned', meaning: 'The fate of a proposal stayed unknown after the leadership was lost.' },
  {
    name: 'lease-lost-during-evaluation',
    meaning: 'A command was evaluated, but its lease ended before it was proposed.',
  },
  {
    name: 'lease-taken-while-old-unexpired',
    meaning: 'A leader was elected by transfer while support for the old one still ran.',
  },
  { name: 'vote-refused-by-promise', meaning: 'A voter ignored a candidate because of its promise to the leader.' },
  { name: 'election-lost-by-pre-vote', meaning: 'A campaign ended in its pre-vote.' },
  { name: 'election-lost', meaning: 'A candidate lost its election.' },
  { name: 'check-quorum-step-down', meaning: 'A leader stepped down because it heard from no quorum.' },
  { name: 'commit-learnt-from-vote', meaning: 'A replica learnt from a vote how much is committed.' },
  { name: 'append-conflict-truncates-log', meaning: 'A follower replaced entries of an older leader.' },
  { name: 'append-refused', meaning: 'A follower refused an append that does not fit its log.' },
  { name: 'transfer-leadership', meaning: 'A leader began to hand over.' },
  { name: 'transfer-abandoned', meaning: 'The leadership was not taken over in time.' },
  { name: 'request-waits-at-gate', meaning: 'A request waited because the lease was about to move.' },
  { name: 'quiesced', meaning: 'A range fell asleep.' },
  { name: 'unquiesced', meaning: 'A sleeping range was woken.' },
  { name: 'support-withdrawn', meaning: 'A store withdrew its support for another.' },
  { name: 'support-epoch-raised', meaning: 'A store learnt that it must ask for support under a higher epoch.' },
  { name: 'liveness-withdrawal-put-off', meaning: 'A store that had stalled put off withdrawing its support.' },
  {
    name: 'rpc-link-lost-with-calls',
    meaning: 'A connection between nodes broke while calls were waiting for their answers.',
  },
  {
    name: 'locks-loaded-in-pieces',
    meaning: 'A lease began over more intents than one turn reads.',
    scripted: 'test/range/pieces.test.ts',
  },
  { name: 'rpc-call-lost', meaning: 'A call or its answer was lost while the connection between the nodes stayed up.' },
  { name: 'clock-refused-frame', meaning: 'A frame was refused because its clock is too far ahead.' },
  { name: 'node-stopped-by-clock-offset', meaning: 'A node stopped because its clock disagrees with a majority.' },
  { name: 'clock-bound-passed', meaning: 'The clock passed its persisted bound.' },
  { name: 'restart-with-log-replay', meaning: 'A replica started with entries in its log that it had to apply again.' },
  { name: 'restart-ahead-of-log', meaning: 'A replica started with more applied than its log holds.' },
  {
    name: 'restart-inside-snapshot',
    meaning: 'A replica started inside the installation of a snapshot.',
    scripted: 'test/range/snapshots.test.ts',
  },
  { name: 'disk-full-refused', meaning: 'A node stopped because its disk is full.' },
  { name: 'log-write-failed', meaning: 'A node stopped because its disk failed.' },
  { name: 'corruption-detected', meaning: 'What was read back did not match its checksum.' },
] as const);

/** What the node has done when it passes a crash point. */
export const CRASH_POINTS = Object.freeze([
  { name: 'before-one-phase', meaning: 'The coordinator is about to send a one-phase commit.' },
  {
    name: 'after-one-phase-before-answer',
    meaning: 'A one-phase commit has been answered to the coordinator, the client knows nothing.',
  },
  { name: 'before-stage', meaning: 'The coordinator is about to send the writes and the STAGING record.' },
  { name: 'after-part-answered', meaning: 'One range of several has answered the coordinator.' },
  { name: 'after-staged-before-answer', meaning: 'Everything is staged, the client knows nothing.' },
  { name: 'after-answer-before-explicit', meaning: 'The client is being answered, the record says STAGING.' },
  { name: 'before-explicit', meaning: 'The coordinator is about to make the record COMMITTED.' },
  { name: 'after-explicit-before-answer', meaning: 'The record says COMMITTED, the client knows nothing.' },
  {
    name: 'before-rollback-record',
    meaning: 'The coordinator is about to make the record ABORTED after a failed staging.',
  },
  { name: 'before-spill', meaning: 'The coordinator is about to send writes as intents.' },
  { name: 'after-spill', meaning: 'A part of the writes is there as intents.' },
  { name: 'before-resolve', meaning: 'The coordinator is about to resolve intents.' },
  { name: 'between-resolves', meaning: 'Some intents are resolved, others are not.' },
  { name: 'after-resolve-before-record', meaning: 'All intents are resolved, the record is still there.' },
  { name: 'before-record-removed', meaning: 'The record is about to be removed.' },
  {
    name: 'before-recovery-questions',
    meaning: 'Somebody is about to ask whether the writes of a staged transaction are there.',
  },
  {
    name: 'after-recovery-questions',
    meaning: 'The writes of a staged transaction have been asked for, its record is not decided.',
  },
  { name: 'before-split-commit', meaning: 'A split is about to be committed.' },
  { name: 'after-split-commit', meaning: 'A split is committed, its coordinator has not noted the new ranges.' },
  { name: 'after-evaluation-before-proposal', meaning: 'A command is evaluated and not proposed.' },
  { name: 'after-proposal', meaning: 'A command is proposed and nothing of it is written.' },
  { name: 'after-split-proposed', meaning: 'A split is proposed and nothing of it is written.' },
  { name: 'before-append', meaning: 'A turn of the store has applied its commands and not written its log.' },
  { name: 'after-append-before-sync', meaning: 'The log is handed to the disk and not synced.' },
  { name: 'after-sync-before-answer', meaning: 'The log is synced and nobody knows.' },
  {
    name: 'after-apply-before-effects',
    meaning: 'Commands are applied in the data and not in the memory of the leaseholder.',
  },
  { name: 'after-apply-before-reply', meaning: 'A command is applied and not answered.' },
  { name: 'during-split-apply', meaning: 'A split is in the data and the new replica not in memory.' },
  { name: 'before-log-truncation', meaning: 'The data are synced and the log behind them not truncated.' },
  { name: 'before-snapshot-clear', meaning: 'The data of a replica are about to be deleted for a snapshot.' },
  { name: 'during-snapshot-apply', meaning: 'A part of a snapshot is written.' },
  { name: 'before-snapshot-sync', meaning: 'A snapshot is written and not synced.' },
  { name: 'after-snapshot-sync', meaning: 'A snapshot is synced and Raft does not know of it.' },
  { name: 'after-lease-began', meaning: 'A lease has begun.' },
  { name: 'before-vote-for-self', meaning: 'A candidate is about to persist its vote for itself.' },
  { name: 'before-vote', meaning: 'A voter is about to persist its vote.' },
  { name: 'before-fortify', meaning: 'A follower is about to persist its promise to its leader.' },
  { name: 'before-timeout-now', meaning: 'A leader is about to tell its successor to campaign.' },
  { name: 'before-liveness-persist', meaning: 'Promises of support are about to be written.' },
  { name: 'after-liveness-persist', meaning: 'Promises of support are written and not sent.' },
] as const);

export type MarkName = (typeof MARKS)[number]['name'];
export type CrashPointName = (typeof CRASH_POINTS)[number]['name'];

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
