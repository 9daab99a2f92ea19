/** COMPRESSION of a column: kept and shown, without effect. */
import { sqlError } from '../../base/errors.js';
import type { ColumnDescriptor } from '../catalog/descriptor.js';
import { factsOf } from '../catalog/virtual/user-types.js';
import { formatType } from '../types/registry.js';

/** undefined: the default. @throws QuoralError 0A000, 22023 */
export function compressionNamed(name: string, typeOid: number): ColumnDescriptor['compression'] {
  if (name === 'default') return undefined;
  if (factsOf(typeOid).storage === 'p')
    throw sqlError('0A000', `column data type ${formatType(typeOid)} does not support compression`);
  if (name !== 'pglz' && name !== 'lz4') throw sqlError('22023', `invalid compression method "${name}"`);
  return name === 'lz4' ? 'l' : 'p';
}
