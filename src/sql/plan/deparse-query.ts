/**
 * Bound queries as SQL text, in PostgreSQL's layout: what pg_get_viewdef shows. The shape of the query is taken from its
 * parse tree, the expressions and what names mean from the notes of the binding (query-notes.ts), names as they are now
 * from `CatalogNames`.
 *
 * Limits: a literal such as 'now'::date is shown as it was written, where PostgreSQL has read it when the view was made;
 * arguments given by name are shown by position; subscripts of jsonb as the operator that they are; a join's USING alias
 * by the columns that it stands for.
 */
import type { LockingClause, SelectStmt } from 'libpg-query';
import { assert } from '../../base/assert.js';
import { OID } from '../types/oids.js';
import { quoteIdentifier } from '../types/identifiers.js';
import type { FormatContext } from '../types/type-info.js';
import { as } from './ast.js';
import type { Binder } from './binder.js';
import { tryCoerce } from './coerce.js';
import { withText } from './deparse-with.js';
import { FromText } from './deparse-from.js';
import { Level } from './deparse-names.js';
import { known } from './deparse-place.js';
import type { Place } from './deparse-place.js';
import { windowClause, windowText } from './deparse-window.js';
import { groupText } from './deparse-group.js';
import type { AggregateExpr, Expr, SortKey, WindowExpr } from './expr.js';
import { sameExpr } from './expr.js';
import { readLiterals } from './fold.js';
import { direction } from './sort-direction.js';
import { ExprFormatter, quoteLiteral, withoutImplicit, wholeRowOf } from './format-expr.js';
import type { NameRoutine, NameType } from './format-expr.js';
import { BREAK, CLAUSE, hasBreak, ITEM, lastLine, Layout } from './layout.js';
import { isFunctionCast } from './operand-rules.js';
import type { QueryNotes, SelectNotes } from './query-notes.js';
import { recordFieldsOf } from './record-columns.js';

/** What things of the catalog are called now, as SQL. */
export interface CatalogNames {
  relation(oid: number): string;
  /** With its schema, also where it would be found without. */
  qualifiedRelation(oid: number): string;
  readonly type: NameType;
  readonly routine: NameRoutine;
  readonly collation: (key: string) => string;
}

export interface QueryStyle {
  readonly pretty: boolean;
  /** Lists are broken where their lines would become longer; 0: after each item. */
  readonly wrap: number;
}

export interface ArgumentTexts {
  /** The function's. */
  readonly name: string;
  readonly names: readonly string[];
}

const SUBLINK: Place = { names: null, visible: false, types: null };

/** Words of which the value is another at each time. */
const MOVING = /^\s*(now|today|tomorrow|yesterday)\b/i;

const STRENGTHS: Readonly<Record<string, string>> = {
  LCS_FORUPDATE: 'UPDATE',
  LCS_FORNOKEYUPDATE: 'NO KEY UPDATE',
  LCS_FORSHARE: 'SHARE',
  LCS_FORKEYSHARE: 'KEY SHARE',
};

export class QueryText extends ExprFormatter {
  readonly binder: Binder;
  readonly notes: QueryNotes;
  readonly catalog: CatalogNames;
  readonly lines: Layout;
  readonly #format: FormatContext;
  readonly #wrap: number;
  readonly #withNames: string[] = [];
  readonly #from = new FromText(this);
  level: Level | null = null;
  /** Of the function whose body the query is in. */
  arguments: ArgumentTexts | null = null;
  /** The query is a RETURN of such a body. */
  returns = false;

  get isPretty(): boolean {
    return this.pretty;
  }

  constructor(binder: Binder, catalog: CatalogNames, format: FormatContext, { pretty, wrap }: QueryStyle) {
    assert(binder.notes !== null, 'a query that becomes text was bound with notes');
    const layout = new Layout();
    super(format, undefined, undefined, catalog.type, catalog.routine, {
      pretty,
      layout,
      collation: catalog.collation,
    });
    this.binder = binder;
    this.notes = binder.notes;
    this.catalog = catalog;
    this.lines = layout;
    this.#format = format;
    this.#wrap = wrap;
  }

