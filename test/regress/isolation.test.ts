/** The parts of `npm run isolation` that need no server. */
import { describe, expect, it } from 'vitest';
import { compare, parseReasons, report } from '../../regress/isolation/compare.js';
import { parseSpec, permutationsOf, type Taken } from '../../regress/isolation/spec.js';
import type { Trace } from '../../regress/isolation/tester.js';

const SPEC = `# two sessions
setup { CREATE TABLE t (a int); }
setup { INSERT INTO t VALUES (1); -- no # comment
}
teardown { DROP TABLE t; }
session "s 1"
setup { BEGIN; }
step a1 { SELECT 1; }
step "a 2" { COMMIT; }
session s2
step b1 { SELECT 2; }
teardown { ROLLBACK; }
`;
const names = (permutations: readonly (readonly Taken[])[]): string[] =>
  permutations.map((taken) => taken.map(({ step }) => step.name).join(','));

describe('a specification', () => {
  it('has setups, sessions and steps', () => {
    const spec = parseSpec(SPEC);
    expect(spec.setups.map((sql) => sql.trim().split(' ')[0])).toEqual(['CREATE', 'INSERT']);
    expect(spec.setups[1]).toContain('# comment');
    expect(spec.teardown?.trim()).toBe('DROP TABLE t;');
    expect(spec.sessions.map(({ name, setup, teardown }) => [name, setup?.trim(), teardown?.trim()])).toEqual([
      ['s 1', 'BEGIN;', undefined],
      ['s2', undefined, 'ROLLBACK;'],
    ]);
    expect(spec.sessions[1]!.steps).toEqual([{ name: 'b1', sql: ' SELECT 2; ', session: 1 }]);
  });

  it('without permutations has every interleaving, of which some are chosen', () => {
    const spec = parseSpec(SPEC);
    expect(names(permutationsOf(spec, 10))).toEqual(['a1,a 2,b1', 'a1,b1,a 2', 'b1,a1,a 2']);
    expect(names(permutationsOf(spec, 2))).toEqual(['a1,a 2,b1', 'a1,b1,a 2']);
  });

  it('names permutations with markers', () => {
    const spec = parseSpec(`${SPEC}permutation a1 b1(*, "a 2") "a 2"(b1 notices 2)\npermutation b1`);
    expect(names(spec.permutations)).toEqual(['a1,b1,a 2', 'b1']);
    expect(spec.permutations[0]!.map(({ markers }) => markers)).toEqual([
      [],
      [{ kind: 'waits' }, { kind: 'step', step: 'a 2' }],
      [{ kind: 'notices', step: 'b1', count: 2 }],
    ]);
  });

  it('is refused where it is none', () => {
    expect(() => parseSpec('session s step a { SELECT 1')).toThrow('line 1: unexpected "{"');
    expect(() => parseSpec(`${SPEC}permutation c1`)).toThrow('there is no step "c1"');
    expect(() => parseSpec('session s\nstep a step b')).toThrow('a block was expected at "step"');
    expect(() => parseSpec(`${SPEC}step`)).toThrow('unexpected "step"');
  });
});

describe('two servers', () => {
  const [permutation] = permutationsOf(parseSpec(SPEC), 1);
  const trace = (...lines: string[]): Trace => ({ lines, sqlstates: [] });

  it('agree in everything but the words of errors', () => {
    const same = compare(
      'x',
      permutation!,
      trace('step a1:', '  ERROR 40001: a'),
      trace('step a1:', '  ERROR 40001: b'),
    );
    expect(same).toMatchObject({ permutation: 'a1 a 2 b1', difference: null });
    const waits = compare('x', permutation!, trace('step a1: waits', 'c'), trace('step a1:', 'c'));
    expect(waits.difference).toEqual(['step a1: waits', 'step a1:']);
    expect(compare('x', permutation!, trace('c'), trace('c', 'd')).difference).toEqual(['(nothing)', 'd']);
  });

  it('may differ where something is left out, and at SERIALIZABLE', () => {
    const refused = compare('x', permutation!, trace('c'), trace('  ERROR 0A000: no'));
    const serializable = compare('x', permutation!, trace('c'), trace('d'), true);
    expect(report([refused, serializable], [], false)).toMatchObject({ fails: false });
    expect(report([compare('x', permutation!, trace('c'), trace('  ERROR 23505: no'))], [], false).fails).toBe(true);
  });

  it('differ for a reason, or fail the run, as does a reason for nothing', () => {
    const differs = compare('x', permutation!, trace('c'), trace('d'));
    const agrees = compare('x', permutation!, trace('c'), trace('c'));
    const reasons = parseReasons('# why\nx\t*\tno triggers\n');
    expect(report([differs], [], false)).toMatchObject({ fails: true });
    expect(report([differs], reasons, false)).toMatchObject({ fails: false });
    expect(report([agrees], reasons, false).text).toContain('a reason for no difference: x\t*');
    // What was not run needs no difference.
    expect(report([agrees], parseReasons('x\tb1\tnot run\ny\t*\tnor this'), false)).toMatchObject({ fails: false });
    expect(report([differs], reasons, true).text).toContain('(no triggers)');
    expect(() => parseReasons('x\t*')).toThrow('line 1');
  });
});
