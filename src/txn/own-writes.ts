/**
 * What a read sees of its transaction's own buffered writes. A statement that changes data in several places reads as
 * of its beginning: `before` hides what was written since. Ranges know nothing of that, so what a spill has sent
 * cannot be hidden any more: that is an error, or (`seesSent`) it is seen.
 */
import { QuoralError } from '../base/errors.js';
import type { ReadOptions } from './kv-txn.js';
import type { BufferedWrite } from './write-buffer.js';

function sentAlready(): QuoralError {
  return new QuoralError('54000', 'the statement changes too much before it reads', {
    fields: { hint: 'Make the changes in a statement of their own.' },
  });
}

/** The write that lies over the ranges' answer for its key; undefined: none does. @throws 54000 */
export function visibleWrite(
  write: BufferedWrite | undefined,
  before: ReadOptions['before'],
): BufferedWrite | undefined {
  if (before === undefined) return write;
  let seen = write;
  while (seen !== undefined && seen.order > before.sequence) {
    if (seen.state !== 'buffered') {
      if (before.seesSent === true) return write;
      throw sentAlready();
    }
    seen = seen.replaced ?? undefined;
  }
  return seen;
}

/** A locking read that hides later writes is for changing rows, and those are changed already. */
export function leftOut(write: BufferedWrite | undefined, options: ReadOptions | undefined): boolean {
  if (options?.before === undefined || write === undefined) return false;
  return (options.lock ?? 'none') !== 'none' && write.order > options.before.sequence;
}

/** @throws 54000 if it is not known any more what was sent */
export function checkHideable(spilledSpans: readonly unknown[], before: ReadOptions['before']): void {
  if (before !== undefined && before.seesSent !== true && spilledSpans.length > 0) throw sentAlready();
}
