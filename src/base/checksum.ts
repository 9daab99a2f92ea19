/**
 * CRC-32C, and the form of small binary files that must not be believed when they are damaged: magic,
 * checksum, content. A torn, emptied or bit-flipped file is told apart from a good one; a file of an
 * older form is refused as well, since a damaged one could pass for it.
 *
 * Limit: CRC-32C finds every single flipped bit and every burst up to 32 bits, of all else but 1 in 2^32.
 */
import { QuoralError } from './errors.js';

/** Slices of four bytes: table k is the CRC of a byte followed by k zero bytes. */
const TABLES = makeTables();

function makeTables(): readonly Uint32Array[] {
  const tables = [new Uint32Array(256), new Uint32Array(256), new Uint32Array(256), new Uint32Array(256)];
  const first = tables[0] as Uint32Array;
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[byte] = crc;
  }
  for (let k = 1; k < 4; k++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = (tables[k - 1] as Uint32Array)[byte] as number;
      (tables[k] as Uint32Array)[byte] = (before >>> 8) ^ (first[before & 0xff] as number);
    }
  }
  return tables;
}

/** CRC-32C (Castagnoli) of `bytes` from `start` to `end`. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  const [t0, t1, t2, t3] = TABLES as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  let crc = 0xffffffff;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = t3[crc & 0xff]! ^ t2[(crc >>> 8) & 0xff]! ^ t1[(crc >>> 16) & 0xff]! ^ t0[crc >>> 24]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[at]!) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

const MAGIC = Buffer.from('Qs1\n', 'latin1');
const SEAL_BYTES = 8;

/** What `unseal` gives back. */
export function seal(content: Uint8Array): Buffer {
  const sealed = Buffer.alloc(SEAL_BYTES + content.length);
  MAGIC.copy(sealed);
  sealed.writeUInt32BE(crc32c(content, 0, content.length), MAGIC.length);
  sealed.set(content, SEAL_BYTES);
  return sealed;
}

/** The content of a sealed file. @throws QuoralError XX001 naming `path`. */
export function unseal(sealed: Buffer, path: string): Buffer {
  const whole = sealed.length >= SEAL_BYTES && sealed.subarray(0, MAGIC.length).equals(MAGIC);
  if (whole && sealed.readUInt32BE(MAGIC.length) === crc32c(sealed, SEAL_BYTES, sealed.length)) {
    return sealed.subarray(SEAL_BYTES);
  }
  throw damagedFile(path);
}

/** A small file of this node that cannot be believed any more. */
export function damagedFile(path: string, cause?: unknown): QuoralError {
  return new QuoralError('XX001', `"${path}" is damaged`, {
    severity: 'FATAL',
    fields: {
      hint: 'Check the disk. The node has forgotten what it promised to the others, so it must not start without the file.',
    },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Eight hexadecimal digits, for files of text. */
export function textChecksum(text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  return crc32c(bytes, 0, bytes.length).toString(16).padStart(8, '0');
}
