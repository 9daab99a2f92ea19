/** Rows of SQL in a body, and the variables that they go into. */
import { sqlError } from '../../base/errors.js';
import type { Datum, PgRecord } from '../types/datum.js';
import { isArrayType } from '../types/registry.js';
import { baseOidOf } from '../types/user-types.js';
import { statementLine } from './context-lines.js';
import type { Frame } from './frame.js';
import type { SqlResult } from './host.js';
import type { Target } from './tree.js';

/** Of FOREACH: a single variable takes elements, or with SLICE arrays of them. @throws QuoralError 42804 */
export function checkLoopVariable(target: Target, slice: number, frame: Frame): void {
  const place = target.kind === 'row' && target.places.length === 1 ? target.places[0]! : null;
  const type = place === null || place.field !== null ? null : frame.types[place.variable.index]!;
  if (type?.kind !== 'scalar') return;
  const array = isArrayType(baseOidOf(type.oid));
  if (slice > 0 && !array) throw sqlError('42804', 'FOREACH ... SLICE loop variable must be of an array type');
  if (slice === 0 && array) throw sqlError('42804', 'FOREACH loop variable must not be of an array type');
}

/** A composite value as a row. */
export function rowOf({ typeOids, values, names }: PgRecord): [Pick<SqlResult, 'columns'>, readonly Datum[]] {
  const columns = typeOids.map((typeOid, i) => {
    const name = names?.[i] ?? `f${i + 1}`;
    return { name, tableOid: 0, columnNumber: 0, typeOid, typeLength: -1, typmod: -1 };
  });
  return [{ columns }, values];
}

/** Statements whose tag counts rows. */
export const CHANGES: ReadonlySet<string> = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);

/** What rows are wanted for: a loop or a cursor goes over them, RETURN QUERY takes them. */
export type RowUse = 'cursor' | 'return';

/** `tag`: of the command that gives none; `text`: of a statement that is not EXECUTE's, which tells of itself. */
export function noRows(use: RowUse, tag: string, text: string | null = null): Error {
  const command = tag.replace(/[ \d]+$/, '');
  if (use === 'cursor') return sqlError('42P11', `cannot open ${command} query as cursor`);
  const where = text === null ? {} : { where: statementLine(text) };
  return sqlError('42601', `${command} query does not return tuples`, where);
}

export function noDestination(reads: boolean): Error {
  return sqlError('42601', 'query has no destination for result data', {
    hint: reads ? 'If you want to discard the results of a SELECT, use PERFORM instead.' : undefined,
  });
}
