/**
 * CREATE TABLE (LIKE …): columns of another table, or of a view, and what INCLUDING names of the rest. Constraints and
 * indexes get names by the rules for the new table, but for CHECK, which keeps its own.
 *
 * Limit: functions of users in statistics' expressions are refused where those are made.
 */
import { addPosition } from '../plan/binder.js';
import { sqlError } from '../../base/errors.js';
import type {
  ColumnDescriptor,
  IndexDescriptor,
  TableDescriptor,
  ViewColumnDescriptor,
} from '../catalog/descriptor.js';
import { RIGHTS } from '../catalog/acl.js';
import { isPrimaryKey } from '../catalog/descriptor.js';
import { relationKind, wholeRights } from '../catalog/rights.js';
import type { Relation, RelationName } from '../contract.js';
import { expressionTree } from '../plan/expression-tree.js';
import type { ColumnDraft } from './columns.js';
import type { DdlContext } from './context.js';
import type { IndexRequest } from './indexes.js';
import { relationMissing } from './objects.js';
import { copiedStatistics, type StatisticsRequest } from './statistics.js';
import { of, rangeVar } from './tree.js';
import type { Loose } from './tree.js';
import { requireTypesOf } from './type-rights.js';
import { userTypeOf } from '../types/user-types.js';

/** As the grammar numbers them. */
const INCLUDING = {
  compression: 1 << 1,
  comments: 1,
  constraints: 1 << 2,
  defaults: 1 << 3,
  generated: 1 << 4,
  identity: 1 << 5,
  indexes: 1 << 6,
  statistics: 1 << 7,
  storage: 1 << 8,
};

/** What of a column the draft has no place for. */
export type Copied = Pick<ColumnDescriptor, 'defaultSql' | 'comment' | 'storage' | 'compression'>;

/** A check as it is written. */
export interface CheckRequest {
  readonly node: unknown;
  /** null: to be generated. */
  readonly name: string | null;
  readonly noInherit: boolean;
  readonly comment?: string | null;
}

interface Parts {
  readonly drafts: ColumnDraft[];
  readonly requests: IndexRequest[];
  readonly checks: CheckRequest[];
  readonly copied: Map<ColumnDraft, Copied>;
  readonly statistics: StatisticsRequest[];
}

/** Definitions are copied by who may read. @throws QuoralError 42501 */
function requireSelect(ctx: DdlContext, found: Relation): void {
  const d = found.kind === 'table' ? found.table : found.kind === 'view' ? found.view : null;
  if (d !== null && (wholeRights(ctx.rights, d) & RIGHTS.select) === 0)
    throw sqlError('42501', `permission denied for ${relationKind(d)} ${d.name}`);
}

export async function copyLike(ctx: DdlContext, parts: Parts, like: Loose): Promise<void> {
  const name = rangeVar(like['relation']);
  const found = await ctx.catalog.relation(name, ctx.session.searchPath, ctx.wait);
  const range = like['relation'] as Loose;
  const position = Number(range['location'] ?? of(range, 'RangeVar')['location'] ?? 0) + 1;
  if (found === null && (await copyComposite(ctx, parts, name))) return;
  if (found === null)
    return relationMissing(ctx, name).catch((error: unknown) => {
      throw addPosition(error, position - 1);
    });
  requireSelect(ctx, found);
  if (found.kind === 'view') {
    for (const column of found.view.columns) addColumn(parts, plainDraft(column));
    return;
  }
  if (found.kind !== 'table') {
    throw sqlError('42809', `relation "${name.name}" is invalid in LIKE clause`, {
      detail: `This operation is not supported for ${found.kind === 'sequence' ? 'sequences' : 'system catalogs'}.`,
      position,
    });
  }
  const flags = Number(like['options'] ?? 0);
  const { table } = found;
  const withComments = (flags & INCLUDING.comments) !== 0;
  for (const column of table.columns)
    if (!column.dropped && !column.hidden) await copyColumn(ctx, parts, column, flags);
  if ((flags & INCLUDING.constraints) !== 0)
    for (const check of table.checks)
      parts.checks.push({
        node: expressionTree(check.expressionSql),
        name: check.name,
        noInherit: check.noInherit === true,
        ...(withComments ? { comment: table.constraintComments?.[check.oid] ?? null } : {}),
      });
  if ((flags & INCLUDING.indexes) !== 0)
    for (const index of table.indexes)
      if (index.oid !== 0)
        parts.requests.push({
          ...requestFor(table, index),
          ...(withComments ? { comment: index.comment ?? null } : {}),
        });
  if ((flags & INCLUDING.statistics) !== 0) parts.statistics.push(...copiedStatistics(table, withComments));
}