  // ---- queries ----

  query(select: SelectStmt, place: Place): string {
    const { indent } = this.lines;
    const outer = this.level;
    this.level = new Level(outer, this.noted(select).fromClause ?? [], this.notes);
    const known = this.#withNames.length;
    let text = select.withClause === undefined ? '' : withText(this, select.withClause, this.#withNames);
    const isSet = select.op !== undefined && select.op !== 'SETOP_NONE';
    text = isSet ? text + this.#setOperation(select, place) : this.#plain(select, place, text);
    text += this.#order(select) + this.#bounds(select) + this.#locks(select);
    this.#withNames.length = known;
    this.level = outer;
    this.lines.indent = indent;
    return text;
  }

  /** The tree that was bound for this one. */
  noted(select: SelectStmt): SelectStmt {
    return this.notes.rewritten.get(select) ?? select;
  }

  #notesOf(select: SelectStmt): SelectNotes {
    const notes = known(this.notes.selects.get(this.noted(select)), 'a part was not bound');
    return notes;
  }

  /** Whether the name, without a schema, would mean a query of a WITH. */
  isWithName(name: string): boolean {
    return this.#withNames.includes(name);
  }

  #plain(select: SelectStmt, place: Place, before: string): string {
    const { lines } = this;
    lines.indent += CLAUSE;
    const lead = lines.flat && before === '' ? '' : `${before} `;
    if (select.valuesLists !== undefined) return `${lead}${this.#values(select, place)}`;
    const notes = this.#notesOf(select);
    const isReturn = this.returns && this.level?.parent === null;
    if (isReturn) return `${lead}RETURN ${this.toplevel(notes.targets[0]!.expr)}`;
    let text = `${lead}SELECT`;
    if (notes.on.length > 0)
      text += ` DISTINCT ON (${notes.on.map((e) => this.sortItem(e, this.#targetsOf(notes))).join(', ')})`;
    else if (select.distinctClause !== undefined) text += ' DISTINCT';
    text = this.#targets(text, select, notes, place);
    text = this.#from.clause(text, this.noted(select).fromClause ?? []);
    if (notes.where !== null) text += lines.clause(' WHERE ', 1) + this.text(notes.where);
    if (select.groupClause !== undefined) {
      text += lines.clause(' GROUP BY ', 1) + (select.groupDistinct === true ? 'DISTINCT ' : '');
      text += groupText(this, select.groupClause, this.#targetsOf(notes));
    }
    if (notes.having !== null) text += lines.clause(' HAVING ', 0) + this.text(notes.having);
    if (select.windowClause !== undefined) text += windowClause(this, select.windowClause);
    return text;
  }

