/** Defects in SQL: constraints, indexes, snapshots of statements, retries. */
import type { Defect } from './defect.js';

export const SQL_DEFECTS: readonly Defect[] = [
  {
    name: 'unique-check-skipped',
    breaks: 'A key that must not exist is looked for before it is written.',
    patches: [
      {
        file: 'src/range/eval/write.ts',
        find: 'if (request.mustNotExist && newest !== null && newest.value !== null) {',
        replace: 'if (request.mustNotExist && newest !== null && newest.ts < 0) {',
      },
    ],
    options: { args: ['--workloads', 'unique'] },
  },
  {
    name: 'index-entry-not-written',
    breaks: 'An index has an entry for every row, and no other.',
    patches: [
      {
        file: 'src/sql/exec/row-writer.ts',
        find: 'if (newEntry !== null && (oldEntry !== newEntry || oldKey !== newKey)) txn.put(newEntry, index.entryOfRow(live));',
        replace: '',
      },
    ],
    options: { args: ['--workloads', 'index'] },
  },
  {
    name: 'retried-after-rows-went-out',
    breaks: 'A statement is run again only while nothing of its results has gone out.',
    patches: [
      {
        file: 'src/sql/session/transaction.ts',
        find: 'if (buffer.released || this.#host.signal.aborted) return false;',
        replace: 'if (this.#host.signal.aborted) return false;',
      },
    ],
    options: {
      args: ['--workloads', 'lists,registers,bank,index'],
      amplify: [
        {
          file: 'src/sql/session/buffering-sink.ts',
          find: 'export const BUFFER_MAX = 16 * 1024;',
          replace: 'export const BUFFER_MAX = 1;',
        },
      ],
    },
  },
  {
    name: 'change-does-not-wait-for-users',
    breaks: 'A schema change begins when no transaction uses what it changes.',
    patches: [
      {
        file: 'src/sql/catalog/catalog.ts',
        find: 'while (this.#usedByOthers(id, token)) {',
        replace: 'while (this.#usedByOthers(id, token) && token === null) {',
      },
    ],
    options: { args: ['--workloads', 'schema'] },
  },
  {
    name: 'change-not-told-to-nodes',
    breaks: 'Every node with a lease forgets what it has cached of an object before it changes.',
    patches: [
      {
        file: 'src/sql/catalog/schema-locks.ts',
        find: 'let pending = new Set(await this.#catalog.leaseholders());',
        replace: 'let pending = new Set<number>();',
      },
    ],
    options: { args: ['--workloads', 'schema'] },
  },
  {
    name: 'reference-without-lock',
    breaks: 'Below SERIALIZABLE whoever refers to a parent keeps it from being removed until the commit.',
    patches: [
      {
        file: 'src/sql/exec/foreign-key-checks.ts',
        find: "txn.isolation === 'serializable' ? 'none' : 'share';\n  // In",
        replace: "'none' as const;\n  // In",
      },
    ],
    options: { args: ['--faults', 'delay', '--workloads', 'references'] },
  },
];
