/** Which changes a relation and its columns take: what information_schema is made of in PostgreSQL. */
import type { Descriptor } from '../catalog/descriptor.js';
import type { ExecContext } from '../contract.js';
import { EVENTS, isColumnUpdatable, updatableEvents } from '../plan/view-shape.js';
import { fn } from './define.js';

const STABLE = { volatility: 'stable' } as const;

function finder({ services }: ExecContext): (oid: number) => Descriptor | null {
  return (oid) => services.tableByOid(oid) ?? services.viewByOid(oid);
}

fn(
  'pg_relation_is_updatable(regclass, bool) int4',
  (oid: number, _triggers: boolean, ctx: ExecContext) => updatableEvents(finder(ctx)(oid), finder(ctx)),
  STABLE,
);
fn(
  'pg_column_is_updatable(regclass, int2, bool) bool',
  (oid: number, column: number, _triggers: boolean, ctx: ExecContext) => {
    const find = finder(ctx);
    const both = EVENTS.update | EVENTS.delete;
    return isColumnUpdatable(find(oid), column, find) && (updatableEvents(find(oid), find) & both) === both;
  },
  STABLE,
);
