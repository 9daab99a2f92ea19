/** Parameters of Bind, from their wire form to values of the types that the statement settled on. */
import { isUtf8 } from 'node:buffer';
import { QuoralError, sqlError } from '../../base/errors.js';
import type { ParameterValue } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import { findTypeByOid } from '../types/registry.js';
import type { FormatContext } from '../types/type-info.js';

const NONE: readonly Datum[] = [];

export function decodeParameters(
  values: readonly ParameterValue[],
  oids: readonly number[],
  format: FormatContext,
): readonly Datum[] {
  if (values.length === 0) return NONE;
  const decoded = new Array<Datum>(values.length);
  for (let i = 0; i < values.length; i++) decoded[i] = decodeParameter(values[i]!, oids[i]!, format, i + 1);
  return decoded;
}

function decodeParameter(value: ParameterValue, oid: number, format: FormatContext, position: number): Datum {
  const { bytes } = value;
  if (bytes === null) return null;
  const type = findTypeByOid(oid);
  if (type === null) throw sqlError('42704', `type with OID ${oid} does not exist`);
  if (value.format === 1) {
    try {
      return type.receive(bytes, -1);
    } catch (error) {
      throw withContext(error, position);
    }
  }
  if (!isUtf8(bytes)) throw sqlError('22021', 'invalid byte sequence for encoding "UTF8"');
  if (bytes.includes(0)) throw sqlError('22021', 'invalid byte sequence for encoding "UTF8": 0x00');
  return type.input(bytes.toString('utf8'), -1, format);
}

function withContext(error: unknown, position: number): unknown {
  if (!(error instanceof QuoralError) || error.fields.where !== undefined) return error;
  return sqlError(error.sqlstate, error.message, { ...error.fields, where: `unnamed portal parameter $${position}` });
}
