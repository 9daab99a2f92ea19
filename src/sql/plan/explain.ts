/** Plans as trees in the shape of PostgreSQL's EXPLAIN. Rows are guesses from `estimate`. */
import { unreachable } from '../../base/assert.js';
import type { FormatContext } from '../types/type-info.js';
import { conjuncts, some } from './expr.js';
import type { Expr, SortKey } from './expr.js';
import { ExprFormatter, quoteIdentifier } from './format-expr.js';
import type { IndexDescriptor } from '../catalog/descriptor.js';
import { indexColumnIds, keyExpression } from './access.js';
import { joinEquality } from './join-equality.js';
import { estimate } from './join-order.js';
import type {
  AggregatePlan,
  CteDefinition,
  DeletePlan,
  InsertPlan,
  JoinPlan,
  KeyConstraint,
  MergePlan,
  Plan,
  PlanColumn,
  ProjectPlan,
  SamplePlan,
  ScanPlan,
  SetOpPlan,
  UpdatePlan,
  WithPlan,
} from './logical.js';
import type { Profile } from '../exec/profile.js';
import type { ExplainNode, ExplainValue, Relationship } from './explain-tree.js';
import { freeColumns, idsOf, walkPlan } from './plan-walk.js';

export interface ExplainOptions {
  readonly verbose: boolean;
  /** Of a run of the plan. */
  readonly profile?: Profile;
}

export function explainPlan(plan: Plan, options: ExplainOptions, format: FormatContext): ExplainNode {
  return new Explainer(plan, options, format).root;
}

type Detail = readonly [string, string | readonly string[]];
type Fact = readonly [string, ExplainValue];

/** What a kind of node shows of itself. */
interface Shown {
  readonly title: string;
  /** PostgreSQL's name for it, if that is not the title. */
  readonly nodeType?: string;
  readonly facts?: readonly Fact[];
  readonly details?: readonly Detail[];
  readonly inputs?: readonly Plan[];
}

class Explainer {
  readonly root: ExplainNode;
  readonly #names = new Map<number, string>();
  readonly #options: ExplainOptions;
  readonly #formatter: ExprFormatter;
  #subplans = 0;
  /** Names where a node says what it gives. */
  readonly #outputs = new Map<number, string>();
  #ofOutput = false;
  /** Scans whose locks are shown as a node. */
  readonly #lockedAbove = new Set<Plan>();
  #pending: { readonly name: string; readonly plan: Plan }[] = [];

  constructor(plan: Plan, options: ExplainOptions, format: FormatContext) {
    this.#options = options;
    this.#collectNames(plan);
    this.#formatter = new ExprFormatter(
      format,
      (id, name) =>
        (this.#ofOutput ? this.#outputs.get(id) : undefined) ?? this.#names.get(id) ?? quoteIdentifier(name),
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
    if (options.verbose) this.#nameComputed(plan);
    this.root = this.#node(plan, null, null);
  }

  /** Columns are qualified when the statement reads more than one relation, in conditions under VERBOSE too. */
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
    const several = scans.length > 1;
    for (const scan of scans) {
      for (const c of scan.columns) {
        const name = quoteIdentifier(c.name);
        const qualified = `${quoteIdentifier(scan.alias)}.${name}`;
        this.#names.set(c.id, several || this.#options.verbose ? qualified : name);
        this.#outputs.set(c.id, several ? qualified : name);
      }
    }
    for (const [id, expr] of expressions) {
      const source = expr.kind === 'column' ? this.#names.get(expr.id) : undefined;
      if (source !== undefined && !this.#names.has(id)) this.#names.set(id, source);
    }
  }

  /** What nodes compute beside projections is shown as it is written. */
  #nameComputed(plan: Plan): void {
    const name = (column: PlanColumn, e: Expr): void => {
      if (!some(e, (part) => part.kind === 'subquery')) this.#outputs.set(column.id, this.#outputText(e));
    };
    walkPlan(
      plan,
      () => undefined,
      (p) => {
        if (p.kind === 'aggregate') for (const { column, aggregate } of p.aggregates) name(column, aggregate);
        if (p.kind === 'projectset') for (const { column, srf } of p.sets) name(column, srf);
        if (p.kind === 'window') for (const { column, window } of p.windows) name(column, window);
        if (p.kind === 'values' && p.rows.length === 1) p.columns.forEach((c, i) => name(c, p.rows[0]![i]!));
      },
    );
  }

