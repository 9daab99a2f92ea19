/** OpenPGP messages that are damaged, made to do harm, or cut in pieces as other programs do it. */
import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { SimRandom } from '../../../src/env/sim/random.js';
import { QuoralError } from '../../../src/base/errors.js';
import { functionsNamed } from '../../../src/sql/functions/index.js';
import type { ExecContext } from '../../../src/sql/contract.js';
import * as pgp from '../../../src/sql/functions/pgp-packets.js';

const ctx = { rng: new SimRandom(7), format: { statementNow: 0n } } as unknown as ExecContext;
const info = { argOids: [], resultOid: 0 } as never;

function call(name: string, ...args: (string | Uint8Array)[]): unknown {
  const entry = functionsNamed(name).find((one) => one.argOids.length === args.length)!;
  return entry.impl(args, ctx, info);
}
const read = (message: Uint8Array): unknown => call('pgp_sym_decrypt', message, 'pw');
const written = (options = ''): Buffer => call('pgp_sym_encrypt', 'a text to hide', 'pw', options) as Buffer;

function sqlstateOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof QuoralError) return error.sqlstate;
    throw error;
  }
  return 'ok';
}

/** As a message without a check at its end, whose content is these packets. */
function hiding(inner: Buffer): Buffer {
  const kind = pgp.CIPHERS.aes128!;
  const key = pgp.keyFrom(Buffer.from('pw'), { mode: 0, digest: 2, salt: new Uint8Array(), count: 0 }, kind.keyLength);
  const prefix = pgp.encrypted(kind, key, pgp.prefixOf(kind, Buffer.alloc(16, 5)));
  const rest = pgp.encrypted(kind, key, inner, prefix.subarray(2));
  return Buffer.concat([
    pgp.packet(pgp.SYMMETRIC_KEY, Buffer.from([4, kind.id, 0, 2])),
    pgp.packet(pgp.SYMMETRIC_DATA, Buffer.concat([prefix, rest])),
  ]);
}
const literal = (text: string): Buffer =>
  pgp.packet(pgp.LITERAL, Buffer.concat([Buffer.from('t\0\0\0\0\0'), Buffer.from(text)]));
const zipped = (inner: Buffer): Buffer =>
  pgp.packet(pgp.COMPRESSED, Buffer.concat([Buffer.from([1]), deflateRawSync(inner)]));

describe('messages of OpenPGP', () => {
  it('are refused wherever they are cut off, and whichever byte is another one', () => {
    for (const options of ['', 'compress-algo=1', 'disable-mdc=1']) {
      const message = written(`s2k-count=1024,${options}`);
      expect(read(message)).toBe('a text to hide');
      for (let end = 0; end < message.length; end++)
        if (!options.startsWith('disable')) expect(sqlstateOf(() => read(message.subarray(0, end)))).toBe('39000');
      for (let at = 0; at < message.length; at++) {
        const other = Buffer.from(message);
        other[at]! ^= 0x55;
        // Without the check only the head of the message can show it.
        const allowed = options.startsWith('disable') ? ['39000', '22021', 'ok'] : ['39000'];
        expect(allowed, `byte ${at}`).toContain(sqlstateOf(() => read(other)));
      }
    }
  });

  it('do not unpack to more than a text may be, nor packet in packet', () => {
    expect(read(hiding(zipped(literal('small'))))).toBe('small');
    expect(sqlstateOf(() => read(hiding(zipped(literal('x'.repeat(65 * 1024 * 1024))))))).toBe('54000');
    expect(sqlstateOf(() => read(hiding(zipped(zipped(literal('small'))))))).toBe('39000');
  });

  it('may come in pieces, and with lengths of the old format', () => {
    const body = Buffer.concat([Buffer.from('t\0\0\0\0\0'), Buffer.from('x'.repeat(1500))]);
    // Two pieces of 512 bytes, the rest with its length.
    const rest = body.length - 1024;
    const pieces = Buffer.concat([
      ...[
        Buffer.from([0xc0 | pgp.LITERAL, 224 + 9]),
        body.subarray(0, 512),
        Buffer.from([224 + 9]),
        body.subarray(512, 1024),
      ],
      ...[Buffer.from([((rest - 192) >> 8) + 192, (rest - 192) & 0xff]), body.subarray(1024)],
    ]);
    const old = Buffer.concat([
      Buffer.from([0x80 | (pgp.LITERAL << 2) | 1, body.length >> 8, body.length & 0xff]),
      body,
    ]);
    const endless = Buffer.concat([Buffer.from([0x80 | (pgp.LITERAL << 2) | 3]), body]);
    for (const inner of [pieces, old, endless, pgp.packet(pgp.LITERAL, body)])
      expect(read(hiding(inner))).toBe('x'.repeat(1500));
    const marked = Buffer.concat([pgp.packet(pgp.MARKER, Buffer.from('PGP')), pgp.packet(pgp.LITERAL, body)]);
    expect(read(hiding(marked))).toBe('x'.repeat(1500));
  });

  it('are packets of any length', () => {
    for (const length of [0, 1, 191, 192, 8383, 8384, 70_000]) {
      const [found] = pgp.packetsOf(pgp.packet(pgp.LITERAL, Buffer.alloc(length, 3)));
      expect(found?.body.length).toBe(length);
    }
  });
});

describe('crypt()', () => {
  it('refuses what would hold the node, and salts that it does not have', () => {
    const salt = 'etETSnteMQaPeX.LRFCGDu';
    expect(sqlstateOf(() => call('crypt', 'x', `$2a$13$${salt}`))).toBe('54000');
    for (const other of ['$2b$06$', '$2x$06$', '$5$', 'ab'])
      expect(sqlstateOf(() => call('crypt', 'x', other + salt))).toBe('0A000');
    for (const kind of ['des', 'xdes']) expect(sqlstateOf(() => call('gen_salt', kind))).toBe('0A000');
  });
});
