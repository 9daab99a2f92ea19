/** Plans as text, in the shape of PostgreSQL's EXPLAIN. Costs are guesses from `estimate`. */
import { unreachable } from '../../base/assert.js';
import type { FormatContext } from '../types/type-info.js';
import { conjuncts, some } from './expr.js';
import type { Expr, SortKey } from './expr.js';
import { ExprFormatter, quoteIdentifier } from './format-expr.js';
import type { IndexDescriptor } from '../catalog/descriptor.js';
import { indexColumnIds, keyExpression } from './access.js';
import { estimate } from './join-order.js';
import type { JoinPlan, KeyConstraint, Plan, ScanPlan } from './logical.js';
import { columnsOf, freeColumns, idsOf, walkPlan } from './plan-walk.js';

export interface ExplainOptions {
  readonly verbose: boolean;
  readonly costs: boolean;
}

export function explainPlan(plan: Plan, options: ExplainOptions, format: FormatContext): string[] {
  return new Explainer(plan, options, format).lines;
}

/** A node's own line, its detail lines, and its inputs. */
interface Shown {
  readonly title: string;
  readonly details: readonly string[];
  readonly inputs: readonly { readonly plan: Plan; readonly label?: string }[];
}

class Explainer {
  readonly lines: string[] = [];
  readonly #names = new Map<number, string>();
  readonly #options: ExplainOptions;
  readonly #formatter: ExprFormatter;
  #subplans = 0;
  #pending: { readonly name: string; readonly plan: Plan }[] = [];

