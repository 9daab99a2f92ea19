/**
 * Values in binary form to and from a client whose encoding is not UTF-8: what is text in them is in its encoding, as in
 * PostgreSQL.
 *
 * Limit: text inside of arrays, records and ranges is refused (0A000) rather than misread; clients send and get these
 * in text form.
 */
import { bufferOf } from '../../base/bytes.js';
import { sqlError } from '../../base/errors.js';
import type { TextEncoding } from './encodings.js';
import { OID } from './oids.js';
import { elementOidOf, typeByOid } from './registry.js';
import type { TypeInfo } from './type-info.js';

/** Beside strings and enums. */
const TEXTUAL: readonly number[] = [OID.json, OID.jsonb, OID.jsonpath, OID.unknown];

/** What the type's `receive` takes. @throws QuoralError 22021, 22P05, 0A000 */
export function fromClient(encoding: TextEncoding | null, type: TypeInfo, bytes: Buffer): Buffer {
  return encoding !== null && isText(encoding, type) ? Buffer.from(encoding.decode(bytes), 'utf8') : bytes;
}

/** What the type's `send` gave, for the client. @throws QuoralError 22P05, 0A000 */
export function toClient(encoding: TextEncoding | null, type: TypeInfo, bytes: Uint8Array): Uint8Array {
  if (encoding === null || !isText(encoding, type)) return bytes;
  return encoding.encode(bufferOf(bytes).toString('utf8'));
}

function isText({ name }: TextEncoding, type: TypeInfo): boolean {
  if (isPlainText(type)) return true;
  const element = elementOidOf(type.oid);
  const isStructure = type.category === 'C' || (type.category === 'P' && type.oid === OID.record);
  if (isStructure || (element !== 0 && isPlainText(typeByOid(element))))
    throw sqlError('0A000', `values of type ${type.name} in binary form are not supported in encoding "${name}"`, {
      hint: 'Use the text format, or set client_encoding to UTF8.',
    });
  return false;
}

function isPlainText({ category, oid }: TypeInfo): boolean {
  return (category === 'S' && oid !== OID.char) || category === 'E' || TEXTUAL.includes(oid);
}
