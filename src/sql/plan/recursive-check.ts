/**
 * WITH RECURSIVE before it is bound: in which order its queries can be, those that are used before those that use them, and
 * whether a query may refer to itself where it does (PostgreSQL 15, 7.8.2).
 *
 * Trees are walked with a stack of their own: they can be deeper than the engine's.
 */
import type { CommonTableExpr, JoinExpr, SelectStmt, SubLink, WithClause } from 'libpg-query';
import { as, must } from './ast.js';
import { errorAt } from './binder.js';

type Place = 'fine' | 'non-recursive' | 'subquery' | 'outer join' | 'INTERSECT' | 'EXCEPT';

const REFUSALS: Readonly<Record<Exclude<Place, 'fine'>, string>> = {
  'non-recursive': 'must not appear within its non-recursive term',
  subquery: 'must not appear within a subquery',
  'outer join': 'must not appear within an outer join',
  INTERSECT: 'must not appear within INTERSECT',
  EXCEPT: 'must not appear within EXCEPT',
};

interface Step {
  readonly node: unknown;
  readonly place: Place;
  /** Names that queries of WITH further in have taken. */
  readonly hidden: ReadonlySet<string>;
}
type Visit = (name: string, place: Place, location: number) => void;

/** Calls `visit` for every bare name of a relation that is not one of a WITH further in. */
function walk(root: unknown, place: Place, visit: Visit): void {
  const stack: Step[] = [{ node: root, place, hidden: new Set() }];
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
    const { node } = step;
    if (Array.isArray(node)) {
      for (let i = node.length - 1; i >= 0; i--) stack.push({ ...step, node: node[i] as unknown });
      continue;
    }
    if (typeof node !== 'object' || node === null) continue;
    const next = children(node as Readonly<Record<string, unknown>>, step, visit);
    for (let i = next.length - 1; i >= 0; i--) stack.push(next[i]!);
  }
}

function children(node: Readonly<Record<string, unknown>>, step: Step, visit: Visit): Step[] {
  const { RangeVar: range, JoinExpr: join, SubLink: link, SelectStmt: select } = node;
  if (range !== undefined) {
    const { relname, schemaname, location } = range as { relname?: string; schemaname?: string; location?: number };
    if (schemaname === undefined && relname !== undefined && !step.hidden.has(relname))
      visit(relname, step.place, location ?? 0);
    return [];
  }
  if (join !== undefined) return ofJoin(join as JoinExpr, step);
  if (link !== undefined) {
    const { subselect, testexpr } = link as SubLink;
    return [
      { ...step, node: subselect, place: step.place === 'non-recursive' ? step.place : 'subquery' },
      { ...step, node: testexpr },
    ];
  }
  if (select !== undefined) return ofSelect(select as SelectStmt, step);
  const { withClause, ...rest } = node;
  // Of a statement that changes rows.
  const queries = (withClause as WithClause | undefined)?.ctes ?? [];
  return [...queries, ...Object.values(rest)].map((inner) => ({ ...step, node: inner }));
}

function ofJoin({ jointype, larg, rarg, quals }: JoinExpr, step: Step): Step[] {
  const outer: Place = step.place === 'fine' ? 'outer join' : step.place;
  const type = jointype ?? 'JOIN_INNER';
  return [
    { ...step, node: larg, place: type === 'JOIN_RIGHT' || type === 'JOIN_FULL' ? outer : step.place },
    { ...step, node: rarg, place: type === 'JOIN_LEFT' || type === 'JOIN_FULL' ? outer : step.place },
    { ...step, node: quals },
  ];
}

function ofSelect(select: SelectStmt, step: Step): Step[] {
  const { withClause, larg, rarg, op, all, ...rest } = select;
  const steps: Step[] = [];
  let { hidden } = step;
  if (withClause !== undefined) {
    const items = (withClause.ctes ?? []).map((item) => must(item, 'CommonTableExpr'));
    const names = items.map((cte) => cte.ctename ?? '');
    const taken = new Set([...hidden, ...names]);
    items.forEach((cte, i) => {
      const seen = withClause.recursive === true ? taken : new Set([...hidden, ...names.slice(0, i)]);
      steps.push({ ...step, node: cte.ctequery, hidden: seen });
    });
    hidden = taken;
  }
  const within = step.place === 'fine';
  const left: Place = !within
    ? step.place
    : all !== true
      ? 'fine'
      : op === 'SETOP_INTERSECT'
        ? 'INTERSECT'
        : op === 'SETOP_EXCEPT'
          ? 'EXCEPT'
          : 'fine';
  const right: Place = within && op === 'SETOP_EXCEPT' ? 'EXCEPT' : left;
  steps.push({ ...step, hidden, node: Object.values(rest) });
  if (larg !== undefined) steps.push({ node: { SelectStmt: larg }, hidden, place: left });
  if (rarg !== undefined) steps.push({ node: { SelectStmt: rarg }, hidden, place: right });
  return steps;
}

