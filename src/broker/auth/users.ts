import { randomBytes } from 'node:crypto';
import { FerruleError } from '../../errors.js';
import type { DocumentStore } from '../../store/types.js';
import { hashPassword, PasswordVerifier } from './passwords.js';
import { decoyScram, deriveScram, type ScramCredentials } from './scram.js';

const COLLECTION = 'mqtt-users';
const SECRETS = 'mqtt-auth';
const DECOY_KEY = 'scram-decoy';

interface UserDocument {
  hash: string;
  createdAt: number;
  /** Absent where the password was set before there was SCRAM, or has characters that SCRAM can't carry. */
  scram?: ScramCredentials;
}

/** What a SCRAM exchange is judged by. `isCurrent()` turns false when the user is deleted or gets another password. */
export interface ScramLogin {
  credentials: ScramCredentials;
  /** null: there is such a user; otherwise why the login is bound to fail, for the log. */
  fault: string | null;
  isCurrent(): boolean;
}

/** The MQTT users and the hashes of their passwords. Kept in the store, held in memory. */
export class Users {
  readonly #documents: DocumentStore;
  readonly #verifier = new PasswordVerifier();
  readonly #users = new Map<string, UserDocument>();
  /** Checked instead of the hash of a user who does not exist, so that both take the same time. */
  #decoy = '';
  /** Makes the salts of users who do not exist; kept, so that they stay the same as those of users who do. */
  #decoySecret = randomBytes(32);

  /** Called when a user was deleted or got another password: who logged in as such has to do it again. */
  onChanged: (name: string, change: 'deleted' | 'password') => void = () => undefined;

  constructor(documents: DocumentStore) {
    this.#documents = documents;
  }

  async load(): Promise<void> {
    this.#users.clear();
    for (const { key, value } of await this.#documents.list<UserDocument>(COLLECTION)) this.#users.set(key, value);
    this.#decoy = await hashPassword(Buffer.from('nobody'));
    const kept = await this.#documents.get<string>(SECRETS, DECOY_KEY);
    if (kept !== null) this.#decoySecret = Buffer.from(kept, 'base64');
    // Not waited for: a full disk must not keep the broker from starting. The next start tries again.
    else this.#documents.put(SECRETS, DECOY_KEY, this.#decoySecret.toString('base64')).catch(() => undefined);
  }

  list(): { name: string; createdAt: number }[] {
    return [...this.#users].map(([name, { createdAt }]) => ({ name, createdAt })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  has(name: string): boolean {
    return this.#users.has(name);
  }

  /** Makes a user or changes the password; on disk when it resolves. */
  async put(name: string, password: string, now: number): Promise<void> {
    if (name === '' || name.length > 256 || /[\0/+#]/.test(name)) {
      throw new FerruleError('FER_BROKER_USER_NAME', `${JSON.stringify(name)} can't be a user name`, {
        hint: 'Use 1 to 256 characters without /, + and #.',
      });
    }
    if (password.length < 8) {
      throw new FerruleError('FER_BROKER_USER_PASSWORD', 'the password is too short', { hint: 'Use at least 8 characters.' });
    }
    const [hash, scram] = await Promise.all([hashPassword(Buffer.from(password)), deriveScram(password).catch(() => null)]);
    const former = this.#users.get(name);
    const user: UserDocument = { hash, createdAt: former?.createdAt ?? now, ...(scram === null ? {} : { scram }) };
    await this.#documents.put(COLLECTION, name, user);
    this.#users.set(name, user);
    if (former !== undefined) this.onChanged(name, 'password');
  }

  /** false: there is no such user. */
  async delete(name: string): Promise<boolean> {
    if (!this.#users.has(name)) return false;
    await this.#documents.delete(COLLECTION, name);
    this.#users.delete(name);
    this.onChanged(name, 'deleted');
    return true;
  }

  /** So many passwords wait to be checked that no further one should be. */
  get isBusy(): boolean {
    return this.#verifier.isBusy;
  }

  async check(name: string, password: Buffer): Promise<boolean> {
    const user = this.#users.get(name);
    const right = await this.#verifier.verify(password, user?.hash ?? this.#decoy);
    // The password may have been changed while it was checked.
    return right && user !== undefined && this.#users.get(name) === user;
  }

  /** What to ask with; for a user who does not exist, something that looks the same and nothing answers. */
  scram(name: string): ScramLogin {
    const user = this.#users.get(name);
    return {
      credentials: user?.scram ?? decoyScram(this.#decoySecret, name),
      fault: user === undefined ? 'no such user' : user.scram === undefined ? 'its password was set before SCRAM; set it again' : null,
      isCurrent: () => user?.scram !== undefined && this.#users.get(name) === user,
    };
  }
}
