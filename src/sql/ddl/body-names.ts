/**
 * Bodies in standard SQL that are kept as trees name labels of enums and fields of rows by their text, as queries of views do:
 * what is renamed under them would end them, and the text that pg_dump asks for.
 */
import { sqlError } from '../../base/errors.js';
import type { Routine } from '../catalog/descriptor.js';
import { inputsOf } from '../plan/routines.js';
import { type EnumType, userTypeIn } from '../types/user-types.js';
import type { DdlContext } from './context.js';
import { shownRoutine } from './routines.js';

interface Found {
  readonly name: string;
  /** As messages name it. */
  readonly shown: string;
}

/** The first of those that have to do with the types or relations and whose tree is like that. */
async function bodyOver(
  ctx: DdlContext,
  ids: ReadonlySet<number>,
  names: (tree: string, routine: Routine) => boolean,
): Promise<Found | null> {
  const { descriptors } = await ctx.catalog.view([]);
  for (const group of descriptors) {
    if (group.kind !== 'routine') continue;
    for (const routine of group.routines)
      if (concerns(routine, ids) && routine.trees?.some((tree) => names(tree, routine)) === true)
        return { name: group.name, shown: await shownRoutine(ctx, { group, routine }) };
  }
  return null;
}

function concerns({ typeOid, parameters, usedTypes, sources }: Routine, ids: ReadonlySet<number>): boolean {
  const types = [typeOid, ...parameters.map((p) => p.typeOid), ...(usedTypes ?? []).map((t) => t.typeOid)];
  return types.some((oid) => ids.has(userTypeIn(oid)?.oid ?? 0)) || sources?.some(({ id }) => ids.has(id)) === true;
}

/** A label is a literal, or within one of an array or a row. @throws QuoralError 0A000 */
export async function refuseBodiesWithLabel(
  ctx: DdlContext,
  type: EnumType,
  ids: ReadonlySet<number>,
  label: string,
): Promise<void> {
  const found = await bodyOver(ctx, ids, (tree) =>
    strings(tree).some((text) => text === label || (/^[{(]/.test(text) && text.includes(label))),
  );
  if (found === null) return;
  throw sqlError('0A000', `cannot rename a label of type ${type.name}, which function ${found.name} may use`, {
    hint: 'Drop the function, rename the label, and create the function again.',
  });
}

/** As `(value).field` or `argument.field`. @throws QuoralError 0A000 */
export async function refuseBodiesWithField(ctx: DdlContext, ids: ReadonlySet<number>, field: string): Promise<void> {
  const part = `{"String":{"sval":${JSON.stringify(field)}}}`;
  const found = await bodyOver(ctx, ids, (tree, routine) => {
    const steps = tree.matchAll(/"indirection":(\[[^\]]*\])/g);
    if ([...steps].some(([, list]) => list!.includes(part))) return true;
    return inputsOf(routine).some(({ name }) =>
      tree.includes(`"fields":[{"String":{"sval":${JSON.stringify(name)}}},${part}`),
    );
  });
  if (found !== null)
    throw sqlError('0A000', `renaming column "${field}" that ${found.shown} reads from a row is not supported`);
}

function strings(tree: string): string[] {
  return [...tree.matchAll(/"sval":("(?:[^"\\]|\\.)*")/g)].map(([, text]) => JSON.parse(text!) as string);
}
