/** What `implies` says against the truth: all rows of a small grid. */
import { beforeAll, expect, it } from 'vitest';
import type { ColumnDescriptor } from '../../../src/sql/catalog/descriptor.js';
import type { ExecContext } from '../../../src/sql/contract.js';
import { compileSync, layoutOf } from '../../../src/sql/exec/eval.js';
import { Run } from '../../../src/sql/exec/run.js';
import { initParser } from '../../../src/sql/parse/parser.js';
import { conjuncts } from '../../../src/sql/plan/expr.js';
import type { Expr } from '../../../src/sql/plan/expr.js';
import { expressionTree } from '../../../src/sql/plan/expression-tree.js';
import { implies } from '../../../src/sql/plan/implication.js';
import { bindOverTable } from '../../../src/sql/plan/index-expressions.js';
import type { Datum } from '../../../src/sql/types/datum.js';
import { OID } from '../../../src/sql/types/oids.js';
import { STORED_FORMAT } from '../../../src/sql/types/stored-format.js';

beforeAll(() => initParser());

const COLUMNS = [
  ['a', OID.int4],
  ['b', OID.int8],
  ['f', OID.bool],
  ['s', OID.varchar],
].map(([name, typeOid], i): ColumnDescriptor => ({
  id: i + 1,
  name: name as string,
  typeOid: typeOid as number,
  typmod: -1,
  nullable: true,
  defaultSql: null,
  identity: null,
  sequenceId: null,
  hidden: false,
  collation: null,
  missingText: null,
  dropped: false,
}));

const ROWS: readonly (readonly Datum[])[] = [null, 0, 1, 2, 3].flatMap((a) =>
  [null, 0n, 2n].flatMap((b) => [null, true, false].flatMap((f) => [null, 'a', 'B', 'c'].map((s) => [a, b, f, s]))),
);

const RUN = new Run({ parameters: [], format: STORED_FORMAT } as unknown as ExecContext);

function truth(e: Expr): (row: readonly Datum[]) => boolean {
  const compute = compileSync(e, layoutOf(COLUMNS))!;
  return (row) => compute(row, RUN) === true;
}

function picker(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
}

function condition(below: (n: number) => number, depth: number): string {
  const op = (): string => ['=', '<>', '<', '<=', '>', '>='][below(6)]!;
  const n = (): string => String(below(5) - 1);
  const part = (): string => condition(below, depth - 1);
  const simple: readonly (() => string)[] = [
    () => `a ${op()} ${n()}`,
    () => `a ${op()} ${n()}`,
    () => `${n()} ${op()} a`,
    () => `b ${op()} ${n()}`,
    () => `b ${op()} a`,
    () => `a + 1 ${op()} ${n()}`,
    () => `a IN (${n()}, ${n()})`,
    () => `a NOT IN (${n()}, ${n()})`,
    () => `a = ANY (ARRAY[${n()}, NULL, ${n()}])`,
    () => `a <> ALL (ARRAY[${n()}, ${n()}])`,
    () => `a BETWEEN ${n()} AND ${n()}`,
    () => 'f',
    () => 'NOT f',
    () => `f = ${['true', 'false'][below(2)]!}`,
    () => `f IS ${['', 'NOT '][below(2)]!}${['TRUE', 'FALSE', 'UNKNOWN', 'NULL'][below(4)]!}`,
    () => `a IS ${['', 'NOT '][below(2)]!}NULL`,
    () => `s IS NOT NULL`,
    () => `lower(s) ${op()} '${'abc'[below(3)]!}'`,
    () => `s ${op()} '${'aBc'[below(3)]!}'`,
    () => `(a > ${n()}) IS ${['TRUE', 'NOT TRUE', 'FALSE', 'NOT FALSE', 'UNKNOWN', 'NOT NULL'][below(6)]!}`,
    () => `coalesce(a, ${n()}) ${op()} ${n()}`,
    () => `a IS DISTINCT FROM ${n()}`,
    () => `(a > ${n()}) = ${['true', 'false', 'f'][below(3)]!}`,
  ];
  if (depth === 0) return simple[below(simple.length)]!();
  switch (below(5)) {
    case 0:
      return `(${part()}) AND (${part()})`;
    case 1:
      return `(${part()}) OR (${part()})`;
    case 2:
      return `NOT (${part()})`;
    default:
      return part();
  }
}

it('never says yes where a row says no, and says yes often', () => {
  const below = picker(7);
  const bind = (sql: string): Expr => bindOverTable(expressionTree(sql), COLUMNS, 't', 'WHERE', true);
  let yes = 0;
  let could = 0;
  for (let i = 0; i < 6000; i++) {
    const [given, wanted] = [condition(below, below(3)), condition(below, below(3))];
    const [g, w] = [bind(given), bind(wanted)];
    const holds = truth(w);
    const selected = ROWS.filter(truth(g));
    const right = selected.every((row) => holds(row));
    if (implies(conjuncts(g), w)) {
      expect(right, `${given} ⇒ ${wanted}`).toBe(true);
      yes++;
    }
    if (right && selected.length > 0) could++;
  }
  expect(yes).toBeGreaterThan(could / 4);
});
