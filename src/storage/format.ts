/**
 * The version of everything this layer persists: keys, values, families. It stands in a marker in
 * the data database, so that an older program refuses a newer format instead of misreading it.
 */
import { QuoralError } from '../base/errors.js';

/** Raise with every change of a persisted format, together with code that reads the older one. */
export const FORMAT_VERSION = 1;

const MAGIC = 'quoral-format:';

export function encodeFormatMarker(version: number = FORMAT_VERSION): Buffer {
  return Buffer.from(MAGIC + String(version), 'latin1');
}

/**
 * @returns the version that the marker states.
 * @throws QuoralError 55000 when it is newer than this program, XX001 when it is no marker.
 */
export function checkFormatMarker(marker: Uint8Array, directory: string): number {
  const text = Buffer.from(marker).toString('latin1');
  const version = text.startsWith(MAGIC) ? Number(text.slice(MAGIC.length)) : NaN;
  if (!Number.isInteger(version) || version < 1) {
    throw new QuoralError('XX001', `the format marker in ${directory} is corrupted`);
  }
  if (version > FORMAT_VERSION) {
    throw new QuoralError(
      '55000',
      `${directory} was written in storage format ${version}, newer than this program's format ${FORMAT_VERSION}`,
      { fields: { hint: 'Start the newer version of Quoral on this directory.' } },
    );
  }
  return version;
}
