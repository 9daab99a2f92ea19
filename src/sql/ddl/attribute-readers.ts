/**
 * What reads an attribute of a composite type. Stored expressions and queries name attributes, where PostgreSQL has their
 * numbers; so none that is read is renamed, or dropped, under them. Readers are found by their texts, in which the name may
 * stand for another reason: then more is refused than must be.
 */
import { sqlError } from '../../base/errors.js';
import type { Descriptor } from '../catalog/descriptor.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { type CompositeType, userTypeOf } from '../types/user-types.js';
import type { DdlContext } from './context.js';
import { usersOf } from './user-types.js';

/** @throws QuoralError 2BP01; 0A000 with CASCADE, which PostgreSQL has */
export async function refuseDropOfRead(
  ctx: DdlContext,
  type: CompositeType,
  name: string,
  cascade: boolean,
): Promise<void> {
  const detail = await readersOf(ctx, type, name);
  if (detail === null) return;
  if (cascade) {
    const message = `dropping what reads column ${name} of composite type ${type.name} by CASCADE is not supported`;
    throw sqlError('0A000', message, { detail, hint: 'Drop that first.' });
  }
  const message = `cannot drop column ${name} of composite type ${type.name} because other objects depend on it`;
  throw sqlError('2BP01', message, { detail, hint: 'Use DROP ... CASCADE to drop the dependent objects too.' });
}

/** @throws QuoralError 0A000 */
export async function refuseRenameOfRead(ctx: DdlContext, type: CompositeType, name: string): Promise<void> {
  const detail = await readersOf(ctx, type, name);
  if (detail === null) return;
  throw sqlError('0A000', `renaming column ${name} of composite type ${type.name}, which is read, is not supported`, {
    detail,
    hint: 'Drop what reads it, rename the column, and make that anew.',
  });
}

/** A line for each; null: nothing reads it. */
async function readersOf(ctx: DdlContext, type: CompositeType, name: string): Promise<string | null> {
  // Bodies of functions are texts to PostgreSQL too.
  const users = (await usersOf(ctx, type)).filter((user) => user.kind !== 'routine');
  const { descriptors } = await ctx.catalog.view([]);
  const reading = new Map(users.map((user) => [user.id, user]));
  // Views over these, and over those views; which come in any order.
  for (let before = -1; before < reading.size;) {
    before = reading.size;
    for (const d of descriptors)
      if (d.kind === 'view' && d.sources.some(({ id }) => reading.has(id))) reading.set(d.id, d);
  }
  const selection = selectionOf(name);
  const readers = [...reading.values()].flatMap(partsOf).filter(([, stored]) => selection.test(stored));
  if (readers.length === 0) return null;
  return readers.map(([what]) => `${what} depends on column ${name} of composite type ${type.name}`).join('\n');
}

/** What of it may read attributes, as PostgreSQL names that, and its texts. */
function partsOf(d: Descriptor): (readonly [what: string, stored: string])[] {
  if (d.kind === 'view') return [[`view ${d.name}`, d.queryTree]];
  if (d.kind === 'type') {
    const type = userTypeOf(d.typeOid);
    return type?.kind === 'domain' ? type.checks.map((c) => [`constraint ${c.name}`, c.expressionSql] as const) : [];
  }
  if (d.kind !== 'table') return [];
  return [
    ...d.checks.map((c) => [`constraint ${c.name} on table ${d.name}`, c.expressionSql] as const),
    ...d.columns.map((c) => {
      const what = c.generated == null ? 'default value for column' : 'column';
      return [`${what} ${c.name} of table ${d.name}`, c.generated?.expressionSql ?? c.defaultSql ?? ''] as const;
    }),
    ...d.indexes.map((index) => [`index ${index.name}`, textsOf(index)] as const),
  ];
}

function textsOf(stored: object): string {
  const texts: string[] = [];
  JSON.stringify(stored, (_key, value: unknown) => {
    if (typeof value === 'string') texts.push(value);
    return value;
  });
  return texts.join('\n');
}

/** `(value).name` in texts, the same in parse trees, and `.*`, which reads all. */
function selectionOf(name: string): RegExp {
  const plain = (text: string): string => text.replace(/[^\w]/g, '\\$&');
  const written = `[)\\]]\\s*\\.\\s*(${plain(name)}|${plain(quoteIdentifier(name))}|\\*)(?![\\w$])`;
  const parsed = `"indirection":\\[.{0,200}?("sval":${plain(JSON.stringify(name))}|"A_Star")`;
  return new RegExp(`${written}|${parsed}`, 'i');
}
