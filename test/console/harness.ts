import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Clock, systemClock } from '../../src/clock.js';
import { Console, type ConsoleOptions } from '../../src/console/console.js';
import { silentLogger } from '../../src/log.js';
import { FakePlant } from './fakes.js';

export const PASSWORD = 'correct horse battery';

/** A console that listens on a free port of 127.0.0.1, stopped and cleaned up after the test. */
export interface Setup {
  console: Console;
  plant: FakePlant;
  /** Shown at the start; null: claimed. */
  code: string | null;
  url: string;
  folder: string;
}

export async function startConsole(t: TestContext, over: Partial<ConsoleOptions> = {}, plant = new FakePlant()): Promise<Setup> {
  const folder = await mkdtemp(join(tmpdir(), 'ferrule-console-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  let code: string | null = null;
  const console = new Console({
    settings: { host: '127.0.0.1', port: 0, tls: 'off' },
    ports: plant.ports(),
    uiDir: join(folder, 'ui'),
    tlsDir: join(folder, 'tls'),
    clock: systemClock,
    log: silentLogger,
    onSetupCode: (shown) => {
      code = shown;
    },
    ...over,
  });
  t.after(() => console.stop());
  await console.start();
  return { console, plant, code, url: console.url() ?? '', folder };
}

/** A browser, as far as the API can tell: keeps its cookie and token. */
export class Visitor {
  readonly url: string;
  cookie = '';
  csrf = '';

  constructor(url: string) {
    this.url = url;
  }

  async request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        ...(this.cookie === '' ? {} : { cookie: this.cookie }),
        ...(this.csrf === '' ? {} : { 'x-ferrule-csrf': this.csrf }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  /** The body of an answer that must have the given status. */
  async json<T = Record<string, unknown>>(
    status: number,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const response = await this.request(method, path, body, headers);
    const text = await response.text();
    if (response.status !== status) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  /** The code of the error that must come with the given status. */
  async refused(status: number, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<string> {
    const { error } = await this.json<{ error: { code: string } }>(status, method, path, body, headers);
    return error.code;
  }

  takeLogin(response: Response, body: { csrf: string }): void {
    this.cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    this.csrf = body.csrf;
  }

  async claim(code: string | null): Promise<void> {
    const response = await this.request('POST', '/setup/claim', { code, username: 'ada', password: PASSWORD });
    const body = (await response.json()) as { csrf: string };
    if (response.status !== 201) throw new Error(`claim answered ${response.status}: ${JSON.stringify(body)}`);
    this.takeLogin(response, body);
  }
}

/** A claimed console and the administrator who claimed it. */
export async function claimedConsole(
  t: TestContext,
  over: Partial<ConsoleOptions> = {},
  plant = new FakePlant(),
): Promise<Setup & { admin: Visitor }> {
  const setup = await startConsole(t, over, plant);
  const admin = new Visitor(setup.url);
  await admin.claim(setup.code);
  return { ...setup, admin };
}

/** The system's clock, moved by hand on top of its own going. */
export function shiftedClock(): Clock & { shift(ms: number): void } {
  let offset = 0;
  return {
    ...systemClock,
    now: () => systemClock.now() + offset,
    mono: () => systemClock.mono() + offset,
    shift: (ms) => {
      offset += ms;
    },
  };
}
