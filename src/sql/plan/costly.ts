/**
 * Calls that may take long although nothing of the tables is in them: over constants of megabytes, of numbers with many
 * digits, of patterns. They are not folded, since planning has no pause between two of them; when they are evaluated
 * the event loop gets its turns.
 */
import { BitString, PgArray, type Datum } from '../types/datum.js';
import { OID } from '../types/oids.js';
import type { CallExpr } from './expr.js';

/** Characters, bytes, bits. */
const LARGE = 1_000_000;
const ELEMENTS_LARGE = 65_536;

const OF_NUMERICS: ReadonlySet<string> = new Set([
  'power',
  'pow',
  '^',
  'exp',
  'ln',
  'log',
  'log10',
  'sqrt',
  'gcd',
  'lcm',
  'factorial',
]);
const OF_PATTERNS: ReadonlySet<string> = new Set(['~', '~*', '!~', '!~*']);

function isLarge(value: Datum): boolean {
  if (typeof value === 'string') return value.length > LARGE;
  if (typeof value !== 'object' || value === null) return false;
  if (value instanceof Uint8Array || value instanceof BitString) return value.length > LARGE;
  return value instanceof PgArray && value.elements.length > ELEMENTS_LARGE;
}

export function isCostly({ entry, args }: CallExpr): boolean {
  if (OF_NUMERICS.has(entry.name)) return entry.resultOid === OID.numeric;
  if (OF_PATTERNS.has(entry.name) || entry.name.startsWith('regexp_')) return true;
  for (const arg of args) if (arg.kind === 'const' && isLarge(arg.value)) return true;
  return false;
}
