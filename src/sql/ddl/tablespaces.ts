/**
 * Tablespaces and access methods of tables: all tables lie in the same place and in the same way, but what a statement names must
 * be one that PostgreSQL has.
 */
import { sqlError } from '../../base/errors.js';
import { ACCESS_METHODS, TABLESPACES } from '../functions/describe-object.js';
import { text } from './tree.js';

const HEAP = 'heap';

function has(names: ReadonlyMap<number, string>, name: string): boolean {
  return [...names.values()].includes(name);
}

/** @throws QuoralError 42704, 22023 */
export function requireTablespace(node: unknown): void {
  if (node === undefined) return;
  const name = text(node);
  if (!has(TABLESPACES, name)) throw sqlError('42704', `tablespace "${name}" does not exist`);
  if (name === 'pg_global') throw sqlError('22023', 'only shared relations can be placed in pg_global tablespace');
}

/** @throws QuoralError 42704, 55000 */
export function requireTableMethod(node: unknown): void {
  if (node === undefined) return;
  const name = text(node);
  if (name === HEAP) return;
  if (has(ACCESS_METHODS, name)) throw sqlError('55000', `access method "${name}" is not of type TABLE`);
  throw sqlError('42704', `access method "${name}" does not exist`);
}
