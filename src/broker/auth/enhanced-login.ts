import type { Properties } from '../../mqtt/packets.js';
import { ReasonCode } from '../../mqtt/reason-codes.js';
import { LoginRefused } from './login.js';
import { readClientFirst, SCRAM_SHA_256, ScramError, ScramExchange } from './scram.js';
import type { ScramLogin, Users } from './users.js';

/** One client's SCRAM exchanges: that of its CONNECT, and those by which it authenticates again. */
export class EnhancedLogin {
  readonly #users: Users;
  #exchange: { scram: ScramExchange; user: ScramLogin; username: string } | null = null;
  #last: Buffer | null = null;

  constructor(users: Users) {
    this.#users = users;
  }

  /** A question has been put and not been answered yet. */
  get isOpen(): boolean {
    return this.#exchange !== null;
  }

  /** Whom the open exchange is about. */
  get username(): string | null {
    return this.#exchange?.username ?? null;
  }

  /** For CONNACK or the last AUTH: the server's proof that it knows the password too. */
  get lastProperties(): Properties {
    return { authenticationMethod: SCRAM_SHA_256, ...(this.#last === null ? {} : { authenticationData: this.#last }) };
  }

  /**
   * Takes the client's first message; gives the question. Throws LoginRefused.
   * `expected`: the user it must be; null: any.
   */
  start(data: Buffer | undefined, expected: string | null): Properties {
    const first = this.#read(() => readClientFirst(data ?? Buffer.alloc(0)));
    if (expected !== null && expected !== first.username) {
      throw new LoginRefused(ReasonCode.NotAuthorized, 'the authentication names another user', { isGuess: true });
    }
    const user = this.#users.scram(first.username);
    this.#exchange = { scram: new ScramExchange(first, user.credentials), user, username: first.username };
    return { authenticationMethod: SCRAM_SHA_256, authenticationData: this.#exchange.scram.challenge };
  }

  /** Takes the client's last message; gives the user. Throws LoginRefused. */
  finish(data: Buffer | undefined): string {
    const { scram, user, username } = this.#exchange!;
    this.#exchange = null;
    const last = this.#read(() => scram.finish(data ?? Buffer.alloc(0)));
    // The user may have been deleted, or have another password, since the question was put.
    if (last === null || !user.isCurrent()) {
      const fault = user.fault === null ? '' : ` (${user.fault})`;
      const detail = `SCRAM failed for user ${JSON.stringify(username)}${fault}`;
      throw new LoginRefused(ReasonCode.NotAuthorized, 'wrong user name or password', { detail, isGuess: true, username });
    }
    this.#last = last;
    return username;
  }

  #read<Value>(read: () => Value): Value {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ScramError)) throw error;
      const reason = error.kind === 'channel-binding' ? ReasonCode.BadAuthenticationMethod : ReasonCode.ProtocolError;
      throw new LoginRefused(reason, `${SCRAM_SHA_256}: ${error.message}`, { isGuess: true });
    }
  }
}
