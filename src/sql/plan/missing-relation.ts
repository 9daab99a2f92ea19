/** What is said of names in expressions that nothing in sight has: what was perhaps meant, and what is out of sight. */
import { errorAt } from './binder.js';
import type { Binder, ExprContext, Scope, ScopeRelation } from './binder.js';
import type { TableDescriptor } from '../catalog/descriptor.js';

/** All relations of the query and of those around it, those out of sight too, the nearest first. */
function* known(ctx: ExprContext): Generator<ScopeRelation> {
  const within = function* (relations: readonly ScopeRelation[]): Generator<ScopeRelation> {
    for (const r of relations) {
      if (r.inside === undefined) yield r;
      else yield* within(r.inside);
    }
  };
  yield* within(ctx.scope.relations);
  for (const aside of ctx.binder.aside.toReversed()) yield* within(aside);
  for (let s: Scope | null = ctx.scope.parent; s !== null; s = s.parent) yield* within(s.relations);
}

function isAside(ctx: ExprContext, relation: ScopeRelation): boolean {
  return ctx.binder.aside.some((aside) => aside.includes(relation));
}

function invalidReference(name: string, location: number, hint: string, sqlstate = '42P01'): Error {
  return errorAt(sqlstate, `invalid reference to FROM-clause entry for table "${name}"`, location, { hint });
}

function outOfSight(what: string): string {
  return `There is ${what}, but it cannot be referenced from this part of the query.`;
}

/** What a part of a query looks at that could, but for its kind of statement. */
function targetRefused(alias: string, location: number): Error {
  return invalidReference(alias, location, outOfSight(`an entry for table "${alias}"`), '42P10');
}

export function missingRelation(ctx: ExprContext, name: string, location: number): Error {
  if (ctx.binder.target.some((r) => r.alias === name)) return targetRefused(name, location);
  for (const r of known(ctx)) {
    if (r.table?.name !== name && r.alias !== name) continue;
    const hint =
      r.alias === name || isAside(ctx, r)
        ? outOfSight(`an entry for table "${r.alias}"`)
        : `Perhaps you meant to reference the table alias "${r.alias}".`;
    return invalidReference(name, location, hint);
  }
  return errorAt('42P01', `missing FROM-clause entry for table "${name}"`, location);
}

/** `alias`: as the column was qualified. */
export function missingColumn(ctx: ExprContext, alias: string | null, name: string, location: number): Error {
  const target = ctx.binder.target.find((r) => r.columns.some((c) => !c.hidden && c.column.name === name));
  if (alias === null && target !== undefined) return targetRefused(target.alias, location);
  const message = alias === null ? `column "${name}" does not exist` : `column ${alias}.${name} does not exist`;
  const hint = columnHint(ctx, alias, name);
  return errorAt('42703', message, location, hint === null ? {} : { hint });
}

interface Match {
  readonly relation: ScopeRelation;
  readonly column: string;
}
/** Letters in which a name may differ from one that is told. */
const DISTANCE_MAX = 3;

/** PostgreSQL tells of one name or two that are nearest, of none if there are more. */
function columnHint(ctx: ExprContext, alias: string | null, name: string): string | null {
  let distance = DISTANCE_MAX + 1;
  let found: Match[] = [];
  for (const relation of known(ctx)) {
    const penalty = alias === null ? 0 : editDistance(alias, relation.alias);
    const columns = relation.columns.filter((c) => !c.hidden).map((c) => c.column.name);
    if (penalty === 0 && columns.includes(name))
      return outOfSight(`a column named "${name}" in table "${relation.alias}"`);
    if (penalty > distance) continue;
    for (const column of columns) {
      const letters = editDistance(column, name);
      if (letters > Math.floor(name.length / 2) || letters + penalty > distance) continue;
      if (letters + penalty < distance) {
        distance = letters + penalty;
        found = [{ relation, column }];
      } else if (found.length >= 2) found = [];
      else if (distance <= DISTANCE_MAX) found.push({ relation, column });
    }
  }
  if (found.length === 0) return null;
  const shown = found.map(({ relation, column }) => `the column "${relation.alias}.${column}"`);
  return `Perhaps you meant to reference ${shown.join(' or ')}.`;
}

function editDistance(a: string, b: string): number {
  // As PostgreSQL's bounded distance: far is far.
  if (Math.abs(a.length - b.length) > DISTANCE_MAX) return DISTANCE_MAX + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    previous = row;
  }
  return previous[b.length]!;
}

/** Of an INSERT, for what is said of names that its source cannot see. */
export function targetAside(b: Binder, table: TableDescriptor, alias: string): ScopeRelation {
  return {
    ...{ alias, schema: null, table },
    get columns() {
      const shown = table.columns.filter((c) => !c.dropped && !c.hidden);
      return shown.map((c) => ({ column: b.tableColumn(c), hidden: false }));
    },
  };
}
