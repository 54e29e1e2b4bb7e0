import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isIPv6 } from 'node:net';
import type { Clock, Timer } from '../clock.js';
import { FerruleError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import { Accounts } from './accounts.js';
import { Attempts } from './attempts.js';
import { type Certificate, loadCertificate, RENEW_BEFORE_MS } from './certificate.js';
import { Claim } from './claim.js';
import { trackRequests } from './drain.js';
import type { App } from './http.js';
import { LocalPeers, LocalSocket } from './local-socket.js';
import { Logins } from './logins.js';
import { Passwords } from './passwords.js';
import type { ConsolePorts } from './ports.js';
import type { ConsoleSettings } from './schema.js';
import { STREAM_LIMITS, StreamHub, type StreamLimits } from './stream-hub.js';
import { TopicCache } from './topic-cache.js';
import { TraceStreams } from './trace-streams.js';

export interface ConsoleOptions {
  settings: ConsoleSettings;
  ports: ConsolePorts;
  /** The built web console: index.html and assets/. */
  uiDir: string;
  /** Where the console keeps its own certificate. */
  tlsDir: string;
  /** The socket for commands on this machine, which need no login there; none: there is no such socket. */
  localSocket?: string;
  clock: Clock;
  log: Logger;
  /** Called at each start of a gateway that has not been claimed, with what a person needs for it. */
  onSetupCode?: (code: string, url: string) => void;
  streamLimits?: StreamLimits;
}

/** Requests that are being answered may take this long after a stop began. */
const STOP_GRACE_MS = 1000;

interface Running {
  app: App;
  local: LocalSocket | null;
  drain: () => void;
  topics: TopicCache;
  streams: StreamHub;
  traces: TraceStreams;
  renewal: Timer | null;
}

/** The web console and its HTTP API. */
export class Console {
  readonly #options: ConsoleOptions;
  #running: Running | null = null;
  #work: Promise<void> = Promise.resolve();
  #url: string | null = null;

  constructor(options: ConsoleOptions) {
    this.#options = options;
  }

  /**
   * Resolves when it listens.
   * @throws FER_CONSOLE_PORT_IN_USE, FER_CONSOLE_LISTEN, FER_CONSOLE_CERTIFICATE
   */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#running === null) await this.#start();
    });
  }

  /** Ends streams and connections; takes about a second at most. */
  stop(): Promise<void> {
    return this.#inTurn(async () => {
      const running = this.#running;
      this.#running = null;
      this.#url = null;
      if (running !== null) await shutDown(running, this.#options.clock);
    });
  }

  /** Where it listens; null: not started. */
  address(): AddressInfo | null {
    const address = this.#running?.app.server.address() ?? null;
    return typeof address === 'string' ? null : address;
  }

  /** As a person would type it on this machine or another; null: not started. */
  url(): string | null {
    return this.#url;
  }

  /** Live streams: how many are open, and how many were cut off and refused since the start. */
  status(): { streams: number; streamsCutOff: number; streamsRefused: number } {
    const streams = this.#running?.streams;
    return { streams: streams?.open ?? 0, streamsCutOff: streams?.cutOff ?? 0, streamsRefused: streams?.refused ?? 0 };
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#work.then(work);
    this.#work = turn.catch(() => undefined);
    return turn;
  }

  async #start(): Promise<void> {
    const { settings, ports, uiDir, tlsDir, localSocket: path, clock, log, streamLimits } = this.#options;
    const passwords = new Passwords();
    const accounts = new Accounts(ports.documents, passwords, clock);
    const logins = new Logins(ports.documents, accounts, clock, log);
    const attempts = new Attempts(clock);
    const claim = new Claim(ports.documents, accounts, attempts);
    const topics = new TopicCache(ports.messaging, clock);
    const streams = new StreamHub({ ports, topics, clock }, logins, log, streamLimits ?? STREAM_LIMITS);
    const traces = new TraceStreams(logins, clock);
    await accounts.load();
    await logins.load();
    const code = await claim.load();
    const certificate = await loadCertificate(settings.tls, tlsDir, clock);
    const peers = new LocalPeers();
    const parts = { ports, clock, log, accounts, logins, claim, attempts, topics, streams, traces };
    const context = { ...parts, local: peers, secure: certificate !== null };
    // Loaded only now, and not with the gateway: clients of the broker need not wait for it.
    const { createApp } = await import('./server.js');
    const app = await createApp(context, certificate, uiDir);
    const drain = trackRequests(app.server);
    await listen(app, settings);
    const handler = (request: IncomingMessage, response: ServerResponse) => app.routing(request, response);
    const local = path === undefined ? null : await LocalSocket.open({ path, handler, peers, log });
    const renewal = certificate === null ? null : this.#renewInTime(app, certificate);
    this.#running = { app, local, drain, topics, streams, traces, renewal };
    this.#url = urlOf(app, settings, certificate !== null);
    log.info({ url: this.#url, claimed: claim.claimed }, 'the web console listens');
    if (code !== null) {
      log.info({ setupCode: code, url: this.#url }, 'this gateway has not been claimed: open the web console and enter the setup code');
      this.#options.onSetupCode?.(code, this.#url);
    }
  }

  /** A gateway may run for years: its own certificate is replaced while it serves. */
  #renewInTime(app: App, certificate: Certificate): Timer | null {
    if (certificate.validUntil === null) return null;
    const { clock, log, settings, tlsDir } = this.#options;
    const renew = async () => {
      const next = await loadCertificate(settings.tls, tlsDir, clock);
      if (next === null || this.#running?.app !== app) return;
      if (next.cert !== certificate.cert && 'setSecureContext' in app.server && typeof app.server.setSecureContext === 'function') {
        app.server.setSecureContext({ cert: next.cert, key: next.key });
        log.info({}, 'the certificate of the web console was renewed');
      }
      this.#running.renewal = this.#renewInTime(app, next);
    };
    const delay = Math.max(60_000, certificate.validUntil - RENEW_BEFORE_MS - clock.now() + 1000);
    return clock.setTimeout(() => {
      renew().catch((error: unknown) => log.error({ error: messageOf(error) }, 'the certificate of the web console could not be renewed'));
    }, delay);
  }
}

async function listen(app: App, settings: ConsoleSettings): Promise<void> {
  const { host, port } = settings;
  try {
    await app.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EAFNOSUPPORT' && host === '::') return await listen(app, { ...settings, host: '0.0.0.0' });
    await app.close();
    throw listenError(code, error, settings);
  }
}

function listenError(code: unknown, cause: unknown, { host, port }: ConsoleSettings): FerruleError {
  const where = { subject: 'web console' };
  switch (code) {
    case 'EADDRINUSE':
      return new FerruleError('FER_CONSOLE_PORT_IN_USE', `Port ${port} of the web console is in use by another program.`, {
        where,
        hint: `Stop the other program (\`ss -ltnp 'sport = :${port}'\` names it) or set another \`console.port\`.`,
        cause,
      });
    case 'EACCES':
      return new FerruleError('FER_CONSOLE_LISTEN', `The gateway may not listen on port ${port}.`, {
        where,
        hint: 'Set `console.port` to 1024 or above.',
        cause,
      });
    case 'EADDRNOTAVAIL':
      return new FerruleError('FER_CONSOLE_LISTEN', `This machine has no address ${host}.`, {
        where,
        hint: 'Set `console.host` to :: for every address.',
        cause,
      });
    default:
      return new FerruleError('FER_CONSOLE_LISTEN', `The web console cannot listen: ${messageOf(cause)}.`, {
        where,
        hint: 'Check `console.host` and `console.port`.',
        cause,
      });
  }
}

function urlOf(app: App, { host }: ConsoleSettings, secure: boolean): string {
  const address = app.server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const everywhere = host === '::' || host === '0.0.0.0';
  const name = everywhere ? 'localhost' : isIPv6(host) ? `[${host}]` : host;
  return `${secure ? 'https' : 'http'}://${name}:${port}`;
}

async function shutDown({ app, local, drain, topics, streams, traces, renewal }: Running, clock: Clock): Promise<void> {
  renewal?.cancel();
  streams.stop();
  traces.stop();
  topics.stop();
  drain();
  const force = clock.setTimeout(() => app.server.closeAllConnections(), STOP_GRACE_MS);
  await Promise.all([app.close(), local?.close(clock, STOP_GRACE_MS)]);
  force.cancel();
}
