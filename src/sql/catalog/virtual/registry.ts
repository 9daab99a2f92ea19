/**
 * pg_catalog and information_schema by name and by oid. Every relation of PostgreSQL 15 that is listed has its
 * columns; its rows come from the builders beside this file, and a relation without a builder is empty because
 * there is nothing of its kind (no triggers, foreign servers, text search, replication slots, …).
 *
 * Rows that never change (types, functions, operators) are made once for the process.
 */
import { assert } from '../../../base/assert.js';
import { after, type Soon } from '../../../base/soon.js';
import type { ExecContext, VirtualTable } from '../../contract.js';
import {
  activity,
  cursors,
  collationParts,
  databases,
  descriptionParts,
  languages,
  preparedStatements,
  settings,
  sharedDescriptions,
  tablespaces,
} from './cluster-wide.js';
import { availableExtensions, availableVersions, extensions } from './extensions.js';
import { informationSchemaBuilders, informationSchemaParts } from './information-schema.js';
import { Assembly } from './kept-rows.js';
import type { Parts } from './kept-rows.js';
import { LAYOUTS, makeRow } from './layout.js';
import type { Layout, Row, Values } from './layout.js';
import { locks } from './locks.js';
import { modelOf } from './model.js';
import type { Builder, Model, Source } from './model.js';
import { sharedDependencies } from './owners.js';
import { catalogServices } from './services.js';
import {
  accessMethods,
  familyFunctions,
  familyOperators,
  operatorClasses,
  operatorFamilies,
} from './operator-classes.js';
import { aggregates, casts, initialRoutinePrivileges, operators, procedures } from './procedures.js';
import { rangeRows } from './ranges.js';
import { extendedStatistics } from './statistics.js';
import {
  archiverUse,
  databaseConflicts,
  databaseUse,
  functionUse,
  indexBlocks,
  indexUse,
  logUse,
  pendingFunctionUse,
  pendingTableUse,
  sequenceBlocks,
  tableBlocks,
  tableUse,
  writerUse,
} from './usage-views.js';
import { timeZoneAbbreviations, timeZoneNames } from './time-zones.js';
import { authIds, defaultAcls, groups, keptSettings, memberships, roles, shadows, users } from './roles.js';
import { routineRows, userAggregates } from './routines.js';
import {
  attributeParts,
  classParts,
  constraintParts,
  defaultParts,
  indexParts,
  initialPrivileges,
  namespaceRows,
  sequenceParts,
} from './relations.js';
import { typeRows } from './types.js';
import { withArrayNames } from './array-names.js';
import { builtInRowTypes, rowTypeRows } from './row-types.js';
import { styleOf } from '../../types/stored-format.js';
import { enumRows, userTypeRows } from './user-types.js';
import { dependencyParts, indexes, rewriteRules, sequences, tables, materializedViews, views } from './views.js';

const NO_ROWS: readonly Row[] = [];
/** Different sessions that a relation's rows are kept for. */
const SESSIONS_MAX = 8;

/** Rows in parts, for the large ones: of the model alone, nothing of the session. */
type ModelParts = (model: Model) => Parts;

const CONSTANT: Readonly<Record<string, () => Iterable<Values>>> = {
  pg_am: accessMethods,
  pg_opclass: operatorClasses,
  pg_opfamily: operatorFamilies,
  pg_amop: familyOperators,
  pg_amproc: familyFunctions,
  pg_operator: operators,
  pg_cast: casts,
  pg_init_privs: () => [...initialPrivileges(), ...initialRoutinePrivileges()],
  pg_tablespace: tablespaces,
};

const OF_MODEL: Readonly<Record<string, ModelParts>> = {
  pg_class: classParts,
  pg_attribute: attributeParts,
  pg_attrdef: defaultParts,
  pg_collation: collationParts,
  pg_index: indexParts,
  pg_constraint: constraintParts,
  pg_sequence: sequenceParts,
  pg_namespace: (model) => [namespaceRows(model)],
  pg_type: typeParts,
  pg_depend: dependencyParts,
  pg_description: descriptionParts,
  pg_proc: procedureParts,
  pg_aggregate: aggregateParts,
};

/** Of what goes on now: made whenever they are read. */
const MOMENTARY: Readonly<Record<string, Builder>> = {
  pg_database: databases,
  pg_language: languages,
  pg_settings: settings,
  pg_cursors: cursors,
  pg_prepared_statements: preparedStatements,
  pg_timezone_names: timeZoneNames,
  pg_timezone_abbrevs: timeZoneAbbreviations,
};

