import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { Turns } from './turns.js';

/** Cost of a new hash: about 50 ms and 16 MiB on a small ARM core. */
const COST = { N: 16_384, r: 8, p: 1 };
const KEY_LENGTH = 32;
/** Remembered successful checks, so that a thousand devices reconnecting do not cost a thousand hashes. */
const MAX_REMEMBERED = 10_000;
/** Hashes computed at once: node has four threads for this, files and names; some have to stay free. */
const MAX_CONCURRENT = 2;
const MAX_WAITING = 10_000;

/** `scrypt$N$r$p$salt$key`, salt and key in base64. */
export async function hashPassword(password: Buffer): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, COST);
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), key.toString('base64')].join('$');
}

/** Checks passwords against their hashes; never faster for a wrong one than for a right one. */
export class PasswordVerifier {
  readonly #secret = randomBytes(32);
  readonly #remembered = new Map<string, Buffer>();
  /** Checks under way, by hash and password: a thousand devices of one user cost one. */
  readonly #checks = new Map<string, Promise<boolean>>();
  readonly #turns = new Turns(MAX_CONCURRENT, MAX_WAITING);

  /** So many checks wait that no further one should be asked for. */
  get isBusy(): boolean {
    return this.#turns.isFull;
  }

  async verify(password: Buffer, hash: string): Promise<boolean> {
    const digest = createHmac('sha256', this.#secret).update(password).digest();
    const known = this.#remembered.get(hash);
    if (known !== undefined && timingSafeEqual(known, digest)) return true;
    const key = `${hash} ${digest.toString('base64')}`;
    const running = this.#checks.get(key);
    if (running !== undefined) return running;
    const check = this.#turns.run(() => this.#compute(password, hash, digest)).finally(() => this.#checks.delete(key));
    this.#checks.set(key, check);
    return check;
  }

  async #compute(password: Buffer, hash: string, digest: Buffer): Promise<boolean> {
    const parts = hash.split('$');
    const [scheme, n, r, p, salt, key] = parts;
    if (scheme !== 'scrypt' || parts.length !== 6) return false;
    const expected = Buffer.from(key!, 'base64');
    const found = await derive(password, Buffer.from(salt!, 'base64'), { N: Number(n), r: Number(r), p: Number(p) });
    if (found.length !== expected.length || !timingSafeEqual(found, expected)) return false;
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(hash, digest);
    return true;
  }
}

function derive(password: Buffer, salt: Buffer, cost: { N: number; r: number; p: number }): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, KEY_LENGTH, { ...cost, maxmem: 256 * cost.N * cost.r }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
