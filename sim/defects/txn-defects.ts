/** Defects in the protocol of transactions. */
import type { Defect, DefectOptions, Patch } from './defect.js';

/** Transactions write intents as they go, which otherwise only large ones do. */
const SPILL_AT_ONCE: readonly Patch[] = [
  { file: 'src/txn/coordinator.ts', find: 'options.spillBytes ?? SPILL_BYTES', replace: '1' },
];

/** Writes are evaluated twice, or long after they were sent, while leases move between the steps of commits. */
const LATE_WRITES: DefectOptions = {
  args: ['--faults', 'late-delivery,lost-answer,lease-point,pause-point', '--workloads', 'lists,bank,index,set'],
};

export const TXN_DEFECTS: readonly Defect[] = [
  {
    name: 'refresh-skipped',
    breaks: 'A snapshot moves only after everything that was read is verified.',
    patches: [
      {
        file: 'src/txn/refresher.ts',
        find: 'const run = this.verify(attempt.spans.list(), attempt.readTs, target);',
        replace: 'const run = Promise.resolve();',
      },
    ],
    options: { args: ['--workloads', 'lists,registers'] },
  },
  {
    name: 'commit-moves-without-refresh',
    breaks: 'A commit above the staged timestamp is verified up to there.',
    patches: [
      {
        file: 'src/txn/committer.ts',
        find: 'await this.#verifyUpTo(writtenTs, writes);',
        replace: '',
      },
    ],
    options: { args: ['--workloads', 'lists,registers'] },
  },
  {
    name: 'intent-resolved-blindly',
    breaks: "What an intent becomes is decided by its transaction's record.",
    patches: [
      {
        file: 'src/range/lock-waiter.ts',
        find: 'const found = await this.#store.deps.pusher.push(pushee, pushing, this.#options.readTs);',
        replace: "const found: ResolvedTxn = { status: 'aborted', ts: 0, epoch: pushee.epoch, pendingAt: 0 };",
      },
    ],
  },
  {
    name: 'answered-before-last-prepare',
    breaks: 'A client hears of a commit only when every write is in place.',
    patches: [
      {
        file: 'src/txn/committer.ts',
        find: 'answer = await this.#runtime.router.send(this.#header(this.#mayMove(writes)), [...puts, end]);',
        replace:
          'void this.#runtime.router.send(this.#header(this.#mayMove(writes)), puts.slice(-1)).catch(() => undefined);\n        answer = await this.#runtime.router.send(this.#header(this.#mayMove(writes)), [...puts.slice(0, -1), end]);',
      },
    ],
  },
  {
    name: 'recovery-commits-with-a-write-missing',
    breaks: 'A recovered transaction is committed only if all its writes are found.',
    patches: [
      {
        file: 'src/txn/txn-pusher.ts',
        find: "committed = answers.responses.every((r) => r.kind === 'query-intent' && r.found);",
        replace: "committed = answers.responses.some((r) => r.kind === 'query-intent' && r.found);",
      },
    ],
    options: { args: ['--faults', 'crash-point,crash,kill,partition,reset,pause', '--workloads', 'lists,bank,set'] },
  },
  {
    name: 'push-not-honoured',
    breaks: 'A transaction commits above the readers that pushed it.',
    patches: [
      {
        file: 'src/range/eval/end-txn.ts',
        find: "if (record !== undefined && record.status === 'pending' && record.writeTs > ctx.writeTs) {",
        replace: "if (record !== undefined && record.status === 'pending' && record.writeTs < 0) {",
      },
      {
        file: 'src/range/eval/end-txn.ts',
        find: 'if (record !== undefined && record.writeTs > commitTs) {',
        replace: 'if (record !== undefined && record.writeTs < 0) {',
      },
    ],
    options: { args: ['--workloads', 'lists,registers,bank'], amplify: SPILL_AT_ONCE },
  },
  {
    name: 'spilled-writes-not-read',
    breaks: 'A transaction reads its own writes, wherever they are.',
    patches: [
      {
        file: 'src/range/eval/read.ts',
        find: "if (seen !== undefined) return { kind: 'get', value: seen, skipped: false };",
        replace: '',
      },
    ],
    options: { args: ['--workloads', 'lists,registers'], amplify: SPILL_AT_ONCE },
  },
  {
    name: 'savepoint-keeps-a-write',
    breaks: 'A rollback to a savepoint undoes every write behind it.',
    patches: [
      {
        file: 'src/txn/write-buffer.ts',
        find: 'this.#undo[this.#undo.length - 1]!.order > sequence) {',
        replace: 'this.#undo[this.#undo.length - 1]!.order > sequence + 1) {',
      },
    ],
    options: { args: ['--workloads', 'index'] },
  },
  {
    name: 'record-removed-before-intents',
    breaks: 'A record stays until every intent of its transaction is resolved.',
    patches: [
      {
        file: 'src/txn/cleanup-queue.ts',
        find: "await this.resolve(job.meta, 'committed', job.ts, job.keys, []);",
        replace: "void this.resolve(job.meta, 'committed', job.ts, job.keys, []).catch(() => undefined);",
      },
    ],
    options: { args: ['--faults', 'partition,pause,crash,kill,delay', '--workloads', 'lists,bank,set'] },
  },
  {
    name: 'repeated-put-moves-its-intent',
    breaks: 'A put that is delivered once more leaves its intent where it is counted on.',
    patches: [
      {
        file: 'src/range/eval/write.ts',
        find: 'if (earlier.sequence === request.sequence) {',
        replace: 'if (earlier.sequence === request.sequence && request.sequence < 0) {',
      },
    ],
    options: LATE_WRITES,
  },
  {
    name: 'ambiguous-reported-as-failure',
    breaks: 'A commit whose outcome nobody knows is reported as such.',
    patches: [
      {
        file: 'src/txn/txn-errors.ts',
        find: "new QuoralError('40003', 'the outcome of the transaction is unknown', {\n    retry: 'unknown',",
        replace: "new QuoralError('40001', 'the outcome of the transaction is unknown', {\n    retry: 'transaction',",
      },
    ],
    options: {
      args: ['--faults', 'crash,kill,reset,partition,pause,crash-point', '--workloads', 'lists,counters,set'],
    },
  },
  {
    name: 'shared-lock-not-verified',
    breaks: 'A lost lock is noticed at the commit, a shared one too.',
    patches: [
      {
        file: 'src/txn/lock-ledger.ts',
        find: "if (lock === 'share') this.#shared.add(key);",
        replace: "if (lock === 'share') return this.addMaybe(key);",
      },
    ],
    options: { args: ['--faults', 'lease-transfer,split,crash,kill,delay', '--workloads', 'references'] },
  },
  {
    name: 'deadlock-unnoticed',
    breaks: 'Every cycle of waiting transactions is broken.',
    patches: [
      {
        file: 'src/txn/deadlock-detector.ts',
        find: 'if (next.report.holder === target) return [...path, next];',
        replace: 'if (next.report.holder === target) return null;',
      },
    ],
    options: { args: ['--faults', ',', '--workloads', 'queue'] },
  },
  {
    name: 'as-of-ignores-intents',
    breaks: 'A read in the past waits for what may still commit below it.',
    patches: [
      {
        file: 'src/range/eval/standing.ts',
        find: 'return waitFor(ctx, lock, limit, window);',
        replace:
          'if (ctx.txn !== null && ctx.txn.uncertaintyLimit === ctx.txn.readTs) return false;\n  return waitFor(ctx, lock, limit, window);',
      },
    ],
    options: { args: ['--faults', 'crash-point,crash,kill,partition,pause', '--workloads', 'bank'] },
  },
];
