/**
 * Evaluates one constant SQL expression with the resolver, casts and functions under test: enough of the
 * grammar to compare answers with PostgreSQL's without a planner. Also gives the format context of tests.
 */
import { loadModule, parseSync } from 'libpg-query';
import type { ExecContext } from '../../../src/sql/contract.js';
import { resolveAggregate, resolveFunction, resolveOperator } from '../../../src/sql/functions/index.js';
import { isAggregateName } from '../../../src/sql/functions/resolve.js';
import { findCast, selectCommonType } from '../../../src/sql/types/casts.js';
import { PgArray, PgRecord } from '../../../src/sql/types/datum.js';
import type { Datum } from '../../../src/sql/types/datum.js';
import { OID } from '../../../src/sql/types/oids.js';
import { arrayOidOf, elementOidOf, makeTypmod, typeByName, typeByOid } from '../../../src/sql/types/registry.js';
import type { FormatContext } from '../../../src/sql/types/type-info.js';

export const FORMAT: FormatContext = {
  timeZone: 'America/New_York',
  extraFloatDigits: 1,
  byteaOutput: 'hex',
  intervalStyle: 'postgres',
  dateStyle: 'ISO, MDY',
  transactionNow: 760_000_000_000_000n,
  statementNow: 760_000_000_000_000n,
};

/** Only what constant expressions reach for; anything else is undefined and would throw. */
export const CONTEXT = {
  format: FORMAT,
  services: { user: 'postgres', database: 'postgres', searchPath: ['public'], typeName: () => null },
} as unknown as ExecContext;

interface Typed {
  readonly value: Datum;
  readonly oid: number;
}
type Node = Record<string, never>;

let loaded: Promise<unknown> | null = null;
export async function loadParser(): Promise<void> {
  loaded ??= loadModule();
  await loaded;
}

function names(list: readonly Node[]): string {
  const last = list[list.length - 1] as unknown as { String: { sval: string } };
  return last.String.sval;
}

export function coerce(v: Typed, to: number, typmod: number, context: 'implicit' | 'assignment' | 'explicit'): Typed {
  if (v.oid === to && typmod < 0) return v;
  const cast = findCast(v.oid, to, context);
  if (cast === null) throw new Error(`no cast ${v.oid} → ${to}`);
  return { value: v.value === null ? null : cast(v.value, typmod, FORMAT), oid: to };
}

function constant(c: Record<string, { ival?: number; fval?: string; sval?: string; boolval?: boolean }>): Typed {
  if ('isnull' in c) return { value: null, oid: OID.unknown };
  if (c['ival'] !== undefined) return { value: c['ival'].ival ?? 0, oid: OID.int4 };
  if (c['boolval'] !== undefined) return { value: c['boolval'].boolval ?? false, oid: OID.bool };
  if (c['sval'] !== undefined) return { value: c['sval'].sval ?? '', oid: OID.unknown };
  const text = c['fval']!.fval!;
  if (/^-?\d+$/.test(text)) {
    const n = BigInt(text);
    if (n >= -2147483648n && n <= 2147483647n) return { value: Number(n), oid: OID.int4 };
    if (n >= -9223372036854775808n && n <= 9223372036854775807n) return { value: n, oid: OID.int8 };
  }
  return { value: typeByOid(OID.numeric).input(text, -1, FORMAT), oid: OID.numeric };
}

interface TypeName {
  names: Node[];
  typmods?: { A_Const: { ival: { ival?: number } } }[];
  arrayBounds?: unknown[];
}
function typeOf(t: TypeName): { oid: number; typmod: number } {
  const base = typeByName(names(t.names));
  if (base === null) throw new Error(`type ${names(t.names)}`);
  const typmod =
    t.typmods === undefined
      ? -1
      : makeTypmod(
          base.oid,
          t.typmods.map((m) => m.A_Const.ival.ival ?? 0),
        );
  return { oid: t.arrayBounds === undefined ? base.oid : arrayOidOf(base.oid), typmod };
}

function makeArray(items: readonly Typed[]): Typed {
  const common = selectCommonType(
    items.map((item) => item.oid),
    'ARRAY',
  );
  if (elementOidOf(common) !== 0 && typeByOid(common).category === 'A') {
    const parts = items.map((item) => coerce(item, common, -1, 'implicit').value as PgArray);
    const [first] = parts;
    return {
      value: new PgArray(
        first!.elementOid,
        parts.flatMap((p) => p.elements),
        [parts.length, ...first!.dims],
      ),
      oid: common,
    };
  }
  return {
    value: new PgArray(
      common,
      items.map((item) => coerce(item, common, -1, 'implicit').value),
    ),
    oid: arrayOidOf(common),
  };
}

