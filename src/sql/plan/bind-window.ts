/** Windows of calls with OVER: which one it is, its frame, and the types of the functions that only windows have. */
import { sqlError } from '../../base/errors.js';
import { refuseVariables } from './aggregate-level.js';
import type { Node, WindowDef } from 'libpg-query';
import { OID } from '../types/oids.js';
import { formatType } from '../types/registry.js';
import { as, locationOf } from './ast.js';
import { errorAt } from './binder.js';
import type { Binder, ExprContext } from './binder.js';
import { coerce, commonType, resolveUnknown, tryCoerce, typeOfExpr } from './coerce.js';
import { constant } from './expr.js';
import type { Expr, FrameBound, SortKey, WindowExpr, WindowFrame } from './expr.js';
import type { WindowNotes } from './query-notes.js';
import { bindSortKeys } from './sort-keys.js';
import { rangeOffset } from './window-range-types.js';
import { commonDeclared, declaredAs, declaredOid } from './declared-types.js';

const FRAME = {
  nonDefault: 1,
  range: 2,
  rows: 4,
  groups: 8,
  startUnboundedPreceding: 0x20,
  endUnboundedPreceding: 0x40,
  startUnboundedFollowing: 0x80,
  endUnboundedFollowing: 0x100,
  startCurrent: 0x200,
  endCurrent: 0x400,
  startPreceding: 0x800,
  endPreceding: 0x1000,
  startFollowing: 0x2000,
  endFollowing: 0x4000,
  excludeCurrent: 0x8000,
  excludeGroup: 0x10000,
  excludeTies: 0x20000,
} as const;

/** An OVER that is a name and nothing more has no place of its own. */
export function declaredWindow(ctx: ExprContext, { name }: WindowDef): number | null {
  if (name === undefined || name === '') return null;
  const place = [...ctx.namedWindows.keys()].indexOf(name);
  return place < 0 ? null : place;
}

/** @throws QuoralError 42P20 what is based on a window has something that the window has, or must have itself */
function refuseOverriding(base: WindowDef, written: WindowDef, name: string): void {
  const at = written.location ?? -1;
  const ordered = (written.orderClause ?? []).length > 0;
  if ((written.partitionClause ?? []).length > 0)
    throw errorAt('42P20', `cannot override PARTITION BY clause of window "${name}"`, at);
  if (ordered && (base.orderClause ?? []).length > 0)
    throw errorAt('42P20', `cannot override ORDER BY clause of window "${name}"`, at);
  if (((base.frameOptions ?? 0) & FRAME.nonDefault) === 0) return;
  const isBare = !ordered && ((written.frameOptions ?? 0) & FRAME.nonDefault) === 0;
  const hint = isBare ? { hint: 'Omit the parentheses in this OVER clause.' } : {};
  throw errorAt('42P20', `cannot copy window "${name}" because it has a frame clause`, at, hint);
}

export function resolveWindow(ctx: ExprContext, written: WindowDef, location: number): WindowDef {
  const reference = written.refname ?? written.name;
  if (reference === undefined || reference === '') return written;
  const named = as(ctx.namedWindows.get(reference), 'WindowDef');
  if (named === undefined) throw errorAt('42704', `window "${reference}" does not exist`, written.location ?? location);
  const base =
    named.refname !== undefined && named.refname !== '' ? resolveWindow(ctx, { ...named, name: '' }, location) : named;
  if (written.refname === undefined || written.refname === '') return base;
  refuseOverriding(base, written, reference);
  return {
    ...written,
    partitionClause: base.partitionClause ?? [],
    orderClause: (base.orderClause ?? []).length > 0 ? base.orderClause! : (written.orderClause ?? []),
  };
}

export function bindFrame(ctx: ExprContext, spec: WindowDef, orderBy: readonly SortKey[]): WindowFrame {
  const bits = spec.frameOptions ?? 0;
  const mode = bits & FRAME.rows ? 'rows' : bits & FRAME.groups ? 'groups' : 'range';
  if (mode === 'groups' && orderBy.length === 0)
    throw errorAt('42P20', 'GROUPS mode requires an ORDER BY clause', spec.location ?? -1);
  const offset = (n: Node | undefined): Expr | null => {
    if (n === undefined) return null;
    const what = mode.toUpperCase();
    const e = ctx.bind({ ...ctx, clause: `window ${what}`, aggregates: false }, n);
    if (mode === 'range') {
      refuseVariables(ctx, e, what);
      const key = orderBy[0]?.expr;
      if (key === undefined || orderBy.length !== 1) {
        throw errorAt(
          '42P20',
          'RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column',
          spec.location ?? -1,
        );
      }
      return rangeOffset(ctx.binder, e, key.oid, locationOf(as(n, 'TypeCast')?.arg ?? n));
    }
    const rows = tryCoerce(ctx.binder, e, OID.int8, -1, 'assignment', locationOf(n));
    if (rows === null) {
      const type = formatType(typeOfExpr(ctx.binder, e));
      throw errorAt('42804', `argument of ${what} must be type bigint, not type ${type}`, locationOf(n));
    }
    refuseVariables(ctx, e, what);
    return rows;
  };
  const bound = (start: boolean): FrameBound => {
    const has = (s: number, e: number): boolean => (bits & (start ? s : e)) !== 0;
    if (has(FRAME.startUnboundedPreceding, FRAME.endUnboundedPreceding))
      return { kind: 'unbounded preceding', offset: null };
    if (has(FRAME.startUnboundedFollowing, FRAME.endUnboundedFollowing))
      return { kind: 'unbounded following', offset: null };
    if (has(FRAME.startPreceding, FRAME.endPreceding))
      return { kind: 'preceding', offset: offset(start ? spec.startOffset : spec.endOffset) };
    if (has(FRAME.startFollowing, FRAME.endFollowing))
      return { kind: 'following', offset: offset(start ? spec.startOffset : spec.endOffset) };
    return { kind: 'current', offset: null };
  };
  const exclude =
    bits & FRAME.excludeCurrent
      ? 'current'
      : bits & FRAME.excludeGroup
        ? 'group'
        : bits & FRAME.excludeTies
          ? 'ties'
          : 'none';
  return { mode, start: bound(true), end: bound(false), exclude };
}

