/**
 * pgcrypto's encrypt() and decrypt(): a block cipher in CBC or ECB mode without any check of integrity. Ciphers are those
 * that the process's OpenSSL has without its provider of old ones: AES and triple DES.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { sqlError } from '../../base/errors.js';
import { fn } from './define.js';

interface Algorithm {
  /** OpenSSL's name for a key of so many bytes. */
  readonly name: string;
  readonly keyLength: number;
  readonly ivLength: number;
  readonly padded: boolean;
}

const AES_KEYS = [16, 24, 32];
const ALIASES: Readonly<Record<string, string>> = {
  rijndael: 'aes',
  'des3-cbc': '3des-cbc',
  'des3-ecb': '3des-ecb',
  des3: '3des',
  blowfish: 'bf',
};
/** Names that pgcrypto has, whose ciphers OpenSSL keeps away. */
const OLD = /^(bf|des|cast5)(-cbc|-ecb)?$/;

/** `text`: cipher[-mode][/pad:pkcs|none]. @throws QuoralError 22023, 39000 */
function algorithmOf(text: string, keyLength: number, what: string): Algorithm {
  const unknown = (why: string): Error => sqlError('22023', `Cannot use "${text}": ${why}`);
  const [given = '', ...options] = text.toLowerCase().split('/');
  let padded = true;
  for (const option of options) {
    const [key, value] = option.split(':');
    if (key !== 'pad') throw unknown('Unknown option');
    if (value !== 'pkcs' && value !== 'none') throw unknown('No such cipher algorithm');
    padded = value === 'pkcs';
  }
  const name = Object.hasOwn(ALIASES, given) ? ALIASES[given]! : given.replace(/^rijndael-/, 'aes-');
  if (OLD.test(name)) throw sqlError('39000', `${what} error: Cipher cannot be initialized`);
  const [, cipher, mode = '-cbc'] = /^(aes|3des)(-cbc|-ecb)?$/.exec(name) ?? [];
  if (cipher === undefined) throw unknown('No such cipher algorithm');
  if (cipher === '3des')
    return {
      name: mode === '-ecb' ? 'des-ede3' : 'des-ede3-cbc',
      keyLength: 24,
      ivLength: mode === '-ecb' ? 0 : 8,
      padded,
    };
  const length = AES_KEYS.find((size) => keyLength <= size) ?? 32;
  return { name: `aes-${length * 8}${mode}`, keyLength: length, ivLength: mode === '-ecb' ? 0 : 16, padded };
}

/** What is missing of a key is zero, what is too much is not used. */
function fitted(bytes: Uint8Array, length: number): Buffer {
  const fits = Buffer.alloc(length);
  fits.set(bytes.subarray(0, length));
  return fits;
}

const NO_IV = new Uint8Array();

function run(what: 'encrypt' | 'decrypt', data: Uint8Array, key: Uint8Array, iv: Uint8Array, text: string): Buffer {
  const algorithm = algorithmOf(text, key.length, what);
  const from = [
    fitted(key, algorithm.keyLength),
    algorithm.ivLength === 0 ? null : fitted(iv, algorithm.ivLength),
  ] as const;
  const make = what === 'encrypt' ? createCipheriv : createDecipheriv;
  try {
    const cipher = make(algorithm.name, ...from).setAutoPadding(algorithm.padded);
    return Buffer.concat([cipher.update(data), cipher.final()]);
  } catch {
    // Of blocks that are not whole, and of padding that is none.
    throw sqlError('39000', `${what} error: ${what === 'encrypt' ? 'En' : 'De'}cryption failed`);
  }
}

for (const what of ['encrypt', 'decrypt'] as const) {
  fn(`${what}(bytea, bytea, text) bytea`, (data: Uint8Array, key: Uint8Array, type: string) =>
    run(what, data, key, NO_IV, type),
  );
  fn(`${what}_iv(bytea, bytea, bytea, text) bytea`, (data: Uint8Array, key: Uint8Array, iv: Uint8Array, type: string) =>
    run(what, data, key, iv, type),
  );
}
