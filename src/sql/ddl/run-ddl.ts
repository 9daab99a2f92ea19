/** Which statements change the schema, and who carries each out. */
import { sqlError } from '../../base/errors.js';
import type { UsedRoutine } from '../catalog/descriptor.js';
import { RIGHTS } from '../catalog/acl.js';
import { aclOf } from '../catalog/rights.js';
import type { CatalogSnapshot, ParsedStatement, RelationName, ResolvedRoutines, ResolvedType } from '../contract.js';
import { runAlterTable } from './alter-table.js';
import { type DdlContext, tellCascades } from './context.js';
import { runComment } from './comments.js';
import { runCreateTableAs } from './create-table-as.js';
import { runCreateTable } from './create-table.js';
import { isSerial } from './columns.js';
import { runCreateDatabase, runCreateSchema, runDropDatabase } from './databases.js';
import { runDrop, runTruncate } from './drop.js';
import { runAlterExtension, runAlterExtensionContents, runCreateExtension } from './extensions.js';
import { visibleName } from './objects.js';
import { runReindex, runVacuum } from './maintenance.js';
import { refuseMissing } from './missing-objects.js';
import { runRefresh } from './materialized-views.js';
import { runCreateIndex } from './indexes.js';
import { runDefaultPrivileges } from './default-privileges.js';
import { runAlterDatabase, runAlterDatabaseSet, runAlterRoleSet } from './kept-settings.js';
import { runDropOwned, runOwner, runReassignOwned } from './owned.js';
import { runGrant } from './privileges.js';
import { runAlterPolicy, runAlterSchema, runRename } from './rename.js';
import { runAlterRole, runCreateRole, runDropRole, runGrantRole } from './roles.js';
import { runCreateComposite } from './composites.js';
import { withColumnTypes } from './column-types.js';
import { runAlterDomain, runCreateDomain } from './domains.js';
import { runCreateAggregate } from './aggregates.js';
import { runAlterEnum, runCreateEnum } from './enums.js';
import { runCreateRange } from './range-types.js';
import { runShowRanges, runSplit } from './ranges.js';
import { runAlterFunction } from './alter-routine.js';
import { runCreateFunction } from './routines.js';
import { runAlterSequence, runCreateSequence } from './sequences.js';
import { runAlterStatistics, runCreateStatistics } from './statistics.js';
import { runCluster } from './storage-facts.js';
import { runCreateView } from './views.js';
import type { FindCollation } from '../plan/collation-names.js';
import { runAlterCollation, runCreateCollation } from './collations.js';
import { list, of, qualifiedName, strings } from './tree.js';
import type { Loose } from './tree.js';

type Runner = (ctx: DdlContext, body: Loose, statement: ParsedStatement) => Promise<string>;

const RUNNERS: Readonly<Record<string, Runner>> = {
  CreateStmt: runCreateTable,
  CreateTableAsStmt: runCreateTableAs,
  ViewStmt: runCreateView,
  SelectStmt: runCreateTableAs,
  RefreshMatViewStmt: runRefresh,
  IndexStmt: runCreateIndex,
  AlterTableStmt: runAlterTable,
  DropStmt: runDrop,
  TruncateStmt: runTruncate,
  RenameStmt: runRename,
  AlterPolicyStmt: runAlterPolicy,
  CommentStmt: runComment,
  AlterOwnerStmt: runOwner,
  AlterObjectSchemaStmt: runAlterSchema,
  CreateSeqStmt: runCreateSequence,
  AlterSeqStmt: runAlterSequence,
  CreateSchemaStmt: runCreateSchema,
  CompositeTypeStmt: runCreateComposite,
  CreateDomainStmt: runCreateDomain,
  AlterDomainStmt: runAlterDomain,
  CreateEnumStmt: runCreateEnum,
  CreateRangeStmt: runCreateRange,
  CreateStatsStmt: runCreateStatistics,
  AlterStatsStmt: runAlterStatistics,
  AlterEnumStmt: runAlterEnum,
  CreatedbStmt: runCreateDatabase,
  DropdbStmt: runDropDatabase,
  CreateFunctionStmt: runCreateFunction,
  AlterFunctionStmt: runAlterFunction,
  DefineStmt: (ctx, body) =>
    body['kind'] === 'OBJECT_COLLATION' ? runCreateCollation(ctx, body) : runCreateAggregate(ctx, body),
  AlterCollationStmt: runAlterCollation,
  CreateTrigStmt: () => Promise.reject(sqlError('0A000', 'triggers are not supported')),
  AlterEventTrigStmt: (ctx, body) => refuseMissing(ctx, 'OBJECT_EVENT_TRIGGER', { String: { sval: body['trigname'] } }),
  CreateExtensionStmt: runCreateExtension,
  AlterExtensionStmt: runAlterExtension,
  AlterExtensionContentsStmt: runAlterExtensionContents,
  GrantStmt: runGrant,
  GrantRoleStmt: runGrantRole,
  AlterDefaultPrivilegesStmt: runDefaultPrivileges,
  CreateRoleStmt: runCreateRole,
  AlterRoleStmt: runAlterRole,
  AlterRoleSetStmt: runAlterRoleSet,
  DropRoleStmt: runDropRole,
  AlterDatabaseStmt: runAlterDatabase,
  AlterDatabaseSetStmt: runAlterDatabaseSet,
  ReassignOwnedStmt: runReassignOwned,
  DropOwnedStmt: runDropOwned,
  ClusterStmt: runCluster,
  ReindexStmt: runReindex,
  VacuumStmt: runVacuum,
  QuoralSplitAt: runSplit,
  QuoralShowRanges: runShowRanges,
};

