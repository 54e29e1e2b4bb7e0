import type { Logger } from '../../log.js';
import type { AccessConfig } from '../schema.js';
import { AccessRules } from './acl.js';
import type { Users } from './users.js';

/** Who may come in and what they may do: the decisions behind aedes' authenticate and authorize hooks. */
export class Access {
  readonly users: Users;
  readonly #log: Logger;
  #rules = new AccessRules([]);
  #allowAnonymous = false;
  #revision = 0;

  constructor(users: Users, log: Logger) {
    this.users = users;
    this.#log = log;
  }

  /** Changes whenever a decision may: remembered ones hold for one revision. */
  get revision(): number {
    return this.#revision;
  }

  configure(config: AccessConfig, allowAnonymous: boolean): void {
    this.#rules = new AccessRules(config.rules);
    this.#allowAnonymous = allowAnonymous;
    this.#revision++;
  }

  /** Is this the user, or may nobody in particular come in? Rejects only where the check itself fails. */
  async authenticate(username: string | null, password: Buffer | null): Promise<boolean> {
    if (username === null) return this.#allowAnonymous;
    const right = await this.users.check(username, password ?? Buffer.alloc(0));
    if (!right) this.#log.debug({ username }, 'wrong user name or password');
    return right;
  }

  mayPublish(username: string | null, clientId: string, topic: string): boolean {
    return this.#rules.mayPublish(username, clientId, topic);
  }

  maySubscribe(username: string | null, clientId: string, filter: string): boolean {
    return this.#rules.maySubscribe(username, clientId, filter);
  }
}
