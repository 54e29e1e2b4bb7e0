import type { Registry } from 'prom-client';
import type { Clock } from '../clock.js';
import { EventLoopProbe } from './event-loop.js';
import type { MetricsPorts } from './ports.js';

/**
 * The gateway's metrics for Prometheus, in a registry of their own. Names of devices, buses, bridges and rules are labels;
 * values, payloads, topics, client ids and user names never are.
 */
export class Metrics {
  readonly #ports: MetricsPorts;
  readonly #eventLoop: EventLoopProbe;
  #registry: Registry | null = null;
  #scrape = 0;
  #rendering: Promise<string> | null = null;

  constructor(ports: MetricsPorts, clock: Clock) {
    this.#ports = ports;
    this.#eventLoop = new EventLoopProbe(clock);
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
      // Loaded only now: many gateways are never scraped.
      const { createRegistry } = await import('./registry.js');
      this.#registry ??= createRegistry(this.#ports, this.#eventLoop, (read) => this.#oncePerScrape(read));
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