  constructor(plan: Plan, options: ExplainOptions, format: FormatContext) {
    this.#options = options;
    this.#collectNames(plan);
    this.#formatter = new ExprFormatter(
      format,
      (id, name) => this.#names.get(id) ?? quoteIdentifier(name),
      (e) => {
        const correlated = freeColumns(e.plan).size > 0;
        const name = `${correlated ? 'SubPlan' : 'InitPlan'} ${++this.#subplans}`;
        this.#pending.push({ name, plan: e.plan });
        return e.mode === 'exists'
          ? `EXISTS(${name})`
          : e.mode === 'array'
            ? `ARRAY(${name})`
            : e.mode === 'any'
              ? `(ANY ${name})`
              : e.mode === 'all'
                ? `(ALL ${name})`
                : `(${name})`;
      },
    );
    this.#show(plan, 0, null);
  }

  /** Columns are qualified when the statement reads more than one relation. */
  #collectNames(plan: Plan): void {
    const scans: { alias: string; columns: readonly { id: number; name: string }[] }[] = [];
    const expressions = new Map<number, Expr>();
    walkPlan(
      plan,
      () => undefined,
      (p) => {
        if (p.kind === 'scan' || p.kind === 'virtual') scans.push({ alias: p.alias, columns: p.columns });
        if (p.kind === 'project') for (const item of p.items) expressions.set(item.column.id, item.expr);
      },
    );
    const qualify = scans.length > 1 || this.#options.verbose;
    for (const scan of scans) {
      for (const c of scan.columns) {
        const name = quoteIdentifier(c.name);
        this.#names.set(c.id, qualify ? `${quoteIdentifier(scan.alias)}.${name}` : name);
      }
    }
    for (const [id, expr] of expressions) {
      const source = expr.kind === 'column' ? this.#names.get(expr.id) : undefined;
      if (source !== undefined && !this.#names.has(id)) this.#names.set(id, source);
    }
  }

  #show(plan: Plan, depth: number, label: string | null): void {
    // Projections are PostgreSQL's target lists, not nodes.
    if (plan.kind === 'project') {
      if (plan.input.kind === 'one') this.#line('Result', plan, depth, label);
      else this.#show(plan.input, depth, label);
      const inner = plan.input.kind === 'one' ? depth : depth;
      if (this.#options.verbose) this.#detail(`Output: ${plan.items.map((i) => this.#text(i.expr)).join(', ')}`, inner);
      else for (const item of plan.items) if (some(item.expr, (e) => e.kind === 'subquery')) this.#text(item.expr);
      this.#flush(depth);
      return;
    }
    if (plan.kind === 'with') {
      this.#show(plan.input, depth, label);
      for (const cte of plan.ctes) {
        this.#raw(`CTE ${cte.name}`, depth);
        this.#show(cte.recursive === null ? cte.plan : cte.plan, depth + 1, null);
        if (cte.recursive !== null) this.#show(cte.recursive.term, depth + 1, null);
      }
      return;
    }
    const shown = this.#describe(plan);
    this.#line(shown.title, plan, depth, label);
    for (const d of shown.details) this.#detail(d, depth);
    this.#flush(depth);
    for (const input of shown.inputs) this.#show(input.plan, depth + 1, input.label ?? null);
  }

  #flush(depth: number): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const sub of pending) {
      this.#raw(sub.name, depth);
      this.#show(sub.plan, depth + 1, null);
    }
  }

  #indent(depth: number): string {
    return depth === 0 ? '' : ' '.repeat(depth * 6 - 4);
  }
  #line(title: string, plan: Plan, depth: number, label: string | null): void {
    const costs = this.#options.costs ? `  ${costText(plan)}` : '';
    const prefix = depth === 0 ? '' : `${this.#indent(depth)}->  `;
    this.lines.push(`${prefix}${label === null ? '' : `${label}: `}${title}${costs}`);
  }
  #detail(text: string, depth: number): void {
    this.lines.push(`${depth === 0 ? '  ' : `${this.#indent(depth)}      `}${text}`);
  }
  #raw(text: string, depth: number): void {
    this.#detail(text, depth);
  }

  #text(e: Expr): string {
    return this.#formatter.text(e);
  }
  #condition(parts: readonly Expr[]): string {
    return parts.length === 1 ? this.#text(parts[0]!) : `(${parts.map((p) => this.#text(p)).join(' AND ')})`;
  }
  #keys(keys: readonly SortKey[]): string {
    return keys
      .map(
        (k) =>
          this.#text(k.expr) +
          (k.descending ? ' DESC' : '') +
          (k.nullsFirst === k.descending ? '' : k.nullsFirst ? ' NULLS FIRST' : ' NULLS LAST'),
      )
      .join(', ');
  }

  #describe(plan: Plan): Shown {
    switch (plan.kind) {
      case 'scan':
        return this.#scan(plan);
      case 'virtual': {
        const name = plan.alias === plan.relation.name ? plan.alias : `${plan.relation.name} ${plan.alias}`;
        return {
          title: `Seq Scan on ${name}`,
          details: plan.filter === null ? [] : [`Filter: ${this.#text(plan.filter)}`],
          inputs: [],
        };
      }
      case 'values':
        return { title: plan.rows.length === 1 ? 'Result' : 'Values Scan', details: [], inputs: [] };
      case 'function':
        return {
          title: `Function Scan on ${plan.calls.map((c) => (c.expr.kind === 'srf' || c.expr.kind === 'call' ? c.expr.entry.name : 'expression')).join(', ')}`,
          details: [],
          inputs: [],
        };
      case 'filter':
        return { title: 'Filter', details: [`Filter: ${this.#text(plan.condition)}`], inputs: [{ plan: plan.input }] };
      case 'projectset':
        return { title: 'ProjectSet', details: [], inputs: [{ plan: plan.input }] };
      case 'join':
        return this.#join(plan);
      case 'aggregate': {
        const key =
          plan.groups.length === 0 ? [] : [`Group Key: ${plan.groups.map((g) => this.#text(g.expr)).join(', ')}`];
        return {
          title: plan.groups.length === 0 ? 'Aggregate' : 'HashAggregate',
          details: key,
          inputs: [{ plan: plan.input }],
        };
      }
      case 'window':
        return { title: 'WindowAgg', details: [], inputs: [{ plan: plan.input }] };
      case 'distinct':
        return { title: plan.on === null ? 'HashAggregate' : 'Unique', details: [], inputs: [{ plan: plan.input }] };
      case 'sort':
        return {
          title: plan.limit === null ? 'Sort' : 'Top-N Sort',
          details: [`Sort Key: ${this.#keys(plan.keys)}`],
          inputs: [{ plan: plan.input }],
        };
      case 'limit':
        return { title: 'Limit', details: [], inputs: [{ plan: plan.input }] };
      case 'setop': {
        const name =
          plan.op === 'union'
            ? plan.all
              ? 'Append'
              : 'HashAggregate Union'
            : `HashSetOp ${plan.op === 'intersect' ? 'Intersect' : 'Except'}${plan.all ? ' All' : ''}`;
        return { title: name, details: [], inputs: [{ plan: plan.left }, { plan: plan.right }] };
      }
      case 'ctescan':
        return { title: `CTE Scan on ${plan.name}`, details: [], inputs: [] };
      case 'one':
        return { title: 'Result', details: [], inputs: [] };
      case 'empty':
        return { title: 'Result', details: ['One-Time Filter: false'], inputs: [] };
      case 'insert': {
        const details =
          plan.conflict === null
            ? []
            : [
                `Conflict Resolution: ${plan.conflict.update === null ? 'NOTHING' : 'UPDATE'}`,
                ...(plan.conflict.arbiters === null
                  ? []
                  : [`Conflict Arbiter Indexes: ${plan.conflict.arbiters.map((a) => a.name).join(', ')}`]),
              ];
        return { title: `Insert on ${quoteIdentifier(plan.table.name)}`, details, inputs: [{ plan: plan.input }] };
      }
      case 'update':
        return { title: `Update on ${quoteIdentifier(plan.table.name)}`, details: [], inputs: [{ plan: plan.input }] };
      case 'delete':
        return { title: `Delete on ${quoteIdentifier(plan.table.name)}`, details: [], inputs: [{ plan: plan.input }] };
      case 'project':
      case 'with':
        return { title: 'Result', details: [], inputs: [{ plan: plan.input }] };
      default:
        return unreachable(plan, 'plan');
    }
  }

  #scan(plan: ScanPlan): Shown {
    const table = quoteIdentifier(plan.table.name);
    const name = plan.alias === plan.table.name ? table : `${table} ${quoteIdentifier(plan.alias)}`;
    const details: string[] = [];
    const { access } = plan;
    let title = `Seq Scan on ${name}`;
    if (access !== null) {
      const kind = access.covering ? 'Index Only Scan' : 'Index Scan';
      title = `${kind}${access.reverse ? ' Backward' : ''} using ${quoteIdentifier(access.index.name)} on ${name}`;
      const ids = indexColumnIds(plan, access.index);
      const conditions = access.constraints.flatMap((c, i) =>
        this.#constraint(c, this.#keyName(plan, access.index, i, ids[i]!)),
      );
      if (conditions.length > 0)
        details.push(`Index Cond: ${conditions.length === 1 ? conditions[0]! : `(${conditions.join(' AND ')})`}`);
    }
    if (plan.filter !== null) details.push(`Filter: ${this.#condition(conjuncts(plan.filter))}`);
    if (plan.lock !== null)
      details.push(
        `Lock: exclusive${plan.lock.wait === 'block' ? '' : plan.lock.wait === 'nowait' ? ' nowait' : ' skip locked'}`,
      );
    if (plan.limit !== null) details.push(`Row Limit: ${this.#text(plan.limit)}`);
    return { title, details, inputs: [] };
  }

  #keyName(plan: ScanPlan, index: IndexDescriptor, at: number, id: number): string {
    const expression = keyExpression(plan, index, at);
    return expression === null
      ? columnName(plan, index.columns[at]!.columnId, id, this.#names)
      : this.#text(expression);
  }

  #constraint(c: KeyConstraint, column: string): string[] {
    switch (c.kind) {
      case 'equal':
        return [
          c.values.length === 1
            ? `(${column} = ${this.#text(c.values[0]!)})`
            : `(${column} = ANY (ARRAY[${c.values.map((v) => this.#text(v)).join(', ')}]))`,
        ];
      case 'anyof':
        return [`(${column} = ANY (${this.#text(c.array)}))`];
      case 'isnull':
        return [`(${column} IS NULL)`];
      case 'range':
        return [
          ...c.lower.map((l) => `(${column} ${l.inclusive ? '>=' : '>'} ${this.#text(l.expr)})`),
          ...c.upper.map((u) => `(${column} ${u.inclusive ? '<=' : '<'} ${this.#text(u.expr)})`),
        ];
      default:
        return unreachable(c, 'constraint');
    }
  }

  #join(plan: JoinPlan): Shown {
    const parts = conjuncts(plan.condition);
    const hash = plan.lateral ? [] : parts.filter((c) => isHashable(c, plan));
    const names = { inner: '', left: ' Left', right: ' Right', full: ' Full', semi: ' Semi', anti: ' Anti' } as const;
    const method = hash.length > 0 ? 'Hash' : 'Nested Loop';
    const details: string[] = [];
    if (hash.length > 0) details.push(`Hash Cond: ${this.#condition(hash)}`);
    const rest = parts.filter((c) => !hash.includes(c));
    if (rest.length > 0) details.push(`Join Filter: ${this.#condition(rest)}`);
    const title =
      hash.length > 0
        ? `${method}${names[plan.type]} Join`
        : plan.type === 'inner'
          ? method
          : `${method}${names[plan.type]} Join`;
    return { title, details, inputs: [{ plan: plan.left }, { plan: plan.right }] };
  }
}

function columnName(plan: ScanPlan, columnId: number, id: number, names: ReadonlyMap<number, string>): string {
  return names.get(id) ?? quoteIdentifier(plan.table.columns.find((c) => c.id === columnId)?.name ?? '?');
}

function isHashable(c: Expr, plan: JoinPlan): boolean {
  if (c.kind !== 'call' || !c.operator || c.entry.name !== '=' || c.args.length !== 2) return false;
  const [a, b] = c.args as [Expr, Expr];
  if (a.oid !== b.oid) return false;
  const left = idsOf(plan.left);
  const right = idsOf(plan.right);
  const inside = (e: Expr, ids: ReadonlySet<number>): boolean => {
    const used = columnsOf(e);
    return used.size > 0 && [...used].every((id) => ids.has(id));
  };
  return (inside(a, left) && inside(b, right)) || (inside(b, left) && inside(a, right));
}

function costText(plan: Plan): string {
  const rows = Math.max(0, Math.round(estimate(plan)));
  const width = plan.columns.reduce((sum, c) => sum + (c.oid === 23 ? 4 : c.oid === 20 ? 8 : 32), 0);
  return `(cost=0.00..${(rows * 0.01 + 1).toFixed(2)} rows=${rows} width=${width})`;
}
