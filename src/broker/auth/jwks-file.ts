import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../../clock.js';
import { FerruleError, messageOf } from '../../errors.js';
import type { Logger } from '../../log.js';
import { readJwks, type VerificationKey } from './jwt.js';

/** The file is looked at this often at the most. */
const LOOK_MS = 1000;
const MAX_BYTES = 1024 * 1024;

/** The public keys of a JWKS file; read again when it has changed. One that has become unreadable leaves the keys that were. */
export class JwksFile {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  #keys: VerificationKey[] | null = null;
  #signature = '';
  #lookedAt = Number.NEGATIVE_INFINITY;
  #fault: FerruleError | null = null;
  #looking: Promise<void> | null = null;

  constructor(file: string, clock: Clock, log: Logger) {
    this.#file = file;
    this.#clock = clock;
    this.#log = log;
  }

  /** Rejects with FER_BROKER_JWKS where it never could be read. */
  async keys(): Promise<readonly VerificationKey[]> {
    if (this.#clock.mono() - this.#lookedAt >= LOOK_MS) {
      this.#looking ??= this.#look().finally(() => {
        this.#lookedAt = this.#clock.mono();
        this.#looking = null;
      });
    }
    await this.#looking;
    if (this.#keys === null) throw this.#fault ?? new FerruleError('FER_BROKER_JWKS', `${this.#file} could not be read`);
    return this.#keys;
  }

  async #look(): Promise<void> {
    try {
      const { mtimeMs, size, ino } = await stat(this.#file);
      const signature = `${mtimeMs} ${size} ${ino}`;
      if (signature === this.#signature) return;
      if (size > MAX_BYTES) throw new Error('it is larger than 1 MiB');
      const keys = readJwks(await readFile(this.#file, 'utf8'));
      this.#signature = signature;
      this.#keys = keys;
      this.#fault = null;
      if (keys.length === 0) this.#log.warn({ file: this.#file }, 'the file of keys for tokens has no key that can be used');
      else this.#log.info({ file: this.#file, keys: keys.length }, 'the keys for tokens were read');
    } catch (error) {
      const fault = new FerruleError('FER_BROKER_JWKS', `the keys for tokens can't be read: ${messageOf(error)}`, {
        where: { file: this.#file },
        hint: 'access.jwt.jwks_file must be a JWKS (RFC 7517), {"keys": [...]}, that the gateway may read.',
        cause: error,
      });
      if (fault.message !== this.#fault?.message) this.#log.error({ code: fault.code, file: this.#file, hint: fault.hint }, fault.message);
      this.#fault = fault;
    }
  }
}
