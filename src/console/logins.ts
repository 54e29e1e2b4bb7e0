import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { Accounts, Role } from './accounts.js';
import type { DocumentsPort } from './ports.js';

const COLLECTION = 'console.logins';
const IDLE_MS = 24 * 3_600_000;
const ABSOLUTE_MS = 30 * 24 * 3_600_000;
/** `lastSeenAt` goes to the disk at most this often. */
const SAVE_EVERY_MS = 10 * 60_000;
const MAX_PER_ACCOUNT = 20;

interface StoredLogin {
  username: string;
  /** Wall ms. */
  createdAt: number;
  lastSeenAt: number;
}

export interface Login {
  /** Hash of the secret; names the login without giving it away. */
  id: string;
  username: string;
  role: Role;
  /** To be sent as `x-ferrule-csrf` with every changing request. */
  csrf: string;
  /** Wall ms. */
  expiresAt: number;
}

interface Entry extends StoredLogin {
  savedAt: number;
  csrf: string;
  watchers: Set<() => void>;
}

/**
 * Who is logged in. A login is a random secret in the browser's cookie; here only its hash is kept, so that a copy of the
 * database opens nothing. Ends after a day without a request (a live stream counts) and after 30 days in any case.
 */
export class Logins {
  readonly #documents: DocumentsPort;
  readonly #accounts: Accounts;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #entries = new Map<string, Entry>();

  constructor(documents: DocumentsPort, accounts: Accounts, clock: Clock, log: Logger) {
    this.#documents = documents;
    this.#accounts = accounts;
    this.#clock = clock;
    this.#log = log;
  }

  async load(): Promise<void> {
    this.#entries.clear();
    for (const { key, value } of await this.#documents.list<StoredLogin & { csrf: string }>(COLLECTION)) {
      const entry: Entry = { ...value, savedAt: value.lastSeenAt, watchers: new Set() };
      this.#entries.set(key, entry);
      if (this.#isOver(entry)) this.#end(key, entry);
    }
  }

  /** Starts a login; the secret belongs into the cookie. Resolves when it is on disk. */
  async start(username: string): Promise<{ secret: string; login: Login }> {
    const secret = randomBytes(32).toString('base64url');
    const id = idOf(secret);
    const now = this.#clock.now();
    const entry: Entry = {
      username,
      createdAt: now,
      lastSeenAt: now,
      savedAt: now,
      csrf: randomBytes(24).toString('base64url'),
      watchers: new Set(),
    };
    await this.#documents.put(COLLECTION, id, stored(entry));
    this.#entries.set(id, entry);
    this.#endOldest(username);
    const login = this.#describe(id, entry);
    if (login === null) throw new Error('a login was started for an account that does not exist');
    return { secret, login };
  }

  /** The login that the secret belongs to, kept alive by asking; null: none, or it is over. */
  find(secret: string): Login | null {
    return this.#touch(idOf(secret));
  }

  /** As `find`, by the id of a login; for streams. */
  keepAlive(id: string): boolean {
    return this.#touch(id) !== null;
  }

  async end(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#forget(id, entry);
    await this.#documents.delete(COLLECTION, id);
  }

  /** Calls back once when the login ends, until the returned function is called. */
  whenEnded(id: string, callback: () => void): () => void {
    const watchers = this.#entries.get(id)?.watchers;
    watchers?.add(callback);
    return () => watchers?.delete(callback);
  }

  #touch(id: string): Login | null {
    const entry = this.#entries.get(id);
    if (entry === undefined) return null;
    const login = this.#isOver(entry) ? null : this.#describe(id, entry);
    if (login === null) {
      this.#end(id, entry);
      return null;
    }
    const now = this.#clock.now();
    entry.lastSeenAt = now;
    if (now - entry.savedAt > SAVE_EVERY_MS) {
      entry.savedAt = now;
      this.#background(this.#documents.put(COLLECTION, id, stored(entry)));
    }
    return login;
  }

  #describe(id: string, entry: Entry): Login | null {
    const role = this.#accounts.roleOf(entry.username);
    if (role === null) return null;
    const expiresAt = Math.min(entry.lastSeenAt + IDLE_MS, entry.createdAt + ABSOLUTE_MS);
    return { id, username: entry.username, role, csrf: entry.csrf, expiresAt };
  }

  #isOver(entry: Entry): boolean {
    const now = this.#clock.now();
    return now > entry.lastSeenAt + IDLE_MS || now > entry.createdAt + ABSOLUTE_MS;
  }

  #endOldest(username: string): void {
    const own = [...this.#entries].filter(([, entry]) => entry.username === username).sort(([, a], [, b]) => b.lastSeenAt - a.lastSeenAt);
    for (const [id, entry] of own.slice(MAX_PER_ACCOUNT)) this.#end(id, entry);
  }

  #end(id: string, entry: Entry): void {
    this.#forget(id, entry);
    this.#background(this.#documents.delete(COLLECTION, id));
  }

  #forget(id: string, entry: Entry): void {
    this.#entries.delete(id);
    for (const callback of entry.watchers) callback();
    entry.watchers.clear();
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => this.#log.warn({ error: messageOf(error) }, 'a login could not be kept on disk'));
  }
}

function stored(entry: Entry): StoredLogin & { csrf: string } {
  return { username: entry.username, createdAt: entry.createdAt, lastSeenAt: entry.lastSeenAt, csrf: entry.csrf };
}

function idOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
