/** Quorums and configuration changes against obviously correct models. */
import { describe, expect, it } from 'vitest';
import { changeConf, EMPTY_CONF } from '../../src/raft/conf-change.js';
import { quorumValue, voteResult } from '../../src/raft/quorum.js';
import type { ConfState } from '../../src/raft/types.js';
import { SimRandom as Random } from '../../src/env/sim/random.js';

function subset(random: Random): number[] {
  return [1, 2, 3, 4, 5, 6, 7].filter(() => random.chance(0.5));
}

function hasMajority(voters: readonly number[], yes: (id: number) => boolean): boolean {
  return voters.length === 0 || voters.filter(yes).length * 2 > voters.length;
}

describe('quorums', () => {
  it('commit and vote as a majority of both halves does', () => {
    const random = new Random(1);
    for (let i = 0; i < 3000; i++) {
      const conf: ConfState = {
        ...EMPTY_CONF,
        voters: subset(random),
        votersOutgoing: random.chance(0.5) ? subset(random) : [],
      };
      const match = new Map([1, 2, 3, 4, 5, 6, 7].map((id) => [id, random.int(9)]));
      const both = (yes: (id: number) => boolean): boolean =>
        hasMajority(conf.voters, yes) && hasMajority(conf.votersOutgoing, yes);
      let expected = 0;
      if (conf.voters.length + conf.votersOutgoing.length > 0) {
        for (let value = 0; value < 9; value++) if (both((id) => match.get(id)! >= value)) expected = value;
      }
      expect(quorumValue(conf, (id) => match.get(id)!)).toBe(expected);
      const votes = new Map<number, boolean>();
      for (let id = 1; id <= 7; id++) if (random.chance(0.7)) votes.set(id, random.chance(0.6));
      const result = voteResult(conf, votes);
      const won = both((id) => votes.get(id) === true);
      const possible = both((id) => votes.get(id) !== false);
      expect(result).toBe(won ? 'won' : possible ? 'pending' : 'lost');
    }
  });

  it('adjacent configurations overlap in every pair of quorums', () => {
    const random = new Random(2);
    const kinds = ['add-voter', 'add-learner', 'remove'] as const;
    let conf: ConfState = { ...EMPTY_CONF, voters: [1, 2, 3] };
    let joints = 0;
    for (let i = 0; i < 2000; i++) {
      const changes = [1, 2, 3, 4, 5, 6]
        .filter(() => random.chance(0.3))
        .map((node) => ({ kind: random.pick(kinds), node }));
      const transition = random.pick(['auto', 'joint-implicit', 'joint-explicit'] as const);
      const leave = conf.votersOutgoing.length > 0;
      const result = changeConf(conf, {
        changes: leave ? [] : changes,
        transition,
        context: new Uint8Array(0),
      });
      if (!result.ok) continue;
      const next = result.conf;
      if (next.votersOutgoing.length > 0) joints++;
      const wins = (c: ConfState, members: number): boolean => {
        const yes = (id: number): boolean => (members >> id) % 2 === 1;
        return hasMajority(c.voters, yes) && hasMajority(c.votersOutgoing, yes);
      };
      const all = 0b1111110;
      for (let members = 0; members <= all; members += 2) {
        expect(wins(conf, members) && wins(next, all & ~members)).toBe(false);
      }
      for (const id of next.learners) expect(next.voters).not.toContain(id);
      for (const id of next.learners) expect(next.votersOutgoing).not.toContain(id);
      conf = next;
    }
    expect(joints).toBeGreaterThan(50);
  });
});
