/**
 * ALTER FUNCTION and PROCEDURE, in all its forms, and COMMENT ON them: the routine takes another's place in its group, or
 * leaves it for the one of its new name.
 */
import { sqlError } from '../../base/errors.js';
import { routineEntryName } from '../catalog/entry-names.js';
import type { Routine, RoutineDescriptor } from '../catalog/descriptor.js';
import type { DdlContext } from './context.js';
import { creationSchema } from './objects.js';
import { noteOverload } from './overloads.js';
import { requireCreate } from './ownership.js';
import { checkEstimates, readEstimates } from './routine-estimates.js';
import { checkOptions } from './routine-options.js';
import { recordRelations } from './routine-reads.js';
import { routineConfig } from './routine-settings.js';
import { changeCallers } from './routine-users.js';
import {
  identity,
  identityText,
  KINDS,
  openRoutine,
  openRoutines,
  put,
  refuseLeakproof,
  replaceOne,
} from './routines.js';
import { of, options, text } from './tree.js';
import type { Loose } from './tree.js';

export async function runAlterFunction(ctx: DdlContext, body: Loose): Promise<string> {
  const type = String(body['objtype']);
  const opened = (await openRoutine(ctx, body['func'] as Loose, type, false))!;
  let { routine } = opened;
  const actions = options(body['actions']);
  checkOptions(actions, routine.procedure);
  for (const { name, arg } of actions) {
    const flag = of(arg as Loose, 'Boolean')['boolval'] === true;
    if (name === 'volatility')
      routine = { ...routine, volatility: text(of(arg as Loose, 'String')['sval']) as Routine['volatility'] };
    else if (name === 'strict') routine = { ...routine, strict: flag };
    else if (name === 'security') routine = { ...routine, securityDefiner: flag };
    else if (name === 'set') routine = { ...routine, config: routineConfig(ctx, routine.config ?? null, arg as Loose) };
  }
  routine = { ...routine, ...readEstimates(body['actions'], routine) };
  checkEstimates(routine);
  if (routine.leakproof !== opened.routine.leakproof) refuseLeakproof(ctx, routine);
  replaceOne(ctx, opened, routine);
  await changeCallers(ctx, { groupId: opened.group.id, name: opened.group.name, routine });
  return `ALTER ${KINDS[type]!.toUpperCase()}`;
}

/** In which a new name may be taken. @throws QuoralError 42501 */
async function ownSchema(ctx: DdlContext, { schemaId: id }: RoutineDescriptor): Promise<{ id: number; name: string }> {
  const name = await ctx.catalog.schemaName(id);
  await requireCreate(ctx, id, name);
  return { id, name };
}

/** RENAME TO and SET SCHEMA: it leaves those of its old name and joins those of the new one. */
export async function moveRoutine(
  ctx: DdlContext,
  body: Loose,
  to: { name?: string; schema?: string },
): Promise<string> {
  const type = String(body['renameType'] ?? body['objectType']);
  const opened = (await openRoutine(ctx, of(body['object'] as Loose, 'ObjectWithArgs'), type, false))!;
  const { group, routine } = opened;
  const name = to.name ?? group.name;
  const schema =
    to.schema === undefined ? await ownSchema(ctx, group) : await creationSchema(ctx, { schema: to.schema, name });
  const tag = `ALTER ${KINDS[type]!.toUpperCase()}`;
  if (schema.id === group.schemaId && name === group.name && to.schema !== undefined) return tag;
  const joined = await openRoutines(ctx, schema.id, name);
  if (joined?.routines.some((r) => identity(r) === identity(routine)) === true)
    throw sqlError(
      '42723',
      `function ${identityText(name, routine).replaceAll(',', ', ')} already exists in schema "${schema.name}"`,
    );
  await noteOverload(ctx, name);
  put(
    ctx,
    group,
    group.routines.filter((r) => r !== routine),
  );
  const id = joined?.id ?? (await ctx.catalog.catalog.ids.next());
  await recordRelations(ctx, id, routine);
  if (joined !== null) {
    put(ctx, joined, [...joined.routines, routine]);
    await changeCallers(ctx, { groupId: joined.id, name, routine });
    return tag;
  }
  if (!(await ctx.catalog.claimName(ctx.txn, schema.id, routineEntryName(name), { id, indexOid: null })))
    throw sqlError('42723', `function ${name} already exists in schema "${schema.name}"`);
  ctx.catalog.putNew(ctx.txn, { ...group, id, name, schemaId: schema.id, version: 1, routines: [routine] });
  await changeCallers(ctx, { groupId: id, name, routine });
  return tag;
}

export async function commentOnRoutine(ctx: DdlContext, body: Loose): Promise<string> {
  const object = of(body['object'] as Loose, 'ObjectWithArgs');
  const opened = (await openRoutine(ctx, object, String(body['objtype']), false))!;
  replaceOne(ctx, opened, { ...opened.routine, comment: text(body['comment']) || null });
  return 'COMMENT';
}
