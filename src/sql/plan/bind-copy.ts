/** COPY table FROM STDIN, COPY table|query TO STDOUT: options and columns. */
import type { CopyStmt, DefElem, Node } from 'libpg-query';
import { sqlError } from '../../base/errors.js';
import type { CopyFromShape } from '../exec/copy.js';
import { CSV_OPTIONS, TEXT_OPTIONS } from '../exec/copy-format.js';
import type { CopyOptions } from '../exec/copy-format.js';
import type { TableDescriptor } from '../catalog/descriptor.js';
import { constant } from './expr.js';
import { as, stringsOf } from './ast.js';
import { columnExpr, errorAt } from './binder.js';
import type { Binder } from './binder.js';
import { defaultOf } from './bind-table.js';
import { bindWritten } from './bind-foreign-keys.js';
import { bindStatement } from './bind-statement.js';
import { scanOf } from './bind-from.js';
import type { InsertSource, Plan, ProjectItem } from './logical.js';

export type BoundCopy =
  | { readonly kind: 'from'; readonly shape: CopyFromShape }
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
    const plan = bindStatement(b, stmt.query);
    if (plan.columns.length === 0) throw sqlError('0A000', 'COPY query must have a RETURNING clause');
    return {
      kind: 'to',
      plan,
      options: optionsOf(
        stmt.options ?? [],
        false,
        plan.columns.map((c) => c.name),
      ),
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
  if (relation.kind === 'virtual' || relation.kind === 'view') {
    throw sqlError('42809', `cannot copy to view "${range.relname ?? ''}"`, {
      hint: 'To enable copying to a view, provide an INSTEAD OF INSERT trigger.',
    });
  }
  if (relation.kind === 'table' && relation.table.materialized != null)
    throw sqlError('42809', `cannot copy to materialized view "${relation.table.name}"`);
  if (relation.kind === 'sequence') throw sqlError('42809', `cannot copy to sequence "${relation.sequence.name}"`);
  if (stmt.whereClause !== undefined) throw sqlError('0A000', 'COPY FROM with WHERE is not supported');
  const { table, schemaName } = relation;
  b.dependOn(table);
  b.modifies = true;
  const positions = copiedColumns(table, stmt.attlist);
  const sources = table.columns.map((column, position): InsertSource => {
    const index = positions.indexOf(position);
    if (index >= 0) return { kind: 'input', index };
    if (column.dropped) return { kind: 'expr', expr: constant(null, column.typeOid) };
    if (column.hidden && column.defaultSql === null) return { kind: 'rowid' };
    return { kind: 'expr', expr: defaultOf(b, column) };
  });
  const options = optionsOf(
    stmt.options ?? [],
    true,
    positions.map((p) => table.columns[p]!.name),
  );
  const shape: CopyFromShape = {
    table,
    schemaName,
    freshStorage: relation.freshStorage === true,
    positions,
    sources,
    checks: bindWritten(b, relation),
    options,
  };
  return { kind: 'from', shape };
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
  const items = copiedColumns(table, stmt.attlist).map((position): ProjectItem => {
    const column = scan.columns.find((c) => c.position === position)!;
    return {
      column: b.column(column.name, column.oid, column.typmod, column.tableOid, column.columnNumber),
      expr: columnExpr(column),
    };
  });
  const plan: Plan = { kind: 'project', columns: items.map((i) => i.column), input: scan, items };
  return {
    kind: 'to',
    plan,
    options: optionsOf(
      stmt.options ?? [],
      false,
      items.map((i) => i.column.name),
    ),
  };
}

function optionText(option: DefElem): string {
  const arg = option.arg;
  if (arg === undefined) return 'true';
  const text = as(arg, 'String')?.sval;
  if (text !== undefined) return text;
  const integer = as(arg, 'Integer');
  if (integer !== undefined) return String(integer.ival ?? 0);
  const bool = as(arg, 'Boolean');
  if (bool !== undefined) return String(bool.boolval ?? false);
  return '';
}

