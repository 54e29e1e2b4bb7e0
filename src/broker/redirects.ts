import { FerruleError } from '../errors.js';
import { ReasonCode } from '../mqtt/reason-codes.js';
import type { Broker } from './broker.js';
import type { Connection } from './connection.js';

const COLLECTION = 'broker';
const KEY = 'redirect';
/** 4.11: one address or several, with a space between. */
const REFERENCE = /^[^\s]+( [^\s]+)*$/;

/** Where clients are sent instead. */
export interface Redirect {
  /** What MQTT 5 calls the server reference: `host`, `host:port`, or several of them with a space between. */
  server: string;
  /** The server has moved (0x9D), rather than: use another one for now (0x9C). */
  permanent: boolean;
  /** Client ids that are served all the same; `*` stands for any run of characters. */
  allow: string[];
}

/** `api`: set through the API, which wins over the configuration until it is taken back there. */
export type RedirectStatus = Redirect & { source: 'configuration' | 'api' };

/** Sends clients to another server: those that come, and those that are here when it is set. */
export class Redirects {
  readonly #broker: Broker;
  #configured: Redirect | null = null;
  #set: Redirect | null = null;
  #allow: RegExp | null = null;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** null: everybody is served. */
  get current(): RedirectStatus | null {
    if (this.#set !== null) return { ...this.#set, source: 'api' };
    return this.#configured === null ? null : { ...this.#configured, source: 'configuration' };
  }

  /** Takes up what was set through the API before a restart. */
  async load(): Promise<void> {
    this.#set = await this.#broker.store.documents.get<Redirect>(COLLECTION, KEY);
    this.#apply();
  }

  /** What the configuration says; null: nothing. */
  configure(redirect: Redirect | null): void {
    this.#configured = redirect;
    this.#apply();
  }

  /** From now on, over restarts; null: what the configuration says holds again. Resolves when it is on disk. Throws FER_BROKER_REDIRECT. */
  async set(redirect: Redirect | null): Promise<void> {
    if (redirect !== null && !REFERENCE.test(redirect.server)) {
      throw new FerruleError('FER_BROKER_REDIRECT', `${JSON.stringify(redirect.server)} is no server reference`, {
        hint: 'Give a host, host:port, or several of them with one space between.',
      });
    }
    const { documents } = this.#broker.store;
    this.#set = redirect;
    this.#apply();
    await (redirect === null ? documents.delete(COLLECTION, KEY) : documents.put(COLLECTION, KEY, redirect));
  }

  /** Where this client is to go; null: it is served. */
  of(clientId: string): { reasonCode: number; server: string } | null {
    const redirect = this.#set ?? this.#configured;
    if (redirect === null || (clientId !== '' && this.#allow?.test(clientId) === true)) return null;
    return { reasonCode: redirect.permanent ? ReasonCode.ServerMoved : ReasonCode.UseAnotherServer, server: redirect.server };
  }

  #apply(): void {
    const redirect = this.#set ?? this.#configured;
    this.#allow = redirect === null || redirect.allow.length === 0 ? null : patternOf(redirect.allow);
    for (const connection of [...this.#broker.connections]) this.#send(connection);
  }

  #send(connection: Connection): void {
    const target = connection.connected ? this.of(connection.id) : null;
    if (target === null) return;
    this.#broker.counters.redirected++;
    connection.disconnect(target.reasonCode, `clients are served by ${target.server}`, target.server);
  }
}

function patternOf(allow: readonly string[]): RegExp {
  const escaped = allow.map((each) => each.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*'));
  return new RegExp(`^(?:${escaped.join('|')})$`, 's');
}
