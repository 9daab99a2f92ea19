/** Defects in ranges, leases, storage, clocks and liveness. */
import type { Defect } from './defect.js';

export const RANGE_DEFECTS: readonly Defect[] = [
  {
    name: 'read-after-lease',
    breaks: 'A leaseholder serves only while a quorum has promised it support.',
    patches: [
      {
        file: 'src/range/replica.ts',
        find: '!this.raft.transferring &&\n      now < this.raft.leadSupportUntil()',
        replace: '!this.raft.transferring',
      },
    ],
    options: { args: ['--faults', 'pause,partition', '--workloads', 'single-key'] },
  },
  {
    name: 'timestamp-cache-from-zero',
    breaks: 'A new leaseholder lets nobody write below what the old one may have read.',
    patches: [
      {
        file: 'src/range/replica.ts',
        find: 'this.tsCache = new TimestampCache(this.leaseStart);',
        replace: 'this.tsCache = new TimestampCache(0);',
      },
    ],
    options: {
      args: ['--faults', 'lease-transfer,split,crash,kill,delay,drift,jump', '--workloads', 'lists,registers'],
    },
  },
  {
    name: 'split-forgets-timestamp-cache',
    breaks: 'What was read in a range stays protected in the range that is split off.',
    patches: [
      {
        file: 'src/range/replica.ts',
        find: 'this.tsCache = new TimestampCache(this.leaseStart);',
        replace: 'this.tsCache = new TimestampCache(this.#appliedIndex === INITIAL_INDEX + 1 ? 0 : this.leaseStart);',
      },
    ],
    options: { args: ['--faults', 'split,delay,drift,jump', '--workloads', 'lists,registers'] },
  },
  {
    name: 'write-below-a-read',
    breaks: 'A write lands above every read of its key.',
    patches: [
      {
        file: 'src/range/eval/write.ts',
        find: 'let ts = tsCache.writeFloor(key, ctx.writeTs, txn.id);',
        replace: 'let ts = ctx.writeTs;',
      },
    ],
    options: { args: ['--workloads', 'lists,registers'] },
  },
  {
    name: 'uncertainty-dropped',
    breaks: 'A read sees what was acknowledged before it began, although by a clock that is ahead.',
    patches: [
      {
        file: 'src/range/eval/evaluate.ts',
        find: 'uncertaintyLimit = Math.min(txn.uncertaintyLimit, observed);',
        replace: 'uncertaintyLimit = Math.min(readTs, observed);',
      },
    ],
    // Every node has heard of a write, and of its time, before anybody reads: but one, to which all messages are
    // late, and which reads by a clock that is as far behind as it may be.
    options: {
      args: ['--faults', 'delay,jump', '--workloads', 'lists'],
      amplify: [
        {
          file: 'src/testing/sim/nemesis.ts',
          find: 'const target = random.between(-CLOCK_ERROR_US, CLOCK_ERROR_US);',
          replace: 'const target = random.chance(0.5) ? -CLOCK_ERROR_US : CLOCK_ERROR_US;',
        },
        {
          file: 'src/testing/sim/nemesis.ts',
          find: 'random.pick([2_000, 20_000, 300_000])',
          replace: 'random.pick([50_000, 150_000])',
        },
        {
          file: 'src/testing/sim/nemesis.ts',
          find: 'if (from !== to && random.chance(0.4)) links',
          replace: 'if (from !== to && to.index === 4) links',
        },
      ],
    },
  },
  {
    name: 'read-past-a-latch',
    breaks: 'A read waits for a write that is on its way below it.',
    patches: [
      {
        file: 'src/range/executor.ts',
        find: 'for (const key of footprint.readKeys) {\n      const held = latches.conflict(key, footprint.plainReads);\n      if (held !== null) return held;\n    }',
        replace: '',
      },
      {
        file: 'src/range/executor.ts',
        find: 'for (const span of footprint.readSpans) {\n      const held = latches.conflictSpan(span.start, span.end, footprint.plainReads);\n      if (held !== null) return held;\n    }',
        replace: '',
      },
    ],
    options: { args: ['--workloads', 'lists,registers,bank'] },
  },
  {
    name: 'lock-queue-reversed',
    breaks: 'A lock passes to whoever has waited longest.',
    patches: [
      {
        file: 'src/range/lock-table.ts',
        find: "insert(state, before < 0 || waiter.mode === 'none' ? state.queue.length : before, waiter);",
        replace: 'insert(state, 0, waiter);',
      },
    ],
    options: { args: ['--faults', ',', '--workloads', 'queue'] },
  },
  {
    name: 'lost-lock-unnoticed',
    breaks: 'A lock that was lost with its leaseholder is noticed by the commit that relies on it.',
    patches: [
      {
        file: 'src/range/eval/write.ts',
        find: 'if (request.exclusionSince !== 0 && newestTs > request.exclusionSince) {',
        replace: 'if (request.exclusionSince < 0) {',
      },
    ],
    options: {
      args: [
        '--faults',
        'lease-transfer,crash,kill,partition,pause,split',
        '--workloads',
        'lists,registers,counters,bank',
      ],
    },
  },
  {
    name: 'failed-sync-ignored',
    breaks: 'After a failed sync a node believes nothing to be durable, and stops.',
    patches: [
      {
        file: 'src/range/store.ts',
        find: '(error: unknown) => this.deps.onFatal(error),',
        replace:
          '() => {\n        for (const { replica, ready } of synced) {\n          this.#sendAll(replica, ready.messagesAfterSync);\n          replica.raft.stableTo(ready.stable!);\n          this.schedule(replica);\n        }\n        this.#flushOutbox();\n      },',
      },
      {
        file: 'src/range/store.ts',
        find: 'if (data.count > 0) this.engine.writeData(data);\n    if (after.length > 0)',
        replace:
          'try {\n      this.engine.writeData(data);\n    } catch (error) {\n      void error;\n    }\n    if (after.length > 0)',
      },
      {
        file: 'src/range/store-maintenance.ts',
        find: '.catch((error: unknown) => store.deps.onFatal(error))',
        replace: '.catch(() => undefined)',
      },
    ],
    options: { args: ['--faults', 'failing-disk,crash,kill,crash-all'] },
  },
  {
    name: 'applied-index-apart',
    breaks: 'The applied index is in the same batch as what was applied.',
    patches: [
      {
        file: 'src/range/replica.ts',
        find: 'writeApplied(batch, this.rangeId, this.#appliedIndex, this.#appliedTerm);',
        replace:
          'const apart = this.#store.engine.newBatch();\n    writeApplied(apart, this.rangeId, this.#appliedIndex, this.#appliedTerm);\n    this.#store.engine.writeData(apart);',
      },
    ],
    options: { args: ['--faults', 'crash,crash-all,crash-point,split'] },
  },
  {
    name: 'log-truncated-before-data-sync',
    breaks: 'The log is truncated only up to what is durable in the data.',
    patches: [
      {
        file: 'src/range/store-maintenance.ts',
        find: 'this.#checkpointing = store.engine\n      .syncData()',
        replace: 'this.#checkpointing = Promise.resolve()',
      },
    ],
    options: { args: ['--faults', 'crash,crash-all,crash-point'] },
  },
  {
    name: 'snapshot-without-locks',
    breaks: 'A snapshot holds intents and transaction records as well as versions.',
    patches: [
      {
        file: 'src/range/snapshots.ts',
        find: 'for (const span of dataSpans(descriptor)) {\n      let start = span.start;',
        replace:
          "for (const span of dataSpans(descriptor).filter((s) => s.family === 'versions')) {\n      let start = span.start;",
      },
    ],
    options: { args: ['--faults', 'crash,pause,partition,split,kill'] },
  },
  {
    name: 'checksum-ignored',
    breaks: 'Bytes that do not match their checksum are never returned.',
    patches: [
      {
        file: 'src/storage/memory-engine.ts',
        find: 'if (failure !== null) throw failure;\n    }\n    return this.#families[family];',
        replace:
          'if (failure !== null) {\n        const damaged = this.#families[family].clone();\n        for (const [key, value] of [...damaged.entries()]) {\n          const copy = Buffer.from(value);\n          if (copy.length > 1) copy[copy.length - 1]! ^= 1;\n          damaged.set(key, copy);\n        }\n        return damaged;\n      }\n    }\n    return this.#families[family];',
      },
    ],
    options: { args: ['--faults', 'flipped-bits'] },
  },
  {
    name: 'support-withdrawn-while-promised',
    breaks: 'Support is withdrawn only when the promised time has passed.',
    patches: [
      {
        file: 'src/cluster/store-liveness.ts',
        find: 'expiration: support.expiration,\n        wallUs,\n        echoWallUs: request.wallUs,',
        replace:
          'expiration: support.expiration === 0 ? 0 : support.expiration + 3_000_000,\n        wallUs,\n        echoWallUs: request.wallUs,',
      },
    ],
    options: { args: ['--faults', 'partition,one-way,bridge,pause', '--workloads', 'single-key'] },
  },
];
