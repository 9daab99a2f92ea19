/**
 * Collations of a bound statement: each expression's is derived from its parts, bottom up, and what it makes a difference to is
 * told of it. Comparisons and functions become their forms under the collation (functions/collated-entries.ts), sort keys say
 * whose order they mean. Behind this, nothing of a plan depends on where COLLATE was written.
 *
 * It is run only for statements in which a collation is written or a column has been declared with one: all others have the
 * default everywhere, and its order is that of the code points.
 *
 * Columns are known by their ids: the binder knows those that a table or a domain gives a collation, the others get that of
 * the expression that they are made of.
 */
import { collationOfKey } from '../types/collation.js';
import { typeCollation } from '../types/collated.js';
import { domainCollation, fieldsOf } from '../types/user-types.js';
import { collatedAggregate, collatedEntry } from '../functions/collated-entries.js';
import type { CallInfo } from '../functions/entry.js';
import { isHypotheticalSet } from '../functions/hypothetical.js';
import { isOrderedSet } from '../functions/ordered-set.js';
import type { Binder } from './binder.js';
import { errorAt } from './error-at.js';
import {
  CONFLICT,
  type CollationState,
  EXPLICIT,
  IMPLICIT,
  implicit,
  inputOf,
  LOST,
  merged,
  mismatch,
  NONE,
  ofType,
  orderIn,
  placeOf,
  UNCOLLATED,
} from './collation-state.js';
import { mapChildren, mapKeys } from './expr.js';
import type { AggregateExpr, CallExpr, Expr, InExpr, RowExpr, SortKey, WindowExpr } from './expr.js';
import type { Plan, PlanColumn, SetOpPlan, WithPlan } from './logical.js';
import { columnsOf, mapInputs, mapPlanExprs } from './plan-walk.js';

/** The plan, and which collation each of its columns has. */
export interface Collated {
  readonly plan: Plan;
  /** Of its columns; of none, where all are their types'. */
  readonly states: readonly CollationState[];
}

export function collatePlan(binder: Binder, plan: Plan): Plan {
  return binder.collated ? new PlanCollation(binder).plan(plan) : plan;
}

/** Also what the columns of a view or a table made of the query get. */
export function collateWithColumns(binder: Binder, plan: Plan): Collated {
  if (!binder.collated) return { plan, states: [] };
  const collation = new PlanCollation(binder);
  const made = collation.plan(plan);
  return { plan: made, states: made.columns.map((c) => collation.ofColumn(c)) };
}

/** The key of a column made of this one, where it is not its type's; null: several, of which none prevails. */
export function derivedCollation(
  { domain, oid }: Pick<PlanColumn, 'domain' | 'oid'>,
  { strength, collation, lost }: CollationState,
): string | null | undefined {
  if (strength === CONFLICT || lost === true) return null;
  const own = (domain === undefined ? null : domainCollation(domain)) ?? typeCollation(oid);
  return collation === null || collation.key === own ? undefined : collation.key;
}

/** An expression that is in no plan. */
export function collateExpr(binder: Binder, expr: Expr): Expr {
  return binder.collated ? new PlanCollation(binder).expr(expr) : expr;
}

/** As collateExpr, and the collation of its value as derivedCollation has it. */
export function collateWithState(
  binder: Binder,
  expr: Expr,
): { readonly expr: Expr; readonly collation: string | null | undefined } {
  if (!binder.collated) return { expr, collation: undefined };
  const collation = new PlanCollation(binder);
  const made = collation.expr(expr);
  return { expr: made, collation: derivedCollation({ oid: made.oid }, collation.ofExpr(made)) };
}

class PlanCollation {
  readonly #binder: Binder;
  readonly #name: Binder['collationName'];
  readonly #columns = new Map<number, CollationState>();
  /** Of expressions that have been rewritten. */
  readonly #states = new WeakMap<Expr, CollationState>();
  readonly #ctes = new Map<number, readonly CollationState[]>();
  /** What a simple CASE compares: to its comparisons it is a value whose collation is implied, however it was written. */
  readonly #compared = new WeakSet<Expr>();

  constructor(binder: Binder) {
    this.#binder = binder;
    this.#name = (collation) => binder.collationName(collation);
  }

  // ---- plans ----

