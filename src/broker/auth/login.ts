import type { ProtocolVersion } from '../../mqtt/packets.js';

/** Who decided that a client may come in. */
export type LoginProvider = 'anonymous' | 'certificate' | 'jwt' | 'store' | 'scram' | 'http';

export interface LoginRequest {
  username: string | null;
  password: Buffer | null;
  clientId: string;
  address: string | null;
  version: ProtocolVersion;
  /** The user of a verified client certificate; null: none. */
  certificateUser: string | null;
}

export interface Login {
  /** null: nobody in particular. */
  username: string | null;
  provider: LoginProvider;
  /** Wall ms at which the connection ends; null: never. */
  expiresAt: number | null;
}

interface RefusalDetails {
  detail?: string;
  isGuess?: boolean;
  username?: string | null;
}

/**
 * A login that is refused; aedes' `returnCode` says it in the words of 3.1.1. The message may be shown to the client; what
 * only the log should know is in `detail`.
 */
export class LoginRefused extends Error {
  /** A v5 reason code. */
  readonly reasonCode: number;
  readonly detail: string;
  /** The client had something wrong, and could go on guessing: counts towards a ban. */
  readonly isGuess: boolean;
  /** Whom it named, where that is not the user name of CONNECT. */
  readonly username: string | null;

  constructor(reasonCode: number, message: string, { detail = message, isGuess = false, username = null }: RefusalDetails = {}) {
    super(message);
    this.name = 'LoginRefused';
    this.reasonCode = reasonCode;
    this.detail = detail;
    this.isGuess = isGuess;
    this.username = username;
  }
}
