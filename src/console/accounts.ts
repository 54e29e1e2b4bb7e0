import type { Clock } from '../clock.js';
import type { PasswordHash, Passwords } from './passwords.js';
import type { DocumentsPort } from './ports.js';

/** What an account may do; each role may all that the ones before it may. */
export const ROLES = ['viewer', 'operator', 'administrator'] as const;
export type Role = (typeof ROLES)[number];

export function roleAllows(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

interface StoredAccount {
  role: Role;
  password: PasswordHash;
  /** Wall ms. */
  createdAt: number;
}

const COLLECTION = 'console.accounts';

/** The people who may log in to the console. Few, so all of them are kept in memory. */
export class Accounts {
  readonly #documents: DocumentsPort;
  readonly #passwords: Passwords;
  readonly #clock: Clock;
  readonly #accounts = new Map<string, StoredAccount>();

  constructor(documents: DocumentsPort, passwords: Passwords, clock: Clock) {
    this.#documents = documents;
    this.#passwords = passwords;
    this.#clock = clock;
  }

  async load(): Promise<void> {
    this.#accounts.clear();
    for (const { key, value } of await this.#documents.list<StoredAccount>(COLLECTION)) this.#accounts.set(key, value);
  }

  get empty(): boolean {
    return this.#accounts.size === 0;
  }

  roleOf(username: string): Role | null {
    return this.#accounts.get(username)?.role ?? null;
  }

  async create(username: string, password: string, role: Role): Promise<void> {
    const account: StoredAccount = { role, password: await this.#passwords.hash(password), createdAt: this.#clock.now() };
    await this.#documents.put(COLLECTION, username, account);
    this.#accounts.set(username, account);
  }

  /** The role where name and password fit; null otherwise, after the same time for an unknown name as for a wrong password. */
  async verify(username: string, password: string): Promise<Role | null> {
    const account = this.#accounts.get(username) ?? null;
    return (await this.#passwords.verify(password, account?.password ?? null)) && account !== null ? account.role : null;
  }
}
