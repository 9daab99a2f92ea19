import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c, seal, textChecksum, unseal } from '../../src/base/checksum.js';

/** Bit by bit, as the polynomial is defined. */
function slowly(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

describe('CRC-32C', () => {
  it('has the published check value', () => {
    expect(textChecksum('123456789')).toBe('e3069283');
  });

  it('is the same slice by slice as bit by bit, at any offset', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(9), (bytes, skipped) => {
        const start = Math.min(skipped, bytes.length);
        expect(crc32c(bytes, start, bytes.length)).toBe(slowly(bytes.subarray(start)));
      }),
    );
  });
});

describe('a sealed file', () => {
  it('gives its content back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (content) => {
        expect([...unseal(seal(content), 'f')]).toEqual([...content]);
      }),
    );
  });

  it('is refused by name when any bit is flipped, or when it is torn anywhere', () => {
    const sealed = seal(Buffer.from('what was promised'));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const damaged = Buffer.from(sealed);
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(() => unseal(damaged, '/d/liveness')).toThrow('"/d/liveness" is damaged');
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => unseal(sealed.subarray(0, length), '/d/liveness')).toThrow('"/d/liveness" is damaged');
    }
  });
});
