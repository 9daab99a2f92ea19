/** COPY table FROM STDIN, COPY table|query TO STDOUT: options and columns. */
import type { CopyStmt, Node } from 'libpg-query';
import { RIGHTS } from '../catalog/acl.js';
import { sqlError } from '../../base/errors.js';
import type { QuoralError } from '../../base/errors.js';
import type { Relation } from '../contract.js';
import type { CopyFromShape } from '../exec/copy.js';
import type { CopyOptions } from '../exec/copy-format.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import { CHANGES } from './access-notes.js';
import { constant } from './expr.js';
import { as, stringsOf } from './ast.js';
import { bindCopyWhere } from './bind-copy-where.js';
import { columnExpr } from './binder.js';
import type { Binder } from './binder.js';
import { defaultOf } from './bind-table.js';
import { bindWritten } from './bind-foreign-keys.js';
import { bindStatement } from './bind-statement.js';
import { scanOf } from './bind-from.js';
import { copyOptions } from './copy-options.js';
import type { InsertSource, Plan, ProjectItem } from './logical.js';

export type BoundCopy =
  | { readonly kind: 'from'; readonly shape: CopyFromShape }
  /** The client is told only when it sends rows, so that it does not take these for statements. */
  | { readonly kind: 'refused'; readonly error: QuoralError; readonly options: CopyOptions; readonly count: number }
  | { readonly kind: 'to'; readonly plan: Plan; readonly options: CopyOptions };

export function bindCopy(b: Binder, stmt: CopyStmt): BoundCopy {
  if (stmt.is_program === true) throw sqlError('0A000', 'COPY to or from a program is not supported');
  if (stmt.filename !== undefined) {
    throw sqlError('0A000', 'COPY to or from a server-side file is not supported', {
      hint: "Use STDIN or STDOUT, or psql's \\copy.",
    });
  }
  const from = stmt.is_from === true;
  if (stmt.query !== undefined) {
    if ('MergeStmt' in stmt.query) throw sqlError('0A000', 'MERGE not supported in COPY');
    if (as(stmt.query, 'SelectStmt')?.intoClause !== undefined)
      throw sqlError('0A000', 'COPY (SELECT INTO) is not supported');
    const plan = bindStatement(b, stmt.query);
    if (plan.columns.length === 0) throw sqlError('0A000', 'COPY query must have a RETURNING clause');
    return {
      kind: 'to',
      plan,
      options: copyOptions(stmt.options ?? [], false, { names: plan.columns.map((c) => c.name), table: null }),
    };
  }
  return from ? bindFrom(b, stmt) : bindTo(b, stmt);
}

/** Positions of the listed columns in table.columns; all visible ones that are not generated if none are listed. */
function copiedColumns(table: TableDescriptor, list: readonly Node[] | undefined): number[] {
  if (list === undefined)
    return table.columns.flatMap((c, i) => (c.dropped || c.hidden || c.generated != null ? [] : [i]));
  const positions: number[] = [];
  for (const name of stringsOf(list)) {
    const at = table.columns.findIndex((c) => c.name === name && !c.dropped);
    if (at < 0) throw sqlError('42703', `column "${name}" of relation "${table.name}" does not exist`);
    if (positions.includes(at)) throw sqlError('42701', `column "${name}" specified more than once`);
    if (table.columns[at]!.generated != null) {
      throw sqlError('42P10', `column "${name}" is a generated column`, {
        detail: 'Generated columns cannot be used in COPY.',
      });
    }
    positions.push(at);
  }
  return positions;
}

