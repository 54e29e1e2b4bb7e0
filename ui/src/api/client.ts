import { t } from '../i18n/translate.js';

const PREFIX = '/api/v1';
const TIMEOUT_MS = 30_000;

/** An answer of the gateway that is not a success, or none at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  /** Of an invalid request: the place in it, such as `body/topic`. */
  readonly subject: string | undefined;

  constructor(status: number, code: string, message: string, hint?: string, subject?: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.subject = subject;
  }
}

/** What the client needs of the login; state/session.ts provides it. */
export interface LoginHooks {
  csrf(): string | null;
  /** The gateway says that there is no login (any more). */
  ended(): void;
  /** The token was refused: fetches the login again; false: there is none. */
  renew(): Promise<boolean>;
}

let hooks: LoginHooks = { csrf: () => null, ended: () => {}, renew: async () => false };

export function useLogin(next: LoginHooks): void {
  hooks = next;
}

/** Asks the gateway. @throws ApiError */
export async function request<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T> {
  try {
    return await send<T>(method, path, body);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // After a restart of the gateway the token may be another one.
    if (error.code === 'FER_CONSOLE_CSRF' && (await hooks.renew())) return await send<T>(method, path, body);
    if (error.code === 'FER_CONSOLE_LOGIN_REQUIRED') hooks.ended();
    throw error;
  }
}

async function send<T>(method: string, path: string, body: unknown): Promise<T> {
  const csrf = method === 'GET' ? null : hooks.csrf();
  const response = await reach(`${PREFIX}${path}`, {
    method,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(csrf === null ? {} : { 'x-ferrule-csrf': csrf }),
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text().catch(() => '');
  if (!response.ok) throw errorOf(response.status, text);
  return (text === '' ? null : JSON.parse(text)) as T;
}

/** The live stream of some views; its body is to be read. @throws ApiError */
export async function openStream(views: readonly string[], signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const names = views.map((view) => encodeURIComponent(encodeURIComponent(view))).join(',');
  const response = await reach(`${PREFIX}/stream?views=${names}`, { headers: { accept: 'text/event-stream' }, signal });
  if (!response.ok || response.body === null) throw errorOf(response.status, await response.text().catch(() => ''));
  return response.body;
}

/** The packets of one client, as they come, with so many bytes of each payload. @throws ApiError */
export function openTrace(client: string, payload: number, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  return openEvents(`/trace?client=${encodeURIComponent(client)}&payload=${payload}`, signal);
}

/** The frames of a bus, as they come. @throws ApiError */
export function openFrames(bus: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  return openEvents(`/buses/${encodeURIComponent(bus)}/frames`, signal);
}

async function openEvents(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const response = await reach(`${PREFIX}${path}`, { headers: { accept: 'text/event-stream' }, signal });
  if (!response.ok || response.body === null) throw errorOf(response.status, await response.text().catch(() => ''));
  return response.body;
}

/** Resolves where the gateway answers at all. @throws ApiError */
export async function probe(signal: AbortSignal): Promise<void> {
  await reach('/healthz', { signal, cache: 'no-store' });
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { credentials: 'same-origin', ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'TimeoutError') {
      throw new ApiError(0, 'TIMEOUT', t('error.timeout'), t('error.timeout.hint'));
    }
    throw new ApiError(0, 'NO_CONNECTION', t('error.network'), t('error.network.hint'));
  }
}

function errorOf(status: number, text: string): ApiError {
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string; hint?: string; where?: { subject?: string } } };
    return new ApiError(status, error.code, error.message, error.hint, error.where?.subject);
  } catch {
    return new ApiError(status, `HTTP ${status}`, t('error.unexpected', { status }));
  }
}

/** Anything that was thrown, as something to show. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return new ApiError(0, 'CONSOLE', thrown instanceof Error ? thrown.message : String(thrown));
}
