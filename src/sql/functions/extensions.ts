/**
 * What applications ask pgcrypto and uuid-ossp for. The functions are always there; CREATE EXTENSION makes them members of it.
 * Randomness is the context's, as everywhere.
 */
import { createHash, createHmac } from 'node:crypto';
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { fn, fns } from './define.js';

/** The functions that PostgreSQL has with these extensions only. */
export const EXTENSION_FUNCTIONS: Readonly<Record<string, ReadonlySet<string>>> = {
  pgcrypto: new Set([
    'digest',
    'hmac',
    'gen_random_bytes',
    'crypt',
    'gen_salt',
    'encrypt',
    'decrypt',
    'encrypt_iv',
    'decrypt_iv',
    'armor',
    'dearmor',
    'pgp_armor_headers',
    'pgp_key_id',
    'pgp_sym_encrypt',
    'pgp_sym_encrypt_bytea',
    'pgp_sym_decrypt',
    'pgp_sym_decrypt_bytea',
  ]),
  'uuid-ossp': new Set([
    'uuid_generate_v1',
    'uuid_generate_v1mc',
    'uuid_generate_v3',
    'uuid_generate_v4',
    'uuid_generate_v5',
    'uuid_nil',
    'uuid_ns_dns',
    'uuid_ns_oid',
    'uuid_ns_url',
    'uuid_ns_x500',
  ]),
};

export function isExtensionFunction(name: string): boolean {
  return Object.values(EXTENSION_FUNCTIONS).some((names) => names.has(name));
}

const VOLATILE = { volatility: 'volatile' } as const;
const ALGORITHMS: ReadonlySet<string> = new Set(['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512']);
const RANDOM_BYTES_MAX = 1024;

function algorithm(name: string): string {
  const lower = name.toLowerCase();
  if (ALGORITHMS.has(lower)) return lower;
  throw sqlError('22023', `Cannot use "${name}": No such hash algorithm`);
}

fns(['digest(text, text) bytea', 'digest(bytea, text) bytea'], (data: string | Uint8Array, name: string) =>
  createHash(algorithm(name)).update(data).digest(),
);
fns(
  ['hmac(text, text, text) bytea', 'hmac(bytea, bytea, text) bytea'],
  (data: string | Uint8Array, key: string | Uint8Array, name: string) =>
    createHmac(algorithm(name), key).update(data).digest(),
);
fn(
  'gen_random_bytes(int4) bytea',
  (n: number, ctx: ExecContext) => {
    if (n < 1 || n > RANDOM_BYTES_MAX) throw sqlError('39000', 'Length not in range');
    return ctx.rng.bytes(n);
  },
  VOLATILE,
);

function shown(bytes: Uint8Array): string {
  const h = Buffer.from(bytes).toString('hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20, 32)}`;
}

/** RFC 4122, 4.3: the first 16 bytes of a hash of the name space and the name. */
function named(space: string, name: string, hash: 'md5' | 'sha1', version: number): string {
  const bytes = createHash(hash)
    .update(Buffer.from(space.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
    .subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | (version << 4);
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return shown(bytes);
}
fn('uuid_generate_v3(uuid, text) uuid', (space: string, name: string) => named(space, name, 'md5', 3));
fn('uuid_generate_v5(uuid, text) uuid', (space: string, name: string) => named(space, name, 'sha1', 5));

/** Microseconds from 1582-10-15 to 2000-01-01. */
const EPOCH_US = 13_165_977_600_000_000n;

/**
 * By the statement's time in units of 100 ns, of which the last digit and the clock sequence are random: a node has
 * no address to show, so the node is random too, with the bit that says so.
 */
function timed(ctx: ExecContext): string {
  const ticks = (ctx.format.statementNow + EPOCH_US) * 10n + BigInt(Math.floor(ctx.rng.next() * 10));
  const bytes = Buffer.from(ctx.rng.bytes(16));
  bytes.writeUInt32BE(Number(ticks & 0xffffffffn), 0);
  bytes.writeUInt16BE(Number((ticks >> 32n) & 0xffffn), 4);
  bytes.writeUInt16BE(Number((ticks >> 48n) & 0x0fffn) | 0x1000, 6);
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  bytes[10] = bytes[10]! | 0x01;
  return shown(bytes);
}
fns(['uuid_generate_v1() uuid', 'uuid_generate_v1mc() uuid'], timed, VOLATILE);

fn('uuid_nil() uuid', () => '00000000-0000-0000-0000-000000000000');
fn('uuid_ns_dns() uuid', () => '6ba7b810-9dad-11d1-80b4-00c04fd430c8');
fn('uuid_ns_url() uuid', () => '6ba7b811-9dad-11d1-80b4-00c04fd430c8');
fn('uuid_ns_oid() uuid', () => '6ba7b812-9dad-11d1-80b4-00c04fd430c8');
fn('uuid_ns_x500() uuid', () => '6ba7b814-9dad-11d1-80b4-00c04fd430c8');
