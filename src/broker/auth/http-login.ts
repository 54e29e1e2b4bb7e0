import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../../clock.js';
import { messageOf } from '../../errors.js';
import { ReasonCode } from '../../mqtt/reason-codes.js';
import type { HttpAuthConfig } from '../schema.js';
import { BoundedMap } from './addresses.js';
import { type Login, LoginRefused, type LoginRequest } from './login.js';
import { Turns } from './turns.js';

/** Questions under way at once; further ones wait. */
const MAX_CONCURRENT = 32;
/** Questions that wait; further ones are refused at once. */
const MAX_WAITING = 1000;
const MAX_CACHED = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;

/** Too slow, too early, too many: that says nothing about the client, which must not be banned for it. */
const UNDECIDED = new Set([408, 425, 429]);

const PROTOCOLS = { 3: 'mqtt-3.1', 4: 'mqtt-3.1.1', 5: 'mqtt-5' } as const;

/**
 * Asks a service over HTTP who may come in. What it allowed is remembered for a while; what it denied is not, so that a
 * corrected password works at once. Fails closed: no answer, no entrance.
 */
export class HttpLogin {
  readonly #config: HttpAuthConfig;
  readonly #clock: Clock;
  /** Credentials are remembered by a keyed hash; the key is gone with the process. */
  readonly #secret = randomBytes(32);
  /** Monotonic ms until which an answer holds. */
  readonly #allowed = new BoundedMap<number>(MAX_CACHED);
  readonly #turns = new Turns(MAX_CONCURRENT, MAX_WAITING);

  constructor(config: HttpAuthConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  /** Rejects with LoginRefused. */
  async login(request: LoginRequest): Promise<Login> {
    const key = this.#keyOf(request);
    const login: Login = { username: request.username, provider: 'http', expiresAt: null };
    if ((this.#allowed.get(key) ?? 0) > this.#clock.mono()) return login;
    if (this.#turns.isFull) {
      const detail = `more than ${MAX_WAITING} logins wait for the authentication service`;
      throw new LoginRefused(ReasonCode.ServerBusy, 'too many logins at once', { detail });
    }
    const verdict = await this.#turns
      .run(() => this.#ask(request))
      .catch((error: unknown) => {
        const detail = `the authentication service failed: ${messageOf(error)}`;
        throw new LoginRefused(ReasonCode.ServerUnavailable, 'the authentication service does not answer', { detail });
      });
    if (verdict === 'deny') throw new LoginRefused(ReasonCode.NotAuthorized, 'wrong user name or password', { isGuess: true });
    if (this.#config.cache > 0) this.#allowed.set(key, this.#clock.mono() + this.#config.cache);
    return login;
  }

  async #ask({ username, password, clientId, address, version }: LoginRequest): Promise<'allow' | 'deny'> {
    const abort = new AbortController();
    const timer = this.#clock.setTimeout(() => abort.abort(new Error(`no answer within ${this.#config.timeout} ms`)), this.#config.timeout);
    try {
      const response = await fetch(this.#config.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/plain' },
        body: JSON.stringify({
          username,
          password: password === null ? null : password.toString(),
          client_id: clientId,
          address,
          protocol: PROTOCOLS[version],
        }),
        redirect: 'error',
        signal: abort.signal,
      });
      if (response.status === 204) return 'allow';
      if (response.status >= 400 && response.status < 500 && !UNDECIDED.has(response.status)) {
        await response.body?.cancel();
        return 'deny';
      }
      if (!response.ok) {
        await response.body?.cancel();
        throw new Error(`HTTP status ${response.status}`);
      }
      return readVerdict(await readText(response));
    } finally {
      timer.cancel();
    }
  }

  #keyOf({ username, password, clientId, address }: LoginRequest): string {
    const hash = createHmac('sha256', this.#secret).update(JSON.stringify([username, clientId, address]));
    return hash.update(password ?? '').digest('base64');
  }
}

/** `{"result": "allow"}` as EMQX has it, or the bare word as RabbitMQ has it (`allow administrator` with its tags). */
function readVerdict(text: string): 'allow' | 'deny' {
  const word = /^\s*(allow|deny|ignore)\b/.exec(text)?.[1] ?? resultOf(text);
  // `ignore`: the service does not know; it is the last one asked, so nobody else does.
  if (word === 'allow') return 'allow';
  if (word === 'deny' || word === 'ignore') return 'deny';
  throw new Error('the answer is neither allow nor deny');
}

function resultOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { result?: unknown } | null)?.result;
  } catch {
    return undefined;
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
