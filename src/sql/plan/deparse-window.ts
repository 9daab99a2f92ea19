/** Windows as text: those of a WINDOW clause, and what stands behind OVER. */
import type { Node, WindowDef } from 'libpg-query';
import { known } from './deparse-place.js';
import { quoteIdentifier } from '../types/identifiers.js';
import { as } from './ast.js';
import type { QueryText } from './deparse-query.js';
import type { FrameBound, WindowExpr, WindowFrame } from './expr.js';
import { withoutImplicit } from './format-expr.js';
import type { WindowNotes } from './query-notes.js';

const NOT_DEFAULT = 1;
const BETWEEN = 0x10;

export function windowClause(to: QueryText, clause: readonly Node[]): string {
  const items = clause.map((node) => {
    const written = as(node, 'WindowDef')!;
    const notes = known(to.notes.windows.get(node), 'a part was not bound');
    return `${quoteIdentifier(written.name ?? '')} AS ${specification(to, written, notes)}`;
  });
  return to.lines.clause(' WINDOW ', 1) + items.join(', ');
}

export function windowText(to: QueryText, e: WindowExpr): string {
  const written = known(to.notes.over.get(e), 'a window was not bound');
  if (written.name !== undefined && written.name !== '') return quoteIdentifier(written.name);
  return specification(to, written, e);
}

function specification(to: QueryText, written: WindowDef, { partition, orderBy, frame }: WindowNotes): string {
  const reference = written.refname ?? '';
  const parts = reference === '' ? [] : [quoteIdentifier(reference)];
  if (reference === '' && partition.length > 0)
    parts.push(`PARTITION BY ${partition.map((e) => to.sortItem(e, [])).join(', ')}`);
  if (written.orderClause !== undefined) parts.push(`ORDER BY ${to.sortKeys(orderBy, [])}`);
  const options = written.frameOptions ?? 0;
  if ((options & NOT_DEFAULT) !== 0) parts.push(frameText(to, frame, (options & BETWEEN) !== 0));
  return `(${parts.join(' ')})`;
}

const EXCLUSIONS: Readonly<Record<WindowFrame['exclude'], string>> = {
  none: '',
  current: ' EXCLUDE CURRENT ROW',
  group: ' EXCLUDE GROUP',
  ties: ' EXCLUDE TIES',
};

function frameText(to: QueryText, { mode, start, end, exclude }: WindowFrame, between: boolean): string {
  const bounds = between ? `BETWEEN ${boundText(to, start)} AND ${boundText(to, end)}` : boundText(to, start);
  return `${mode.toUpperCase()} ${bounds}${EXCLUSIONS[exclude]}`;
}

function boundText(to: QueryText, { kind, offset }: FrameBound): string {
  if (kind === 'current') return 'CURRENT ROW';
  return (offset === null ? '' : `${to.text(withoutImplicit(offset))} `) + kind.toUpperCase();
}