  #targetsOf(notes: SelectNotes): Expr[] {
    return notes.targets.map((t) => t.expr);
  }

  #targets(before: string, select: SelectStmt, notes: SelectNotes, { names, visible, types }: Place): string {
    // SEARCH and CYCLE hand further columns on, which were not written.
    const count = select === this.noted(select) ? notes.targets.length : (types?.length ?? notes.targets.length);
    const items = notes.targets.slice(0, count);
    let text = before;
    let separator = ' ';
    let wasLong = false;
    items.forEach(({ expr, name }, i) => {
      text += separator;
      separator = ', ';
      const read = types === null ? expr : (tryCoerce(this.binder, expr, types[i]!, -1, 'implicit') ?? expr);
      const shown = this.#target(isUnknown(expr) ? read : expr, names?.[i] ?? name, visible);
      text += this.wrapped(text, shown, i > 0, wasLong) + shown;
      wasLong = hasBreak(shown.startsWith(BREAK) ? shown.slice(1) : shown);
    });
    return text;
  }

  /** A line break in front of an item, if it needs one. */
  wrapped(before: string, item: string, isNext: boolean, wasLong: boolean): string {
    if (!isNext || item.startsWith(BREAK) || this.lines.flat) return '';
    if (!wasLong && lastLine(before) - 1 + item.length <= this.#wrap) return '';
    return this.lines.line('', -CLAUSE, CLAUSE, ITEM);
  }

  #target(expr: Expr, name: string, visible: boolean): string {
    const column = expr.kind === 'column' ? this.#columnOf(expr.id) : null;
    const implied = wholeRowOf(expr) !== null ? null : (column?.name ?? (visible ? null : '?column?'));
    const text = this.toplevel(expr);
    return implied === name ? text : `${text} AS ${quoteIdentifier(name)}`;
  }

  #values(select: SelectStmt, { names }: Place): string {
    const rows = known(this.notes.values.get(select), 'VALUES were not bound');
    const lists = rows.map((row) => `(${row.map((e) => this.toplevel(withoutImplicit(e))).join(',')})`).join(', ');
    const own = (i: number): string => `column${i + 1}`;
    if (names === null || names.every((name, i) => name === own(i))) return `VALUES ${lists}`;
    let text = 'SELECT';
    names.forEach((name, i) => {
      text += i === 0 ? ' ' : ', ';
      const item = `"*VALUES*".${own(i)}${name === own(i) ? '' : ` AS ${quoteIdentifier(name)}`}`;
      text += this.wrapped(text, item, i > 0, false) + item;
    });
    return `${text}${this.lines.clause(' FROM ', 2)}(VALUES ${lists}) "*VALUES*"`;
  }

  // ---- set operations ----

  #setOperation(select: SelectStmt, place: Place): string {
    const { lines } = this;
    const types = this.notes.sides.get(select) ?? place.types;
    const [left, right] = [select.larg!, select.rarg!];
    const same = left.op === select.op && left.all === select.all;
    let text = '';
    if (isSetOperation(left) && !same) {
      text += `(${lines.line('', CLAUSE, 0, 0)}${this.#side(left, { ...place, types })}`;
      text += lines.line(') ', -CLAUSE, 0, 0);
    } else text += this.#side(left, { ...place, types }) + (lines.flat ? ' ' : lines.line('', 0, 0, 0));
    text += `${(select.op ?? '').replace('SETOP_', '')} ${select.all === true ? 'ALL ' : ''}`;
    const inner: Place = { ...place, visible: false, types };
    if (!isSetOperation(right)) return text + lines.line('', 0, 0, 0) + this.#side(right, inner);
    text += `(${lines.line('', CLAUSE, 0, 0)}${this.#side(right, inner)}`;
    lines.indent -= CLAUSE;
    return text + lines.line(')', 0, 0, 0);
  }

  #side(select: SelectStmt, place: Place): string {
    if (isSetOperation(select)) return this.#setOperation(select, place);
    const text = this.query(select, place);
    return isBare(select) ? text : `(${text})`;
  }

  // ---- order and bounds ----

  #order(select: SelectStmt): string {
    if (select.sortClause === undefined) return '';
    const word = this.lines.clause(' ORDER BY ', 1);
    const positions = this.notes.positions.get(select);
    if (positions !== undefined) {
      const item = (at: number): string =>
        select.valuesLists === undefined ? String(at + 1) : `"*VALUES*".column${at + 1}`;
      return word + positions.map(({ position, key }) => item(position) + direction(key)).join(', ');
    }
    const notes = this.#notesOf(select);
    return word + this.sortKeys(notes.keys, this.#targetsOf(notes));
  }

  sortKeys(keys: readonly SortKey[], others: readonly Expr[]): string {
    // An item that comes again says nothing, unless it names another target.
    const target = (e: Expr): number =>
      others.includes(e) ? others.indexOf(e) : others.findIndex((o) => sameExpr(o, e));
    const same = (a: Expr, b: Expr): boolean => sameExpr(a, b) && target(a) === target(b);
    const first = keys.filter((key, i) => keys.findIndex((other) => same(other.expr, key.expr)) === i);
    return first.map((key) => this.sortItem(key.expr, others) + direction(key)).join(', ');
  }

  /** A sort or group item: as it stands among the targets if it does, but for implicit casts. */
  sortItem(e: Expr, others: readonly Expr[]): string {
    const found = others.find((other) => sameExpr(other, e)) ?? others.find((o) => sameExpr(withoutImplicit(o), e));
    const item = found ?? e;
    const text = this.text(item);
    // A number alone would be a position.
    if (item.kind === 'const') return text.includes('::') ? text : `${text}::${this.catalog.type(item.oid)}`;
    if (item.kind === 'column' && item.collate === undefined && this.#columnOf(item.id) !== null) return text;
    return this.pretty || (isCallForm(item) && item.collate === undefined) ? `(${text})` : text;
  }

  protected override orderKeys(keys: readonly SortKey[], args: readonly Expr[]): string {
    return this.sortKeys(keys, args);
  }

  #bounds(select: SelectStmt): string {
    const bounds = this.notes.bounds.get(this.noted(select));
    let text = '';
    if (select.limitOffset !== undefined && bounds?.offset != null)
      text += this.lines.clause(' OFFSET ', 0) + this.unwrapped(bounds.offset);
    if (select.limitCount === undefined) return text;
    const count = bounds?.count == null ? null : this.unwrapped(bounds.count);
    if (select.limitOption === 'LIMIT_OPTION_WITH_TIES')
      return `${text}${this.lines.clause(' FETCH FIRST ', 0)}(${count ?? 'NULL'}) ROWS WITH TIES`;
    return text + this.lines.clause(' LIMIT ', 0) + (count ?? 'ALL');
  }

  #locks(select: SelectStmt): string {
    let text = '';
    for (const node of select.lockingClause ?? []) {
      const clause = as(node, 'LockingClause') as LockingClause;
      const written = clause.lockedRels?.map((rel) => as(rel, 'RangeVar')?.relname);
      for (const entry of this.level?.entries.values() ?? []) {
        if (entry.kind !== 'relation' && entry.kind !== 'subquery') continue;
        if (written !== undefined && !written.includes(entry.bound.relations[0]?.alias)) continue;
        text += this.lines.clause(` FOR ${STRENGTHS[clause.strength ?? ''] ?? 'UPDATE'}`, 0);
        text += ` OF ${quoteIdentifier(entry.name ?? '')}`;
        if (clause.waitPolicy === 'LockWaitError') text += ' NOWAIT';
        else if (clause.waitPolicy === 'LockWaitSkip') text += ' SKIP LOCKED';
      }
    }
    return text;
  }

  // ---- expressions ----

  protected override plain(e: Expr): string {
    const row = wholeRowOf(e);
    if (row !== null) return `${this.#rowName(row.id)}.*`;
    if (e.kind === 'column') return this.#column(e.id);
    if (e.kind === 'param' && this.arguments !== null) return this.#argument(this.arguments, e.index);
    if (e.kind === 'subquery') return this.#subquery(e);
    const relation = this.#relationLiteral(e);
    if (relation !== null) return relation;
    if (e.kind === 'cast' && e.arg.kind === 'const' && typeof e.arg.value === 'string' && !MOVING.test(e.arg.value)) {
      const read = e.arg.oid === OID.unknown ? readLiterals(e, this.#format) : e;
      if (read.kind === 'const') return super.plain(read);
    }
    return super.plain(e);
  }

  /** 'name'::regclass is kept with the relation's oid. */
  #relationLiteral(e: Expr): string | null {
    if (e.kind !== 'cast' || e.oid !== OID.regclass || e.arg.kind !== 'const') return null;
    const written = String(e.arg.value);
    return /^\d+$/.test(written) ? `${quoteLiteral(this.catalog.relation(Number(written)))}::regclass` : null;
  }

  protected override toplevel(e: Expr): string {
    const text = this.text(e);
    return wholeRowOf(e) === null ? text : `${text}::${this.catalog.type(e.oid)}`;
  }

  protected override standsAlone(e: Expr, parent: Expr): boolean {
    return wholeRowOf(e) !== null || super.standsAlone(e, parent);
  }

  protected override ownsColumn(id: number): boolean {
    return this.level?.has(id) ?? false;
  }

  /** With the function's name where a column could be meant. */
  #argument({ name, names }: ArgumentTexts, index: number): string {
    const own = names[index] ?? '';
    if (own === '') return `$${index + 1}`;
    let isBeside = false;
    for (let { level } = this; level !== null; level = level.parent) isBeside ||= level.entries.size > 0;
    return isBeside ? `${quoteIdentifier(name)}.${quoteIdentifier(own)}` : quoteIdentifier(own);
  }

  #columnOf(id: number): ReturnType<Level['column']> {
    for (let level = this.level; level !== null; level = level.parent) {
      const found = level.column(id);
      if (found !== null) return found;
    }
    return null;
  }

  #column(id: number): string {
    const found = this.#columnOf(id);
    if (found !== null) return found.text;
    for (const { raised } of this.notes.selects.values()) {
      const aggregate = raised.find(({ column }) => column.id === id)?.aggregate;
      if (aggregate !== undefined) return this.text(aggregate);
    }
    return known<string>(null, `column ${id} has no name`);
  }

  #rowName(id: number): string {
    return quoteIdentifier(known(this.#columnOf(id)?.relation, 'a whole row is of no relation'));
  }

  protected override fieldName(row: Expr, index: number): string {
    const named = recordFieldsOf(this.binder.recordColumns, row)?.[index]?.name;
    return named === undefined ? super.fieldName(row, index) : quoteIdentifier(named);
  }

  protected override sortCount(e: AggregateExpr): number {
    return this.notes.written.get(e) ?? e.orderBy.length;
  }

  protected override argumentCount(e: WindowExpr): number {
    return this.notes.written.get(e) ?? e.args.length;
  }

  protected override window(e: WindowExpr): string {
    return `${this.windowed(e)} OVER ${windowText(this, e)}`;
  }

  #subquery(e: Extract<Expr, { kind: 'subquery' }>): string {
    const select = known(this.notes.subqueries.get(e.plan), 'a subquery was not bound');
    if (e.mode === 'array') return `ARRAY(${this.query(select, SUBLINK)})`;
    if (e.mode === 'scalar') return `(${this.query(select, SUBLINK)})`;
    if (e.mode === 'exists') return `(EXISTS (${this.query(select, SUBLINK)}))`;
    const left = testedOf(e.test!);
    const symbol = this.notes.operators.get(e.plan) ?? '=';
    const shown = left.length === 1 ? this.text(left[0]!) : `(${this.list(left)})`;
    const isRow = this.notes.rows.has(e.plan);
    const how = isRow ? symbol : e.mode === 'all' ? `${symbol} ALL` : symbol === '=' ? 'IN' : `${symbol} ANY`;
    return `(${shown} ${how} (${this.query(select, SUBLINK)}))`;
  }
}

