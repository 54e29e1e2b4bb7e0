import { createHash, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { FerruleError } from '../errors.js';

/** A password as it is kept: parameters with it, so that they can be raised later. */
export interface PasswordHash {
  algorithm: 'scrypt';
  n: number;
  r: number;
  p: number;
  /** base64 */
  salt: string;
  /** base64 */
  hash: string;
}

export const MIN_PASSWORD_LENGTH = 10;
export const MAX_PASSWORD_LENGTH = 256;

const COST = { n: 2 ** 15, r: 8, p: 1 };
const HASH_BYTES = 32;
/** One hash takes 32 MiB and a thread of the pool that files and DNS share; more requests than this are turned away. */
const MAX_WAITING = 16;

/** Hashes and checks passwords off the main thread, one at a time, so that a flood of logins cannot take the memory. */
export class Passwords {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #decoy: Promise<PasswordHash> | null = null;

  async hash(password: string): Promise<PasswordHash> {
    const salt = randomBytes(16);
    const hash = await this.#derive(password, salt, COST);
    return { algorithm: 'scrypt', ...COST, salt: salt.toString('base64'), hash: hash.toString('base64') };
  }

  /** With null (no such account) it takes as long as with a real hash, and is false. */
  async verify(password: string, stored: PasswordHash | null): Promise<boolean> {
    this.#decoy ??= this.hash(randomBytes(16).toString('hex'));
    const decoy = await this.#decoy;
    const against = stored ?? decoy;
    const expected = Buffer.from(against.hash, 'base64');
    const actual = await this.#derive(password, Buffer.from(against.salt, 'base64'), against);
    return timingSafeEqual(expected, actual) && stored !== null;
  }

  async #derive(password: string, salt: Buffer, cost: { n: number; r: number; p: number }): Promise<Buffer> {
    if (this.#waiting >= MAX_WAITING) {
      throw new FerruleError('FER_CONSOLE_TOO_MANY_REQUESTS', 'Too many logins at the same time.', { hint: 'Try again in a few seconds.' });
    }
    this.#waiting++;
    const turn = this.#tail.then(() => deriveKey(password.normalize('NFKC'), salt, cost));
    this.#tail = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }
}

function deriveKey(password: string, salt: Buffer, cost: { n: number; r: number; p: number }): Promise<Buffer> {
  const options: ScryptOptions = { N: cost.n, r: cost.r, p: cost.p, maxmem: 256 * cost.n * cost.r };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

/** Compares texts in a time that does not depend on where they differ. */
export function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