  #node(plan: Plan, relationship: Relationship | null, name: string | null): ExplainNode {
    switch (plan.kind) {
      case 'project':
        // Projections are PostgreSQL's target lists, not nodes.
        return this.#projected(plan, relationship, name);
      case 'with': {
        const input = this.#node(plan.input, relationship, name);
        return { ...input, children: [...plan.ctes.map((cte) => this.#cte(cte)), ...input.children] };
      }
      default:
        return this.#made(this.#describe(plan), plan, relationship, name);
    }
  }

  #made(shown: Shown, plan: Plan, relationship: Relationship | null, name: string | null): ExplainNode {
    const subplans = this.#takePending();
    const inputs = shown.inputs ?? [];
    const place = (i: number): Relationship =>
      plan.kind === 'setop' ? 'Member' : i === 0 || plan.kind === 'with' ? 'Outer' : 'Inner';
    return {
      title: shown.title,
      nodeType: shown.nodeType ?? shown.title,
      facts: shown.facts ?? [],
      details: [...this.#output(plan, shown), ...(shown.details ?? [])],
      subplanName: name,
      relationship,
      rows: Math.max(0, Math.round(estimate(plan))),
      width: plan.columns.reduce((sum, c) => sum + (c.oid === 23 ? 4 : c.oid === 20 ? 8 : 32), 0),
      figures: this.#options.profile?.of(plan),
      children: around(
        subplans,
        inputs.map((input, i) => this.#node(input, place(i), null)),
      ),
    };
  }

  #takePending(): ExplainNode[] {
    const pending = this.#pending;
    this.#pending = [];
    return pending.map(({ name, plan }) =>
      this.#node(plan, name.startsWith('InitPlan') ? 'InitPlan' : 'SubPlan', name),
    );
  }

  #projected(plan: ProjectPlan, relationship: Relationship | null, name: string | null): ExplainNode {
    const { verbose } = this.#options;
    const output = plan.items.flatMap((item) =>
      verbose || some(item.expr, (e) => e.kind === 'subquery') ? [this.#outputText(item.expr)] : [],
    );
    const subplans = this.#takePending();
    const input =
      plan.input.kind === 'one'
        ? this.#made({ title: 'Result' }, plan, relationship, name)
        : this.#node(plan.input, relationship, name);
    return {
      ...input,
      details: verbose ? [['Output', output], ...input.details.filter((d) => d[0] !== 'Output')] : input.details,
      children: around(subplans, input.children),
    };
  }

  #cte(cte: CteDefinition): ExplainNode {
    const name = `CTE ${cte.name}`;
    if (cte.recursive === null) return this.#node(cte.plan, 'InitPlan', name);
    const union = { ...this.#made({ title: 'Recursive Union' }, cte.plan, 'InitPlan', name), figures: undefined };
    return {
      ...union,
      children: [this.#node(cte.plan, 'Outer', null), this.#node(cte.recursive.term, 'Inner', null)],
    };
  }

  #text(e: Expr): string {
    return this.#formatter.text(e);
  }
  #outputText(e: Expr): string {
    this.#ofOutput = true;
    try {
      return this.#text(e);
    } finally {
      this.#ofOutput = false;
    }
  }
  /** Under VERBOSE: what a node that is no projection gives. */
  #output(plan: Plan, shown: Shown): Detail[] {
    if (!this.#options.verbose || plan.columns.length === 0 || shown.nodeType === 'ModifyTable') return [];
    return [
      ['Output', plan.columns.map((c) => this.#outputs.get(c.id) ?? this.#names.get(c.id) ?? quoteIdentifier(c.name))],
    ];
  }
  /** A relation in a node's title. */
  #shownRelation(schema: string, name: string, alias: string): string {
    const table = `${this.#options.verbose ? `${quoteIdentifier(schema)}.` : ''}${quoteIdentifier(name)}`;
    return alias === name ? table : `${table} ${quoteIdentifier(alias)}`;
  }
  #condition(parts: readonly Expr[]): string {
    return parts.length === 1 ? this.#text(parts[0]!) : `(${parts.map((p) => this.#text(p)).join(' AND ')})`;
  }
  #keys(keys: readonly SortKey[]): string[] {
    return keys.map(
      (k) =>
        this.#text(k.expr) +
        (k.collation == null || k.expr.collate !== undefined
          ? ''
          : ` COLLATE ${quoteIdentifier(k.collation.name ?? k.collation.key)}`) +
        (k.byCodePoints === true ? ` USING ${k.descending ? '~>~' : '~<~'}` : k.descending ? ' DESC' : '') +
        (k.nullsFirst === k.descending ? '' : k.nullsFirst ? ' NULLS FIRST' : ' NULLS LAST'),
    );
  }

