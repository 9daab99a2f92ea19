/** information_schema.routines of what users made, and .parameters. */
import { INFORMATION_SCHEMA_ID } from '../bootstrap.js';
import { type Datum, PgArray } from '../../types/datum.js';
import { procedures } from './procedures.js';
import { isArrayType } from '../../types/registry.js';
import { relationsWithin } from '../row-types.js';
import { shownSql } from '../../functions/shown-sql.js';
import { standardBodyOf } from '../../functions/routine-text.js';
import type { Routine, RoutineDescriptor } from '../descriptor.js';
import { isShown } from '../temporary-names.js';
import { ownType, typeSchema, yesNo } from './information-schema-columns.js';
import type { Parts } from './kept-rows.js';
import { layoutOf, makeRow } from './layout.js';
import type { Row, Values } from './layout.js';
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

function typeOf(source: Source, oid: number): ReturnType<typeof ownType> {
  return ownType(source.ctx.services.database, oid, typeSchema(source));
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
  return { data_type, type_udt_catalog: udt_catalog, type_udt_schema: udt_schema, type_udt_name: udt_name };
}

export function* userRoutines(source: Source): Iterable<Values> {
  for (const { group, routine } of routinesOf(source)) {
    const key = specific(source, group, routine);
    const language = routine.aggregate === undefined ? routine.language.toUpperCase() : 'INTERNAL';
    yield {
      ...key,
      routine_catalog: source.ctx.services.database,
      routine_schema: key['specific_schema'] ?? null,
      routine_name: group.name,
      routine_type: routine.aggregate !== undefined ? null : routine.procedure ? 'PROCEDURE' : 'FUNCTION',
      ...resultColumns(source, routine),
      ...(routine.procedure ? {} : { dtd_identifier: '0', is_null_call: yesNo(routine.strict) }),
      routine_body: language === 'SQL' ? 'SQL' : 'EXTERNAL',
      routine_definition: standardBodyOf(routine) === null ? routine.body : '',
      external_language: language,
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

/** A result, which has number 0, or a parameter of a routine. */
export interface RoutineType {
  readonly schema: string;
  readonly name: string;
  readonly number: number | null;
  readonly typeOid: number;
}

/** Of what users made. */
export function* routineTypes(source: Source): Iterable<RoutineType> {
  for (const { group, routine } of routinesOf(source)) {
    const place = { schema: schemaName(source.model, group.schemaId), name: `${group.name}_${routine.oid}` };
    yield { ...place, number: routine.procedure ? null : 0, typeOid: routine.typeOid };
    for (const [i, { typeOid }] of routine.parameters.entries()) yield { ...place, number: i + 1, typeOid };
  }
}

interface BuiltIn extends RoutineType {
  readonly mode: string;
  readonly parameter: string | null;
}

let builtInTypes: { readonly results: readonly BuiltIn[]; readonly parameters: readonly BuiltIn[] } | null = null;

function arrayOf(values: Values, name: string): readonly Datum[] | null {
  const value = values[name];
  return value instanceof PgArray ? value.elements : null;
}

/** From the rows of pg_proc. */
function typesOfBuiltIn(): NonNullable<typeof builtInTypes> {
  if (builtInTypes !== null) return builtInTypes;
  const results: BuiltIn[] = [];
  const found: BuiltIn[] = [];
  for (const values of procedures()) {
    const schema = values['pronamespace'] === INFORMATION_SCHEMA_ID ? 'information_schema' : 'pg_catalog';
    const name = `${values['proname'] as string}_${values['oid'] as number}`;
    const place = { schema, name, mode: 'IN', parameter: null };
    results.push({ ...place, number: 0, typeOid: values['prorettype'] as number });
    const modes = arrayOf(values, 'proargmodes');
    const names = arrayOf(values, 'proargnames');
    const types = (arrayOf(values, 'proallargtypes') ?? arrayOf(values, 'proargtypes') ?? []) as readonly number[];
    for (const [i, typeOid] of types.entries()) {
      const parameter = (names?.[i] as string | undefined) ?? '';
      const mode = MODES_OF_LETTERS[(modes?.[i] as string | undefined) ?? 'i']!;
      found.push({ ...place, number: i + 1, typeOid, mode, parameter: parameter === '' ? null : parameter });
    }
  }
  return (builtInTypes = { results, parameters: found });
}

const MODES_OF_LETTERS: Readonly<Record<string, string>> = { i: 'IN', o: 'OUT', b: 'INOUT', v: 'IN', t: 'OUT' };

export function builtInResults(): readonly RoutineType[] {
  return typesOfBuiltIn().results;
}
export function builtInParameters(): readonly RoutineType[] {
  return typesOfBuiltIn().parameters;
}

function* parametersOfBuiltIn(database: string): Iterable<Values> {
  for (const { schema, name, number, typeOid, mode, parameter } of typesOfBuiltIn().parameters) {
    yield {
      specific_catalog: database,
      specific_schema: schema,
      specific_name: name,
      ordinal_position: number,
      parameter_mode: mode,
      is_result: 'NO',
      as_locator: 'NO',
      parameter_name: parameter,
      ...ownType(database, typeOid),
      dtd_identifier: String(number),
    };
  }
}

const PARAMETERS = layoutOf('information_schema', 'parameters');
const keptParameters = new Map<string, readonly Row[]>();
const KEPT_DATABASES_MAX = 16;

function builtInRows(database: string): readonly Row[] {
  let rows = keptParameters.get(database);
  if (rows !== undefined) return rows;
  rows = Array.from(parametersOfBuiltIn(database), (values) => makeRow(PARAMETERS, values));
  if (keptParameters.size >= KEPT_DATABASES_MAX) keptParameters.clear();
  keptParameters.set(database, rows);
  return rows;
}

export function parameterParts(source: Source): Parts {
  const made = Array.from(parameters(source), (values) => makeRow(PARAMETERS, values));
  return [builtInRows(source.ctx.services.database), made];
}

function* parameters(source: Source): Iterable<Values> {
  for (const { group, routine } of routinesOf(source)) {
    for (const [i, p] of routine.parameters.entries()) {
      yield {
        ...specific(source, group, routine),
        ordinal_position: i + 1,
        parameter_mode: MODES[p.mode],
        is_result: 'NO',
        as_locator: 'NO',
        parameter_name: p.name === '' ? null : p.name,
        ...typeOf(source, p.typeOid),
        dtd_identifier: String(i + 1),
        parameter_default: p.defaultSql === null ? null : shownSql(p.defaultSql, source.ctx),
      };
    }
  }
}