  plan(given: Plan): Plan {
    const made = this.#planned(given);
    if (this.#binder.subqueries.has(given))
      for (const column of made.columns) this.#define(column, outside(this.ofColumn(column)));
    return made;
  }

  #planned(given: Plan): Plan {
    if (given.kind === 'with') return this.#with(given);
    const p = mapInputs(given, (input) => this.plan(input));
    switch (p.kind) {
      case 'ctescan':
        this.#ctes.get(p.cte)?.forEach((state, i) => this.#columns.set(p.columns[i]!.id, state));
        return p;
      case 'setop':
        return this.#setOperation(p);
      case 'values':
        return this.#values(p);
      case 'sort':
        return this.#keyed(p, { keys: this.#sortKeys(p.keys, true) });
      case 'limit':
        return this.#keyed(p, { withTies: p.withTies === null ? null : this.#sortKeys(p.withTies, true) });
      case 'distinct':
        for (const column of p.on === null ? p.columns : []) this.#settled(this.ofColumn(column));
        return mapPlanExprs(p, (e) => this.#grouped(e));
      case 'aggregate': {
        const made = mapPlanExprs(p, (e) => (e.kind === 'aggregate' ? this.expr(e) : this.#grouped(e))) as typeof p;
        for (const { column, expr } of made.groups) this.#define(column, this.#stateOf(expr));
        for (const { column, aggregate } of made.aggregates) this.#define(column, this.#stateOf(aggregate));
        return made;
      }
      default: {
        const made = mapPlanExprs(p, (e) => this.expr(e));
        this.#defineOutputs(made);
        return made;
      }
    }
  }

  #keyed<P extends Plan>(plan: P, keys: Partial<P>): P {
    return { ...(mapPlanExprs(plan, (e) => this.expr(e)) as P), ...keys };
  }

  #with(plan: WithPlan): Plan {
    const ctes = plan.ctes.map((cte) => {
      const made = this.plan(cte.plan);
      const states = made.columns.map((c) => outside(this.ofColumn(c)));
      this.#ctes.set(cte.id, states);
      if (cte.recursive === null) return { ...cte, plan: made };
      this.#ctes.set(cte.recursive.workId, states);
      const term = this.plan(cte.recursive.term);
      term.columns.forEach((column, i) =>
        this.#checkRecursive(cte.name, this.#side(made, i).location, i, states[i]!, this.ofColumn(column)),
      );
      return { ...cte, plan: made, recursive: { ...cte.recursive, term } };
    });
    return { ...plan, ctes, input: this.plan(plan.input) };
  }

  #checkRecursive(name: string, location: number, at: number, first: CollationState, next: CollationState): void {
    const whole = merged({ ...first, location: -1 }, next.strength === NONE ? first : next, this.#name);
    if (whole.strength === CONFLICT || whole.collation === first.collation) return;
    const shown = (state: CollationState): string => `"${this.#name(state.collation!)}"`;
    throw errorAt(
      '42P21',
      `recursive query "${name}" column ${at + 1} has collation ${shown(first)} in non-recursive term but collation ` +
        `${shown(whole)} overall`,
      location,
      { hint: 'Use the COLLATE clause to set the collation of the non-recursive term.' },
    );
  }

  #setOperation(plan: SetOpPlan): Plan {
    plan.columns.forEach((column, i) => {
      const state = merged(this.#side(plan.left, i), this.#side(plan.right, i), this.#name);
      if (!(plan.op === 'union' && plan.all)) this.#settled(state);
      this.#define(column, state.strength === CONFLICT ? LOST : passed(state));
    });
    return plan;
  }

  /** Of a column on one side, where that is written. */
  #side(plan: Plan, at: number): CollationState {
    const column = plan.columns[at]!;
    const state = this.ofColumn(column);
    const expr = plan.kind === 'project' ? plan.items[at]?.expr : undefined;
    return expr === undefined || state.strength === EXPLICIT ? state : { ...state, location: placeOf(expr) };
  }

  #values(p: Extract<Plan, { kind: 'values' }>): Plan {
    const made = mapPlanExprs(p, (e) => this.expr(e)) as typeof p;
    p.columns.forEach((column, i) => {
      let state = UNCOLLATED;
      for (const row of made.rows) state = merged(state, this.#stateOf(row[i]!), this.#name);
      this.#define(column, state);
    });
    return made;
  }

