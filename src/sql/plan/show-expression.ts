/**
 * Stored expressions in the pretty form, and those with CASE, which has lines of its own: bound anew over the columns
 * that they read, and written by the formatter that writes queries. The plain form on one line is what is stored.
 */
import type { TableDescriptor } from '../catalog/descriptor.js';
import type { CatalogSnapshot, PlannerSettings } from '../contract.js';
import { formatType } from '../types/registry.js';
import { STORED_FORMAT } from '../types/stored-format.js';
import { bindExpr } from './bind-expr.js';
import { exprContext } from './bind-select.js';
import { Binder, Scope } from './binder.js';
import { resolveUnknown } from './coerce.js';
import { expressionTree } from './expression-tree.js';
import { readLiterals } from './fold.js';
import { ExprFormatter, quoteIdentifier } from './format-expr.js';
import type { NameColumn, NameRoutine, NameType } from './format-expr.js';
import { laidOut, Layout } from './layout.js';
import { QueryNotes } from './query-notes.js';
import { knowPins } from './routines.js';

export interface ExpressionForm {
  readonly pretty: boolean;
  readonly type: NameType;
  readonly routine: NameRoutine;
  readonly collation?: (key: string) => string;
  /** By its name alone, where it is not quoted as any column. */
  readonly column?: NameColumn;
}

/** @throws QuoralError what is wrong with it: the text is of no stored expression over these columns. */
export function showExpression(
  sql: string,
  columns: readonly { readonly name: string; readonly typeOid: number; readonly typmod: number }[],
  snapshot: CatalogSnapshot,
  settings: PlannerSettings,
  form: ExpressionForm,
): string {
  // Literals are read as they were stored, and shown as the session wants them.
  const { names } = settings.format;
  const stored = names === undefined ? STORED_FORMAT : { ...STORED_FORMAT, names };
  const binder = new Binder(snapshot, { ...settings, format: stored }, [], null, null, new QueryNotes());
  binder.knowTypes(columns);
  knowPins(binder, sql, settings);
  // The text is of a bound expression: what PostgreSQL moved into the elements stands there.
  binder.castsStand = true;
  const visible = columns.map((c) => ({ column: binder.column(c.name, c.typeOid, c.typmod), hidden: false }));
  const scope = new Scope(null, [{ alias: '', schema: null, columns: visible, table: null }], visible);
  const bound = resolveUnknown(binder, bindExpr(exprContext(binder, scope, 'this expression'), expressionTree(sql)));
  const expr = readLiterals(bound, stored);
  const column = form.column ?? ((_id: number, name: string): string => quoteIdentifier(name));
  const { pretty, collation } = form;
  const style = { pretty, layout: new Layout(), ...(collation === undefined ? {} : { collation }) };
  const formatter = new ExprFormatter(settings.format, column, undefined, form.type, form.routine, style);
  return laidOut(formatter.text(expr));
}

/** An index's expression in the pretty form, where there is no session to ask for names. */
export function indexExpressionText(
  sql: string,
  table: TableDescriptor,
  columns: readonly { readonly name: string; readonly typeOid: number; readonly typmod: number }[],
): string {
  const used = new Map((table.usedRoutines ?? []).map((one) => [one.routine.oid, one]));
  const nothing: CatalogSnapshot = { database: '', searchPath: [], relation: () => null, type: () => null };
  const userRoutines = { named: () => [], pinned: (oid: number) => used.get(oid) ?? null };
  const settings = { format: STORED_FORMAT, user: '', database: '', userRoutines };
  const routine: NameRoutine = (oid, name) => quoteIdentifier(used.get(oid)?.name ?? name);
  const form = { pretty: true, type: formatType, routine };
  return showExpression(sql, columns, nothing, settings, form);
}
