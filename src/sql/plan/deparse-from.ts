/** FROM as text. */
import type { JoinExpr, Node, RangeFunction, RangeTableSample } from 'libpg-query';
import { quoteIdentifier } from '../types/identifiers.js';
import { as, stringsOf } from './ast.js';
import { INNER, known } from './deparse-place.js';
import type { QueryText } from './deparse-query.js';
import { rangeVarOf } from './deparse-names.js';
import type { RangeEntry } from './deparse-names.js';
import { some } from './expr.js';
import type { Expr } from './expr.js';
import { CLAUSE, ITEM } from './layout.js';
import type { FunctionPlan, JoinPlan, Plan } from './logical.js';

const JOINS: Readonly<Record<string, string>> = {
  JOIN_LEFT: ' LEFT JOIN ',
  JOIN_RIGHT: ' RIGHT JOIN ',
  JOIN_FULL: ' FULL JOIN ',
};

export class FromText {
  readonly #to: QueryText;

  constructor(to: QueryText) {
    this.#to = to;
  }

  clause(before: string, items: readonly Node[]): string {
    let text = before;
    items.forEach((node, i) => {
      if (i === 0) {
        text += this.#to.lines.clause(' FROM ', 2) + this.#item(node);
        return;
      }
      text += ', ';
      const item = this.#item(node);
      text += this.#to.wrapped(text, item, true, false) + item;
    });
    return text;
  }

  #entry(node: Node): RangeEntry {
    const entry = known(this.#to.level?.entries.get(node), 'an item of FROM has no name');
    return entry;
  }

