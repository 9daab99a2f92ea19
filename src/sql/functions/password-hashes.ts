/**
 * pgcrypto's crypt() and gen_salt(): bcrypt ("bf", by bcryptjs) and the hash of FreeBSD's MD5 crypt ("md5").
 *
 * A hash is computed in one go and holds the node meanwhile, so bcrypt's cost is limited: 12 is about a third of a second,
 * and each one more doubles it. Hashes by DES are refused: whoever has some left should let them go.
 */
import { createHash } from 'node:crypto';
import { encodeBase64, hashSync } from 'bcryptjs';
import { sqlError } from '../../base/errors.js';
import type { ExecContext } from '../contract.js';
import { fn, fns } from './define.js';

const COST_MAX = 12;
const COST_DEFAULT = 6;
const BCRYPT = /^\$2a\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{22}/;
const ITOA64 = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const MD5_MAGIC = '$1$';
const MD5_SALT_MAX = 8;
const MD5_ROUNDS = 1000;

fn('crypt(text, text) text', (password: string, salt: string) => {
  if (salt.startsWith('$2a$')) return bcrypt(password, salt);
  if (salt.startsWith(MD5_MAGIC)) return md5Crypt(Buffer.from(password), salt);
  if (salt.length < 2 || salt.startsWith('_')) throw sqlError('22023', 'invalid salt');
  throw sqlError('0A000', 'crypt() by this kind of salt is not supported', {
    hint: "Salts are those of gen_salt('bf') and gen_salt('md5').",
  });
});

function bcrypt(password: string, salt: string): string {
  const found = BCRYPT.exec(salt);
  if (found === null) throw sqlError('22023', 'invalid salt');
  const cost = Number(found[1]);
  if (cost > COST_MAX) {
    throw sqlError('54000', `crypt() with cost ${cost} is over the limit of ${COST_MAX}`, {
      hint: 'The hash would hold the node for a second or longer. Use a smaller cost, or hash in the application.',
    });
  }
  return hashSync(password, found[0]);
}

/** Poul-Henning Kamp's scheme, as FreeBSD's crypt(3) has it. */
function md5Crypt(password: Buffer, setting: string): string {
  const [salt = ''] = setting.slice(MD5_MAGIC.length).split('$');
  const salted = Buffer.from(salt).subarray(0, MD5_SALT_MAX);
  const md5 = (...parts: Uint8Array[]): Buffer =>
    parts.reduce((hash, part) => hash.update(part), createHash('md5')).digest();
  const inner = md5(password, salted, password);
  const parts: Uint8Array[] = [password, Buffer.from(MD5_MAGIC), salted];
  for (let left = password.length; left > 0; left -= 16) parts.push(inner.subarray(0, Math.min(16, left)));
  for (let bits = password.length; bits > 0; bits >>= 1)
    parts.push((bits & 1) === 1 ? Buffer.alloc(1) : password.subarray(0, 1));
  let made = md5(...parts);
  for (let i = 0; i < MD5_ROUNDS; i++) {
    const odd = (i & 1) === 1;
    made = md5(
      odd ? password : made,
      i % 3 === 0 ? Buffer.alloc(0) : salted,
      i % 7 === 0 ? Buffer.alloc(0) : password,
      odd ? made : password,
    );
  }
  const triples = [0, 1, 2, 3].map((i) => [made[i]!, made[i + 6]!, made[i + 12]!] as const);
  const text = [...triples, [made[4]!, made[10]!, made[5]!] as const].map(([a, b, c]) =>
    sixBits((a << 16) | (b << 8) | c, 4),
  );
  return `${MD5_MAGIC}${salted.toString()}$${text.join('')}${sixBits(made[11]!, 2)}`;
}

/** Six bits to a letter, the last ones first. */
function sixBits(value: number, letters: number): string {
  return Array.from({ length: letters }, (_, i) => ITOA64[(value >> (6 * i)) & 63]!).join('');
}

fns(
  ['gen_salt(text) text', 'gen_salt(text, int4) text'],
  (kind: string, given: number | ExecContext, context: ExecContext) => {
    const [rounds, ctx] = typeof given === 'number' ? [given, context] : [0, given];
    const wrong = (): Error => sqlError('22023', 'gen_salt: Incorrect number of rounds');
    switch (kind.toLowerCase()) {
      case 'bf': {
        if (rounds !== 0 && (rounds < 4 || rounds > 31)) throw wrong();
        const cost = String(rounds === 0 ? COST_DEFAULT : rounds).padStart(2, '0');
        return `$2a$${cost}$${encodeBase64([...ctx.rng.bytes(16)], 16)}`;
      }
      case 'md5': {
        if (rounds !== 0 && rounds !== MD5_ROUNDS) throw wrong();
        const random = ctx.rng.bytes(6);
        return `${MD5_MAGIC}${sixBits(random.readUIntBE(0, 3), 4)}${sixBits(random.readUIntBE(3, 3), 4)}`;
      }
      case 'des':
      case 'xdes':
        throw sqlError('0A000', `gen_salt() of algorithm "${kind}" is not supported`, {
          hint: "Use 'bf', which is the strongest.",
        });
      default:
        throw sqlError('22023', 'gen_salt: Unknown salt algorithm');
    }
  },
  { volatility: 'volatile' },
);
