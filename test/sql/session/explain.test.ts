import { beforeEach, describe, expect, it } from 'vitest';
import type { ManagedSqlServer } from '../../../src/sql/session/server.js';
import { Client, startServer } from '../support/server.js';

let server: ManagedSqlServer;
let c: Client;
beforeEach(async () => {
  server = await startServer();
  c = await Client.open(server);
  await c.all(`
    create table a (id int primary key, v int, w text);
    create table b (id int primary key, a int);
    create index av on a (v);
    insert into a select g, g, 'x' from generate_series(1, 20) g;
    insert into b select g, g from generate_series(1, 20) g`);
});

interface Node {
  readonly [key: string]: unknown;
  readonly Plans?: readonly Node[];
}
interface Explained {
  readonly Plan: Node;
  readonly [key: string]: unknown;
}

async function json(text: string): Promise<Explained> {
  const { rows, columns, tag } = await c.query(text);
  expect([rows.length, columns, tag]).toEqual([1, ['QUERY PLAN'], 'EXPLAIN']);
  const parsed = JSON.parse(rows[0]![0]!) as Explained[];
  expect(parsed).toHaveLength(1);
  return parsed[0]!;
}

/** The nodes with the same keys that PostgreSQL's have, depth first. */
function flat(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(flat)];
}
const lines = async (text: string): Promise<string> => (await c.rows(text)).flat().join('\n');

describe('EXPLAIN (FORMAT JSON)', () => {
  it('prints as PostgreSQL does', async () => {
    // PostgreSQL's own answer, but for the costs.
    expect(await lines('explain (format json, costs off) select * from a where id = 1')).toBe(`[
  {
    "Plan": {
      "Node Type": "Index Scan",
      "Parallel Aware": false,
      "Async Capable": false,
      "Scan Direction": "Forward",
      "Index Name": "a_pkey",
      "Relation Name": "a",
      "Alias": "a",
      "Index Cond": "(id = 1)"
    }
  }
]`);
    expect(await json('explain (format json) select * from a where v > 3')).toMatchObject({
      Plan: {
        'Node Type': 'Index Scan',
        'Startup Cost': 0,
        'Total Cost': expect.any(Number),
        'Plan Rows': expect.any(Number),
        'Plan Width': expect.any(Number),
      },
    });
    const sink = await c.run('explain (format json) select 1');
    expect(JSON.parse(sink.rows[0]![0]!)).toHaveLength(1);
  });

  it('names nodes, their places and what they do', async () => {
    const { Plan } = await json(`explain (format json, costs off, verbose) with q as materialized (select * from a)
      select x.id, (select max(a) from b where b.id = x.id) from q x join q y on x.id = y.v order by 1 desc limit 3`);
    expect(flat(Plan).map((n) => [n['Node Type'], n['Parent Relationship'], n['Subplan Name']])).toEqual([
      ['Limit', undefined, undefined],
      ['Seq Scan', 'InitPlan', 'CTE q'],
      ['Sort', 'Outer', undefined],
      ['Hash Join', 'Outer', undefined],
      ['CTE Scan', 'Outer', undefined],
      ['CTE Scan', 'Inner', undefined],
      ['Aggregate', 'SubPlan', 'SubPlan 1'],
      ['Index Scan', 'Outer', undefined],
    ]);
    const join = flat(Plan)[3]!;
    expect(join).toMatchObject({
      'Join Type': 'Inner',
      Output: [expect.anything(), expect.stringMatching(/SubPlan 1/)],
    });
    expect(flat(Plan)[2]).toMatchObject({ 'Sort Key': [expect.stringContaining('DESC')] });
    expect(flat(Plan)[1]).toMatchObject({ 'Relation Name': 'a', Schema: 'public', Alias: 'a' });
  });

  it.each([
    [
      'insert into a values (1) on conflict do nothing',
      { Operation: 'Insert', 'Relation Name': 'a', 'Conflict Resolution': 'NOTHING' },
    ],
    [
      'update a set v = 1 where id = 1',
      { Operation: 'Update', Plans: [expect.objectContaining({ 'Node Type': 'Index Scan' })] },
    ],
    ['delete from a', { Operation: 'Delete' }],
    [
      'merge into a using b on a.id = b.a when matched then delete',
      { Operation: 'Merge', Plans: [expect.objectContaining({ 'Node Type': 'Hash Join' })] },
    ],
    ['values (1), (2)', { 'Node Type': 'Values Scan', Alias: '*VALUES*' }],
    ['select 1 where false', { 'Node Type': 'Result', 'One-Time Filter': 'false' }],
    ['select generate_series(1, 3)', { 'Node Type': 'ProjectSet' }],
    [
      'select v, count(*) from a group by v',
      { 'Node Type': 'Aggregate', Strategy: 'Hashed', 'Partial Mode': 'Simple', 'Group Key': ['v'] },
    ],
    ['select count(*) from a', { 'Node Type': 'Aggregate', Strategy: 'Plain' }],
    ['select 1 intersect all select 2', { 'Node Type': 'SetOp', Command: 'Intersect All' }],
    [
      'select 1 union all select 2',
      {
        'Node Type': 'Append',
        Plans: [expect.objectContaining({ 'Parent Relationship': 'Member' }), expect.anything()],
      },
    ],
    [
      'with recursive r as (select 1 as n union all select n + 1 from r where n < 5) select * from r',
      {
        'Node Type': 'CTE Scan',
        'CTE Name': 'r',
        Plans: [expect.objectContaining({ 'Node Type': 'Recursive Union', 'Subplan Name': 'CTE r' })],
      },
    ],
    ['create table made as select 1', { 'Node Type': 'Result' }],
    ['declare c cursor for select 1', { 'Node Type': 'Result' }],
    ['select row_number() over (), row_number() over (order by relname) from pg_class, generate_series(1, 2)', {}],
  ])('%s', async (text, shape) => {
    const { Plan } = await json(`explain (format json, costs off) ${text}`);
    expect(Plan).toMatchObject(shape);
    for (const node of flat(Plan)) expect(typeof node['Node Type']).toBe('string');
  });
});

