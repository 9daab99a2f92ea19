/**
 * information_schema.routine_…_usage: what the defaults of parameters and bodies in standard SQL read and call; bodies that are text say nothing
 * of it. Columns are known of bodies that change nothing. As in PostgreSQL, only what belongs to the user is shown.
 */
import type { Descriptor, Routine, RoutineDescriptor, ViewSource } from '../descriptor.js';
import { isMaterialized } from '../materialized.js';
import { SUPERUSER_OID } from '../bootstrap-names.js';
import { isShown } from '../temporary-names.js';
import { isSuperuser, membersOf } from './information-schema-roles.js';
import type { Values } from './layout.js';
import type { Builder, Source } from './model.js';
import { schemaName } from './views.js';

interface Used {
  /** The routine's columns. */
  readonly of: Values;
  readonly routine: Routine;
}

function* routines({ model, ctx }: Source): Iterable<Used> {
  for (const group of model.routines) {
    if (!isShown(group, ctx.services)) continue;
    for (const routine of group.routines) {
      const of = { ...specific(ctx.services.database, schemaName(model, group.schemaId), group, routine) };
      const name = { routine_schema: of.specific_schema, routine_name: group.name };
      yield { of: { ...of, routine_catalog: ctx.services.database, ...name }, routine };
    }
  }
}

function specific(database: string, schema: string, group: RoutineDescriptor, routine: Routine) {
  return { specific_catalog: database, specific_schema: schema, specific_name: `${group.name}_${routine.oid}` };
}

/** Whether an owner's things are the user's as well. */
function isMine(source: Source): (owner: number) => boolean {
  if (isSuperuser(source)) return () => true;
  const mine = membersOf(source);
  return (owner) => mine.has(owner);
}

function relation(source: Source, id: number): Exclude<Descriptor, { kind: 'database' | 'role' | 'schema' }> | null {
  const found = source.model.view.byId.get(id);
  return found !== undefined && 'schemaId' in found ? found : null;
}

function* usedTables(
  source: Source,
): Iterable<{ readonly of: Values; readonly id: number; readonly columns: readonly number[] }> {
  const mine = isMine(source);
  for (const { of, routine } of routines(source)) {
    const sources = new Map<number, ViewSource>((routine.sources ?? []).map((one) => [one.id, one]));
    for (const id of new Set([...(routine.reads ?? []), ...sources.keys()])) {
      const found = relation(source, id);
      const isTable = found?.kind === 'view' || (found?.kind === 'table' && !isMaterialized(found));
      if (found === null || !isTable || !mine(found.owner)) continue;
      const table = { table_schema: schemaName(source.model, found.schemaId), table_name: found.name };
      const names = { table_catalog: source.ctx.services.database, ...table };
      yield { of: { ...of, ...names }, id, columns: sources.get(id)?.columnIds ?? [] };
    }
  }
}

export const routineUsage: Readonly<Record<string, Builder>> = {
  *routine_table_usage(source) {
    for (const { of } of usedTables(source)) yield of;
  },
  *routine_column_usage(source) {
    for (const { of, id, columns } of usedTables(source)) {
      const found = relation(source, id);
      if (found?.kind !== 'table' && found?.kind !== 'view') continue;
      const all: readonly { readonly id: number; readonly name: string }[] = found.columns;
      for (const column of all) if (columns.includes(column.id)) yield { ...of, column_name: column.name };
    }
  },
  *routine_routine_usage(source) {
    const mine = isMine(source);
    const { database } = source.ctx.services;
    for (const { of, routine } of routines(source)) {
      if (routine.aggregate !== undefined) continue;
      const { specific_catalog, specific_schema, specific_name } = of;
      for (const used of routine.usedRoutines ?? []) {
        const group = relation(source, used.groupId);
        if (group === null || used.routine.aggregate !== undefined || !mine(used.routine.owner ?? SUPERUSER_OID))
          continue;
        const caller = {
          specific_catalog: specific_catalog!,
          specific_schema: specific_schema!,
          specific_name: specific_name!,
        };
        const routine_name = `${used.name}_${used.routine.oid}`;
        const routine_schema = schemaName(source.model, group.schemaId);
        yield { ...caller, routine_catalog: database, routine_schema, routine_name };
      }
    }
  },
  *routine_sequence_usage(source) {
    const mine = isMine(source);
    for (const { of, routine } of routines(source)) {
      for (const id of routine.reads ?? []) {
        const found = relation(source, id);
        if (found?.kind !== 'sequence' || !mine(found.owner)) continue;
        const sequence = { sequence_schema: schemaName(source.model, found.schemaId), sequence_name: found.name };
        yield { ...of, sequence_catalog: source.ctx.services.database, ...sequence };
      }
    }
  },
};
