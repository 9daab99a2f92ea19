/**
 * pgcrypto's pgp_sym_encrypt() and pgp_sym_decrypt(): OpenPGP messages under a password, which GnuPG and others read too.
 *
 * Limits: ciphers are AES and triple DES, compression is ZIP and ZLIB. Messages to public keys are not there.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { deflateRawSync, deflateSync, inflateRawSync, inflateSync } from 'node:zlib';
import { bufferOf } from '../../base/bytes.js';
import { sqlError } from '../../base/errors.js';
import { decodeText } from '../../base/utf8.js';
import type { ExecContext } from '../contract.js';
import { EPOCH_OFFSET_SECONDS } from '../types/calendar.js';
import { checkLength, TEXT_MAX } from '../types/limits.js';
import { fn } from './define.js';
import * as pgp from './pgp-packets.js';

interface Options {
  readonly cipher: pgp.CipherKind;
  /** Of the key that the password makes, where the message has one of its own. */
  readonly s2kCipher: pgp.CipherKind;
  readonly digest: number;
  readonly mode: number;
  readonly count: number;
  readonly compression: number;
  readonly level: number;
  readonly ownKey: boolean;
  readonly protected: boolean;
  readonly crlf: boolean;
  readonly unicode: boolean;
}

/** As pgcrypto has it: over 65,536 bytes are hashed. */
const COUNT_CODED = 0x60;
const UNCOMPRESSED = 0;
const ZIP = 1;
const ZLIB = 2;
const NUMBERS: Readonly<Record<string, readonly [number, number]>> = {
  'compress-algo': [0, 2],
  'compress-level': [0, 9],
  'convert-crlf': [0, 1],
  'disable-mdc': [0, 1],
  'sess-key': [0, 1],
  's2k-mode': [0, 3],
  's2k-count': [1024, 65_011_712],
  'unicode-mode': [0, 1],
};
/** What pgcrypto's own tests ask; nothing depends on it. */
const WITHOUT_EFFECT = /^(debug|expect-[a-z0-9-]+)$/;

const illegal = (): Error => sqlError('39000', 'Illegal argument to function');
const corrupt = (): Error => sqlError('39000', 'Wrong key or corrupt data');

/** `key=value, …`. @throws QuoralError 39000 */
function optionsOf(text: string): Options {
  const given = new Map<string, string>();
  for (const part of text.toLowerCase().split(',')) {
    if (part.trim() === '') continue;
    const [key = '', value = '', more] = part.split('=').map((s) => s.trim());
    if (more !== undefined || key === '' || value === '') throw illegal();
    const isKnown = Object.hasOwn(NUMBERS, key) || /^(cipher-algo|s2k-cipher-algo|s2k-digest-algo)$/.test(key);
    if (!isKnown && !WITHOUT_EFFECT.test(key)) throw illegal();
    given.set(key, value);
  }
  const number = (key: string, fallback: number): number => {
    const value = given.get(key);
    if (value === undefined) return fallback;
    const [least, most] = NUMBERS[key]!;
    if (!/^\d+$/.test(value) || Number(value) < least || Number(value) > most) throw illegal();
    return Number(value);
  };
  const cipher = cipherNamed(given.get('cipher-algo') ?? 'aes128');
  const digestName = given.get('s2k-digest-algo') ?? 'sha1';
  if (!Object.hasOwn(pgp.DIGESTS, digestName)) throw sqlError('39000', 'Unsupported digest algorithm');
  const mode = number('s2k-mode', 3);
  if (mode === 2) throw illegal();
  return {
    cipher,
    s2kCipher: given.has('s2k-cipher-algo') ? cipherNamed(given.get('s2k-cipher-algo')!) : cipher,
    digest: pgp.DIGESTS[digestName]!.id,
    mode,
    count: given.has('s2k-count') ? coded(number('s2k-count', 0)) : COUNT_CODED,
    compression: number('compress-algo', UNCOMPRESSED),
    level: number('compress-level', 6),
    ownKey: number('sess-key', 0) === 1,
    protected: number('disable-mdc', 0) === 0,
    crlf: number('convert-crlf', 0) === 1,
    unicode: number('unicode-mode', 0) === 1,
  };
}

function cipherNamed(name: string): pgp.CipherKind {
  if (Object.hasOwn(pgp.CIPHERS, name)) return pgp.CIPHERS[name]!;
  throw sqlError('39000', 'Unsupported cipher algorithm');
}

/** The least count that can be coded and is not less. */
function coded(count: number): number {
  for (let code = 0; code < 256; code++) if (pgp.countOf(code) >= count) return code;
  return 255;
}

// ---- encryption ----

