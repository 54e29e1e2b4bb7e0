import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { LOCAL_SOCKET } from '../../console/local-socket.js';
import { type ErrorCode, FerruleError } from '../../errors.js';
import { withoutSubject } from '../../field/tools/say-once.js';
import type { Arguments, Io, Option } from '../command.js';
import { DATA_OPTION, dataDirectory } from '../places.js';
import { usage } from './options.js';
import { askPassword } from './password.js';
import { refuseWrongProtocol } from './protocol.js';

export const GATEWAY_OPTIONS: Record<string, Option> = {
  data: { ...DATA_OPTION, help: 'Data folder of the gateway that runs here. Default: /var/lib/ferrule.' },
  url: { type: 'string', value: 'URL', help: 'Web console of a gateway elsewhere. Default with --user: https://127.0.0.1:8080.' },
  user: {
    type: 'string',
    value: 'NAME',
    help: 'Account of the console. Default: $FERRULE_USER. Its password: $FERRULE_PASSWORD, else asked for.',
  },
  insecure: { type: 'boolean', help: "Take the gateway's certificate unseen. Not needed on this machine itself." },
};

const LOGIN_TIMEOUT_MS = 10_000;
/** A bus may be slow, and others may wait for it too. */
const TIMEOUT_MS = 60_000;
const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]']);
const HOW_ELSE = 'Name its data folder with --data, or log in to its console with --url and --user.';

/** Where the API is: at an address, or on a socket of this machine. */
type Endpoint = { url: URL; trusting: boolean } | { socketPath: string };

/** The API of a running gateway, for as long as a command runs. */
export class GatewayClient {
  readonly #endpoint: Endpoint;
  #cookie = '';
  #csrf = '';

  private constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /**
   * The gateway that the options name: by its web console, with a login, or else the one that runs here with this data folder.
   * Rejects with FER_CLI_GATEWAY where there is none.
   */
  static async open(args: Arguments, io: Io): Promise<GatewayClient> {
    const username = args.text('user') ?? io.env.FERRULE_USER;
    if (args.text('url') === undefined && username === undefined) {
      const here = await GatewayClient.here(args, io);
      if (here !== null) return here;
      const folder = dataDirectory(args.text('data'), io.env);
      throw new FerruleError('FER_CLI_GATEWAY', `No gateway runs here with the data folder ${folder}.`, { hint: HOW_ELSE });
    }
    const text = args.text('url') ?? 'https://127.0.0.1:8080';
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || !/^https?:$/.test(url.protocol)) throw usage(`--url is an address of a web console, not ${JSON.stringify(text)}.`);
    if (username === undefined) throw usage('This asks a gateway elsewhere: name an account of its console with --user.');
    await refuseWrongProtocol(url);
    const password = io.env.FERRULE_PASSWORD ?? (await askPassword(username));
    const client = new GatewayClient({ url, trusting: args.flag('insecure') || LOCAL.has(url.hostname) });
    await client.#logIn(username, password);
    return client;
  }

  /**
   * The gateway that runs here with this data folder, over its local socket, which needs no login; null: none runs. Rejects
   * with FER_CLI_GATEWAY where this user may not ask.
   */
  static async here(args: Arguments, io: Io): Promise<GatewayClient | null> {
    const folder = resolve(dataDirectory(args.text('data'), io.env));
    const socketPath = join(folder, LOCAL_SOCKET);
    const answer = await knock(socketPath);
    if (answer === 'silent') return null;
    if (answer === 'open') return new GatewayClient({ socketPath });
    throw new FerruleError('FER_CLI_GATEWAY', `This user may not ask the gateway with the data folder ${folder}.`, {
      hint: `Ask with sudo, or log in to its console with --user.`,
    });
  }

  async get<T>(path: string): Promise<T> {
    return (await this.#json('GET', path, null)).body as T;
  }

  async post<T>(path: string, body: object): Promise<T> {
    return (await this.#json('POST', path, body)).body as T;
  }

  async delete(path: string): Promise<void> {
    await this.#json('DELETE', path, null);
  }

  /** Server-sent events until `signal` ends them, or the gateway does. */
  async follow(
    path: string,
    onEvent: (event: string, data: unknown) => void,
    signal: AbortSignal,
    onOpen: () => void = () => {},
  ): Promise<void> {
    const response = await this.#send('GET', path, null, signal);
    if (response.statusCode !== 200) throw await refusal(response);
    onOpen();
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
    if (this.#cookie !== '') await this.delete('/session').catch(() => {});
  }

  async #logIn(username: string, password: string): Promise<void> {
    const { response, body } = await this.#json('POST', '/session', { username, password }, LOGIN_TIMEOUT_MS);
    this.#cookie = (response.headers['set-cookie'] ?? []).map((cookie) => cookie.split(';', 1)[0]).join('; ');
    this.#csrf = (body as { csrf: string }).csrf;
  }

  async #json(method: string, path: string, body: unknown, timeoutMs = TIMEOUT_MS): Promise<{ response: IncomingMessage; body: unknown }> {
    const response = await this.#send(method, path, body, AbortSignal.timeout(timeoutMs));
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw await refusal(response);
    const text = await textOf(response);
    return { response, body: text === '' ? null : JSON.parse(text) };
  }

  #send(method: string, path: string, body: unknown, signal: AbortSignal): Promise<IncomingMessage> {
    const endpoint = this.#endpoint;
    const headers = {
      ...(this.#cookie === '' ? {} : { cookie: this.#cookie }),
      ...(this.#csrf === '' ? {} : { 'x-ferrule-csrf': this.#csrf }),
      ...(body === null ? {} : { 'content-type': 'application/json' }),
    };
    return new Promise((resolve, reject) => {
      const request = requestTo(endpoint, `/api/v1${path}`, { method, headers, signal }, resolve);
      request.on('error', (error) => reject(unreachable(endpoint, error)));
      request.end(body === null ? undefined : JSON.stringify(body));
    });
  }
}

function requestTo(
  endpoint: Endpoint,
  path: string,
  options: RequestOptions,
  onAnswer: (response: IncomingMessage) => void,
): ClientRequest {
  if ('socketPath' in endpoint) return httpRequest({ ...options, socketPath: endpoint.socketPath, path }, onAnswer);
  const url = new URL(path, endpoint.url);
  if (url.protocol === 'http:') return httpRequest(url, options, onAnswer);
  return httpsRequest(url, { ...options, rejectUnauthorized: !endpoint.trusting }, onAnswer);
}

function unreachable(endpoint: Endpoint, error: Error): FerruleError {
  const name = 'url' in endpoint ? endpoint.url.origin : endpoint.socketPath;
  const hint = /self.signed|certificate/i.test(error.message)
    ? 'Give its certificate to NODE_EXTRA_CA_CERTS, or take it unseen with --insecure.'
    : 'Is the gateway running, and the address right?';
  const reason = withoutSubject(error.message, 'url' in endpoint ? endpoint.url.host : endpoint.socketPath);
  return new FerruleError('FER_CLI_GATEWAY', `${name} can not be asked: ${reason}.`, { hint, cause: error });
}

/** Whether a gateway listens there. `denied`: it may, and this user can't know. */
function knock(path: string): Promise<'open' | 'silent' | 'denied'> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('open');
    });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EACCES' || error.code === 'EPERM' ? 'denied' : 'silent'),
    );
  });
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
    const message = `The answer has status ${response.statusCode ?? 0} and is none of a gateway.`;
    return new FerruleError('FER_CLI_GATEWAY', message, { hint: 'Is this the address of a gateway?' });
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
