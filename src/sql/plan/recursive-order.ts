/**
 * SEARCH and CYCLE of a recursive WITH query. They add columns that the query computes as it goes: where a row stands
 * (its way from the first rows, or its depth and its own columns), whether it closes a circle, and the way to it. Both
 * are written into the query's parse tree: the two sides of the UNION become subqueries, around which the added columns
 * are computed; the recursive side hands the columns of the row before on, by hidden columns of the reference to the
 * query itself. Rows that close a circle are shown and not gone on from.
 *
 * Limit: an added column that has the name of one of the query's own columns is refused.
 */
import type { CommonTableExpr, Node, ResTarget, SelectStmt } from 'libpg-query';
import { as, stringsOf } from './ast.js';
import { errorAt } from './binder.js';

/** Of a breadth-first search: how far from the first rows. Nobody sees it. */
const DEPTH = '*DEPTH*';

interface Added {
  readonly name: string;
  readonly shown: boolean;
  /** For a first row, whose own columns are those of `row`. */
  first(row: string): Node;
  /** For a row that was found from one whose added columns `row` has too. */
  next(row: string): Node;
}

/** What SEARCH and CYCLE add to the columns of a query, and its sides with them. */
export class RecursiveOrder {
  readonly #own: readonly string[];
  readonly #added: readonly Added[];
  readonly #mark: { readonly name: string; readonly value: Node } | null;