function encrypt(data: Uint8Array, isText: boolean, password: string, options: string, ctx: ExecContext): Buffer {
  const o = optionsOf(options);
  checkLength(data.length);
  const salt = ctx.rng.bytes(8);
  const making: pgp.KeyMaking = { mode: o.mode, digest: o.digest, salt, count: o.count };
  const kind = o.ownKey ? o.s2kCipher : o.cipher;
  const passwordKey = pgp.keyFrom(Buffer.from(password), making, kind.keyLength);
  const key = o.ownKey ? ctx.rng.bytes(o.cipher.keyLength) : passwordKey;
  const head = [4, kind.id, o.mode, o.digest, ...(o.mode === 0 ? [] : salt), ...(o.mode === 3 ? [o.count] : [])];
  const session = o.ownKey ? pgp.encrypted(kind, passwordKey, Buffer.from([o.cipher.id, ...key])) : new Uint8Array();
  const random = pgp.prefixOf(o.cipher, ctx.rng.bytes(o.cipher.blockLength));
  const inner = compressed(literal(data, isText, o, ctx), o);
  return Buffer.concat([
    pgp.packet(pgp.SYMMETRIC_KEY, Buffer.concat([Buffer.from(head), session])),
    o.protected ? sealed(o.cipher, key, random, inner) : unsealed(o.cipher, key, random, inner),
  ]);
}

function literal(data: Uint8Array, isText: boolean, o: Options, ctx: ExecContext): Buffer {
  const mode = isText ? (o.unicode ? 'u' : 't') : 'b';
  const head = Buffer.alloc(6);
  head.write(mode, 0, 'latin1');
  head.writeUInt32BE(Number(ctx.format.statementNow / 1_000_000n) + EPOCH_OFFSET_SECONDS, 2);
  const lines = isText && o.crlf ? Buffer.from(bufferOf(data).toString('utf8').replaceAll('\n', '\r\n')) : data;
  return pgp.packet(pgp.LITERAL, Buffer.concat([head, lines]));
}

function compressed(inner: Buffer, { compression, level }: Options): Buffer {
  if (compression === UNCOMPRESSED || level === 0) return inner;
  const made = compression === ZIP ? deflateRawSync(inner, { level }) : deflateSync(inner, { level });
  return pgp.packet(pgp.COMPRESSED, Buffer.concat([Buffer.from([compression]), made]));
}

const MDC_HEAD = Buffer.from([0xc0 | pgp.MDC, 20]);

function sha1(data: Uint8Array): Buffer {
  return createHash('sha1').update(data).digest();
}

function sealed(kind: pgp.CipherKind, key: Uint8Array, random: Buffer, inner: Buffer): Buffer {
  const plain = Buffer.concat([random, inner, MDC_HEAD]);
  const body = pgp.encrypted(kind, key, Buffer.concat([plain, sha1(plain)]));
  return pgp.packet(pgp.PROTECTED_DATA, Buffer.concat([Buffer.from([1]), body]));
}

/** Feedback begins anew behind the prefix. */
function unsealed(kind: pgp.CipherKind, key: Uint8Array, random: Buffer, inner: Buffer): Buffer {
  const prefix = pgp.encrypted(kind, key, random);
  const rest = pgp.encrypted(kind, key, inner, prefix.subarray(2));
  return pgp.packet(pgp.SYMMETRIC_DATA, Buffer.concat([prefix, rest]));
}

// ---- decryption ----

interface Found {
  readonly isText: boolean;
  readonly data: Buffer;
}

function decrypt(
  message: Uint8Array,
  password: string,
  options: string,
): { readonly found: Found; readonly crlf: boolean } {
  const { crlf } = optionsOf(options);
  try {
    const [head, body] = packetsOrCorrupt(message);
    if (head?.tag !== pgp.SYMMETRIC_KEY || body === undefined) throw corrupt();
    return { found: contents(pgp.packetsOf(opened(body, keyOf(head.body, Buffer.from(password))))), crlf };
  } catch (error) {
    if (error instanceof pgp.CorruptMessage) throw corrupt();
    throw error;
  }
}

interface Key {
  readonly kind: pgp.CipherKind;
  readonly bytes: Uint8Array;
}

function kindOf(id: number): pgp.CipherKind {
  const kind = pgp.cipherOf(id);
  if (kind === undefined) throw corrupt();
  return kind;
}

function keyOf(body: Buffer, password: Uint8Array): Key {
  const [version, id = 0, mode = 0, digest = 0] = body;
  if (version !== 4 || ![0, 1, 3].includes(mode)) throw corrupt();
  const saltEnd = mode === 0 ? 4 : 12;
  const end = mode === 3 ? saltEnd + 1 : saltEnd;
  if (body.length < end) throw corrupt();
  const kind = kindOf(id);
  const making = { mode, digest, salt: body.subarray(4, saltEnd), count: body[saltEnd] ?? 0 };
  const bytes = pgp.keyFrom(password, making, kind.keyLength);
  if (body.length === end) return { kind, bytes };
  const [own = 0, ...session] = pgp.decrypted(kind, bytes, body.subarray(end));
  const ownKind = kindOf(own);
  if (session.length !== ownKind.keyLength) throw corrupt();
  return { kind: ownKind, bytes: Buffer.from(session) };
}

