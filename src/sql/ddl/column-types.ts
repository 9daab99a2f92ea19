/**
 * Types of parameters and results that are said to be those of columns (t.c%TYPE). They are what the columns have when the statement
 * runs, without lengths and precisions, as PostgreSQL tells with a notice; nothing is remembered of the column.
 */
import { sqlError } from '../../base/errors.js';
import type { ParsedStatement, ParseNode, Relation, RelationName } from '../contract.js';
import { catalogOidOf, elementOidOf, formatType, isArrayType, typeByOid } from '../types/registry.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { isHandle } from '../types/user-types.js';
import { type DdlContext, notice } from './context.js';
import { strings, unsupported } from './tree.js';
import type { Loose } from './tree.js';

/** The statement with the columns' types in their places. @throws QuoralError 42P01, 42703 */
export async function withColumnTypes(ctx: DdlContext, statement: ParsedStatement): Promise<ParsedStatement> {
  const references = [...referencesIn(statement.node)];
  if (references.length === 0) return statement;
  const wanted = references.map((reference) => relationOf(reference));
  const snapshot = await ctx.catalog.snapshot(wanted, ctx.session.searchPath, ctx.wait);
  const types = new Map<object, Loose>();
  const told = new Set<number>();
  for (const reference of references) {
    const written = strings(reference['names']);
    const name = relationOf(reference);
    const relation = snapshot.relation(name);
    if (relation === null) throw sqlError('42P01', `relation "${written.slice(0, -1).join('.')}" does not exist`);
    const column = columnsOf(relation).find((c) => c.name === written.at(-1));
    if (column === undefined)
      throw sqlError('42703', `column "${written.at(-1)}" of relation "${name.name}" does not exist`);
    const named = await namesOfType(ctx, column.typeOid);
    // Some statements have their types in two places.
    if (!told.has(Number(reference['location'])))
      notice(ctx, '00000', `type reference ${written.join('.')}%TYPE converted to ${named.shown}`);
    told.add(Number(reference['location']));
    types.set(reference, { ...besides(reference), ...named.type });
  }
  return { ...statement, node: replaced(statement.node, types) as ParseNode };
}

function* referencesIn(value: unknown): Generator<Loose> {
  if (typeof value !== 'object' || value === null) return;
  if ((value as Loose)['pct_type'] === true) yield value as Loose;
  else for (const inner of Object.values(value)) yield* referencesIn(inner);
}

function relationOf(reference: Loose): RelationName {
  const [name = '', schema = null] = strings(reference['names']).slice(0, -1).reverse();
  return { schema, name };
}

function columnsOf(relation: Relation): readonly { readonly name: string; readonly typeOid: number }[] {
  if (relation.kind === 'table') return relation.table.columns.filter((c) => c.dropped !== true && !c.hidden);
  if (relation.kind === 'view') return relation.view.columns;
  return relation.kind === 'virtual' ? relation.columns : [];
}

/** What a reference says beside its name. */
function besides({ setof, location }: Loose): Loose {
  return { ...(setof === undefined ? {} : { setof }), ...(location === undefined ? {} : { location }) };
}

/** As the grammar has it, and as it is shown. */
async function namesOfType(ctx: DdlContext, oid: number): Promise<{ readonly type: Loose; readonly shown: string }> {
  const isArray = isHandle(oid) && isArrayType(oid);
  const element = isArray ? elementOidOf(oid) : oid;
  const type = (...names: readonly string[]): Loose => ({
    names: names.map((sval) => ({ String: { sval } })),
    typemod: -1,
    ...(isArray ? { arrayBounds: [{ Integer: { ival: -1 } }] } : {}),
  });
  if (!isHandle(element)) return { type: type('pg_catalog', typeByOid(element).name), shown: formatType(oid) };
  const descriptor = await ctx.catalog.descriptor(catalogOidOf(element), ctx.wait);
  if (descriptor === null || !('schemaId' in descriptor))
    throw unsupported(`%TYPE of a column of type ${formatType(oid)}`);
  const schema = await ctx.catalog.schemaName(descriptor.schemaId);
  const bare = { schema: null, name: descriptor.name, isType: true } as const;
  const visible = await ctx.catalog.type(bare, ctx.session.searchPath, ctx.wait);
  const shown = formatType(oid);
  return {
    type: type(schema, descriptor.name),
    shown: visible?.typeOid === element ? shown : `${quoteIdentifier(schema)}.${shown}`,
  };
}

function replaced(value: unknown, types: ReadonlyMap<object, Loose>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const type = types.get(value);
  if (type !== undefined) return type;
  if (Array.isArray(value)) return value.map((item) => replaced(item, types));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner, types)]));
}
