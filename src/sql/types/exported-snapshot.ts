/**
 * Names of exported snapshots, in the form of PostgreSQL's. A snapshot is a time, so its name says all there is: any
 * node can import it, for as long as the versions of then are kept.
 */
const WORD = 2 ** 32;

function hex(word: number): string {
  return word.toString(16).toUpperCase().padStart(8, '0');
}

export function snapshotName(timestamp: number): string {
  return `${hex(Math.floor(timestamp / WORD))}-${hex(timestamp % WORD)}-1`;
}

/** null: that is no such name. */
export function snapshotTime(name: string): number | null {
  const parts = /^([0-9A-F]{8})-([0-9A-F]{8})-1$/.exec(name);
  if (parts === null) return null;
  const timestamp = parseInt(parts[1]!, 16) * WORD + parseInt(parts[2]!, 16);
  return Number.isSafeInteger(timestamp) ? timestamp : null;
}