/** What is counted: made for each statement that reads them, once. */
const COUNTED: Readonly<Record<string, Builder>> = {
  pg_stat_database: databaseUse,
  pg_stat_database_conflicts: databaseConflicts,
  pg_stat_all_tables: tableUse('all'),
  pg_stat_sys_tables: tableUse('sys'),
  pg_stat_user_tables: tableUse('user'),
  pg_stat_xact_all_tables: pendingTableUse('all'),
  pg_stat_xact_sys_tables: pendingTableUse('sys'),
  pg_stat_xact_user_tables: pendingTableUse('user'),
  pg_stat_all_indexes: indexUse,
  pg_stat_user_indexes: indexUse,
  pg_stat_user_functions: functionUse,
  pg_stat_xact_user_functions: pendingFunctionUse,
  pg_stat_archiver: archiverUse,
  pg_stat_bgwriter: writerUse,
  pg_stat_wal: logUse,
};

/** As information_schema: of the model, and of the session no more than what oncePerSession's key says. */
const BUILT: Readonly<Record<string, Builder>> = {
  pg_shdescription: sharedDescriptions,
  pg_authid: authIds,
  pg_roles: roles,
  pg_user: users,
  pg_shadow: shadows,
  pg_group: groups,
  pg_auth_members: memberships,
  pg_db_role_setting: keptSettings,
  pg_default_acl: defaultAcls,
  pg_shdepend: sharedDependencies,
  pg_statistic_ext: extendedStatistics,
  pg_tables: tables,
  pg_indexes: indexes,
  pg_views: views,
  pg_extension: extensions,
  pg_available_extensions: availableExtensions,
  pg_available_extension_versions: availableVersions,
  pg_matviews: materializedViews,
  pg_rewrite: rewriteRules,
  pg_enum: enumRows,
  pg_range: rangeRows,
  pg_statio_all_tables: tableBlocks('all'),
  pg_statio_sys_tables: tableBlocks('sys'),
  pg_statio_user_tables: tableBlocks('user'),
  pg_statio_all_indexes: indexBlocks,
  pg_statio_user_indexes: indexBlocks,
  pg_statio_all_sequences: sequenceBlocks,
  pg_statio_user_sequences: sequenceBlocks,
};

let builtInProcedures: readonly Row[] | null = null;

function procedureParts(model: Model): Parts {
  const layout = LAYOUTS.find((one) => one.schema === 'pg_catalog' && one.name === 'pg_proc')!;
  builtInProcedures ??= Array.from(procedures(), (values) => makeRow(layout, values));
  return [builtInProcedures, Array.from(routineRows(model), (values) => makeRow(layout, values))];
}

let builtInAggregates: readonly Row[] | null = null;

function aggregateParts(model: Model): Parts {
  const layout = LAYOUTS.find((one) => one.schema === 'pg_catalog' && one.name === 'pg_aggregate')!;
  builtInAggregates ??= Array.from(aggregates(), (values) => makeRow(layout, values));
  return [builtInAggregates, Array.from(userAggregates(model), (values) => makeRow(layout, values))];
}

let builtInTypes: readonly Row[] | null = null;

function typeParts(model: Model): Parts {
  const layout = LAYOUTS.find((one) => one.schema === 'pg_catalog' && one.name === 'pg_type')!;
  builtInTypes ??= [...Array.from(typeRows(), (values) => makeRow(layout, values)), ...builtInRowTypes()];
  const made = Array.from(userTypeRows(model), (values) => makeRow(layout, values));
  const ofUsers = [made, ...model.tables.map(rowTypeRows), ...model.views.map(rowTypeRows)];
  return [builtInTypes, ...withArrayNames(model, ofUsers)];
}

/** The same array for as long as the view is the same one: what is found in it by value is kept with it. */
function oncePerModel(partsOf: ModelParts): VirtualTable['rows'] {
  const kept = new WeakMap<Model, readonly Row[]>();
  const assembly = new Assembly();
  return (ctx) =>
    withSource(ctx, ({ model }) => {
      let rows = kept.get(model);
      if (rows === undefined) {
        rows = assembly.rowsOf(partsOf(model));
        kept.set(model, rows);
      }
      return rows;
    });
}

/**
 * As oncePerModel, for sessions that are shown the same: the view stands for the search path, and each session
 * sees its own temporary tables only. The last few are kept, for the tables of one are no business of others.
 */
