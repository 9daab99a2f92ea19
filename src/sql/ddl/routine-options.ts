/** Which options CREATE and ALTER of functions and procedures take, and what they may say. */
import { sqlError } from '../../base/errors.js';
import { of, text } from './tree.js';
import type { Loose, options } from './tree.js';

/** What a procedure has, too. */
const OF_PROCEDURES: ReadonlySet<string> = new Set(['as', 'language', 'transform', 'security', 'set']);

/** What can be said several times. */
const REPEATED: ReadonlySet<string> = new Set(['set']);

const PARALLEL: ReadonlySet<string> = new Set(['safe', 'restricted', 'unsafe']);

/** @throws QuoralError 42P13, 42601, 22023 */
export function checkOptions(given: ReturnType<typeof options>, procedure: boolean, set: boolean): void {
  const seen = new Set<string>();
  for (const { name, arg, location } of given) {
    const position = location + 1;
    if (procedure && !OF_PROCEDURES.has(name))
      throw sqlError('42P13', 'invalid attribute in procedure definition', { position });
    if (seen.has(name) && !REPEATED.has(name))
      throw sqlError('42601', 'conflicting or redundant options', { position });
    seen.add(name);
    const value = (arg ?? {}) as Loose;
    if (name === 'parallel' && !PARALLEL.has(text(of(value, 'String')['sval'])))
      throw sqlError('42601', 'parameter "parallel" must be SAFE, RESTRICTED, or UNSAFE');
    if (name === 'cost' && numberOf(value) <= 0) throw sqlError('22023', 'COST must be positive');
    if (name === 'rows') {
      if (numberOf(value) <= 0) throw sqlError('22023', 'ROWS must be positive');
      if (!set) throw sqlError('22023', 'ROWS is not applicable when function does not return a set');
    }
  }
}

function numberOf(value: Loose): number {
  return Number(of(value, 'Float')['fval'] ?? of(value, 'Integer')['ival'] ?? 0);
}
