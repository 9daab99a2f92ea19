/** Keys of bit strings and addresses: for random values, the order of the bytes is the order of the values. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BitString, Inet } from '../../../src/sql/types/datum.js';
import type { Datum } from '../../../src/sql/types/datum.js';
import { parseBits } from '../../../src/sql/types/bit-string.js';
import { typeByName } from '../../../src/sql/types/registry.js';
import { FORMAT } from '../functions/evaluate.js';

type Value = Exclude<Datum, null>;
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const bits = fc.string({ unit: fc.constantFrom('0', '1'), maxLength: 20 }).map(parseBits);

/** Few different bytes, so that addresses share prefixes. */
function addresses(length: number): fc.Arbitrary<Inet> {
  const byte = fc.constantFrom(0, 1, 127, 128, 255);
  return fc
    .tuple(
      fc.uint8Array({ minLength: length, maxLength: length }),
      fc.array(byte, { minLength: length, maxLength: length }),
      fc.boolean(),
      fc.nat(length * 8),
    )
    .map(([any, few, useFew, prefix]) => new Inet(useFew ? Uint8Array.from(few) : any, prefix));
}
const inet = fc.oneof(addresses(4), addresses(16));

const GENERATORS: Readonly<Record<string, fc.Arbitrary<Value>>> = { bit: bits, varbit: bits, inet };

describe.each(Object.keys(GENERATORS))('random values of %s', (name) => {
  const type = typeByName(name)!;
  const generate = GENERATORS[name]!;

  it('have keys in the order of the values, none of which begins another', () => {
    fc.assert(
      fc.property(generate, generate, (a, b) => {
        const x = type.encodeKey!(a);
        const y = type.encodeKey!(b);
        expect(order(x, y)).toBe(type.compare(a, b));
        expect(type.hashKey(a) === type.hashKey(b)).toBe(x === y);
        if (x !== y) expect(x.startsWith(y) || y.startsWith(x)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it('come back from text and from the wire', () => {
    fc.assert(
      fc.property(generate, (a) => {
        expect(type.compare(type.input(type.output(a, FORMAT), -1, FORMAT) as Value, a)).toBe(0);
        expect(type.compare(type.receive(Buffer.from(type.send(a)), -1) as Value, a)).toBe(0);
      }),
    );
  });
});

it('bits past the length of a received bit string count for nothing', () => {
  const received = typeByName('bit')!.receive(Buffer.of(0, 0, 0, 3, 0xff), -1);
  expect(received).toEqual(new BitString(3, Uint8Array.of(0xe0)));
});
