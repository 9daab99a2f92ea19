/** Parameters of Bind, from their wire form to values of the types that the statement settled on. */
import { QuoralError, sqlError } from '../../base/errors.js';
import { decodeText } from '../../base/utf8.js';
import type { ParameterValue } from '../session-api.js';
import type { Datum } from '../types/datum.js';
import { fromClient } from '../types/encoded-values.js';
import type { TextEncoding } from '../types/encodings.js';
import { findTypeByOid } from '../types/registry.js';
import type { FormatContext } from '../types/type-info.js';

const NONE: readonly Datum[] = [];

export function decodeParameters(
  values: readonly ParameterValue[],
  oids: readonly number[],
  format: FormatContext,
  encoding: TextEncoding | null,
): readonly Datum[] {
  if (values.length === 0) return NONE;
  const decoded = new Array<Datum>(values.length);
  for (let i = 0; i < values.length; i++) decoded[i] = decodeParameter(values[i]!, oids[i]!, format, encoding, i + 1);
  return decoded;
}

function decodeParameter(
  value: ParameterValue,
  oid: number,
  format: FormatContext,
  encoding: TextEncoding | null,
  position: number,
): Datum {
  const { bytes } = value;
  if (bytes === null) return null;
  const type = findTypeByOid(oid);
  if (type === null) throw sqlError('42704', `type with OID ${oid} does not exist`);
  if (value.format === 1) {
    try {
      return type.receive(fromClient(encoding, type, bytes), -1);
    } catch (error) {
      throw withContext(error, position);
    }
  }
  return type.input(decodeText(bytes), -1, format);
}

function withContext(error: unknown, position: number): unknown {
  if (!(error instanceof QuoralError) || error.fields.where !== undefined) return error;
  return sqlError(error.sqlstate, error.message, { ...error.fields, where: `unnamed portal parameter $${position}` });
}
