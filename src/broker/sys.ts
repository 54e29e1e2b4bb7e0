import type { Clock, Timer } from '../clock.js';
import type { Broker } from './broker.js';

/** Publishes the broker's figures under the names that Mosquitto's users know. They are retained in memory only. */
export class SysTopics {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #version: string;
  readonly #startedAt: number;
  readonly #last = new Map<string, string>();
  #timer: Timer | null = null;

  constructor(broker: Broker, clock: Clock, options: { intervalMs: number; version: string }) {
    this.#broker = broker;
    this.#clock = clock;
    this.#intervalMs = options.intervalMs;
    this.#version = options.version;
    this.#startedAt = clock.mono();
  }

  start(): void {
    if (this.#intervalMs === 0 || this.#timer !== null) return;
    this.#timer = this.#clock.setInterval(() => this.#publish(), this.#intervalMs);
    this.#publish();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #publish(): void {
    for (const [name, value] of Object.entries(this.#figures())) {
      if (this.#last.get(name) === value) continue;
      this.#last.set(name, value);
      this.#broker.publishVolatile({ topic: `$SYS/broker/${name}`, payload: Buffer.from(value) });
    }
  }

  #figures(): Record<string, string> {
    const { counters, sessions, router, connectedClients } = this.#broker;
    return {
      version: `ferrule version ${this.#version}`,
      uptime: `${Math.floor((this.#clock.mono() - this.#startedAt) / 1000)} seconds`,
      'clients/connected': String(connectedClients),
      'clients/disconnected': String(sessions.size - connectedClients),
      'clients/total': String(sessions.size),
      'messages/received': String(counters.messagesIn),
      'messages/sent': String(counters.messagesOut),
      'publish/messages/dropped': String(
        counters.droppedSlow + counters.droppedFull + counters.droppedExpired + counters.droppedUndeliverable,
      ),
      'bytes/received': String(counters.bytesIn),
      'bytes/sent': String(counters.bytesOut),
      'subscriptions/count': String(router.subscriptions),
      'retained messages/count': String(router.retained.count),
    };
  }
}