/** What the test of a subquery compares with its columns. */
function testedOf(test: Expr): Expr[] {
  if (test.kind === 'and' || test.kind === 'or') return test.args.flatMap(testedOf);
  if (test.kind === 'case' && test.form === 'row')
    return [...testedOf(test.whens[0]!.when), ...testedOf(test.whens[1]!.then)];
  return [known(test.kind === 'call' ? test.args[0] : null, 'a subquery is tested by something else')];
}

function isUnknown(e: Expr): boolean {
  return e.kind === 'const' && e.oid === OID.unknown;
}

function isSetOperation(select: SelectStmt): boolean {
  return select.op !== undefined && select.op !== 'SETOP_NONE' && isBare(select);
}

/** Needs no parentheses as a side of a set operation. */
function isBare(select: SelectStmt): boolean {
  const { withClause, sortClause, limitCount, limitOffset, lockingClause } = select;
  return [withClause, sortClause, limitCount, limitOffset, lockingClause].every((part) => part === undefined);
}

/** Would be read as a name and its list in other places. */
function isCallForm(e: Expr): boolean {
  if (e.kind === 'cast') return isFunctionCast(e);
  return (
    e.kind === 'aggregate' ||
    e.kind === 'window' ||
    e.kind === 'srf' ||
    e.kind === 'column' ||
    (e.kind === 'call' && !e.operator && e.entry.castsTo === undefined)
  );
}
