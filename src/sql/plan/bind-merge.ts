/**
 * MERGE → a plan: the source joined with the target, whose rows are locked as UPDATE's are, and the WHEN
 * clauses over the join's rows. What INSERT and UPDATE do with values, defaults and CHECK is theirs.
 *
 * Limits: PostgreSQL 15's MERGE, so neither RETURNING nor WHEN NOT MATCHED BY SOURCE; not inside WITH.
 */
import type { MergeStmt, MergeWhenClause, Node } from 'libpg-query';
import { QuoralError } from '../../base/errors.js';
import { RIGHTS } from '../catalog/acl.js';
import { CHANGES } from './access-notes.js';
import { locationOf, must } from './ast.js';
import { bindAssignments, insertCell } from './bind-dml.js';
import { bindExpr } from './bind-expr.js';
import { bindWritten } from './bind-foreign-keys.js';
import { bindFrom, join, scanOf, scanRelation } from './bind-from.js';
import { lockForChange } from './bind-locks.js';
import { exprContext, fromContext, withClause } from './bind-select.js';
import { defaultOf } from './bind-table.js';
import { MERGE_CONDITIONS, Scope, errorAt } from './binder.js';
import type { Binder, BoundFrom, CteEntry, ExprContext } from './binder.js';
import { noteWritten, writeTarget } from './bind-view-target.js';
import type { WriteTarget } from './bind-view-target.js';
import { coerceBoolean } from './coerce.js';
import { constant } from './expr.js';
import type { Expr } from './expr.js';
import { checkWidth, insertTargets } from './insert-columns.js';
import type { InsertSource, MergeAction, MergeClause, MergePlan, Plan } from './logical.js';

export function bindMerge(b: Binder, stmt: MergeStmt, outer: readonly CteEntry[]): Plan {
  const whens = (stmt.mergeWhenClauses ?? []).map((node) => must(node, 'MergeWhenClause'));
  if (stmt.withClause === undefined) return mergeBody(b, stmt, whens, outer);
  if (stmt.withClause.recursive === true)
    throw errorAt('42601', 'WITH RECURSIVE is not supported for MERGE statement', -1);
  return withClause(b, stmt.withClause, null, outer, (visible) => mergeBody(b, stmt, whens, visible));
}

