/** The client's side of SCRAM-SHA-256 (RFC 5802, 7677), for a PostgreSQL beside Quoral that wants a password. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';

export class Scram {
  readonly #password: string;
  readonly #first = `n=,r=${randomBytes(18).toString('base64')}`;

  constructor(password: string) {
    this.#password = password;
  }

  /** The body of SASLInitialResponse. */
  initial(): Buffer {
    const text = Buffer.from(`n,,${this.#first}`);
    const length = Buffer.alloc(4);
    length.writeInt32BE(text.length);
    return Buffer.concat([Buffer.from('SCRAM-SHA-256\0'), length, text]);
  }

  /** The answer to the server's challenge. */
  answer(challenge: string): Buffer {
    const part = (name: string): string => new RegExp(`(?:^|,)${name}=([^,]*)`).exec(challenge)?.[1] ?? '';
    const salt = Buffer.from(part('s'), 'base64');
    const salted = pbkdf2Sync(this.#password, salt, Number(part('i')), 32, 'sha256');
    const clientKey = createHmac('sha256', salted).update('Client Key').digest();
    const storedKey = createHash('sha256').update(clientKey).digest();
    const bare = `c=biws,r=${part('r')}`;
    const signature = createHmac('sha256', storedKey).update(`${this.#first},${challenge},${bare}`).digest();
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] as number)));
    return Buffer.from(`${bare},p=${proof.toString('base64')}`);
  }
}