function optionBool(option: DefElem): boolean {
  const text = optionText(option).toLowerCase();
  if (['true', 'on', '1', 'match'].includes(text)) return true;
  if (['false', 'off', '0'].includes(text)) return false;
  throw errorAt('42601', `${option.defname ?? ''} requires a Boolean value`, option.location ?? -1);
}

const KNOWN = new Set([
  'format',
  'delimiter',
  'null',
  'header',
  'quote',
  'escape',
  'freeze',
  'encoding',
  'force_quote',
  'force_not_null',
  'force_null',
  'on_error',
  'log_verbosity',
  'default',
]);

function optionsOf(nodes: readonly Node[], isFrom: boolean, columns: readonly string[]): CopyOptions {
  const given = new Map<string, DefElem>();
  for (const node of nodes) {
    const option = as(node, 'DefElem')!;
    const name = option.defname ?? '';
    if (!KNOWN.has(name)) throw errorAt('42601', `option "${name}" not recognized`, option.location ?? -1);
    if (given.has(name)) throw errorAt('42601', 'conflicting or redundant options', option.location ?? -1);
    given.set(name, option);
  }
  const format = given.has('format') ? optionText(given.get('format')!) : 'text';
  if (format === 'binary') throw sqlError('0A000', 'COPY in binary format is not supported');
  if (format !== 'text' && format !== 'csv')
    throw errorAt('22023', `COPY format "${format}" not recognized`, given.get('format')?.location ?? -1);
  const base = format === 'csv' ? CSV_OPTIONS : TEXT_OPTIONS;
  const text = (name: string, fallback: string): string => (given.has(name) ? optionText(given.get(name)!) : fallback);
  const oneByte = (name: string, value: string): string => {
    if (Buffer.byteLength(value) !== 1) throw sqlError('0A000', `COPY ${name} must be a single one-byte character`);
    return value;
  };
  const delimiter = oneByte('delimiter', text('delimiter', base.delimiter));
  const nullText = text('null', base.nullText);
  const quote = oneByte('quote', text('quote', base.quote));
  const escape = oneByte('escape', text('escape', quote));
  for (const name of ['quote', 'escape', 'force_quote']) {
    if (given.has(name) && format !== 'csv') throw sqlError('0A000', `COPY ${name.toUpperCase()} requires CSV mode`);
  }
  if (/[\r\n]/.test(delimiter)) throw sqlError('22023', 'COPY delimiter cannot be newline or carriage return');
  if (/[\r\n]/.test(nullText))
    throw sqlError('22023', 'COPY null representation cannot use newline or carriage return');
  if (format === 'text' && /[\\.a-z0-9]/.test(delimiter))
    throw sqlError('22023', `COPY delimiter cannot be "${delimiter}"`);
  if (format === 'csv' && delimiter === quote) throw sqlError('22023', 'COPY delimiter and quote must be different');
  if (nullText.includes(delimiter)) throw sqlError('22023', 'COPY delimiter must not appear in the NULL specification');
  if (given.has('encoding') && !/^utf-?8$/i.test(optionText(given.get('encoding')!))) {
    throw sqlError('0A000', `COPY in encoding "${optionText(given.get('encoding')!)}" is not supported`);
  }
  if (given.has('freeze') && optionBool(given.get('freeze')!) && !isFrom)
    throw sqlError('0A000', 'COPY freeze cannot be used with COPY TO');
  const header = given.has('header') && optionBool(given.get('header')!);
  return {
    format,
    delimiter,
    nullText,
    header,
    quote,
    escape,
    forceQuote: forcedQuotes(given.get('force_quote'), columns),
  };
}

function forcedQuotes(option: DefElem | undefined, columns: readonly string[]): 'all' | ReadonlySet<number> {
  if (option?.arg === undefined) return new Set();
  if (as(option.arg, 'A_Star') !== undefined) return 'all';
  const names = stringsOf(as(option.arg, 'List')?.items);
  return new Set(
    names.map((name) => {
      const at = columns.indexOf(name);
      if (at < 0) throw sqlError('42P10', `FORCE_QUOTE column "${name}" not referenced by COPY`);
      return at;
    }),
  );
}