  /** `columnsOf`: what a side of the UNION gives; the names of the query's columns are those of its first side. */
  constructor(
    cte: CommonTableExpr,
    union: SelectStmt,
    columnsOf: (side: SelectStmt) => readonly { readonly name: string }[],
  ) {
    checkSides(union);
    const added: Added[] = [];
    this.#own = columnsOf(union.larg!).map(({ name }) => name);
    checkNames(cte, this.#own);
    if (cte.search_clause !== undefined) added.push(...searchColumns(cte.search_clause));
    this.#mark = null;
    if (cte.cycle_clause !== undefined) {
      const { columns, mark } = cycleColumns(cte.cycle_clause);
      added.push(...columns);
      this.#mark = mark;
    }
    this.#added = [...added.filter((a) => a.shown), ...added.filter((a) => !a.shown)];
  }

  /** Of all columns. */
  get names(): readonly string[] {
    return [...this.#own, ...this.#added.map(({ name }) => name)];
  }
  get added(): number {
    return this.#added.length;
  }
  /** How many of the last columns nobody sees. */
  get unseen(): number {
    return this.#added.filter((a) => !a.shown).length;
  }

  /** The first side of the UNION. */
  first(select: SelectStmt): SelectStmt {
    const targets = [...this.#own.map((name) => column(FROM, name)), ...this.#added.map((a) => a.first(FROM))];
    return around(select, this.#own, targets, undefined);
  }

  /** The recursive side; `self` is what its FROM calls the query itself. */
  next(select: SelectStmt, self: string): SelectStmt {
    const handed = this.#added.map(({ name }): Node => target(column(self, name)));
    const inner: SelectStmt = { ...select, targetList: [...(select.targetList ?? []), ...handed] };
    const targets = [...this.#own.map((name) => column(FROM, name)), ...this.#added.map((a) => a.next(FROM))];
    const mark = this.#mark;
    return around(
      inner,
      this.names,
      targets,
      mark === null ? undefined : operator('<>', column(FROM, mark.name), mark.value),
    );
  }
}

const FROM = '*before*';

function searchColumns(clause: NonNullable<CommonTableExpr['search_clause']>): Added[] {
  const by = stringsOf(clause.search_col_list);
  const name = clause.search_seq_column ?? '';
  if (clause.search_breadth_first !== true) return [wayColumn(name, by)];
  return [
    {
      name,
      shown: true,
      first: (row) => rowOf([integer(0), ...by.map((c) => column(row, c))]),
      next: (row) => rowOf([deeper(row), ...by.map((c) => column(row, c))]),
    },
    { name: DEPTH, shown: false, first: () => integer(0), next: deeper },
  ];
}

function deeper(row: string): Node {
  return operator('+', column(row, DEPTH), integer(1));
}

/** The rows from the first one to this one, each by these columns. */
function wayColumn(name: string, by: readonly string[]): Added {
  const here = (row: string): Node => rowOf(by.map((c) => column(row, c)));
  return {
    name,
    shown: true,
    first: (row) => ({ A_ArrayExpr: { elements: [here(row)] } }),
    next: (row) => operator('||', column(row, name), here(row)),
  };
}

function cycleColumns(clause: NonNullable<CommonTableExpr['cycle_clause']>): {
  readonly columns: readonly Added[];
  readonly mark: { readonly name: string; readonly value: Node };
} {
  const by = stringsOf(clause.cycle_col_list);
  const name = clause.cycle_mark_column ?? '';
  const way = wayColumn(clause.cycle_path_column ?? '', by);
  const value = clause.cycle_mark_value!;
  // Both have one type, also where only one of them says which.
  const mark = (closed: Node): Node => ({
    CaseExpr: { args: [{ CaseWhen: { expr: closed, result: value } }], defresult: clause.cycle_mark_default! },
  });
  const closed = (row: string): Node => ({
    A_Expr: {
      kind: 'AEXPR_OP_ANY',
      name: [{ String: { sval: '=' } }],
      lexpr: rowOf(by.map((c) => column(row, c))),
      rexpr: column(row, way.name),
      location: -1,
    },
  });
  const never: Node = { A_Const: { boolval: {}, location: -1 } };
  return {
    columns: [{ name, shown: true, first: () => mark(never), next: (row) => mark(closed(row)) }, way],
    mark: { name, value },
  };
}

function checkSides({ larg, rarg }: SelectStmt): void {
  for (const [side, what, sqlstate] of [
    [larg, 'left', '0A000'],
    [rarg, 'right', '42601'],
  ] as const) {
    if (side?.op !== undefined && side.op !== 'SETOP_NONE')
      throw errorAt(sqlstate, `with a SEARCH or CYCLE clause, the ${what} side of the UNION must be a SELECT`, -1);
  }
}

function checkNames(cte: CommonTableExpr, own: readonly string[]): void {
  const check = (what: string, names: readonly string[], location: number): void => {
    names.forEach((name, i) => {
      if (!own.includes(name))
        throw errorAt('42601', `${what} column "${name}" not in WITH query column list`, location);
      if (names.indexOf(name) < i)
        throw errorAt('42701', `${what} column "${name}" specified more than once`, location);
    });
  };
  const fresh = (what: string, name: string | undefined, location: number): void => {
    if (own.includes(name ?? ''))
      throw errorAt('42601', `${what} column name "${name}" already used in WITH query column list`, location);
  };
  const { search_clause: search, cycle_clause: cycle } = cte;
  const at = search?.location ?? -1;
  if (search !== undefined) {
    check('search', stringsOf(search.search_col_list), at);
    fresh('search sequence', search.search_seq_column, at);
  }
  if (cycle === undefined) return;
  const location = cycle.location ?? -1;
  check('cycle', stringsOf(cycle.cycle_col_list), location);
  fresh('cycle mark', cycle.cycle_mark_column, location);
  fresh('cycle path', cycle.cycle_path_column, location);
  if (cycle.cycle_mark_column === cycle.cycle_path_column)
    throw errorAt('42601', 'cycle mark column name and cycle path column name are the same', location);
  for (const [what, name] of [
    ['mark', cycle.cycle_mark_column],
    ['path', cycle.cycle_path_column],
  ]) {
    if (search !== undefined && search.search_seq_column === name)
      throw errorAt('42601', `search sequence column name and cycle ${what} column name are the same`, at);
  }
}

/** What FROM calls the query, if it names it outside of subqueries. @throws QuoralError 0A000 if it does not */
export function selfReference(select: SelectStmt, name: string): string {
  const find = (node: Node): string | null => {
    const range = as(node, 'RangeVar');
    if (range !== undefined)
      return range.relname === name && range.schemaname === undefined ? (range.alias?.aliasname ?? name) : null;
    const join = as(node, 'JoinExpr');
    return join === undefined ? null : (find(join.larg!) ?? find(join.rarg!));
  };
  const hides = (select.withClause?.ctes ?? []).some((c) => as(c, 'CommonTableExpr')?.ctename === name);
  for (const item of hides ? [] : (select.fromClause ?? [])) {
    const found = find(item);
    if (found !== null) return found;
  }
  throw errorAt(
    '0A000',
    `with a SEARCH or CYCLE clause, the recursive reference to WITH query "${name}" must be at the top level of its right-hand SELECT`,
    -1,
  );
}

/** SELECT targets FROM (select) *before* (names) WHERE condition. */
function around(
  select: SelectStmt,
  names: readonly string[],
  targets: readonly Node[],
  condition: Node | undefined,
): SelectStmt {
  const colnames = names.map((sval): Node => ({ String: { sval } }));
  return {
    targetList: targets.map(target),
    fromClause: [{ RangeSubselect: { subquery: { SelectStmt: select }, alias: { aliasname: FROM, colnames } } }],
    ...(condition === undefined ? {} : { whereClause: condition }),
    limitOption: 'LIMIT_OPTION_DEFAULT',
    op: 'SETOP_NONE',
  } as SelectStmt;
}

function target(val: Node): Node {
  return { ResTarget: { val, location: -1 } as ResTarget };
}
function column(relation: string, name: string): Node {
  return { ColumnRef: { fields: [relation, name].map((sval) => ({ String: { sval } })), location: -1 } };
}
function rowOf(args: Node[]): Node {
  return { RowExpr: { args, row_format: 'COERCE_EXPLICIT_CALL', location: -1 } };
}
function integer(ival: number): Node {
  return { A_Const: { ival: ival === 0 ? {} : { ival }, location: -1 } };
}
function operator(name: string, lexpr: Node, rexpr: Node): Node {
  return { A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: name } }], lexpr, rexpr, location: -1 } };
}
