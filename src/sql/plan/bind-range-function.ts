/**
 * Functions in FROM, side by side in ROWS FROM, WITH ORDINALITY, with column definition lists for those that give
 * records of any shape.
 */
import type { ColumnDef, Node, RangeFunction } from 'libpg-query';
import { type RowPin, rowPinsOf } from '../catalog/pins.js';
import { OID } from '../types/oids.js';
import { writtenName } from '../types/pinned-types.js';
import { as, locationOf, stringsOf } from './ast.js';
import { bindExpr } from './bind-expr.js';
import type { FromContext } from './bind-from.js';
import { FROM_FUNCTIONS, Scope, errorAt } from './binder.js';
import type { BoundFrom, ExprContext } from './binder.js';
import { fieldsOf } from '../types/user-types.js';
import { resolveTypeName } from './coerce.js';
import type { TypeScope } from './coerce.js';
import type { Expr } from './expr.js';
import type { FromCall, Plan, PlanColumn } from './logical.js';
import { recordFieldsOf } from './record-columns.js';
import { declaredOid } from './declared-types.js';

interface RecordColumn {
  /** Of a composite type's field. */
  readonly id?: number;
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
}
interface Written {
  readonly node: Node;
  readonly definitions: readonly Node[];
}

/** unnest(a, b) is ROWS FROM (unnest(a), unnest(b)). */
function writtenFunctions(entry: Node): Written[] {
  const [node, own] = as(entry, 'List')?.items ?? [];
  if (node === undefined) return [];
  const definitions = (own === undefined ? undefined : as(own, 'List')?.items) ?? [];
  const call = as(node, 'FuncCall');
  const args = call?.args ?? [];
  if (call === undefined || args.length < 2 || stringsOf(call.funcname).at(-1) !== 'unnest')
    return [{ node, definitions }];
  return args.map((arg) => ({ node: { FuncCall: { ...call, args: [arg] } }, definitions: [] }));
}

function functionName(node: Node): string {
  const call = as(node, 'FuncCall');
  if (call !== undefined) return writtenName(stringsOf(call.funcname).at(-1) ?? '');
  const value = as(node, 'SQLValueFunction');
  if (value !== undefined) return (value.op ?? '').replace('SVFOP_', '').replace(/_N$/, '').toLowerCase();
  return 'coalesce';
}

export interface BoundRangeFunction {
  readonly plan: Plan;
  readonly name: string;
  readonly scalar: boolean;
  /** The alias's, for the columns that are still there. */
  readonly names: readonly (string | undefined)[];
  /** Columns of the plan that were added since the view was made. */
  readonly added: ReadonlySet<number>;
}

export function bindRangeFunction(ctx: FromContext, item: RangeFunction, left: BoundFrom | null): BoundRangeFunction {
  const b = ctx.binder;
  const scope = new Scope(ctx.parent, left?.relations ?? [], left?.columns ?? [], ctx.ctes);
  const all = ctx.expressions(scope, FROM_FUNCTIONS, true);
  // Only the function itself may return a set, not what it takes.
  const expressions: ExprContext = {
    ...all,
    bind: (inner, node) => bindExpr({ ...inner, sets: false, bind: bindExpr }, node),
  };
  const calls: FromCall[] = [];
  const columns: PlanColumn[] = [];
  const names = stringsOf(item.alias?.colnames);
  const written = (item.functions ?? []).flatMap(writtenFunctions);
  const outer = item.coldeflist ?? [];
  if (outer.length > 0 && item.ordinality === true) {
    throw errorAt('42601', 'WITH ORDINALITY cannot be used with a column definition list', locationOf(outer[0]), {
      hint: 'Put the column definition list inside ROWS FROM().',
    });
  }
  let records = 0;
  const pins: RowPin[] = [];
  const pinned = new PinnedColumns(rowPinsOf(item), names);
  for (const { node, definitions } of written) {
    const bound = bindOne(ctx, expressions, node, [...definitions, ...outer]);
    calls.push(bound.call);
    pins.push(pinOfRows(bound.columns));
    if (bound.columns !== null) {
      records++;
      for (const c of pinned.named(bound.columns)) columns.push(b.column(c.name, c.typeOid, c.typmod));
      continue;
    }
    pinned.single();
    const { expr } = bound.call;
    const single = item.alias?.aliasname !== undefined && written.length === 1 && names.length === 0;
    const own = expr.kind === 'srf' || expr.kind === 'call' ? expr.entry.columnName : undefined;
    const name = own ?? (single ? item.alias!.aliasname! : functionName(node));
    columns.push(b.column(name, declaredOid(expr), expr.typmod));
  }
  if (item.ordinality === true) {
    pinned.single();
    columns.push(b.column('ordinality', OID.int8, -1));
  }
  const plan: Plan = { kind: 'function', columns, calls, ordinality: item.ordinality === true };
  const scalar = records === 0 && calls.length === 1 && item.ordinality !== true;
  if (pins.some((pin) => pin !== null)) b.rowPins?.set(item, pins);
  const name = written[0] === undefined ? '' : functionName(written[0].node);
  return { plan, name, scalar, names: pinned.names, added: pinned.added };
}