/** The context in which the types and functions of users that the statement names are known. */
async function withNames(ctx: DdlContext, statement: ParsedStatement): Promise<DdlContext> {
  const { routinesInUse } = ctx.catalog;
  const pinned = (oid: number): UsedRoutine | null => routinesInUse.find(oid);
  const known = { ...ctx, plannerSettings: { ...ctx.plannerSettings, userRoutines: { named: () => null, pinned } } };
  const named = ctx.planner.relationsOf(statement);
  const made = nameMade(statement);
  const names = named.filter(
    (name) =>
      (name.isRoutine === true || name.isCollation === true || (name.isType === true && !isSerial(name))) &&
      (made === null || name.schema !== made.schema || name.name !== made.name),
  );
  if (names.length === 0) return known;
  const snapshot = await ctx.catalog.snapshot(names, ctx.session.searchPath, ctx.wait);
  if (!ctx.rights.superuser && MAKERS.has(statement.kind)) await requireTypes(ctx, names, snapshot);
  const userTypes = (name: RelationName): ResolvedType | null => snapshot.type(name);
  const routines = (name: RelationName): readonly ResolvedRoutines[] | null => snapshot.routines?.(name) ?? null;
  const findCollation: FindCollation = (name) => snapshot.collation?.(name) ?? null;
  for (const name of names) if (name.isRoutine === true) routinesInUse.noteFound(routines(name) ?? []);
  return {
    ...ctx,
    plannerSettings: {
      ...ctx.plannerSettings,
      userTypes,
      userCollations: findCollation,
      userRoutines: { named: routines, pinned },
    },
    types: { userType: (schema, name) => userTypes({ schema, name, isType: true })?.typeOid ?? null, findCollation },
  };
}

/**
 * A name with a schema that the statement gives to what it makes: it is not looked up, for to make something in a schema is another
 * right than to use what is in it.
 */
function nameMade({ kind, node }: ParsedStatement): RelationName | null {
  const body = Object.values(node)[0] as Loose;
  if (kind === 'CreateFunctionStmt') {
    const name = qualifiedName(strings(body['funcname']));
    const mayCallIt = body['sql_body'] !== undefined || JSON.stringify(body['parameters'] ?? '').includes(name.name);
    return mayCallIt || name.schema === null ? null : name;
  }
  if (kind !== 'CreateRangeStmt') return null;
  const params = list(body['params']).map((p) => of(p, 'DefElem'));
  const multirange = params.find((p) => p['defname'] === 'multirange_type_name')?.['arg'] as Loose | undefined;
  if (multirange?.['TypeName'] === undefined) return null;
  const name = qualifiedName(strings(of(multirange, 'TypeName')['names']));
  return name.schema === null ? null : name;
}

/** Statements that make something of the types that they name. */
const MAKERS: ReadonlySet<string> = new Set([
  'CreateStmt',
  'AlterTableStmt',
  'CreateFunctionStmt',
  'CompositeTypeStmt',
  'CreateDomainStmt',
  'CreateRangeStmt',
  'DefineStmt',
]);

/** @throws QuoralError 42501 */
async function requireTypes(ctx: DdlContext, names: readonly RelationName[], snapshot: CatalogSnapshot): Promise<void> {
  for (const name of names) {
    const found = name.isType === true ? snapshot.type(name) : null;
    const descriptor = found === null ? null : ctx.catalog.known(found.id);
    if (descriptor?.kind === 'type' && !ctx.rights.has(aclOf(descriptor), RIGHTS.usage))
      throw sqlError('42501', `permission denied for type ${await visibleName(ctx, descriptor)}`);
  }
}

export function isDdl(statement: ParsedStatement): boolean {
  return Object.hasOwn(RUNNERS, statement.kind);
}

/** Runs the statement in the context's transaction; returns the command tag. */
export async function runDdl(ctx: DdlContext, written: ParsedStatement): Promise<string> {
  const statement = await withColumnTypes(ctx, written);
  const runner = RUNNERS[statement.kind]!;
  const named = await withNames(ctx, statement);
  const tag = await runner(named, statement.node[statement.kind] as Loose, statement);
  tellCascades(ctx);
  return tag;
}
