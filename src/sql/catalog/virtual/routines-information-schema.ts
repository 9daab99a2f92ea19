/** information_schema.routines and .parameters of what users made; only the former lists built-in functions too. */
import { isArrayType } from '../../types/registry.js';
import { relationsWithin } from '../row-types.js';
import { shownSql } from '../../functions/shown-sql.js';
import { standardBodyOf } from '../../functions/routine-text.js';
import type { Routine, RoutineDescriptor } from '../descriptor.js';
import { isShown } from '../temporary-names.js';
import { typeColumns, yesNo } from './information-schema-columns.js';
import type { Values } from './layout.js';
import type { Source } from './model.js';
import { schemaName } from './views.js';

const MODES = { in: 'IN', out: 'OUT', inout: 'INOUT', variadic: 'IN', table: 'OUT' } as const;

function* routinesOf({ model, ctx }: Source): Iterable<{ group: RoutineDescriptor; routine: Routine }> {
  for (const group of model.routines) {
    if (isShown(group, ctx.services)) for (const routine of group.routines) yield { group, routine };
  }
}

function specific(source: Source, group: RoutineDescriptor, routine: Routine): Values {
  return {
    specific_catalog: source.ctx.services.database,
    specific_schema: schemaName(source.model, group.schemaId),
    specific_name: `${group.name}_${routine.oid}`,
  };
}

function typeOf({ model, ctx }: Source, oid: number): Values {
  const schemaOf = (type: number): string => {
    const made = model.view.byId.get(type);
    return made?.kind === 'type' ? schemaName(model, made.schemaId) : 'pg_catalog';
  };
  return typeColumns(ctx.services.database, oid, -1, schemaOf);
}

/** Of a function; a procedure gives none. */
function resultColumns(source: Source, routine: Routine): Values {
  if (routine.procedure) return {};
  const [rows] = relationsWithin([routine.typeOid]);
  const relation = source.model.view.byId.get(routine.rowsOf ?? (isArrayType(routine.typeOid) ? 0 : (rows ?? 0)));
  if (relation?.kind === 'table' || relation?.kind === 'view') {
    return {
      data_type: 'USER-DEFINED',
      type_udt_catalog: source.ctx.services.database,
      type_udt_schema: schemaName(source.model, relation.schemaId),
      type_udt_name: relation.name,
    };
  }
  const { data_type, udt_catalog, udt_schema, udt_name } = typeOf(source, routine.typeOid);
  return {
    data_type: data_type ?? null,
    type_udt_catalog: udt_catalog ?? null,
    type_udt_schema: udt_schema ?? null,
    type_udt_name: udt_name ?? null,
  };
}

export function* userRoutines(source: Source): Iterable<Values> {
  for (const { group, routine } of routinesOf(source)) {
    const key = specific(source, group, routine);
    yield {
      ...key,
      routine_catalog: source.ctx.services.database,
      routine_schema: key['specific_schema'] ?? null,
      routine_name: group.name,
      routine_type: routine.procedure ? 'PROCEDURE' : 'FUNCTION',
      ...resultColumns(source, routine),
      ...(routine.procedure ? {} : { dtd_identifier: '0', is_null_call: yesNo(routine.strict) }),
      routine_body: routine.language === 'sql' ? 'SQL' : 'EXTERNAL',
      routine_definition: standardBodyOf(routine) === null ? routine.body : '',
      external_language: routine.language.toUpperCase(),
      parameter_style: 'GENERAL',
      is_deterministic: yesNo(routine.volatility === 'immutable'),
      sql_data_access: 'MODIFIES',
      schema_level_routine: 'YES',
      max_dynamic_result_sets: 0,
      security_type: routine.securityDefiner ? 'DEFINER' : 'INVOKER',
      as_locator: 'NO',
      is_udt_dependent: 'NO',
    };
  }
}

export function* parameters(source: Source): Iterable<Values> {
  for (const { group, routine } of routinesOf(source)) {
    for (const [i, p] of routine.parameters.entries()) {
      const { data_type, udt_catalog, udt_schema, udt_name } = typeOf(source, p.typeOid);
      yield {
        ...specific(source, group, routine),
        ordinal_position: i + 1,
        parameter_mode: MODES[p.mode],
        is_result: 'NO',
        as_locator: 'NO',
        parameter_name: p.name === '' ? null : p.name,
        data_type: data_type ?? null,
        udt_catalog: udt_catalog ?? null,
        udt_schema: udt_schema ?? null,
        udt_name: udt_name ?? null,
        dtd_identifier: String(i + 1),
        parameter_default: p.defaultSql === null ? null : shownSql(p.defaultSql, source.ctx),
      };
    }
  }
}