function pinOfRows(columns: readonly RecordColumn[] | null): RowPin {
  if (columns === null || columns[0]?.id === undefined) return null;
  return columns.map(({ id, name }): [number, string] => [id!, name]);
}

/** The rows' columns as they were when the view was made: those that came later have no names, those that went took theirs along. */
class PinnedColumns {
  readonly #pins: readonly RowPin[] | undefined;
  readonly #written: string[];
  #call = 0;
  #column = 0;
  readonly names: (string | undefined)[];
  readonly added = new Set<number>();

  constructor(pins: readonly RowPin[] | undefined, names: string[]) {
    this.#pins = pins;
    this.#written = [...names];
    this.names = pins === undefined ? names : [];
  }

  /** Of a function that gives single values, or of WITH ORDINALITY. */
  single(): void {
    this.#call++;
    this.#column++;
    if (this.#pins !== undefined) this.names.push(this.#written.shift());
  }

  named(columns: readonly RecordColumn[]): readonly RecordColumn[] {
    const pin = this.#pins?.[this.#call++];
    if (pin == null) {
      this.#column += columns.length;
      if (this.#pins !== undefined) for (const _ of columns) this.names.push(this.#written.shift());
      return columns;
    }
    const aliases = new Map(pin.map(([id]) => [id, this.#written.shift()]));
    const was = new Map(pin);
    return columns.map((c) => {
      const name = was.get(c.id!);
      if (name === undefined) this.added.add(this.#column);
      this.#column++;
      this.names.push(aliases.get(c.id!));
      // No query names it.
      return { ...c, name: name ?? '' };
    });
  }
}

/** `columns`: those of a record; null if it gives single values. */
function bindOne(
  ctx: FromContext,
  expressions: ExprContext,
  node: Node,
  definitions: readonly Node[],
): { readonly call: FromCall; readonly columns: readonly RecordColumn[] | null } {
  const expr = bindExpr(expressions, node);
  const entry = expr.kind === 'srf' || expr.kind === 'call' ? expr.entry : null;
  const composite = fieldsOf(expr.oid);
  const fixed: readonly (Omit<RecordColumn, 'typmod'> & { readonly typmod?: number })[] | null =
    composite ?? (entry === null ? null : recordFieldsOf(ctx.binder.recordColumns, expr));
  const location = locationOf(definitions[0]);
  // A CALL gives what its parameters hold, each as a column.
  if (composite !== null && entry?.routine?.procedure === true)
    return { call: { expr, width: 1, record: false }, columns: null };
  if (fixed !== null) {
    if (definitions.length > 0) {
      const what = composite === null ? 'with OUT parameters' : 'returning a named composite type';
      const message = `a column definition list is redundant for a function ${what}`;
      throw errorAt('42601', message, location);
    }
    const columns = fixed.map(({ id, name, typeOid, typmod = -1 }) => ({
      ...(id === undefined ? {} : { id }),
      name,
      typeOid,
      typmod,
    }));
    return { call: { expr, width: columns.length, record: true }, columns };
  }
  if (expr.oid !== OID.record) {
    if (definitions.length > 0) {
      const message = 'a column definition list is only allowed for functions returning "record"';
      throw errorAt('42601', message, location);
    }
    return { call: { expr, width: 1, record: false }, columns: null };
  }
  if (definitions.length === 0) {
    const message = 'a column definition list is required for functions returning "record"';
    throw errorAt('42601', message, locationOf(node));
  }
  const columns = definedColumns(definitions, ctx.binder);
  const wanted = columns.map((c) => c.typeOid);
  return { call: { expr: shaped(expr, columns), width: columns.length, record: true, wanted }, columns };
}

function definedColumns(definitions: readonly Node[], scope: TypeScope): RecordColumn[] {
  const columns: RecordColumn[] = [];
  for (const node of definitions) {
    const definition = as(node, 'ColumnDef') as ColumnDef;
    const name = definition.colname ?? '';
    if (columns.some((c) => c.name === name))
      throw errorAt('42701', `column name "${name}" specified more than once`, -1);
    const type = resolveTypeName(definition.typeName!, scope);
    columns.push({ name, typeOid: type.oid, typmod: type.typmod });
  }
  return columns;
}

/** The call, told which columns it is to give. */
function shaped(expr: Expr, record: readonly RecordColumn[]): Expr {
  if (expr.kind !== 'srf' && expr.kind !== 'call') return expr;
  return { ...expr, info: { ...expr.info, record } };
}
