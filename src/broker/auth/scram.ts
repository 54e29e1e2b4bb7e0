import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { saslPrep } from './saslprep.js';

/** The one method of enhanced authentication, as it is named in CONNECT and AUTH. */
export const SCRAM_SHA_256 = 'SCRAM-SHA-256';

/** What small devices still compute within a second or two; RFC 7677 asks for 4096 at least. */
export const SCRAM_ITERATIONS = 16_384;

/** What the server keeps of a password (RFC 5802, 3); base64. Neither the password nor a login can be made of it. */
export interface ScramCredentials {
  salt: string;
  iterations: number;
  storedKey: string;
  serverKey: string;
}

/** What a client sent is no SCRAM message, or asks for what is not supported. */
export class ScramError extends Error {
  readonly kind: 'malformed' | 'channel-binding';

  constructor(kind: 'malformed' | 'channel-binding', message: string) {
    super(message);
    this.name = 'ScramError';
    this.kind = kind;
  }
}

/** client-first-message, taken apart. */
export interface ScramClientFirst {
  username: string;
  /** `n,,`, `y,,` or the same with an authzid; comes back, encoded, in the client's last message. */
  gs2Header: string;
  nonce: string;
  /** The message without the header: the first part of what is signed. */
  bare: string;
}

/** Computes what is stored for a password. Rejects with ScramError where SCRAM can't carry the password. */
export async function deriveScram(
  password: string,
  salt: Buffer = randomBytes(16),
  iterations: number = SCRAM_ITERATIONS,
): Promise<ScramCredentials> {
  const prepared = saslPrep(password);
  if (prepared === null) throw new ScramError('malformed', 'a password with characters that SASLprep forbids');
  const salted = await new Promise<Buffer>((resolve, reject) => {
    pbkdf2(prepared, salt, iterations, 32, 'sha256', (error, key) => (error === null ? resolve(key) : reject(error)));
  });
  return {
    salt: salt.toString('base64'),
    iterations,
    storedKey: createHash('sha256').update(hmac(salted, 'Client Key')).digest('base64'),
    serverKey: hmac(salted, 'Server Key').toString('base64'),
  };
}

/** What an unknown user is asked with: the same salt each time, as a known one's is, and keys that nothing answers. */
export function decoyScram(secret: Buffer, username: string): ScramCredentials {
  const part = (name: string): Buffer => createHmac('sha256', secret).update(`${name}\0${username}`).digest();
  return {
    salt: part('salt').subarray(0, 16).toString('base64'),
    iterations: SCRAM_ITERATIONS,
    storedKey: part('stored').toString('base64'),
    serverKey: part('server').toString('base64'),
  };
}

/** Reads client-first-message (RFC 5802, 5.1 and 7). Throws ScramError. */
export function readClientFirst(data: Buffer): ScramClientFirst {
  const text = utf8(data);
  const header = /^(?:([ny])|p=[^,]*),(?:a=([^,]+))?,/.exec(text);
  if (header === null) throw new ScramError('malformed', 'no GS2 header');
  if (header[1] === undefined) throw new ScramError('channel-binding', 'channel binding is not supported');
  const bare = text.slice(header[0].length);
  const attributes = /^n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]+)*$/.exec(bare);
  // An attribute m= would have to be understood (RFC 5802, 5.1); it would stand before n=, and there is none.
  if (attributes === null) throw new ScramError('malformed', 'the first message is not n=...,r=...');
  const username = saslName(attributes[1]!);
  if (header[2] !== undefined && saslName(header[2]) !== username)
    throw new ScramError('malformed', 'to act as another user is not supported');
  return { username, gs2Header: header[0], nonce: attributes[2]!, bare };
}

/** The server's side of one exchange: asks with `challenge`, judges the answer with `finish`. */
export class ScramExchange {
  readonly challenge: Buffer;
  readonly #first: ScramClientFirst;
  readonly #credentials: ScramCredentials;
  readonly #nonce: string;

  /** `serverNonce` is for tests alone. */
  constructor(first: ScramClientFirst, credentials: ScramCredentials, serverNonce: string = randomBytes(18).toString('base64')) {
    this.#first = first;
    this.#credentials = credentials;
    this.#nonce = first.nonce + serverNonce;
    this.challenge = Buffer.from(`r=${this.#nonce},s=${credentials.salt},i=${credentials.iterations}`);
  }

  /** The server's last message where client-final-message proves the password; null: it does not. Throws ScramError. */
  finish(data: Buffer): Buffer | null {
    const text = utf8(data);
    const parts = /^(c=([A-Za-z0-9+/=]+),r=([^,]+)(?:,[A-Za-z]=[^,]+)*),p=([A-Za-z0-9+/=]+)$/.exec(text);
    if (parts === null) throw new ScramError('malformed', 'the last message is not c=...,r=...,p=...');
    const [, withoutProof, binding, nonce, proof] = parts as unknown as [string, string, string, string, string];
    if (Buffer.from(binding, 'base64').toString() !== this.#first.gs2Header) return null;
    if (nonce !== this.#nonce) return null;
    const signed = `${this.#first.bare},${this.challenge.toString()},${withoutProof}`;
    const storedKey = Buffer.from(this.#credentials.storedKey, 'base64');
    const given = Buffer.from(proof, 'base64');
    const signature = hmac(storedKey, signed);
    if (given.length !== signature.length) return null;
    const clientKey = Buffer.from(given.map((byte, index) => byte ^ signature[index]!));
    if (!timingSafeEqual(createHash('sha256').update(clientKey).digest(), storedKey)) return null;
    const serverSignature = hmac(Buffer.from(this.#credentials.serverKey, 'base64'), signed);
    return Buffer.from(`v=${serverSignature.toString('base64')}`);
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function utf8(data: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch {
    throw new ScramError('malformed', 'not UTF-8');
  }
}

/** `=2C` is a comma, `=3D` an equals sign; any other `=` is an error. */
function saslName(encoded: string): string {
  const plain = encoded.replaceAll('=2C', ',').replaceAll('=3D', '\0');
  const name = plain.includes('=') ? null : saslPrep(plain.replaceAll('\0', '='));
  if (name === null || name === '') throw new ScramError('malformed', 'a user name that is not possible');
  return name;
}
