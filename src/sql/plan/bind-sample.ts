/** TABLESAMPLE: the two methods of the standard, over tables only. */
import type { Node, RangeTableSample, RangeVar } from 'libpg-query';
import { OID } from '../types/oids.js';
import { formatType } from '../types/registry.js';
import { as, locationOf, stringsOf } from './ast.js';
import { bindExpr } from './bind-expr.js';
import type { FromContext } from './bind-from.js';
import { Scope, errorAt } from './binder.js';
import type { BoundFrom } from './binder.js';
import { tryCoerce, typeOfExpr } from './coerce.js';
import type { Expr } from './expr.js';
import type { Plan } from './logical.js';

type BindTable = (ctx: FromContext, range: RangeVar) => BoundFrom;

export function bindSample(ctx: FromContext, item: RangeTableSample, bindTable: BindTable): BoundFrom {
  const range = as(item.relation, 'RangeVar')!;
  const bound = bindTable(ctx, range);
  const scan = bound.plan;
  const table = bound.relations[0]?.table ?? null;
  if (scan.kind !== 'scan' || table === null) {
    throw errorAt(
      '0A000',
      'TABLESAMPLE clause can only be applied to tables and materialized views',
      range.location ?? 0,
    );
  }
  const names = stringsOf(item.method);
  const location = item.location ?? 0;
  const method = names.at(-1);
  const known = names.length === 1 || names.at(-2) === 'pg_catalog';
  if (!known || (method !== 'bernoulli' && method !== 'system'))
    throw errorAt('42704', `tablesample method ${names.join('.')} does not exist`, location);
  const args = item.args ?? [];
  if (args.length !== 1)
    throw errorAt('2202H', `tablesample method ${method} requires 1 argument, not ${args.length}`, location);
  const primary = table.indexes.find((i) => i.primary)!;
  const key = primary.columns.map(({ columnId }) => {
    const position = table.columns.findIndex((c) => c.id === columnId);
    return scan.columns.find((c) => c.position === position)!.id;
  });
  const plan: Plan = {
    kind: 'sample',
    columns: scan.columns,
    input: scan,
    table,
    key,
    method,
    percent: argument(ctx, args[0]!, OID.float4, 'TABLESAMPLE'),
    seed: item.repeatable === undefined ? null : argument(ctx, item.repeatable, OID.float8, 'REPEATABLE'),
  };
  return { ...bound, plan };
}

/** May refer to outer queries, not to its neighbours in FROM. */
function argument(ctx: FromContext, node: Node, oid: number, clause: string): Expr {
  const scope = new Scope(ctx.parent, [], [], ctx.ctes);
  const expr = bindExpr(ctx.expressions(scope, 'functions in FROM', false), node);
  const location = locationOf(node);
  const coerced = tryCoerce(ctx.binder, expr, oid, -1, 'assignment', location);
  if (coerced !== null) return coerced;
  const given = formatType(typeOfExpr(ctx.binder, expr));
  throw errorAt('42804', `argument of ${clause} must be type ${formatType(oid)}, not type ${given}`, location);
}