function oncePerSession(partsOf: (source: Source) => Parts): VirtualTable['rows'] {
  const kept = new WeakMap<Model, Map<string, readonly Row[]>>();
  const assembly = new Assembly();
  return (ctx) =>
    withSource(ctx, (source) => {
      let bySession = kept.get(source.model);
      if (bySession === undefined) kept.set(source.model, (bySession = new Map()));
      const { database, temporarySchema, user } = ctx.services;
      const key = [database, user, temporarySchema ?? '', styleOf(ctx.format)].join('\0');
      let rows = bySession.get(key);
      if (rows === undefined) {
        rows = assembly.rowsOf(partsOf(source));
        if (bySession.size >= SESSIONS_MAX) bySession.clear();
        bySession.set(key, rows);
      }
      return rows;
    });
}

/** A subquery that is run for each row of another relation does not have them made each time. */
function oncePerStatement(layout: Layout, builder: Builder): VirtualTable['rows'] {
  const kept = new WeakMap<ExecContext, readonly Row[]>();
  return (ctx) =>
    kept.get(ctx) ??
    withSource(ctx, (source) => {
      const rows = Array.from(builder(source), (values) => makeRow(layout, values));
      kept.set(ctx, rows);
      return rows;
    });
}

function rowsOf(layout: Layout): VirtualTable['rows'] {
  if (layout.schema === 'pg_catalog') {
    const constant = CONSTANT[layout.name];
    if (constant !== undefined) {
      let kept: readonly Row[] | null = null;
      return () => (kept ??= Array.from(constant(), (values) => makeRow(layout, values)));
    }
    const ofModel = OF_MODEL[layout.name];
    if (layout.name === 'pg_sequences') return withLastValues(layout);
    if (layout.name === 'pg_locks')
      return (ctx) =>
        withSource(ctx, async ({ services, model }) =>
          (await locks(services, model)).map((values) => makeRow(layout, values)),
        );
    if (layout.name === 'pg_stat_activity')
      return (ctx) =>
        withSource(ctx, async (source) => {
          const report = await source.services.lockReport();
          return Array.from(activity(source, report), (values) => makeRow(layout, values));
        });
    if (ofModel !== undefined) return oncePerModel(ofModel);
    const momentary = MOMENTARY[layout.name];
    const counted = COUNTED[layout.name];
    if (counted !== undefined) return oncePerStatement(layout, counted);
    if (momentary !== undefined)
      return (ctx) => withSource(ctx, (source) => Array.from(momentary(source), (values) => makeRow(layout, values)));
  } else {
    const parts = informationSchemaParts[layout.name];
    if (parts !== undefined) return oncePerSession(parts);
  }
  const builder = (layout.schema === 'pg_catalog' ? BUILT : informationSchemaBuilders)[layout.name];
  if (builder === undefined) return () => NO_ROWS;
  return oncePerSession((source) => [Array.from(builder(source), (values) => makeRow(layout, values))]);
}

/** pg_sequences: what is kept, and how far each has come if that is wanted: it is read of all of them. */
function withLastValues(layout: Layout): VirtualTable['rows'] {
  const kept = oncePerSession((source) => [Array.from(sequences(source), (values) => makeRow(layout, values))]);
  const at = layout.positions.get('last_value')!;
  return (ctx, wanted) => {
    const rows = kept(ctx, wanted);
    if (!wanted.includes(at)) return rows;
    return after(rows, (all) =>
      withSource(ctx, ({ model, services }) =>
        services.lastValues(model.sequences).then((values) => all.map((row, i) => row.with(at, values[i]!))),
      ),
    );
  };
}

function withSource(ctx: ExecContext, rowsOf: (source: Source) => Soon<readonly Row[]>): Soon<readonly Row[]> {
  const services = catalogServices(ctx);
  return after(services.view(), (view) => rowsOf({ ctx, services, model: modelOf(view) }));
}

/** By schema, then by name: catalog functions ask for each row, and a text of both would be made each time. */
const byName = new Map<string, Map<string, VirtualTable>>();
const byOid = new Map<number, VirtualTable>();
for (const layout of LAYOUTS) {
  assert(!byOid.has(layout.oid), () => `two system relations have number ${layout.oid}`);
  const table: VirtualTable = {
    kind: 'virtual',
    oid: layout.oid,
    schema: layout.schema,
    name: layout.name,
    columns: layout.columns,
    rows: rowsOf(layout),
  };
  if (!byName.has(layout.schema)) byName.set(layout.schema, new Map());
  byName.get(layout.schema)!.set(layout.name, table);
  byOid.set(layout.oid, table);
}

/** null unless the schema is one of the two and has such a relation. */
export function virtualRelation(schema: string, name: string): VirtualTable | null {
  return byName.get(schema)?.get(name) ?? null;
}
export function virtualRelationByOid(oid: number): VirtualTable | null {
  return byOid.get(oid) ?? null;
}