  #item(node: Node): string {
    const join = as(node, 'JoinExpr');
    if (join !== undefined) return this.#join(node, join);
    const entry = this.#entry(node);
    const range = as(node, 'RangeFunction');
    if (range !== undefined) return this.#function(entry, range);
    const subselect = as(node, 'RangeSubselect');
    if (subselect !== undefined) {
      const query = this.#to.query(as(subselect.subquery, 'SelectStmt')!, INNER);
      return `${subselect.lateral === true ? 'LATERAL ' : ''}(${query}) ${this.#called(entry)}`;
    }
    const sample = as(node, 'RangeTableSample');
    const text = this.#relation(node, entry);
    return sample === undefined ? text : text + this.#sample(sample, entry);
  }

  // ---- relations ----

  #called(entry: RangeEntry): string {
    const names = entry.named ? `(${entry.names.map(quoteIdentifier).join(', ')})` : '';
    return quoteIdentifier(entry.name ?? '') + names;
  }

  #relation(node: Node, entry: RangeEntry): string {
    const range = known(rangeVarOf(node), 'a relation of FROM is no name');
    const { name, shown } = this.#relationName(entry, range.relname ?? '');
    // ONLY says nothing of a view, but stays where it was written.
    const only = range.inh === true ? '' : 'ONLY ';
    const isCalled = entry.alias !== undefined || entry.named || entry.name !== name;
    return `${only}${shown}${isCalled ? ` ${this.#called(entry)}` : ''}`;
  }

  #relationName({ kind, bound }: RangeEntry, written: string): { readonly name: string; readonly shown: string } {
    if (kind === 'with') return { name: written, shown: quoteIdentifier(written) };
    const { catalog } = this.#to;
    if (bound.plan.kind === 'virtual') {
      const { name, oid } = bound.plan.relation;
      return { name, shown: catalog.relation(oid) };
    }
    const relation = known(bound.relations[0]?.rowOf?.relation, 'a relation is not described');
    const isHidden = this.#to.isWithName(relation.name);
    return {
      name: relation.name,
      shown: isHidden ? catalog.qualifiedRelation(relation.id) : catalog.relation(relation.id),
    };
  }

  #sample(sample: RangeTableSample, entry: RangeEntry): string {
    const { plan: bound } = entry.bound;
    const plan = known(bound.kind === 'sample' ? bound : null, 'TABLESAMPLE was not bound');
    const percent = this.#to.unwrapped(plan.percent);
    const seed = plan.seed === null ? '' : ` REPEATABLE (${this.#to.unwrapped(plan.seed)})`;
    return ` TABLESAMPLE ${quoteIdentifier(stringsOf(sample.method).at(-1) ?? '')} (${percent})${seed}`;
  }

  // ---- functions ----

  #function(entry: RangeEntry, range: RangeFunction): string {
    const { plan: bound } = entry.bound;
    const plan = known(bound.kind === 'function' ? bound : null, 'a function was not bound');
    const shared = definitionsOf(range.coldeflist, plan, 0);
    const only = plan.calls.length === 1 ? plan.calls[0]! : null;
    const items = range.functions ?? [];
    const own = items.map((item) => as(as(item, 'List')?.items?.[1], 'List')?.items);
    const single = own.length === 1 ? (shared ?? definitionsOf(own[0], plan, 0)) : shared;
    const isShort = only !== null && (single === null || plan.ordinality !== true);
    let text = range.lateral === true || this.#isLateral(plan) ? 'LATERAL ' : '';
    if (isShort) text += this.#call(only.expr);
    else text += this.#several(plan, own);
    if (plan.ordinality) text += ' WITH ORDINALITY';
    const name = quoteIdentifier(entry.name ?? '');
    if (!isShort || single === null) return `${text} ${this.#called(entry)}`;
    return `${text} ${name}(${this.#definitions(single)})`;
  }

  #several(plan: FunctionPlan, own: readonly (readonly Node[] | undefined)[]): string {
    const { calls } = plan;
    const unnested = calls.flatMap(({ expr }) =>
      expr.kind === 'srf' && expr.entry.name === 'unnest' && expr.args.length === 1 ? [expr.args[0]!] : [],
    );
    if (calls.length > 1 && unnested.length === calls.length)
      return `UNNEST(${unnested.map((e) => this.#to.text(e)).join(', ')})`;
    let at = 0;
    const parts = calls.map(({ expr, width }, i) => {
      const definitions = calls.length === own.length ? definitionsOf(own[i], plan, at) : null;
      at += width;
      const shown = this.#call(expr);
      return definitions === null ? shown : `${shown} AS (${this.#definitions(definitions)})`;
    });
    return `ROWS FROM(${parts.join(', ')})`;
  }

  /** What is no call stands in a cast that looks like one. */
  #call(e: Expr): string {
    const text = this.#to.text(e);
    const isCall = e.kind === 'call' && !e.operator && e.entry.castsTo === undefined;
    if (isCall || ['srf', 'coalesce', 'minmax', 'sqlvalue'].includes(e.kind)) return text;
    if (e.kind === 'case' && e.form === 'nullif') return text;
    return `CAST(${text} AS ${this.#to.catalog.type(e.oid, e.typmod)})`;
  }

  #definitions(columns: Plan['columns']): string {
    return columns
      .map((c) => `${quoteIdentifier(c.name)} ${this.#to.catalog.type(c.domain ?? c.oid, c.typmod)}`)
      .join(', ');
  }

  /** It reads what stands beside it. */
  #isLateral(plan: FunctionPlan): boolean {
    const reads = (e: Expr): boolean => some(e, (x) => x.kind === 'column' && this.#to.level!.has(x.id));
    return plan.calls.some(({ expr }) => reads(expr));
  }

  // ---- joins ----

  #join(node: Node, join: JoinExpr): string {
    const { lines, isPretty } = this.#to;
    const entry = this.#entry(node);
    const isEnclosed = !isPretty || entry.name !== null;
    const right = as(join.rarg, 'JoinExpr');
    const needsParens = isPretty && right !== undefined && right.alias === undefined;
    let text = (isEnclosed ? '(' : '') + this.#item(join.larg!);
    const condition = conditionOf(entry.bound.plan);
    const isCross = entry.using.length === 0 && (join.quals === undefined || condition === null);
    const word = JOINS[join.jointype ?? ''] ?? (isCross ? ' CROSS JOIN ' : ' JOIN ');
    text += lines.line(word, -CLAUSE, CLAUSE, ITEM);
    text += needsParens ? `(${this.#item(join.rarg!)})` : this.#item(join.rarg!);
    if (entry.using.length > 0) {
      text += ` USING (${entry.using.map(quoteIdentifier).join(', ')})`;
      const alias = join.join_using_alias?.aliasname;
      if (alias !== undefined) text += ` AS ${quoteIdentifier(alias)}`;
    } else if (!isCross) {
      const shown = this.#to.text(condition!);
      text += ` ON ${isPretty ? shown : `(${shown})`}`;
    } else if (word !== ' CROSS JOIN ') text += ' ON TRUE';
    if (isEnclosed) text += ')';
    return entry.name === null ? text : `${text} ${this.#called(entry)}`;
  }
}

function conditionOf(plan: Plan): Expr | null {
  const join = plan.kind === 'project' ? plan.input : plan;
  return join.kind === 'join' ? (join satisfies JoinPlan).condition : null;
}

/** The columns that a definition list names; null: there is none. */
function definitionsOf(list: readonly Node[] | undefined, plan: FunctionPlan, at: number): Plan['columns'] | null {
  return list === undefined || list.length === 0 ? null : plan.columns.slice(at, at + list.length);
}