  #defineOutputs(plan: Plan): void {
    switch (plan.kind) {
      case 'project':
        for (const { column, expr } of plan.items) if (!isSame(column, expr)) this.#define(column, this.#stateOf(expr));
        break;
      case 'projectset':
        for (const { column, srf } of plan.sets) this.#define(column, this.#stateOf(srf));
        break;
      case 'window':
        for (const { column, window } of plan.windows) this.#define(column, this.#stateOf(window));
        break;
      case 'function': {
        let at = 0;
        for (const { expr, width } of plan.calls) {
          if (width === 1) this.#define(plan.columns[at]!, this.#stateOf(expr));
          at += width;
        }
        break;
      }
      case 'insert':
      case 'update':
      case 'delete':
        for (const { column, expr } of plan.returning?.items ?? []) this.#define(column, this.#stateOf(expr));
        break;
      default:
        break;
    }
  }

  #define(column: PlanColumn, state: CollationState): void {
    this.#columns.set(column.id, state);
  }

  ofColumn({ id, oid }: { readonly id: number; readonly oid: number }, location = -1): CollationState {
    const derived = this.#columns.get(id);
    if (derived !== undefined) return derived;
    const key = this.#binder.collationOf(id);
    return key === null ? ofType(oid, location) : implicit(key, location);
  }

  // ---- keys ----

  /** What is sorted or grouped by must have one. @throws QuoralError 42P21 */
  #settled(state: CollationState): void {
    if (state.strength === CONFLICT) throw mismatch(state, this.#name);
  }

  #grouped(e: Expr): Expr {
    const made = this.expr(e);
    this.#settled(this.#stateOf(made));
    return made;
  }

  #sortKeys(keys: readonly SortKey[], settled: boolean): readonly SortKey[] {
    return mapKeys(keys, (e) => this.expr(e)).map((key) => {
      const state = this.#stateOf(key.expr);
      if (settled) this.#settled(state);
      const { collation: _, ...bare } = key;
      return key.byCodePoints === true ? bare : { ...bare, ...orderIn(state) };
    });
  }

  // ---- expressions ----

  expr(given: Expr): Expr {
    const { collate } = given;
    const made = this.#inner(given);
    const location = collate?.location ?? -1;
    if (collate !== undefined)
      this.#states.set(made, { strength: EXPLICIT, collation: collationOfKey(collate.key), location });
    if (this.#compared.has(given)) {
      const state = this.#stateOf(made);
      this.#states.set(made, state.strength === CONFLICT ? UNCOLLATED : passed(state));
    }
    return made;
  }

  ofExpr(e: Expr): CollationState {
    return this.#stateOf(e);
  }

  #stateOf(e: Expr): CollationState {
    const known = this.#states.get(e);
    if (known !== undefined) return known;
    return e.kind === 'column' ? this.ofColumn(e, e.location) : ofType(e.oid, placeOf(e));
  }

  /** Of all of them together. */
  #merged(parts: readonly Expr[]): CollationState {
    let state = UNCOLLATED;
    for (const part of parts) state = merged(state, this.#stateOf(part), this.#name);
    return state;
  }

  /** The expression, whose own collation comes from what it is given. */
  #note<E extends Expr>(e: E, input: CollationState): E {
    const own = ofType(e.oid, placeOf(e));
    this.#states.set(e, own.strength === NONE ? UNCOLLATED : input.strength === NONE ? own : input);
    return e;
  }

  #inner(e: Expr): Expr {
    switch (e.kind) {
      case 'column': {
        const state = passed(this.ofColumn(e, e.location));
        this.#states.set(e, state.strength === NONE ? state : { ...state, location: e.location });
        return e;
      }
      case 'param': {
        const key = e.collation ?? this.#binder.variables?.collation;
        if (key === undefined || typeCollation(e.oid) === null) return this.#note(e, UNCOLLATED);
        this.#states.set(e, implicit(key, -1));
        return e;
      }
      case 'const':
      case 'sqlvalue':
        return this.#note(e, UNCOLLATED);
      case 'call':
        return this.#call(e);
      case 'srf': {
        const args = e.args.map((a) => this.expr(a));
        const input = this.#merged(args);
        return this.#note({ ...e, args, ...this.#under(e, input) }, input);
      }
      case 'distinct': {
        const equals = this.expr(e.equals) as CallExpr;
        return this.#note({ ...e, equals }, UNCOLLATED);
      }
      case 'minmax': {
        const args = e.args.map((a) => this.expr(a));
        const input = this.#merged(args);
        return this.#note({ ...e, args, ...orderIn(input) }, input);
      }
      case 'case': {
        if (e.form === 'simple')
          for (const { when } of e.whens) if (when.kind === 'call') this.#compared.add(when.args[0]!);
        const whens = e.whens.map((w) => ({ when: this.expr(w.when), then: this.expr(w.then) }));
        const otherwise = this.expr(e.otherwise);
        const parts = [...whens.map((w) => w.then), otherwise];
        // NULLIF has that of its comparison, of which the second argument is a part.
        if (e.form === 'nullif' && whens[0]?.when.kind === 'call') parts.push(...whens[0].when.args);
        return this.#note({ ...e, whens, otherwise }, this.#merged(parts));
      }
      case 'row':
        return this.#row(e);
      case 'in':
        return this.#in(e);
      case 'anyall': {
        const [left, right] = [this.expr(e.left), this.expr(e.right)];
        const { entry, info } = this.#under(e, this.#merged([left, right]));
        return this.#note({ ...e, entry, info, left, right }, UNCOLLATED);
      }
      case 'subquery':
        return this.#subquery(e);
      case 'aggregate':
        return this.#aggregate(e);
      case 'window':
        return this.#window(e);
      case 'subscript': {
        const made = mapChildren(e, (child) => this.expr(child)) as typeof e;
        return this.#note(made, this.#stateOf(made.arg));
      }
      case 'field': {
        const arg = this.expr(e.arg);
        const key = fieldsOf(arg.oid)?.[e.index]?.collation;
        if (key !== undefined) return this.#note({ ...e, arg }, implicit(key, placeOf(arg)));
        return this.#note({ ...e, arg }, arg.kind === 'row' ? this.#stateOf(arg.args[e.index] ?? arg) : UNCOLLATED);
      }
      default: {
        const parts: Expr[] = [];
        const made = mapChildren(e, (child) => {
          const part = this.expr(child);
          parts.push(part);
          return part;
        });
        return this.#note(made, this.#merged(parts));
      }
    }
  }

  /** The form that an operator has under a collation. */
  #under<E extends Pick<CallExpr, 'entry' | 'info'>>(
    { entry, info }: E,
    input: CollationState,
  ): Pick<CallExpr, 'entry' | 'info'> {
    const collation = inputOf(input);
    if (collation === undefined) return { entry, info };
    return { entry: collatedEntry(entry, collation, info.argOids), info: { ...info, collation } };
  }

  /** Items that read columns are compared each for itself, the others as an array. */
  #in(e: InExpr): Expr {
    const [left, items] = [this.expr(e.left), e.items.map((i) => this.expr(i))];
    const plain = items.filter((item) => columnsOf(item).size === 0);
    const reading = items.filter((item) => !plain.includes(item));
    const groups = plain.length > 1 ? [plain, ...reading.map((item) => [item])] : items.map((item) => [item]);
    const inputs = groups.map((group) => this.#merged([left, ...group]));
    const isOne = inputs.every((input) => inputOf(input) === inputOf(inputs[0]!));
    if (isOne) return this.#note({ ...e, ...this.#under(e, inputs[0]!), left, items }, UNCOLLATED);
    const args = groups.map((group, i): Expr => ({ ...e, ...this.#under(e, inputs[i]!), left, items: group }));
    return this.#note({ kind: e.negated ? 'and' : 'or', args, oid: e.oid, typmod: -1 }, UNCOLLATED);
  }

  #call(e: CallExpr): Expr {
    const args = e.args.map((a) => this.expr(a));
    const input = this.#merged(args);
    if (e.entry.castsTo !== undefined) {
      const domain = domainCollation(e.entry.castsTo);
      return this.#note({ ...e, args }, domain === null ? input : implicit(domain, placeOf(e)));
    }
    if (e.entry.name === 'pg_collation_for' && input.strength !== NONE) {
      const info: CallInfo = { ...e.info, collation: input.strength === CONFLICT ? null : input.collation };
      return this.#note({ ...e, args, info }, UNCOLLATED);
    }
    return this.#note({ ...e, args, ...this.#under(e, input) }, input);
  }

  #row(e: RowExpr): Expr {
    const args = e.args.map((a) => this.expr(a));
    // Of a value of a type, what the type says of them; of a relation's row, what its columns do.
    const fields = e.tableId === undefined ? fieldsOf(e.oid) : null;
    const orders = args.map((a, i) => {
      if (fields === null) return orderIn(this.#stateOf(a));
      const key = fields[i]?.collation;
      return key === undefined ? {} : orderIn(implicit(key, -1));
    });
    const collations = orders.some((o) => o.collation !== undefined) ? orders.map((o) => o.collation) : undefined;
    return this.#note({ ...e, args, ...(collations === undefined ? {} : { collations }) }, UNCOLLATED);
  }

  #subquery(e: Extract<Expr, { kind: 'subquery' }>): Expr {
    const left = e.hashed === null ? null : this.expr(e.hashed.left);
    const plan = this.plan(e.plan);
    const states = plan.columns.map((c) => this.ofColumn(c));
    for (const [i, column] of plan.columns.entries()) this.#define(column, outside(states[i]!));
    const test = e.test === null ? null : this.expr(e.test);
    const isHashable = test?.kind !== 'call' || test.entry.uncollated === undefined;
    const hashed = left === null || !isHashable ? null : { ...e.hashed!, left };
    const first = e.mode === 'scalar' || e.mode === 'array' ? asValue(states[0]!) : UNCOLLATED;
    return this.#note({ ...e, plan, test, hashed }, first);
  }

  #aggregate(e: AggregateExpr): AggregateExpr {
    const args = e.args.map((a) => this.expr(a));
    const filter = e.filter === null ? null : this.expr(e.filter);
    const within = isOrderedSet(e.entry) || isHypotheticalSet(e.entry);
    const orderBy = this.#sortKeys(e.orderBy, true);
    if (isHypotheticalSet(e.entry)) return this.#hypothetical({ ...e, args, filter, orderBy });
    const input = this.#merged(args);
    const collation = inputOf(input);
    const entry = collation === undefined ? e.entry : collatedAggregate(e.entry, collation, e.info.argOids);
    const order = e.distinct ? orderIn(input) : {};
    if (e.distinct) this.#settled(input);
    const info = collation === undefined ? e.info : { ...e.info, ...order };
    const keys = within && orderBy.length === 1 ? [{ ...orderBy[0]!, ...orderIn(input) }] : orderBy;
    return this.#note({ ...e, entry, info, args, filter, orderBy: keys }, input);
  }

  /** Each direct argument with its column of the order. */
  #hypothetical(e: AggregateExpr): AggregateExpr {
    const width = e.direct ?? 0;
    const orders = e.orderBy.map((_, i) => {
      const state = this.#merged([e.args[i]!, e.args[width + i]!]);
      this.#settled(state);
      return orderIn(state);
    });
    const order = e.info.order?.map((one, i) => ({ ...one, ...orders[i] }));
    const orderBy = e.orderBy.map((key, i) => ({ ...key, ...orders[i] }));
    return this.#note({ ...e, orderBy, info: { ...e.info, ...(order === undefined ? {} : { order }) } }, UNCOLLATED);
  }

  #window(e: WindowExpr): Expr {
    const partition = e.partition.map((p) => this.#grouped(p));
    const orderBy = this.#sortKeys(e.orderBy, true);
    const args = e.args.map((a) => this.expr(a));
    const aggregate = e.aggregate === null ? null : (this.expr(e.aggregate) as AggregateExpr);
    const input = aggregate === null ? this.#merged(args) : this.#stateOf(aggregate);
    return this.#note({ ...e, partition, orderBy, args, aggregate }, input);
  }
}

/** Of a query's column to whoever reads it: it does not matter any more how it came to it. */
function passed(state: CollationState): CollationState {
  if (state.lost === true) return LOST;
  return state.strength === EXPLICIT ? { ...state, strength: IMPLICIT } : state;
}

/** Of a subquery's column to whoever reads that: of a conflict inside nothing is told. */
function outside(state: CollationState): CollationState {
  return state.strength === CONFLICT ? LOST : passed(state);
}

/** Of a subquery's value: one that was lost inside is one that agrees with no other. */
function asValue(state: CollationState): CollationState {
  const isLost = state.strength === CONFLICT || state.lost === true;
  return isLost ? { strength: IMPLICIT, collation: null, location: state.location, lost: true } : passed(state);
}

/** A column that is passed on. */
function isSame(column: PlanColumn, expr: Expr): boolean {
  return expr.kind === 'column' && expr.id === column.id && expr.collate === undefined;
}
