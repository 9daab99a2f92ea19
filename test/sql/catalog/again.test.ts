/** A lease, a block of ids and a block of sequence values that are written again after an unknown outcome. */
import { describe, expect, it } from 'vitest';
import { QuoralError } from '../../../src/base/errors.js';
import { againIfUnknown } from '../../../src/sql/catalog/again.js';

function failing(errors: readonly Error[]): { write: () => Promise<string>; tries: () => number } {
  let tries = 0;
  return {
    write: () => {
      const error = errors[tries++];
      return error === undefined ? Promise.resolve('done') : Promise.reject(error);
    },
    tries: () => tries,
  };
}

const UNKNOWN = new QuoralError('40003', 'the outcome of the transaction is unknown', { retry: 'unknown' });

describe('a write that does no harm when it is made twice', () => {
  it('is made again while nobody knows whether it took place', async () => {
    const { write, tries } = failing([UNKNOWN, UNKNOWN]);
    expect(await againIfUnknown(write)).toBe('done');
    expect(tries()).toBe(3);
  });

  it('is given up with the error in the end', async () => {
    const { write, tries } = failing(Array.from({ length: 9 }, () => UNKNOWN));
    await expect(againIfUnknown(write)).rejects.toThrow(UNKNOWN);
    expect(tries()).toBe(4);
  });

  it('is not made again after an error that says that it did not take place', async () => {
    const refused = new QuoralError('57P03', 'not now', { retry: 'transaction' });
    const { write, tries } = failing([refused]);
    await expect(againIfUnknown(write)).rejects.toThrow(refused);
    expect(tries()).toBe(1);
  });
});
