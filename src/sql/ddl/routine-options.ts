/** Which options CREATE and ALTER of functions and procedures take, each once. What they say is read elsewhere. */
import { sqlError } from '../../base/errors.js';
import type { options } from './tree.js';

/** What a procedure has, too. */
const OF_PROCEDURES: ReadonlySet<string> = new Set(['as', 'language', 'transform', 'security', 'set']);

/** What can be said several times. */
const REPEATED: ReadonlySet<string> = new Set(['set']);

/** @throws QuoralError 42P13, 42601 */
export function checkOptions(given: ReturnType<typeof options>, procedure: boolean): void {
  const seen = new Set<string>();
  for (const { name, location } of given) {
    const position = location + 1;
    if (procedure && !OF_PROCEDURES.has(name))
      throw sqlError('42P13', 'invalid attribute in procedure definition', { position });
    if (seen.has(name) && !REPEATED.has(name))
      throw sqlError('42601', 'conflicting or redundant options', { position });
    seen.add(name);
  }
}