function opened({ tag, body }: pgp.Packet, { kind, bytes }: Key): Buffer {
  const from = kind.blockLength + 2;
  if (tag === pgp.SYMMETRIC_DATA) {
    pgp.checkPrefix(kind, pgp.decrypted(kind, bytes, body.subarray(0, from)));
    return pgp.decrypted(kind, bytes, body.subarray(from), body.subarray(2, from));
  }
  if (tag !== pgp.PROTECTED_DATA || body[0] !== 1) throw corrupt();
  const plain = pgp.decrypted(kind, bytes, body.subarray(1));
  pgp.checkPrefix(kind, plain);
  const mdc = plain.length - 20;
  if (mdc - 2 < from || !plain.subarray(mdc - 2, mdc).equals(MDC_HEAD)) throw corrupt();
  if (!timingSafeEqual(plain.subarray(mdc), sha1(plain.subarray(0, mdc)))) throw corrupt();
  return plain.subarray(from, mdc - 2);
}

/** `inside` of a compressed packet there is no other one. */
function contents(packets: readonly pgp.Packet[], inside = false): Found {
  const [first, ...more] = packets.filter(({ tag }) => tag !== pgp.MARKER);
  if (first === undefined || more.length > 0) throw corrupt();
  if (first.tag === pgp.COMPRESSED && !inside) return contents(pgp.packetsOf(expanded(first.body)), true);
  if (first.tag !== pgp.LITERAL || first.body.length < 6) throw corrupt();
  const mode = String.fromCharCode(first.body[0]!);
  const data = first.body.subarray(6 + first.body[1]!);
  return { isText: mode === 't' || mode === 'u', data };
}

function expanded(body: Buffer): Buffer {
  const [kind] = body;
  if (kind === UNCOMPRESSED) return body.subarray(1);
  if (kind !== ZIP && kind !== ZLIB) throw sqlError('39000', 'Unsupported compression algorithm');
  const limit = { maxOutputLength: TEXT_MAX };
  try {
    return kind === ZIP ? inflateRawSync(body.subarray(1), limit) : inflateSync(body.subarray(1), limit);
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') checkLength(TEXT_MAX + 1);
    throw corrupt();
  }
}

// ---- functions ----

type Encrypt = (data: string | Uint8Array, password: string, options: string, ctx: ExecContext) => Buffer;
type Decrypt = (message: Uint8Array, password: string, options: string) => string | Buffer;

function defineEncryption(signature: string, run: Encrypt): void {
  const volatile = { volatility: 'volatile' } as const;
  fn(
    `${signature}, text) bytea`,
    (d: string, password: string, ctx: ExecContext) => run(d, password, '', ctx),
    volatile,
  );
  fn(`${signature}, text, text) bytea`, run, volatile);
}
defineEncryption('pgp_sym_encrypt(text', (text, password, options, ctx) =>
  encrypt(Buffer.from(text), true, password, options, ctx),
);
defineEncryption('pgp_sym_encrypt_bytea(bytea', (data, password, options, ctx) =>
  encrypt(data as Uint8Array, false, password, options, ctx),
);

function defineDecryption(name: string, result: string, run: Decrypt): void {
  fn(`${name}(bytea, text) ${result}`, (message: Uint8Array, password: string) => run(message, password, ''));
  fn(`${name}(bytea, text, text) ${result}`, run);
}
defineDecryption('pgp_sym_decrypt', 'text', (message, password, options) => {
  const { found, crlf } = decrypt(message, password, options);
  if (!found.isText) throw sqlError('39000', 'Not text data');
  const text = decodeText(found.data);
  return crlf ? text.replaceAll('\r\n', '\n') : text;
});
defineDecryption(
  'pgp_sym_decrypt_bytea',
  'bytea',
  (message, password, options) => decrypt(message, password, options).found.data,
);

fn('pgp_key_id(bytea) text', (message: Uint8Array) => {
  const [first] = packetsOrCorrupt(message);
  if (first?.tag === pgp.SYMMETRIC_KEY) return 'SYMKEY';
  if (first?.tag !== pgp.PUBLIC_KEY_SESSION || first.body.length < 9) throw corrupt();
  const id = first.body.subarray(1, 9).toString('hex').toUpperCase();
  return /^0+$/.test(id) ? 'ANYKEY' : id;
});

function packetsOrCorrupt(message: Uint8Array): pgp.Packet[] {
  try {
    return pgp.packetsOf(bufferOf(message)).filter(({ tag }) => tag !== pgp.MARKER);
  } catch (error) {
    throw error instanceof pgp.CorruptMessage ? corrupt() : error;
  }
}