async function evaluateNode(node: Node): Promise<Typed> {
  const [[kind, raw]] = Object.entries(node) as unknown as [[string, never]];
  const body = raw as Record<string, never>;
  switch (kind) {
    case 'A_Const':
      return constant(body);
    case 'TypeCast': {
      const { oid, typmod } = typeOf(body['typeName']!);
      const arg = body['arg'] as unknown as Record<string, { elements?: Node[] }>;
      if (arg['A_ArrayExpr'] !== undefined && arg['A_ArrayExpr'].elements === undefined)
        return { value: new PgArray(elementOidOf(oid), []), oid };
      const value = await evaluateNode(arg as unknown as Node);
      return coerce(value, oid, typmod, 'explicit');
    }
    case 'A_ArrayExpr': {
      const items: Typed[] = [];
      for (const element of body['elements'] as Node[]) items.push(await evaluateNode(element));
      return makeArray(items);
    }
    case 'RowExpr': {
      const items: Typed[] = [];
      for (const element of body['args'] as Node[]) items.push(await evaluateNode(element));
      const known = items.map((item) => (item.oid === OID.unknown ? { ...item, oid: OID.text } : item));
      return {
        value: new PgRecord(
          known.map((i) => i.oid),
          known.map((i) => i.value),
        ),
        oid: OID.record,
      };
    }
    case 'A_Expr': {
      const left = body['lexpr'] === undefined ? null : await evaluateNode(body['lexpr']);
      const right = await evaluateNode(body['rexpr']!);
      const resolved = resolveOperator(names(body['name'] as Node[]), left?.oid ?? null, right.oid);
      return call(resolved, left === null ? [right] : [left, right]);
    }
    case 'FuncCall':
      return callFunction(body);
    case 'SQLValueFunction':
      return { value: null, oid: OID.unknown };
    default:
      throw new Error(`node ${kind}`);
  }
}

async function call(resolved: ReturnType<typeof resolveFunction>, args: readonly Typed[]): Promise<Typed> {
  const { entry, argOids, resultOid } = resolved;
  const values = args.map(
    (arg, i) => (argOids[i] === OID.unknown ? arg : coerce(arg, argOids[i]!, -1, 'implicit')).value,
  );
  const info = { argOids, resultOid };
  if (entry.strict && values.includes(null)) return { value: null, oid: resultOid };
  if (entry.rows !== null) {
    const rows = [...(await entry.rows(values, CONTEXT, info))];
    const oid = resultOid;
    return { value: new PgArray(oid, rows), oid: arrayOidOf(oid) };
  }
  if (entry.call2 !== null && entry.strict)
    return { value: await entry.call2(values[0]!, values[1]!, CONTEXT, info), oid: resultOid };
  return { value: await entry.impl(values, CONTEXT, info), oid: resultOid };
}

async function callFunction(body: Record<string, never>): Promise<Typed> {
  const name = names(body['funcname'] as Node[]);
  const args: Typed[] = [];
  for (const arg of (body['args'] ?? []) as Node[]) args.push(await evaluateNode(arg));
  if (!isAggregateName(name))
    return call(
      resolveFunction(
        name,
        args.map((a) => a.oid),
        { variadic: body['func_variadic'] === (true as never) },
      ),
      args,
    );
  // An aggregate over the elements of an array, for the tests' sake: agg(array[…]).
  const list = args[0]!.value as PgArray;
  const extra = args.slice(1);
  const resolved = resolveAggregate(name, [list.elementOid, ...extra.map((a) => a.oid)])!;
  const parts = [resolved.entry.init(resolved), resolved.entry.init(resolved)];
  const rest = extra.map((a, i) => coerce(a, resolved.argOids[i + 1]!, -1, 'implicit').value);
  list.elements.forEach((item, i) => {
    const value = coerce({ value: item, oid: list.elementOid }, resolved.argOids[0]!, -1, 'implicit').value;
    if (value !== null || !resolved.entry.strict)
      parts[i * 2 < list.elements.length ? 0 : 1]!.step([value, ...rest], CONTEXT);
  });
  parts[0]!.combine(parts[1]!);
  return {
    value: list.elements.length === 0 ? resolved.entry.emptyResult : parts[0]!.final(CONTEXT),
    oid: resolved.resultOid,
  };
}

export interface Outcome {
  readonly out?: string | null;
  readonly type?: number;
  readonly code?: string;
  readonly message?: string;
  readonly detail?: string;
}

export async function evaluate(sql: string): Promise<Outcome> {
  await loadParser();
  const parsed = parseSync(`select ${sql}`) as unknown as {
    stmts: { stmt: { SelectStmt: { targetList: { ResTarget: { val: Node } }[] } } }[];
  };
  try {
    const { value, oid } = await evaluateNode(parsed.stmts[0]!.stmt.SelectStmt.targetList[0]!.ResTarget.val);
    const type = oid === OID.unknown ? OID.text : oid;
    return { out: value === null ? null : typeByOid(type).output(value, FORMAT), type };
  } catch (error) {
    const e = error as { sqlstate?: string; message: string; fields?: { detail?: string } };
    if (e.sqlstate === undefined) throw error;
    return {
      code: e.sqlstate,
      message: e.message,
      ...(e.fields?.detail === undefined ? {} : { detail: e.fields.detail }),
    };
  }
}
