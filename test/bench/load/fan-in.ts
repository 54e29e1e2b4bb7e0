import type { Transport } from '../transport.js';
import { Latency } from './latency.js';
import { Qos0Publisher } from './publisher.js';
import { Qos0Pump } from './qos0-pump.js';
import { Subscriber } from './subscriber.js';

/** Messages that a publisher writes at once. */
export const BATCH = 50;
export const PUBLISHERS = 50;
/** Messages under way at full load: some 400 KB, less than any candidate drops at. */
const WINDOW = 5000;

/** The load of B1: 50 publishers to 1 subscriber, QoS 0, in a closed loop. */
export class FanIn {
  readonly publishers: readonly Qos0Publisher[];
  readonly pump: Qos0Pump;
  readonly received = { count: 0 };
  readonly latency = new Latency();
  readonly #subscriber: Subscriber;
  readonly #prefix: string;

  constructor(port: number, transport: Transport = 'tcp') {
    this.#prefix = `bench/${transport}`;
    this.publishers = Array.from({ length: PUBLISHERS }, (_, i) => {
      return new Qos0Publisher({ port, transport, clientId: `${transport}-pub-${i}`, topic: `${this.#prefix}/${i}`, ring: 1000 });
    });
    this.pump = new Qos0Pump({ publishers: this.publishers, fanOut: 1, window: WINDOW, batch: BATCH });
    const { received, latency, pump } = this;
    this.#subscriber = new Subscriber({
      port,
      transport,
      clientId: `${transport}-sub`,
      received,
      latency,
      onMessages: pump.delivered,
    });
  }

  async connect(): Promise<void> {
    await Promise.all([this.#subscriber, ...this.publishers].map((client) => client.connect()));
    await this.#subscriber.subscribe(`${this.#prefix}/+`, 0);
  }

  close(): void {
    this.pump.stop();
    for (const client of [this.#subscriber, ...this.publishers]) client.close();
  }
}
