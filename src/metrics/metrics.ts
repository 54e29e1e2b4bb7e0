import { Registry } from 'prom-client';
import type { Clock } from '../clock.js';
import { registerBridges } from './bridges.js';
import { registerBroker } from './broker.js';
import { registerConsole } from './console.js';
import { EventLoopProbe } from './event-loop.js';
import { registerField } from './field.js';
import type { MetricsPorts } from './ports.js';
import { registerProcess } from './process.js';
import { registerRules } from './rules.js';
import { registerStorage } from './storage.js';

/**
 * The gateway's metrics for Prometheus, in a registry of their own. Names of devices, buses, bridges and rules are labels;
 * values, payloads, topics, client ids and user names never are.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #eventLoop: EventLoopProbe;

  #scrape = 0;
  #rendering: Promise<string> | null = null;

  constructor(ports: MetricsPorts, clock: Clock) {
    const { gateway, broker, field, bridges, rules, storage, console } = ports;
    this.#eventLoop = new EventLoopProbe(clock);
    registerProcess(this.#registry, gateway, this.#eventLoop);
    registerBroker(this.#registry, {
      status: this.#oncePerScrape(() => broker.status()),
      counters: this.#oncePerScrape(() => broker.counters()),
    });
    registerField(this.#registry, {
      devices: this.#oncePerScrape(() => field.devices()),
      buses: this.#oncePerScrape(() => field.buses()),
    });
    registerBridges(this.#registry, { bridges: this.#oncePerScrape(() => bridges.bridges()) });
    registerRules(this.#registry, { rules: this.#oncePerScrape(() => rules.rules()) });
    registerStorage(this.#registry, { status: this.#oncePerScrape(() => storage.status()) });
    registerConsole(this.#registry, { status: this.#oncePerScrape(() => console.status()) });
  }

  /** Begins to watch the event loop. */
  start(): void {
    this.#eventLoop.start();
  }

  stop(): void {
    this.#eventLoop.stop();
  }

  /** In the Prometheus text format, as of now. */
  render(): Promise<string> {
    this.#rendering ??= this.#render();
    return this.#rendering;
  }

  /** The same, under the name by which the console asks for it. */
  metricsText(): Promise<string> {
    return this.render();
  }

  /** p99 of the event loop's delay over the last 10 s, ms; null: not measured yet. */
  eventLoopDelayMs(): number | null {
    return this.#eventLoop.p99();
  }

  async #render(): Promise<string> {
    this.#scrape++;
    try {
      return await this.#registry.metrics();
    } finally {
      this.#rendering = null;
    }
  }

  /** Many metrics come from one list of a part; building it once is enough, and all of them fit together. */
  #oncePerScrape<T>(read: () => T): () => T {
    let kept: { scrape: number; value: T } | null = null;
    return () => {
      if (kept?.scrape !== this.#scrape) kept = { scrape: this.#scrape, value: read() };
      return kept.value;
    };
  }
}
