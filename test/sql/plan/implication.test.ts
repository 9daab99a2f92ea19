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

const OPERATORS = ['=', '<>', '<', '<=', '>', '>='];

/** One of each form, with constants that matter against each other. */
const SIMPLE: readonly string[] = [
  ...OPERATORS.flatMap((op) => [0, 1, 2].flatMap((n) => [`a ${op} ${n}`, `b ${op} ${n}`])),
  ...OPERATORS.flatMap((op) => [`1 ${op} a`, `a ${op} 1::bigint`, `s ${op} 'B'`, `s ${op} 'a'`, `lower(s) ${op} 'b'`]),
  ...OPERATORS.flatMap((op) => [`a + 1 ${op} 2`, `b ${op} a`, `coalesce(a, 1) ${op} 1`]),
  ...['0', '1', '1, 2', '0, NULL', 'NULL'].flatMap((list) => [
    `a IN (${list})`,
    `a NOT IN (${list})`,
    `a = ANY (ARRAY[${list}]::int[])`,
    `a <> ALL (ARRAY[${list}]::int[])`,
    `a = ALL (ARRAY[${list}]::int[])`,
  ]),
  ...['num_nulls(a) = 1', 'num_nulls(a, b) = 0', "a = ALL ('{}'::int[])"],
  ...['TRUE', 'FALSE', 'UNKNOWN', 'NULL'].flatMap((t) =>
    ['', 'NOT '].flatMap((not) => [
      `f IS ${not}${t}`,
      `(a > 1) IS ${not}${t}`,
      `NOT (f IS ${not}${t})`,
      `a + b IS ${not}NULL`,
    ]),
  ),
  ...['f', 'NOT f', 'f = true', 'f = false', 'NOT (f = true)', 'NOT (f = false)', 'true', 'NULL::bool', 'NOT NOT f'],
  ...['a IS NULL', 'a IS NOT NULL', 'b IS NOT NULL', 's IS NOT NULL', 'lower(s) IS NOT NULL', 'NOT (a > 1)'],
  ...['a IS DISTINCT FROM 1', 'a IS NOT DISTINCT FROM 1', 'a BETWEEN 0 AND 1', 'a NOT BETWEEN 0 AND 1'],
  ...['(a > 1) = f', '(a > 1) = true', '(a > 1) = false', 'a > 1 OR f', 'a > 1 AND f', 'a = 0 OR a = 2'],
];

interface Known {
  readonly sql: string;
  readonly expr: Expr;
  readonly holds: readonly boolean[];
}

function known(sql: string): Known {
  const expr = bindOverTable(expressionTree(sql), COLUMNS, 't', 'WHERE', true);
  return { sql, expr, holds: ROWS.map(truth(expr)) };
}

/** How often it says yes, and how often it might. */
function judge(pairs: Iterable<readonly [Known, Known]>): { yes: number; could: number } {
  let yes = 0;
  let could = 0;
  for (const [given, wanted] of pairs) {
    const right = given.holds.every((holds, i) => !holds || wanted.holds[i]!);
    if (implies(conjuncts(given.expr), wanted.expr)) {
      if (!right) expect.fail(`${given.sql} does not imply ${wanted.sql}`);
      yes++;
    }
    if (right && given.holds.includes(true)) could++;
  }
  return { yes, could };
}

it('never says yes wrongly of two simple conditions', () => {
  const all = SIMPLE.map(known);
  const { yes, could } = judge(all.flatMap((given) => all.map((wanted) => [given, wanted] as const)));
  expect(yes).toBeGreaterThan(could / 3);
});

it('never says yes wrongly of compound conditions', () => {
  const below = picker(7);
  const pair = (): readonly [Known, Known] => [known(condition(below, below(3))), known(condition(below, below(3)))];
  const { yes } = judge(Array.from({ length: 3000 }, pair));
  expect(yes).toBeGreaterThan(50);
});