  #relation(name: string, schema: string, alias: string): Fact[] {
    const facts: Fact[] = [['Relation Name', name]];
    if (this.#options.verbose) facts.push(['Schema', schema]);
    facts.push(['Alias', alias]);
    return facts;
  }

  #describe(plan: Exclude<Plan, ProjectPlan | WithPlan>): Shown {
    switch (plan.kind) {
      case 'scan':
        return this.#scan(plan);
      case 'virtual': {
        const { relation, alias } = plan;
        return {
          title: `Seq Scan on ${this.#shownRelation(relation.schema, relation.name, alias)}`,
          nodeType: 'Seq Scan',
          facts: this.#relation(relation.name, relation.schema, alias),
          details: plan.filter === null ? [] : [['Filter', this.#text(plan.filter)]],
        };
      }
      case 'values':
        return plan.rows.length === 1 ? { title: 'Result' } : { title: 'Values Scan', facts: [['Alias', '*VALUES*']] };
      case 'function': {
        const names = plan.calls
          .map(({ expr: e }) => (e.kind === 'srf' || e.kind === 'call' ? e.entry.name : 'expression'))
          .join(', ');
        return { title: `Function Scan on ${names}`, nodeType: 'Function Scan', facts: [['Function Name', names]] };
      }
      case 'filter':
        return { title: 'Filter', details: [['Filter', this.#text(plan.condition)]], inputs: [plan.input] };
      case 'sample':
        return this.#sample(plan);
      case 'join':
        return this.#join(plan);
      case 'aggregate':
        return this.#aggregate(plan);
      case 'distinct':
        return plan.on === null
          ? { title: 'HashAggregate', ...HASHED, inputs: [plan.input] }
          : { title: 'Unique', inputs: [plan.input] };
      case 'sort':
        return {
          title: plan.limit === null ? 'Sort' : 'Top-N Sort',
          nodeType: 'Sort',
          details: [['Sort Key', this.#keys(plan.keys)]],
          inputs: [plan.input],
        };
      case 'setop':
        return describeSetOp(plan);
      case 'ctescan':
        return {
          title: `CTE Scan on ${plan.name}`,
          nodeType: 'CTE Scan',
          facts: [
            ['CTE Name', plan.name],
            ['Alias', plan.name],
          ],
        };
      case 'one':
        return { title: 'Result' };
      case 'empty':
        return { title: 'Result', details: [['One-Time Filter', 'false']] };
      case 'projectset':
        return { title: 'ProjectSet', inputs: [plan.input] };
      case 'window':
        return { title: 'WindowAgg', inputs: [plan.input] };
      case 'lockrows':
        if (plan.atScan) this.#lockedAbove.add(plan.input);
        return { title: 'LockRows', inputs: [plan.input] };
      case 'limit':
        return { title: 'Limit', inputs: [plan.input] };
      case 'insert':
      case 'update':
      case 'delete':
      case 'merge':
        return this.#modify(plan);
      default:
        return unreachable(plan, 'plan');
    }
  }

  #sample(plan: SamplePlan): Shown {
    const percent = this.#text(plan.percent);
    const seed = plan.seed === null ? '' : ` REPEATABLE (${this.#text(plan.seed)})`;
    return { title: 'Sample', details: [['Sampling', `${plan.method} (${percent})${seed}`]], inputs: [plan.input] };
  }

  #aggregate(plan: AggregatePlan): Shown {
    if (plan.groups.length === 0)
      return { title: 'Aggregate', facts: [['Strategy', 'Plain'], SIMPLE], inputs: [plan.input] };
    const keys = plan.groups.map((g) => this.#text(g.expr));
    return { title: 'HashAggregate', ...HASHED, details: [['Group Key', keys]], inputs: [plan.input] };
  }

  #modify(plan: InsertPlan | UpdatePlan | DeletePlan | MergePlan): Shown {
    const operation = plan.kind.charAt(0).toUpperCase() + plan.kind.slice(1);
    const details: Detail[] = [];
    if (plan.kind === 'insert' && plan.conflict !== null) {
      details.push(['Conflict Resolution', plan.conflict.update === null ? 'NOTHING' : 'UPDATE']);
      const { arbiters } = plan.conflict;
      if (arbiters !== null) details.push(['Conflict Arbiter Indexes', arbiters.map((a) => a.name)]);
    }
    return {
      title: `${operation} on ${this.#shownRelation(plan.schemaName, plan.table.name, plan.table.name)}`,
      nodeType: 'ModifyTable',
      facts: [['Operation', operation], ...this.#relation(plan.table.name, plan.schemaName, plan.table.name)],
      details,
      inputs: [plan.input],
    };
  }

  #scan(plan: ScanPlan): Shown {
    const name = this.#shownRelation(plan.schemaName, plan.table.name, plan.alias);
    const details: Detail[] = [];
    const facts: Fact[] = [];
    const { access } = plan;
    let nodeType = 'Seq Scan';
    let title = `Seq Scan on ${name}`;
    if (access !== null) {
      nodeType = access.covering ? 'Index Only Scan' : 'Index Scan';
      title = `${nodeType}${access.reverse ? ' Backward' : ''} using ${quoteIdentifier(access.index.name)} on ${name}`;
      facts.push(['Scan Direction', access.reverse ? 'Backward' : 'Forward'], ['Index Name', access.index.name]);
      const ids = indexColumnIds(plan, access.index);
      const conditions = access.constraints.flatMap((c, i) => {
        const at = c.kind === 'items' ? c.at : i;
        return this.#constraint(c, this.#keyName(plan, access.index, at, ids[at]!));
      });
      if (conditions.length > 0)
        details.push(['Index Cond', conditions.length === 1 ? conditions[0]! : `(${conditions.join(' AND ')})`]);
    }
    facts.push(...this.#relation(plan.table.name, plan.schemaName, plan.alias));
    if (plan.filter !== null) details.push(['Filter', this.#condition(conjuncts(plan.filter))]);
    if (plan.lock !== null && !this.#lockedAbove.has(plan)) {
      const { strength, wait } = plan.lock;
      details.push(['Lock', `${strength}${wait === 'block' ? '' : wait === 'nowait' ? ' nowait' : ' skip locked'}`]);
    }
    if (plan.limit !== null) details.push(['Row Limit', this.#text(plan.limit)]);
    return { title, nodeType, facts, details };
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
      case 'items':
        return [`(${column} ${c.operator} ${this.#text(c.argument)})`];
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
    const [left, right] = [idsOf(plan.left), idsOf(plan.right)];
    const hash = plan.lateral ? [] : parts.filter((c) => joinEquality(c, left, right) !== null);
    const names = { inner: '', left: ' Left', right: ' Right', full: ' Full', semi: ' Semi', anti: ' Anti' } as const;
    const method = hash.length > 0 ? 'Hash' : 'Nested Loop';
    const details: Detail[] = [];
    if (hash.length > 0) details.push(['Hash Cond', this.#condition(hash)]);
    const rest = parts.filter((c) => !hash.includes(c));
    if (rest.length > 0) details.push(['Join Filter', this.#condition(rest)]);
    const title = hash.length === 0 && plan.type === 'inner' ? method : `${method}${names[plan.type]} Join`;
    return {
      title,
      nodeType: hash.length > 0 ? 'Hash Join' : method,
      facts: [['Join Type', plan.type.charAt(0).toUpperCase() + plan.type.slice(1)]],
      details,
      inputs: [plan.left, plan.right],
    };
  }
}

/** What runs once comes before a node's inputs, what runs for its rows after them. */
function around(subplans: readonly ExplainNode[], inputs: readonly ExplainNode[]): ExplainNode[] {
  const once = subplans.filter((s) => s.relationship === 'InitPlan');
  return [...once, ...inputs, ...subplans.filter((s) => s.relationship !== 'InitPlan')];
}

const SIMPLE: Fact = ['Partial Mode', 'Simple'];
const HASHED = { nodeType: 'Aggregate', facts: [['Strategy', 'Hashed'], SIMPLE] } as const;

function describeSetOp(plan: SetOpPlan): Shown {
  const inputs = [plan.left, plan.right];
  if (plan.op === 'union') {
    return plan.all ? { title: 'Append', inputs } : { title: 'HashAggregate Union', ...HASHED, inputs };
  }
  const command = `${plan.op === 'intersect' ? 'Intersect' : 'Except'}${plan.all ? ' All' : ''}`;
  return {
    title: `HashSetOp ${command}`,
    nodeType: 'SetOp',
    facts: [
      ['Strategy', 'Hashed'],
      ['Command', command],
    ],
    inputs,
  };
}

function columnName(plan: ScanPlan, columnId: number, id: number, names: ReadonlyMap<number, string>): string {
  return names.get(id) ?? quoteIdentifier(plan.table.columns.find((c) => c.id === columnId)?.name ?? '?');
}
