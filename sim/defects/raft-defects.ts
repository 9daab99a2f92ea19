/** Defects in consensus and its log, found by the simulation of the Raft core alone. */
import type { Defect, DefectOptions } from './defect.js';

const RAFT: DefectOptions = { kind: 'raft' };

export const RAFT_DEFECTS: readonly Defect[] = [
  {
    name: 'vote-forgotten-over-restart',
    breaks: 'A replica votes once in a term, whatever happens to its process.',
    patches: [{ file: 'src/raft/core.ts', find: 'this.vote = hard.vote;', replace: 'this.vote = 0;' }],
    options: RAFT,
  },
  {
    name: 'vote-before-sync',
    breaks: 'A vote leaves only when it is durable.',
    patches: [
      {
        file: 'src/raft/elections.ts',
        find: 'core.messagesAfterSync.push(makeMessage(response, core.id, message.from, term, fields));',
        replace: 'core.messagesNow.push(makeMessage(response, core.id, message.from, term, fields));',
      },
    ],
    options: RAFT,
  },
  {
    name: 'learner-in-quorum',
    breaks: 'Learners count in no majority.',
    patches: [
      {
        file: 'src/raft/quorum.ts',
        find: 'const incoming = majorityValue(conf.voters, valueOf);',
        replace: 'const incoming = majorityValue([...conf.voters, ...conf.learners], valueOf);',
      },
    ],
    options: RAFT,
  },
  {
    name: 'old-term-committed-by-counting',
    breaks: 'A leader commits entries of earlier terms only together with one of its own (figure 8 of the paper).',
    patches: [
      {
        file: 'src/raft/replication.ts',
        find: 'if (index <= core.log.committed || core.log.term(index) !== core.term) return false;',
        replace: 'if (index <= core.log.committed) return false;',
      },
    ],
    options: RAFT,
  },
  {
    name: 'append-without-match',
    breaks: 'A follower takes entries only behind an entry that it has in common with the leader.',
    patches: [
      {
        file: 'src/raft/log-view.ts',
        find: 'if (!this.matchTerm(previous, previousTerm)) return null;',
        replace: 'if (previous > this.lastIndex) return null;',
      },
    ],
    options: RAFT,
  },
  {
    name: 'append-answered-before-sync',
    breaks: 'A follower confirms entries only when they are durable.',
    patches: [
      {
        file: 'src/raft/replication.ts',
        find: "core.sendAfterSync('app-resp', message.from, { index: last, commit: log.committed });",
        replace: "core.sendNow('app-resp', message.from, { index: last, commit: log.committed });",
      },
    ],
    options: RAFT,
  },
  {
    name: 'entry-applied-twice',
    breaks: 'Every entry is handed out for applying once.',
    patches: [
      {
        file: 'src/raft/log-view.ts',
        find: 'this.#applying += entries.length;',
        replace: 'this.#applying += Math.max(1, entries.length - 1);',
      },
    ],
    options: RAFT,
  },
  {
    name: 'stale-snapshot-accepted',
    breaks: 'A snapshot never takes a replica back.',
    patches: [
      { file: 'src/raft/replication.ts', find: 'if (snapshot.index <= log.committed) return;', replace: '' },
      {
        file: 'src/raft/log-view.ts',
        find: "assert(snapshot.index > this.#committed, 'a snapshot must not go back');",
        replace: '',
      },
    ],
    options: RAFT,
  },
  {
    name: 'applied-without-state',
    breaks: 'Nothing is applied to a state that was lost.',
    patches: [
      {
        file: 'src/raft/log-view.ts',
        find: 'return !this.#stateless && this.#snapshot === null',
        replace: 'return this.#snapshot === null',
      },
    ],
    options: RAFT,
  },
  {
    name: 'snapshot-inside-log-refused',
    breaks: 'A replica whose log is whole and whose state is gone gets a state (simulator seed 6885).',
    patches: [
      {
        file: 'src/raft/replication.ts',
        find: 'if (snapshot.index <= log.committed || log.matchTerm(snapshot.index, snapshot.term)) {',
        replace: 'if (snapshot.index > log.committed && log.matchTerm(snapshot.index, snapshot.term)) {',
      },
    ],
    options: RAFT,
  },
  {
    name: 'transfer-keeps-lease',
    breaks: 'A leader that has told another to campaign never serves under that lease again.',
    patches: [
      {
        file: 'src/raft/leases.ts',
        find: "if (core.role !== 'leader' || core.transferee !== 0 || core.leaseVoid) return 0;",
        replace: "if (core.role !== 'leader') return 0;",
      },
    ],
    options: RAFT,
  },
  {
    name: 'vote-despite-promise',
    breaks: 'A follower that has promised its leader support helps nobody else to be elected.',
    patches: [{ file: 'src/raft/elections.ts', find: 'return inLease(core);', replace: 'return false;' }],
    options: RAFT,
  },
];