function namesIn(query: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  walk(query, 'fine', (name) => names.add(name));
  return names;
}

export interface OrderedItem {
  readonly cte: CommonTableExpr;
  /** It refers to itself. */
  readonly recursive: boolean;
}

/** The items in an order in which they can be bound. @throws QuoralError 42712, 0A000, 42P19 */
export function orderedItems(clause: WithClause): readonly OrderedItem[] {
  const ctes = (clause.ctes ?? []).map((item) => must(item, 'CommonTableExpr'));
  const seen = new Set<string>();
  for (const { ctename, location } of ctes) {
    const name = ctename ?? '';
    if (seen.has(name)) throw errorAt('42712', `WITH query name "${name}" specified more than once`, location ?? -1);
    seen.add(name);
  }
  if (clause.recursive !== true) return ctes.map((cte) => ({ cte, recursive: false }));
  let waiting = ctes.map((cte) => {
    const used = [...namesIn(cte.ctequery)].filter((name) => seen.has(name));
    const recursive = used.includes(cte.ctename ?? '');
    return { cte, recursive, needs: new Set(used.filter((name) => name !== cte.ctename)) };
  });
  const ordered: OrderedItem[] = [];
  while (waiting.length > 0) {
    const ready = waiting.find(({ needs }) => needs.size === 0);
    if (ready === undefined)
      throw errorAt('0A000', 'mutual recursion between WITH items is not implemented', waiting[0]!.cte.location ?? -1);
    ordered.push({ cte: ready.cte, recursive: ready.recursive });
    waiting = waiting.filter((one) => one !== ready);
    for (const { needs } of waiting) needs.delete(ready.cte.ctename ?? '');
  }
  for (const { cte, recursive } of ordered) if (recursive) checkForm(cte);
  return ordered;
}

/** Of a query that refers to itself. @throws QuoralError 42P19, 0A000 */
function checkForm(cte: CommonTableExpr): void {
  const name = cte.ctename ?? '';
  const location = cte.location ?? -1;
  const select = as(cte.ctequery, 'SelectStmt');
  if (select === undefined)
    throw errorAt('42P19', `recursive query "${name}" must not contain data-modifying statements`, location);
  if (select.op !== 'SETOP_UNION')
    throw errorAt(
      '42P19',
      `recursive query "${name}" does not have the form non-recursive-term UNION [ALL] recursive-term`,
      location,
    );
  let references = 0;
  const visit: Visit = (found, place, at) => {
    if (found !== name) return;
    if (place !== 'fine') throw errorAt('42P19', `recursive reference to query "${name}" ${REFUSALS[place]}`, at);
    references++;
    if (references > 1)
      throw errorAt('42P19', `recursive reference to query "${name}" must not appear more than once`, at);
  };
  // The names that the query's own WITH takes hide nothing of its terms here: one that hides it cannot be meant.
  walk(select.withClause?.ctes ?? [], 'subquery', visit);
  walk({ SelectStmt: select.larg }, 'non-recursive', visit);
  walk({ SelectStmt: select.rarg }, 'fine', visit);
  const decoration =
    select.sortClause !== undefined
      ? 'ORDER BY'
      : select.limitOffset !== undefined
        ? 'OFFSET'
        : select.limitCount !== undefined
          ? 'LIMIT'
          : select.lockingClause !== undefined
            ? 'FOR UPDATE/SHARE'
            : null;
  if (decoration === null) return;
  const nodes = { 'ORDER BY': select.sortClause, OFFSET: select.limitOffset, LIMIT: select.limitCount }[
    decoration as 'LIMIT'
  ];
  throw errorAt('0A000', `${decoration} in a recursive query is not implemented`, firstLocation(nodes));
}

function firstLocation(node: unknown): number {
  let found = -1;
  const stack: unknown[] = [node];
  for (let next = stack.pop(); next !== undefined && found < 0; next = stack.pop()) {
    if (Array.isArray(next)) stack.push(...(next as unknown[]).toReversed());
    else if (typeof next === 'object' && next !== null) {
      const { location } = next as { location?: unknown };
      if (typeof location === 'number' && location > 0) found = location;
      else stack.push(...Object.values(next).toReversed());
    }
  }
  return found;
}
