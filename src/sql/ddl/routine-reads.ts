/**
 * What a function reads whose body is no string (RETURN, BEGIN ATOMIC): such a body is of the statement that makes the function,
 * so what it names does not go from under it. A string is read when the function runs, and holds nothing.
 *
 * Limits: relations only, not their columns; the body is kept as it was written, so what is renamed is missed when it runs.
 */
import { sqlError } from '../../base/errors.js';
import { SYSTEM_KEYS } from '../../encoding/keyspace.js';
import type { Routine } from '../catalog/descriptor.js';
import { relationsWithin } from '../catalog/row-types.js';
import type { ParsedStatement } from '../contract.js';
import { isPolymorphic } from '../functions/polymorphic.js';
import { commandName, isPlanned } from '../session/statement-kinds.js';
import { sqlStatements } from '../plpgsql/sql-body.js';
import type { DdlContext } from './context.js';
import { descriptorOf } from './objects.js';
import { namedByLiterals } from './pinned-relations.js';

/** The ids of the relations. @throws QuoralError 42P13 */
export async function relationsRead(ctx: DdlContext, made: Pick<Routine, 'body' | 'parameters'>): Promise<number[]> {
  if (made.parameters.some((p) => isPolymorphic(p.typeOid)))
    throw sqlError('42P13', 'SQL function with unquoted function body cannot have polymorphic arguments');
  const found = new Set<number>();
  for (const statement of readable(made.body)) {
    for (const name of [...ctx.planner.relationsOf(statement), ...namedByLiterals(statement.node)]) {
      const relation = await ctx.catalog.relation(name, ctx.session.searchPath, ctx.wait);
      if (relation !== null && relation.kind !== 'virtual') found.add(descriptorOf(relation).id);
    }
  }
  return [...found];
}

/** Statements of which PostgreSQL keeps no tree. @throws QuoralError 0A000 */
export function refuseUtilities(body: string): void {
  const utility = readable(body).find((statement) => !isPlanned(statement) || UTILITIES.has(statement.kind));
  if (utility !== undefined)
    throw sqlError('0A000', `${commandName(utility)} is not yet supported in unquoted SQL function body`);
}

const UTILITIES: ReadonlySet<string> = new Set(['CopyStmt', 'CallStmt']);

/** The statement's own grammar has seen it already; what is read of it alone may be refused, as `;; RETURN false` is. */
function readable(body: string): readonly ParsedStatement[] {
  try {
    return sqlStatements(body);
  } catch {
    return [];
  }
}

const PRESENT = Buffer.from('1', 'latin1');

/** So that a relation finds, before it goes, the functions that take or give its rows, or read it. */
export async function recordRelations(ctx: DdlContext, groupId: number, made: Omit<Routine, 'oid'>): Promise<void> {
  const types = [made.typeOid, ...made.parameters.map((p) => p.typeOid)];
  for (const id of new Set([...relationsWithin(types), ...(made.reads ?? [])])) {
    if ((await ctx.catalog.readTracked(ctx.txn, id)) === null)
      throw sqlError('42P01', 'a relation of the function is gone');
    ctx.txn.put(SYSTEM_KEYS.dependency(id, groupId), PRESENT);
  }
}