describe('EXPLAIN (ANALYZE)', () => {
  it('gives rows, loops and times of each node', async () => {
    const whole = await json(
      'explain (analyze, format json) select a.w, count(*) from a join b on a.id = b.a where b.id < 10 group by a.w',
    );
    expect(whole).toMatchObject({
      'Planning Time': expect.any(Number),
      Triggers: [],
      'Execution Time': expect.any(Number),
    });
    const nodes = flat(whole.Plan);
    expect(nodes.map((n) => [n['Node Type'], n['Actual Rows'], n['Actual Loops']])).toContainEqual(['Aggregate', 1, 1]);
    expect(nodes.find((n) => n['Relation Name'] === 'b')).toMatchObject({ 'Actual Rows': 9 });
    for (const n of nodes) {
      expect(n['Actual Total Time']).toBeGreaterThanOrEqual(n['Actual Startup Time'] as number);
      expect(n['Actual Total Time']).toBeLessThanOrEqual(whole['Execution Time'] as number);
    }
  });

  it('counts the loops of what runs for each row, and says what never ran', async () => {
    const text = await lines(
      'explain (analyze, costs off, timing off, summary off) select (select a from b where b.id = a.id) from a where v < 4',
    );
    expect(text).toMatch(/^Index Scan using av on a \(actual rows=3 loops=1\)/);
    expect(text).toMatch(/Index Scan using b_pkey on b \(actual rows=1 loops=3\)/);
    expect(
      await lines(
        'explain (analyze, costs off, timing off, summary off) select case when v > 0 then 1 else (select max(a) from b) end from a',
      ),
    ).toContain('(never executed)');
    expect(await lines('explain analyze select 1')).toMatch(
      /^Result {2}\(cost=0\.00\.\.1\.01 rows=1 width=4\) \(actual time=\d+\.\d{3}\.\.\d+\.\d{3} rows=1 loops=1\)\nPlanning Time: \d+\.\d{3} ms\nExecution Time: \d+\.\d{3} ms$/,
    );
  });

  it('runs the statement', async () => {
    expect(await lines('explain (analyze, costs off, timing off, summary off) delete from a where id > 15')).toMatch(
      /^Delete on a \(actual rows=0 loops=1\)\n {2}->  .* \(actual rows=5 loops=1\)/,
    );
    expect(await c.rows('select count(*) from a')).toEqual([['15']]);
    await c.all('begin; explain analyze update a set v = 0; rollback');
    expect(await c.rows('select count(*) from a where v = 0')).toEqual([['0']]);
    expect(await c.error('explain analyze insert into a values (1)')).toMatch(/^23505/);
    await c.all('prepare p (int) as select * from a where id = $1');
    expect(await lines('explain (analyze, costs off, timing off) execute p (3)')).toContain('rows=1 loops=1');
    expect(await lines('explain (analyze, costs off, timing off) create table made as select 1 as a')).toContain(
      'Result (actual rows=1 loops=1)',
    );
    expect(await c.rows('select a from made')).toEqual([['1']]);
  });
});

describe('options of EXPLAIN', () => {
  it('are PostgreSQL’s', async () => {
    for (const [options, error] of [
      ['timing', '22023 EXPLAIN option TIMING requires ANALYZE'],
      ['wal', '22023 EXPLAIN option WAL requires ANALYZE'],
      ['foo', '42601 unrecognized EXPLAIN option "foo"'],
      ['format foo', '22023 unrecognized value for EXPLAIN option "format": "foo"'],
      ['analyze maybe', '42601 analyze requires a Boolean value'],
    ]) {
      expect(await c.error(`explain (${options}) select 1`)).toBe(error);
    }
    expect(await lines('explain (buffers, settings, verbose, costs off) select 1')).toBe('Result\n  Output: 1');
    expect(await lines('explain (costs off, summary) select 1')).toMatch(/^Result\nPlanning Time: /);
    expect(await lines('explain (analyze off, timing false, costs 0) select 1')).toBe('Result');
    expect(
      await lines('explain (analyze, buffers, wal, timing off, summary off, costs off, format text) select 1'),
    ).toBe('Result (actual rows=1 loops=1)');
  });

  it('VERBOSE says what each node gives', async () => {
    expect(await lines('explain (verbose, costs off) select count(*), max(v) from a')).toMatch(
      /^Aggregate\n  Output: count\(\*\), max\(v\)\n  ->  Seq Scan on public\.a\n        Output: (id, )?v$/,
    );
    const join = await lines('explain (verbose, costs off) select x.v from a x join a y on x.id = y.v');
    expect(join).toContain('Output: x.v');
    expect(join).toMatch(/Scan on public\.a x\n +Output: x\.id, x\.v/);
    expect(await lines('explain (verbose, costs off) select generate_series(1, 3)')).toContain(
      'Output: generate_series(1, 3)',
    );
  });
});
