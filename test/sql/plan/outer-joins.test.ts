/** Which outer joins a plan keeps. Their answers are the same either way (test/scripts/session/outer-joins-reduced.sql): here it is told that they become less. */
import { beforeAll, describe, expect, it } from 'vitest';
import { initParser } from '../../../src/sql/parse/parser.js';
import { Harness } from '../support/harness.js';

const h = new Harness();
beforeAll(async () => {
  await initParser();
  await h.run('CREATE TABLE a (k int, x int)');
  await h.run('CREATE TABLE b (k int, y int, ok bool)');
  await h.run('CREATE TABLE c (k int, z int)');
});

/** The kinds of joins in the plan that are not inner ones, from the top; a right one is turned round and becomes a left one. */
function kept(sql: string): string {
  const found = h.explain(sql).matchAll(/(?:Hash|Nested Loop) (Left|Full|Semi|Anti) Join/g);
  return [...found].map(([, kind]) => kind).join(' ');
}

const A_B = 'a LEFT JOIN b ON a.k = b.k';

describe('a condition that drops rows without a partner', () => {
  it.each([
    ['b.y > 5', ''],
    ['b.y::text = $$5$$', ''],
    ['b.ok', ''],
    ['b.ok::text::bool', ''],
    ['NOT b.ok', ''],
    ['NOT (b.y < 5)', ''],
    ['b.y IS NOT NULL', ''],
    ['b.y + a.x > 5', ''],
    ['a.x > 1 AND b.y > 5', ''],
    ['b.y > 5 OR b.ok', ''],
    ['(b.y > 5 AND a.x > 1) OR (a.x > 2 AND b.ok)', ''],
    ['b.y IN (5, a.x)', ''],
    ['b.y = ANY (ARRAY[a.x, 5])', ''],
    ['a.x > 1', 'Left'],
    ['b.y IS NULL', 'Left'],
    ['b.y > 5 OR a.x > 1', 'Left'],
    ['b.y NOT IN (5, a.x)', 'Left'],
    ['b.y <> ALL (ARRAY[a.x, 5])', 'Left'],
    ['coalesce(b.y, 1) = 1', 'Left'],
    ['CASE WHEN b.ok THEN false ELSE true END', 'Left'],
    ['b.ok IS NOT TRUE', 'Left'],
    ['b.y IS DISTINCT FROM 5', 'Left'],
    ['NOT (b.ok AND a.x > 1)', 'Left'],
    ['concat(b.y) = $$$$', 'Left'],
  ])('makes a left join an inner one: %s', (condition, left) => {
    expect(kept(`SELECT * FROM ${A_B} WHERE ${condition}`)).toBe(left);
    // And so does it from the other side.
    expect(kept(`SELECT * FROM b RIGHT JOIN a ON a.k = b.k WHERE ${condition}`)).toBe(left);
  });

  it.each([
    ['b.y > 5', 'Left'],
    ['a.x > 5', 'Left'],
    ['a.x > b.y', ''],
    ['a.x > 5 AND b.y > 5', ''],
    ['a.x > 5 OR b.y > 5', 'Full'],
    ['true', 'Full'],
  ])('leaves a full join the rows of one side, or none: %s', (condition, left) => {
    expect(kept(`SELECT * FROM a FULL JOIN b ON a.k = b.k WHERE ${condition}`)).toBe(left);
  });
});

// What can be pushed down to a join makes it less there as well: those of one side are volatile.
describe('it counts', () => {
  it.each([
    ['through names of a selection', `SELECT * FROM (SELECT a.k, b.y + 1 AS s FROM ${A_B}) s WHERE s.s > random()`, ''],
    [
      'not through what makes something of NULL',
      `SELECT * FROM (SELECT coalesce(b.y, 1) AS s FROM ${A_B}) s WHERE s > 1`,
      'Left',
    ],
    ['through an order', `SELECT * FROM (SELECT b.y FROM ${A_B} ORDER BY a.x) s WHERE y > random()`, ''],
    ['through a filter of its own', `SELECT * FROM (SELECT b.y FROM ${A_B} WHERE a.x > 1) s WHERE y > random()`, ''],
    [
      'through WITH',
      `SELECT * FROM (WITH m AS MATERIALIZED (SELECT 1 AS one) SELECT b.y, (SELECT one FROM m) FROM ${A_B}) s WHERE y > random()`,
      '',
    ],
    ['not through a limit', `SELECT * FROM (SELECT b.y FROM ${A_B} LIMIT 5) s WHERE y > 1`, 'Left'],
    ['in a subquery', `SELECT (SELECT max(y) FROM ${A_B} WHERE b.y > random())`, ''],
    ['in a set operation', `SELECT b.y FROM ${A_B} WHERE b.y > random() UNION ALL SELECT 1`, ''],
    ['of an inner join above', `SELECT * FROM ${A_B} JOIN c ON b.y = c.k`, ''],
    ['of an inner join above, as its right side', `SELECT * FROM c JOIN (${A_B}) ON b.y = c.k`, ''],
    ['not of a NOT EXISTS above', `SELECT * FROM ${A_B} WHERE NOT EXISTS (SELECT FROM c WHERE c.k = b.y)`, 'Anti Left'],
    ['not of a left join above', `SELECT * FROM ${A_B} LEFT JOIN c ON b.y = c.k`, 'Left Left'],
    ['of a left join above, on its right side', `SELECT * FROM c LEFT JOIN (${A_B}) ON b.y = c.k`, 'Left'],
    ['of a right join above, on its left side', `SELECT * FROM ${A_B} RIGHT JOIN c ON b.y = c.k`, 'Left'],
    ['not of a right join above, on its right side', `SELECT * FROM c RIGHT JOIN (${A_B}) ON b.y = c.k`, 'Left Left'],
    ['not of a full join above', `SELECT * FROM ${A_B} FULL JOIN c ON b.y = c.k`, 'Full Left'],
    [
      'from above a left join, on its left side',
      `SELECT * FROM ${A_B} LEFT JOIN c ON a.k = c.k WHERE b.y > random()`,
      'Left',
    ],
    [
      'from above a right join, on its right side',
      `SELECT * FROM c RIGHT JOIN (${A_B}) ON a.k = c.k WHERE b.y > random()`,
      'Left',
    ],
    ['from above an inner join', `SELECT * FROM ${A_B} JOIN c ON a.k = c.k WHERE b.y > random()`, ''],
    [
      'from above a full join that becomes a left one',
      `SELECT * FROM ${A_B} FULL JOIN c ON a.k = c.k WHERE b.y > random()`,
      'Left',
    ],
    [
      'not from above a full join that stays',
      `SELECT * FROM ${A_B} FULL JOIN c ON a.k = c.k WHERE b.y > 1 OR c.z > 1`,
      'Full Left',
    ],
    ['from above an inner join, for both sides', `SELECT * FROM ${A_B} JOIN c ON a.k = c.k WHERE b.y > c.z`, ''],
    [
      'from above a left join that becomes an inner one',
      `SELECT * FROM ${A_B} LEFT JOIN c ON a.k = c.k WHERE b.y > c.z`,
      '',
    ],
    [
      'from above a right join that becomes an inner one',
      `SELECT * FROM ${A_B} RIGHT JOIN c ON a.k = c.k WHERE b.y > c.z`,
      '',
    ],
    [
      'from above a full join that becomes an inner one',
      `SELECT * FROM c FULL JOIN (${A_B}) ON a.k = c.k WHERE b.y > c.z`,
      '',
    ],
  ])('%s', (_, sql, left) => {
    expect(kept(sql)).toBe(left);
  });
});
