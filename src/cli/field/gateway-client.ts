import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { type ErrorCode, FerruleError } from '../../errors.js';
import type { Arguments, Io, Option } from '../command.js';
import { usage } from './options.js';

export const GATEWAY_OPTIONS: Record<string, Option> = {
  url: { type: 'string', value: 'URL', help: 'Web console of the gateway. Default: https://127.0.0.1:8080.' },
  user: {
    type: 'string',
    value: 'NAME',
    help: 'Account of the console. Default: $FERRULE_USER. Its password: $FERRULE_PASSWORD, else asked for.',
  },
  insecure: { type: 'boolean', help: "Take the gateway's certificate unseen. Not needed on this machine itself." },
};

const TIMEOUT_MS = 10_000;
const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]']);

/** The API of a running gateway, logged in for as long as a command runs. */
export class GatewayClient {
  readonly #url: URL;
  readonly #trusting: boolean;
  #cookie = '';
  #csrf = '';

  private constructor(url: URL, trusting: boolean) {
    this.#url = url;
    this.#trusting = trusting;
  }

  static async open(args: Arguments, io: Io): Promise<GatewayClient> {
    const text = args.text('url') ?? 'https://127.0.0.1:8080';
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || !/^https?:$/.test(url.protocol)) throw usage(`--url is an address of a web console, not ${JSON.stringify(text)}.`);
    const username = args.text('user') ?? io.env.FERRULE_USER;
    if (username === undefined) throw usage('This asks the running gateway: name an account of its console with --user.');
    const password = io.env.FERRULE_PASSWORD ?? (await askPassword(username));
    const client = new GatewayClient(url, args.flag('insecure') || LOCAL.has(url.hostname));
    await client.#logIn(username, password);
    return client;
  }

  async get<T>(path: string): Promise<T> {
    return (await this.#json('GET', path, null)).body as T;
  }

  /** Server-sent events until `signal` ends them, or the gateway does. */
  async follow(path: string, onEvent: (event: string, data: unknown) => void, signal: AbortSignal): Promise<void> {
    const response = await this.#send('GET', path, null, signal);
    if (response.statusCode !== 200) throw await refusal(response);
    let event = '';
    try {
      for await (const line of createInterface({ input: response })) {
        if (line.startsWith('event: ')) event = line.slice(7);
        else if (line.startsWith('data: ')) onEvent(event, JSON.parse(line.slice(6)));
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async close(): Promise<void> {
    await this.#json('DELETE', '/session', null).catch(() => {});
  }

  async #logIn(username: string, password: string): Promise<void> {
    const { response, body } = await this.#json('POST', '/session', { username, password });
    this.#cookie = (response.headers['set-cookie'] ?? []).map((cookie) => cookie.split(';', 1)[0]).join('; ');
    this.#csrf = (body as { csrf: string }).csrf;
  }

  async #json(method: string, path: string, body: unknown): Promise<{ response: IncomingMessage; body: unknown }> {
    const response = await this.#send(method, path, body, AbortSignal.timeout(TIMEOUT_MS));
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw await refusal(response);
    const text = await textOf(response);
    return { response, body: text === '' ? null : JSON.parse(text) };
  }

  #send(method: string, path: string, body: unknown, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(`/api/v1${path}`, this.#url);
    const headers = {
      ...(this.#cookie === '' ? {} : { cookie: this.#cookie }),
      ...(this.#csrf === '' ? {} : { 'x-ferrule-csrf': this.#csrf }),
      ...(body === null ? {} : { 'content-type': 'application/json' }),
    };
    return new Promise((resolve, reject) => {
      const options = { method, headers, signal, rejectUnauthorized: !this.#trusting };
      const request = url.protocol === 'https:' ? httpsRequest(url, options, resolve) : httpRequest(url, options, resolve);
      request.on('error', (error) => {
        const hint = /self.signed|certificate/i.test(error.message)
          ? 'Give its certificate to NODE_EXTRA_CA_CERTS, or take it unseen with --insecure.'
          : 'Is the gateway running, and the address right?';
        reject(new FerruleError('FER_CLI_GATEWAY', `${this.#url.origin} can not be asked: ${error.message}.`, { hint, cause: error }));
      });
      request.end(body === null ? undefined : JSON.stringify(body));
    });
  }
}

async function refusal(response: IncomingMessage): Promise<FerruleError> {
  const text = await textOf(response);
  let error: { code?: string; message?: string; hint?: string } | undefined;
  try {
    ({ error } = JSON.parse(text) as { error?: { code: string; message: string; hint?: string } });
  } catch {
    // Not a gateway, or something in between.
  }
  if (error?.message === undefined) {
    const status = response.statusCode ?? 0;
    const hint = status >= 300 && status < 400 ? 'The console wants https: write --url https://...' : 'Is this the address of a gateway?';
    return new FerruleError('FER_CLI_GATEWAY', `The answer has status ${status} and is none of a gateway.`, { hint });
  }
  return new FerruleError(
    (error.code ?? 'FER_CLI_GATEWAY') as ErrorCode,
    error.message,
    error.hint === undefined ? {} : { hint: error.hint },
  );
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Typed unseen on the terminal. */
async function askPassword(username: string): Promise<string> {
  if (!process.stdin.isTTY) throw usage(`The password of ${username} is missing.`, 'Set $FERRULE_PASSWORD.');
  process.stderr.write(`Password of ${username}: `);
  process.stdin.setRawMode(true);
  try {
    return await new Promise((resolve, reject) => {
      let typed = '';
      process.stdin.setEncoding('utf8').on('data', function onKeys(keys: string) {
        for (const key of keys) {
          if (key === '\r' || key === '\n') {
            process.stdin.removeListener('data', onKeys);
            resolve(typed);
            return;
          }
          if (key === '\u0003') {
            process.stdin.removeListener('data', onKeys);
            reject(usage('No password was given.'));
            return;
          }
          typed = key === '\u007f' ? typed.slice(0, -1) : typed + key;
        }
      });
    });
  } finally {
    process.stdin.setRawMode(false);
    process.stdin.pause();
    process.stderr.write('\n');
  }
}
