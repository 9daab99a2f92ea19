/** Types of PostgreSQL that are not there: whoever asks for one is told so, rather than that nobody knows the name. */
import { type QuoralError, sqlError } from '../../base/errors.js';

const SEARCH = 'Full-text search is left out.';
const GEOMETRY = 'Geometric types are left out.';
const WHY: Readonly<Record<string, string>> = {
  tsvector: SEARCH,
  tsquery: SEARCH,
  gtsvector: SEARCH,
  regconfig: SEARCH,
  regdictionary: SEARCH,
  point: GEOMETRY,
  line: GEOMETRY,
  lseg: GEOMETRY,
  box: GEOMETRY,
  path: GEOMETRY,
  polygon: GEOMETRY,
  circle: GEOMETRY,
  money: 'Use numeric.',
};

/** null: PostgreSQL does not have it by itself either. */
export function leftOutType(name: string): QuoralError | null {
  if (!Object.hasOwn(WHY, name)) return null;
  return sqlError('0A000', `type "${name}" is not supported`, { hint: WHY[name]! });
}