/** What follows a clause without a condition can never be reached. */
function checkReachable(whens: readonly MergeWhenClause[]): void {
  const ended = new Set<string>();
  for (const when of whens) {
    const kind = when.matchKind ?? 'MERGE_WHEN_MATCHED';
    if (kind === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE')
      throw errorAt('0A000', 'WHEN NOT MATCHED BY SOURCE is not supported', -1);
    if (ended.has(kind))
      throw errorAt('42601', 'unreachable WHEN clause specified after unconditional WHEN clause', -1);
    if (when.condition === undefined) ended.add(kind);
  }
}

function mergeTarget(b: Binder, stmt: MergeStmt): WriteTarget {
  const range = stmt.relation!;
  const found = b.catalog.relation({ schema: range.schemaname ?? null, name: range.relname ?? '' });
  const kind = found?.kind === 'table' && found.table.materialized != null ? 'materialized view' : found?.kind;
  if (kind === 'view' || kind === 'sequence' || kind === 'materialized view') {
    throw errorAt('0A000', `cannot execute MERGE on relation "${range.relname ?? ''}"`, -1, {
      detail: `This operation is not supported for ${kind}s.`,
    });
  }
  return writeTarget(b, range, 'update');
}

const RIGHTS_OF: Readonly<Record<string, number>> = {
  CMD_INSERT: CHANGES.insert,
  CMD_UPDATE: CHANGES.update,
  CMD_DELETE: CHANGES.delete,
};

function mergeBody(
  b: Binder,
  stmt: MergeStmt,
  whens: readonly MergeWhenClause[],
  ctes: readonly CteEntry[],
): MergePlan {
  checkReachable(whens);
  const written = mergeTarget(b, stmt);
  const { table, relation } = written;
  const { schemaName } = relation;
  const alias = stmt.relation?.alias?.aliasname ?? table.name;
  const removes = whens.some((when) => when.commandType === 'CMD_DELETE');
  const sets = whens.flatMap((when) => (when.commandType === 'CMD_UPDATE' ? (when.targetList ?? []) : []));
  const scan = scanOf(b, table, schemaName, alias, lockForChange(table, removes, sets));
  const target = scanRelation(scan, schemaName, stmt.relation?.alias);
  const [entry] = written.entries;
  // To do nothing with it is to read it.
  entry!.rights = whens.reduce((all, { commandType }) => all | (RIGHTS_OF[commandType ?? ''] ?? 0), 0) || RIGHTS.select;
  const shown = target.columns.filter((c) => !c.hidden).map((c) => c.column);
  b.access.columns(entry!, shown);
  const source = b.beside(target.relations, () =>
    bindFrom(fromContext(b, null, ctes, [], stmt), [stmt.sourceRelation!]),
  );
  if (source.relations.some((r) => r.alias === alias)) {
    throw errorAt('42712', `name "${alias}" specified more than once`, -1, {
      detail: 'The name is used both as MERGE target table and data source.',
    });
  }
  const both = new Scope(
    null,
    [...target.relations, ...source.relations],
    [...target.columns, ...source.columns],
    ctes,
  );
  const on = stmt.joinCondition!;
  const condition = coerceBoolean(b, bindExpr(exprContext(b, both, 'JOIN conditions'), on), 'JOIN/ON', locationOf(on));
  const clauses = whens.map((when) => bindWhen(b, when, written, alias, both, source, ctes));
  const type = clauses.some((c) => !c.matched && c.action.kind !== 'nothing') ? 'left' : 'inner';
  return {
    kind: 'merge',
    columns: [],
    table,
    schemaName,
    input: join(type, source.plan, scan, condition),
    target: table.columns.map((_, position) => scan.columns.find((c) => c.position === position)?.id ?? -1),
    clauses,
    checks: bindWritten(b, relation),
  };
}

function bindWhen(
  b: Binder,
  when: MergeWhenClause,
  target: WriteTarget,
  alias: string,
  both: Scope,
  source: BoundFrom,
  ctes: readonly CteEntry[],
): MergeClause {
  const matched = (when.matchKind ?? 'MERGE_WHEN_MATCHED') === 'MERGE_WHEN_MATCHED';
  if (matched) {
    return { matched, condition: whenCondition(b, when, both), action: matchedAction(b, when, target, both) };
  }
  const scope = new Scope(null, source.relations, source.columns, ctes);
  return withoutTarget(alias, () => ({
    matched,
    condition: whenCondition(b, when, scope),
    action: insertAction(b, when, target, scope),
  }));
}

/** A row without a match has no target: its columns are there, but not for this clause. */
function withoutTarget<T>(alias: string, bind: () => T): T {
  try {
    return bind();
  } catch (error) {
    if (!(error instanceof QuoralError) || error.message !== `missing FROM-clause entry for table "${alias}"`)
      throw error;
    throw errorAt(
      '42P01',
      `invalid reference to FROM-clause entry for table "${alias}"`,
      (error.fields.position ?? 0) - 1,
      { hint: `There is an entry for table "${alias}", but it cannot be referenced from this part of the query.` },
    );
  }
}

function whenCondition(b: Binder, when: MergeWhenClause, scope: Scope): Expr | null {
  if (when.condition === undefined) return null;
  const ctx = exprContext(b, scope, MERGE_CONDITIONS);
  return coerceBoolean(b, bindExpr(ctx, when.condition), 'WHEN', locationOf(when.condition));
}

function matchedAction(b: Binder, when: MergeWhenClause, target: WriteTarget, scope: Scope): MergeAction {
  switch (when.commandType) {
    case 'CMD_UPDATE': {
      const ctx = exprContext(b, scope, 'UPDATE');
      return { kind: 'update', assignments: bindAssignments(b, ctx, when.targetList ?? [], target) };
    }
    case 'CMD_DELETE':
      return { kind: 'delete' };
    default:
      return { kind: 'nothing' };
  }
}

function insertAction(b: Binder, when: MergeWhenClause, target: WriteTarget, scope: Scope): MergeAction {
  if (when.commandType !== 'CMD_INSERT') return { kind: 'nothing' };
  const ctx = exprContext(b, scope, 'VALUES');
  const given = insertValues(b, ctx, when, target);
  const sources = target.table.columns.map((column, position): InsertSource => {
    const expr = given.get(position);
    if (column.dropped) return { kind: 'expr', expr: constant(null, column.typeOid) };
    if (expr !== undefined) return { kind: 'expr', expr };
    if (column.hidden && column.generated == null) return { kind: 'rowid' };
    return { kind: 'expr', expr: defaultOf(b, column) };
  });
  return { kind: 'insert', sources };
}

/** By position in the table; what is not given takes its default. */
function insertValues(b: Binder, ctx: ExprContext, when: MergeWhenClause, target: WriteTarget): Map<number, Expr> {
  const given = new Map<number, Expr>();
  const values: readonly Node[] | undefined = when.values;
  const targets = insertTargets(target, when.targetList);
  if (values === undefined) return given;
  checkWidth(values.length, targets, when.targetList, target, locationOf(values[targets.length]));
  const override = when.override ?? 'OVERRIDING_NOT_SET';
  values.forEach((value, i) => {
    const position = targets[i]!;
    noteWritten(target, position, 'inserted');
    const column = target.table.columns[position]!;
    const expr = insertCell(b, ctx, column, value, override);
    if (override === 'OVERRIDING_USER_VALUE' && column.identity !== null) return;
    given.set(position, expr);
  });
  return given;
}
