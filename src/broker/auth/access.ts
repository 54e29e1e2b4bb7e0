import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../clock.js';
import { FerruleError } from '../../errors.js';
import type { Logger } from '../../log.js';
import { ReasonCode } from '../../mqtt/reason-codes.js';
import type { AccessConfig } from '../schema.js';
import { AccessRules } from './acl.js';
import { HttpLogin } from './http-login.js';
import { looksLikeJwt } from './jwt.js';
import { JwtLogin } from './jwt-login.js';
import { type Login, type LoginProvider, LoginRefused, type LoginRequest } from './login.js';
import type { Users } from './users.js';

/** What a new configuration takes away from those who are connected. */
export interface AccessChange {
  rules: boolean;
  /** Ways to log in that are no more. */
  closed: LoginProvider[];
}

/** Who may come in and what they may do: the decisions behind aedes' authenticate and authorize hooks. */
export class Access {
  readonly users: Users;
  readonly #clock: Clock;
  readonly #log: Logger;
  #config: AccessConfig = { rules: [] };
  #rules = new AccessRules([]);
  #jwt: JwtLogin | null = null;
  #http: HttpLogin | null = null;
  #allowAnonymous = false;
  #revision = 0;

  /** Called when a configuration takes something away. */
  onChanged: (change: AccessChange) => void = () => undefined;

  constructor(users: Users, clock: Clock, log: Logger) {
    this.users = users;
    this.#clock = clock;
    this.#log = log;
  }

  /** Changes whenever a decision may: remembered ones hold for one revision. */
  get revision(): number {
    return this.#revision;
  }

  configure(config: AccessConfig, allowAnonymous: boolean): void {
    const before = this.#config;
    const closed: LoginProvider[] = [];
    if (this.#allowAnonymous && !allowAnonymous) closed.push('anonymous');
    if (!isDeepStrictEqual(before.jwt, config.jwt)) {
      this.#jwt = config.jwt === undefined ? null : new JwtLogin(config.jwt, this.#clock, this.#log);
      if (config.jwt === undefined) closed.push('jwt');
    }
    if (!isDeepStrictEqual(before.http, config.http)) {
      this.#http = config.http === undefined ? null : new HttpLogin(config.http, this.#clock);
      if (config.http === undefined) closed.push('http');
    }
    const rules = !isDeepStrictEqual(before.rules, config.rules);
    this.#config = config;
    this.#allowAnonymous = allowAnonymous;
    if (rules) {
      this.#rules = new AccessRules(config.rules);
      this.#revision++;
    }
    if (rules || closed.length > 0) this.onChanged({ rules, closed });
  }

  /**
   * Lets a client in or rejects with LoginRefused. Who is asked, in this order, and the first who knows the client
   * decides: its certificate, its token, the users in the store, the HTTP service.
   */
  async login(request: LoginRequest): Promise<Login> {
    try {
      return await this.#decide(request);
    } catch (error) {
      if (!(error instanceof FerruleError)) throw error;
      const message = 'logins can not be checked at present';
      throw new LoginRefused(ReasonCode.ServerUnavailable, message, { detail: error.message });
    }
  }

  mayPublish(username: string | null, clientId: string, topic: string): boolean {
    return this.#rules.mayPublish(username, clientId, topic);
  }

  maySubscribe(username: string | null, clientId: string, filter: string): boolean {
    return this.#rules.maySubscribe(username, clientId, filter);
  }

  async #decide(request: LoginRequest): Promise<Login> {
    const { username, password, certificateUser } = request;
    if (certificateUser !== null) {
      if (username !== null && username !== certificateUser) {
        throw new LoginRefused(ReasonCode.NotAuthorized, 'the user name is not the one of the certificate', {
          detail: `user ${JSON.stringify(username)} with the certificate of ${JSON.stringify(certificateUser)}`,
          isGuess: true,
        });
      }
      return { username: certificateUser, provider: 'certificate', expiresAt: null };
    }
    if (this.#jwt !== null && password !== null && looksLikeJwt(password)) return this.#jwt.login(request, password.toString('latin1'));
    if (username === null) {
      if (this.#allowAnonymous) return { username: null, provider: 'anonymous', expiresAt: null };
      throw new LoginRefused(ReasonCode.NotAuthorized, 'clients without a user name may not connect');
    }
    if (this.#http !== null && !this.users.has(username)) return this.#http.login(request);
    if (this.users.isBusy) throw new LoginRefused(ReasonCode.ServerBusy, 'too many logins at once');
    if (await this.users.check(username, password ?? Buffer.alloc(0))) return { username, provider: 'store', expiresAt: null };
    throw new LoginRefused(ReasonCode.NotAuthorized, 'wrong user name or password', {
      detail: `wrong user name or password: ${JSON.stringify(username)}`,
      isGuess: true,
    });
  }
}
