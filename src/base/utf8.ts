/**
 * Text from outside: UTF-8 without NUL, checked before it becomes a string, because decoding
 * would turn wrong bytes into U+FFFD silently. Errors are PostgreSQL's 22021, naming the bytes.
 */
import { isUtf8 } from 'node:buffer';
import { type QuoralError, sqlError } from './errors.js';

/** Up to this length a loop in JavaScript is faster than a call into native code. */
const SHORT_BYTES = 48;

/** @throws QuoralError 22021 for wrong UTF-8 or a NUL */
export function decodeText(bytes: Buffer, start = 0, end = bytes.length): string {
  if (end - start <= SHORT_BYTES) {
    let ascii = true;
    for (let i = start; i < end; i++) {
      const byte = bytes[i];
      if (byte >= 0x80) {
        ascii = false;
        break;
      }
      if (byte === 0) throw invalidBytes(bytes, i, i + 1);
    }
    if (ascii) return bytes.toString('latin1', start, end);
  }
  checkText(bytes, start, end);
  return bytes.toString('utf8', start, end);
}

/** @throws QuoralError 22021 for wrong UTF-8 or a NUL. */
export function checkText(bytes: Buffer, start = 0, end = bytes.length): void {
  if (end - start <= SHORT_BYTES) {
    let i = start;
    while (i < end && bytes[i] < 0x80 && bytes[i] !== 0) i++;
    if (i === end) return;
  }
  const part = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
  if (isUtf8(part) && part.indexOf(0) === -1) return;
  const at = start + firstInvalid(part);
  throw invalidBytes(bytes, at, Math.min(end, at + sequenceLength(bytes[at])));
}

function sequenceLength(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf8 ? 4 : 1;
}

/** Offset of the first NUL or of the first sequence that is not UTF-8. */
function firstInvalid(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] === 0) return at;
    const length = sequenceLength(bytes[at]);
    if (at + length > bytes.length || !isUtf8(bytes.subarray(at, at + length))) return at;
    at += length;
  }
  return 0;
}

function invalidBytes(bytes: Buffer, start: number, end: number): QuoralError {
  return invalidSequence('UTF8', bytes.subarray(start, end));
}

/** The error to throw: 22021. */
export function invalidSequence(encoding: string, bytes: Uint8Array): QuoralError {
  return sqlError('22021', `invalid byte sequence for encoding "${encoding}": ${shownBytes(bytes)}`);
}

/** As PostgreSQL shows them in errors: 0xc3 0xa9. */
export function shownBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `0x${byte.toString(16).padStart(2, '0')}`).join(' ');
}