/** A composite type stands for its attributes. False: there is none of the name. @throws QuoralError 42501 */
async function copyComposite(ctx: DdlContext, parts: Parts, name: RelationName): Promise<boolean> {
  const handle = await ctx.catalog.type(name, ctx.session.searchPath, ctx.wait);
  const type = handle === null ? null : userTypeOf(handle.typeOid);
  if (type?.kind !== 'composite') return false;
  await requireTypesOf(ctx, [handle!]);
  for (const field of type.fields) addColumn(parts, plainDraft(field));
  return true;
}

function plainDraft(
  column: Pick<ViewColumnDescriptor, 'name' | 'typeOid' | 'typmod' | 'collation'> | ColumnDescriptor,
): ColumnDraft {
  return {
    name: column.name,
    typeOid: column.typeOid,
    typmod: column.typmod,
    notNull: 'nullable' in column && !column.nullable,
    explicitNull: false,
    defaultNode: null,
    serial: null,
    identity: null,
    identityOptions: null,
    collation: column.collation ?? null,
    constraints: [],
  };
}

function addColumn(parts: Parts, draft: ColumnDraft): void {
  if (parts.drafts.some((d) => d.name === draft.name))
    throw sqlError('42701', `column "${draft.name}" specified more than once`);
  parts.drafts.push(draft);
}

async function copyColumn(ctx: DdlContext, parts: Parts, column: ColumnDescriptor, flags: number): Promise<void> {
  const draft = plainDraft(column);
  if (column.generated != null && (flags & INCLUDING.generated) !== 0)
    draft.generatedNode = expressionTree(column.generated.expressionSql);
  if (column.identity !== null && (flags & INCLUDING.identity) !== 0) {
    draft.identity = column.identity;
    draft.identityOptions = await sequenceOptions(ctx, column);
  }
  addColumn(parts, draft);
  parts.copied.set(draft, {
    defaultSql: (flags & INCLUDING.defaults) === 0 ? null : column.defaultSql,
    comment: (flags & INCLUDING.comments) === 0 ? null : (column.comment ?? null),
    ...((flags & INCLUDING.storage) === 0 || column.storage === undefined ? {} : { storage: column.storage }),
    ...((flags & INCLUDING.compression) === 0 || column.compression === undefined
      ? {}
      : { compression: column.compression }),
  });
}

/** As the statement would give them. */
async function sequenceOptions(ctx: DdlContext, column: ColumnDescriptor): Promise<readonly Loose[] | null> {
  const sequence = column.sequenceId === null ? null : await ctx.catalog.descriptor(column.sequenceId, ctx.wait);
  if (sequence?.kind !== 'sequence') return null;
  const number = (defname: string, value: string): Loose => ({ DefElem: { defname, arg: { Float: { fval: value } } } });
  return [
    number('increment', sequence.increment),
    number('minvalue', sequence.min),
    number('maxvalue', sequence.max),
    number('start', sequence.start),
    number('cache', String(sequence.cache)),
    { DefElem: { defname: 'cycle', arg: { Boolean: { boolval: sequence.cycle } } } },
  ];
}

function requestFor(table: TableDescriptor, index: IndexDescriptor): IndexRequest {
  const nameOf = (id: number): string => table.columns.find((c) => c.id === id)?.name ?? '';
  return {
    name: null,
    columns: index.columns.map(({ columnId, expression, ...order }) =>
      expression == null
        ? { name: nameOf(columnId), ...order }
        : { name: expression.name, ...order, expression: expressionTree(expression.expressionSql) },
    ),
    ...(index.predicate == null ? {} : { predicate: expressionTree(index.predicate.expressionSql) }),
    storing: index.storing.map(nameOf),
    unique: index.unique,
    primary: isPrimaryKey(index),
    constraint: index.constraintOid !== null,
    method: index.method,
    deferrable: index.deferrable ?? null,
    nullsNotDistinct: index.nullsNotDistinct,
    options: index.options,
  };
}
