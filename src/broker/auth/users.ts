import { FerruleError } from '../../errors.js';
import type { DocumentStore } from '../../store/types.js';
import { hashPassword, PasswordVerifier } from './passwords.js';

const COLLECTION = 'mqtt-users';

interface UserDocument {
  hash: string;
  createdAt: number;
}

/** The MQTT users and the hashes of their passwords. Kept in the store, held in memory. */
export class Users {
  readonly #documents: DocumentStore;
  readonly #verifier = new PasswordVerifier();
  readonly #users = new Map<string, UserDocument>();
  /** Checked instead of the hash of a user who does not exist, so that both take the same time. */
  #decoy = '';

  constructor(documents: DocumentStore) {
    this.#documents = documents;
  }

  async load(): Promise<void> {
    this.#users.clear();
    for (const { key, value } of await this.#documents.list<UserDocument>(COLLECTION)) this.#users.set(key, value);
    this.#decoy = await hashPassword(Buffer.from('nobody'));
  }

  list(): { name: string; createdAt: number }[] {
    return [...this.#users].map(([name, { createdAt }]) => ({ name, createdAt })).sort((a, b) => (a.name < b.name ? -1 : 1));
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
    const user = { hash: await hashPassword(Buffer.from(password)), createdAt: this.#users.get(name)?.createdAt ?? now };
    await this.#documents.put(COLLECTION, name, user);
    this.#users.set(name, user);
  }

  /** false: there is no such user. */
  async delete(name: string): Promise<boolean> {
    if (!this.#users.has(name)) return false;
    await this.#documents.delete(COLLECTION, name);
    this.#users.delete(name);
    return true;
  }

  async check(name: string, password: Buffer): Promise<boolean> {
    const user = this.#users.get(name);
    const right = await this.#verifier.verify(password, user?.hash ?? this.#decoy);
    return right && user !== undefined;
  }
}
