import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';
import { ReasonCode } from '../../mqtt/reason-codes.js';
import type { JwtConfig } from '../schema.js';
import { JwksFile } from './jwks-file.js';
import { expiryOfClaims, type JwtClaims, JwtError, verifyJwt } from './jwt.js';
import { type Login, LoginRefused, type LoginRequest } from './login.js';

/** Logs clients in that have a token (RFC 7519) for a password. */
export class JwtLogin {
  readonly #config: JwtConfig;
  readonly #file: JwksFile | null;
  readonly #clock: Clock;

  constructor(config: JwtConfig, clock: Clock, log: Logger) {
    this.#config = config;
    this.#clock = clock;
    this.#file = config.jwks_file === undefined ? null : new JwksFile(config.jwks_file, clock, log);
  }

  /** Rejects with LoginRefused, or with FER_BROKER_JWKS where there are no keys. */
  async login(request: LoginRequest, token: string): Promise<Login> {
    const keys = this.#file === null ? [] : await this.#file.keys();
    try {
      const claims = verifyJwt(token, this.#config, keys, this.#clock.now());
      return { username: this.#user(claims, request), provider: 'jwt', expiresAt: expiryOfClaims(claims) };
    } catch (error) {
      if (!(error instanceof JwtError)) throw error;
      throw new LoginRefused(ReasonCode.NotAuthorized, `the token is not accepted: ${error.message}`, { isGuess: true });
    }
  }

  #user(claims: JwtClaims, { username, clientId }: LoginRequest): string {
    const { user_claim: userClaim, client_id_claim: clientClaim } = this.#config;
    const user = claims[userClaim];
    if (typeof user !== 'string' || user === '') throw new JwtError(`it has no claim ${userClaim}`);
    // Before v5 a password needs a user name beside it; an empty one says nothing.
    if (username !== null && username !== '' && username !== user) throw new JwtError('the user name is another one');
    if (clientClaim !== undefined && claims[clientClaim] !== clientId) throw new JwtError('it is meant for another client id');
    return user;
  }
}