/** What the windows of a WINDOW clause are by, each as far as it is written there, whether or not a call names it. */
export function bindWindows(ctx: ExprContext, clause: readonly Node[]): Expr[] {
  const inner: ExprContext = { ...ctx, clause: 'window definitions', windows: false };
  const before = new Set<string>();
  return clause.flatMap((node) => {
    const spec = as(node, 'WindowDef')!;
    const { refname = '', location = -1 } = spec;
    if (refname !== '' && !before.has(refname)) throw errorAt('42704', `window "${refname}" does not exist`, location);
    before.add(spec.name ?? '');
    const parts = windowParts(inner, spec);
    ctx.binder.notes?.windows.set(node, parts);
    return [...parts.partition, ...parts.orderBy.map((key) => key.expr)];
  });
}

function windowParts(ctx: ExprContext, spec: WindowDef): WindowNotes {
  const partition = (spec.partitionClause ?? []).map((n) => resolveUnknown(ctx.binder, ctx.bind(ctx, n)));
  const orderBy = bindSortKeys(ctx, spec.orderClause ?? [], (n) => ctx.bind(ctx, n));
  const whole = resolveWindow(ctx, { ...spec, name: '' }, spec.location ?? -1);
  const sorted = bindSortKeys(ctx, whole.orderClause ?? [], (n) => ctx.bind(ctx, n));
  return { partition, orderBy, frame: bindFrame({ ...ctx, sets: false }, spec, sorted) };
}

/** Which argument is a number of rows. */
const COUNT_ARGUMENTS: Readonly<Record<string, number>> = { ntile: 0, nth_value: 1, lag: 1, lead: 1 };

function isUnknown(b: Binder, e: Expr): boolean {
  return typeOfExpr(b, e) === OID.unknown;
}

/** What gives its first argument. */
const POLYMORPHIC = new Set(['first_value', 'last_value', 'nth_value', 'lag', 'lead']);

function commonOrNull(b: Binder, x: Expr, y: Expr): number | null {
  try {
    return commonType(b, [x, y], '');
  } catch {
    return null;
  }
}

export function makeWindow(
  b: Binder,
  name: string,
  bound: readonly Expr[],
  over: Pick<WindowExpr, 'partition' | 'orderBy' | 'frame' | 'declared'>,
  location: number,
): WindowExpr {
  // Numbers of rows may be written as literals of no type.
  const counts = COUNT_ARGUMENTS[name];
  const takesDefault = (name === 'lag' || name === 'lead') && bound.length === 3;
  const args = bound.map((a, i) => {
    if (i === counts && isUnknown(b, a)) return coerce(b, a, OID.int4, 'implicit', location);
    if (i === 0 && POLYMORPHIC.has(name) && !takesDefault && isUnknown(b, a))
      throw sqlError('42804', 'could not determine polymorphic type because input has type unknown');
    return takesDefault ? a : resolveUnknown(b, a);
  });
  const shape = (oid: number, given: readonly Expr[], declared = oid): WindowExpr =>
    declaredAs({ kind: 'window', name, aggregate: null, args: given, ...over, oid, typmod: -1 }, declared);
  const wrong = (): never => {
    throw errorAt(
      '42883',
      `function ${name}(${args.map((a) => formatType(a.oid)).join(', ')}) does not exist`,
      location,
      {
        hint: 'No function matches the given name and argument types. You might need to add explicit type casts.',
      },
    );
  };
  const count = (given: Expr): Expr => tryCoerce(b, given, OID.int4, -1, 'implicit') ?? wrong();
  switch (name) {
    case 'row_number':
    case 'rank':
    case 'dense_rank':
      return args.length === 0 ? shape(OID.int8, []) : wrong();
    case 'percent_rank':
    case 'cume_dist':
      return args.length === 0 ? shape(OID.float8, []) : wrong();
    case 'ntile':
      return args.length === 1 ? shape(OID.int4, [count(args[0]!)]) : wrong();
    case 'first_value':
    case 'last_value':
      return args.length === 1 ? shape(args[0]!.oid, args, declaredOid(args[0]!)) : wrong();
    case 'nth_value':
      return args.length === 2 ? shape(args[0]!.oid, [args[0]!, count(args[1]!)], declaredOid(args[0]!)) : wrong();
    case 'lag':
    case 'lead': {
      if (args.length < 1 || args.length > 3) return wrong();
      const offset = args[1] === undefined ? constant(1, OID.int4) : count(args[1]);
      // As they were bound: of no type they take the other's.
      const [first, , last] = bound;
      const common = last === undefined ? args[0]!.oid : (commonOrNull(b, first!, last) ?? wrong());
      const value = coerce(b, last === undefined ? args[0]! : first!, common, 'implicit', location);
      const otherwise = last === undefined ? constant(null, common) : coerce(b, last, common, 'implicit', location);
      const given = last === undefined ? [args[0]!] : [first!, last];
      return shape(common, [value, offset, otherwise], commonDeclared(given, common));
    }
    default:
      throw errorAt(
        '42809',
        `OVER specified, but ${name} is not a window function nor an aggregate function`,
        location,
      );
  }
}
