/** One changed row of a table: checked, then written in place of the old one. */
import type { Datum } from '../types/datum.js';
import type { RowWriter } from './row-writer.js';
import type { Row, Run } from './run.js';

/** @throws QuoralError 23502, 23514, 23505 */
export async function changeRow(run: Run, writer: RowWriter, before: Row, after: Datum[]): Promise<void> {
  const { txn } = run.ctx;
  const wait = writer.verify(after, run);
  if (wait !== undefined) await wait;
  const changed = writer.changedUniqueKeys(before, after);
  if (changed.length > 0) {
    const values = await txn.getMany(
      changed.map((c) => c.key),
      { lock: 'exclusive' },
    );
    const clash = changed.find((_, i) => (values[i] ?? null) !== null);
    if (clash !== undefined) throw writer.uniqueViolation(clash.index, after, run.ctx);
  }
  writer.replace(txn, before, after);
}
