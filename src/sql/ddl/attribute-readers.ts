/**
 * What reads an attribute of a composite type. Stored expressions and queries name attributes, where PostgreSQL has their
 * numbers; so none that is read is renamed, or dropped, under them.
 */
import type { CompositeType } from '../types/user-types.js';
import { refuseBodiesWithField } from './body-names.js';
import type { DdlContext } from './context.js';
import { type FieldReaders, readersIn, refuseRenaming, withViewsOver } from './row-type-users.js';
import { usersOf } from './user-types.js';
import { dropFieldReaders } from './views.js';

/** Before it is dropped: refuses, or drops the views that read it. @throws QuoralError 2BP01, 0A000 */
export async function dropAttributeReaders(
  ctx: DdlContext,
  type: CompositeType,
  field: string,
  cascade: boolean,
): Promise<void> {
  const what = `column ${field} of composite type ${type.name}`;
  await dropFieldReaders(ctx, { what, field }, await readersOf(ctx, type, field), cascade);
}

/** @throws QuoralError 0A000 */
export async function refuseAttributeReaders(ctx: DdlContext, type: CompositeType, field: string): Promise<void> {
  refuseRenaming(await readersOf(ctx, type, field), field);
  await refuseBodiesWithField(ctx, new Set([type.oid]), field);
}

async function readersOf(ctx: DdlContext, type: CompositeType, field: string): Promise<FieldReaders> {
  return readersIn(await withViewsOver(ctx, await usersOf(ctx, type)), field);
}