function bindFrom(b: Binder, stmt: CopyStmt): BoundCopy {
  const range = stmt.relation!;
  const relation = b.catalog.relation({ schema: range.schemaname ?? null, name: range.relname ?? '' });
  if (relation === null) throw sqlError('42P01', `relation "${shownName(range)}" does not exist`);
  const kind = refusedTarget(relation);
  if (kind !== null || relation.kind !== 'table') return refusedCopy(stmt, relation, kind!);
  const { table, schemaName } = relation;
  b.dependOn(table);
  b.modifies = true;
  const positions = copiedColumns(table, stmt.attlist);
  const entry = b.access.relation(table, CHANGES.insert);
  for (const position of positions) entry.inserted.add(table.columns[position]!.id);
  const sources = table.columns.map((column, position): InsertSource => {
    const index = positions.indexOf(position);
    if (index >= 0) return { kind: 'input', index };
    if (column.dropped) return { kind: 'expr', expr: constant(null, column.typeOid) };
    if (column.hidden && column.generated == null) return { kind: 'rowid' };
    return { kind: 'expr', expr: defaultOf(b, column) };
  });
  const names = positions.map((p) => table.columns[p]!.name);
  const options = copyOptions(stmt.options ?? [], true, { names, table });
  if (options.freeze && relation.ownStorage !== true) {
    const why = 'because the table was not created or truncated in the current subtransaction';
    const error = sqlError('55000', `cannot perform COPY FREEZE ${why}`);
    return { kind: 'refused', error, options, count: names.length };
  }
  const checks = bindWritten(b, relation);
  b.access.columns(entry, checks.row);
  const shape: CopyFromShape = {
    table,
    schemaName,
    freshStorage: relation.freshStorage === true,
    positions,
    sources,
    checks,
    options,
    where: stmt.whereClause === undefined ? null : bindCopyWhere(b, stmt.whereClause, table, checks.row),
  };
  return { kind: 'from', shape };
}

/** What no rows are copied to; null: a table. */
function refusedTarget(relation: Relation): QuoralError | null {
  const to = (what: string, hint?: string): QuoralError =>
    sqlError('42809', `cannot copy to ${what}`, hint === undefined ? {} : { hint });
  if (relation.kind === 'sequence') return to(`sequence "${relation.sequence.name}"`);
  if (relation.kind === 'table')
    return relation.table.materialized == null ? null : to(`materialized view "${relation.table.name}"`);
  const { name } = relation.kind === 'view' ? relation.view : relation;
  return to(`view "${name}"`, 'To enable copying to a view, provide an INSTEAD OF INSERT trigger.');
}

function refusedCopy({ attlist, options }: CopyStmt, relation: Relation, error: QuoralError): BoundCopy {
  const names = relation.kind === 'view' ? relation.view.columns.map((c) => c.name) : [];
  const copied = attlist === undefined ? names : stringsOf(attlist);
  const missing = relation.kind === 'view' ? copied.find((name) => !names.includes(name)) : undefined;
  if (missing !== undefined && relation.kind === 'view')
    throw sqlError('42703', `column "${missing}" of relation "${relation.view.name}" does not exist`);
  const read = copyOptions(options ?? [], true, { names: copied, table: null });
  return { kind: 'refused', error, options: read, count: copied.length };
}

function shownName(range: { schemaname?: string; relname?: string }): string {
  return range.schemaname === undefined ? (range.relname ?? '') : `${range.schemaname}.${range.relname ?? ''}`;
}

function bindTo(b: Binder, stmt: CopyStmt): BoundCopy {
  const range = stmt.relation!;
  const relation = b.catalog.relation({ schema: range.schemaname ?? null, name: range.relname ?? '' });
  if (relation === null) throw sqlError('42P01', `relation "${shownName(range)}" does not exist`);
  if (relation.kind === 'sequence') throw sqlError('42809', `cannot copy from sequence "${relation.sequence.name}"`);
  if (relation.kind === 'virtual' || relation.kind === 'view') {
    throw sqlError('42809', `cannot copy from view "${range.relname ?? ''}"`, {
      hint: 'Try the COPY (SELECT ...) TO variant.',
    });
  }
  if (relation.table.materialized != null) {
    throw sqlError('42809', `cannot copy from materialized view "${relation.table.name}"`, {
      hint: 'Try the COPY (SELECT ...) TO variant.',
    });
  }
  const { table, schemaName } = relation;
  b.dependOn(table);
  const scan = scanOf(b, table, schemaName, table.name, null);
  const entry = b.access.relation(table, RIGHTS.select);
  const items = copiedColumns(table, stmt.attlist).map((position): ProjectItem => {
    const column = scan.columns.find((c) => c.position === position)!;
    entry.selected.add(column.columnNumber);
    return {
      column: b.column(column.name, column.oid, column.typmod, column.tableOid, column.columnNumber),
      expr: columnExpr(column),
    };
  });
  const plan: Plan = { kind: 'project', columns: items.map((i) => i.column), input: scan, items };
  return {
    kind: 'to',
    plan,
    options: copyOptions(stmt.options ?? [], false, { names: items.map((i) => i.column.name), table }),
  };
}
