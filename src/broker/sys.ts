import { getHeapStatistics } from 'node:v8';
import type { Clock, Timer } from '../clock.js';
import type { Broker } from './broker.js';
import type { BrokerCounters } from './limits.js';
import { LOAD_MINUTES, LoadAverage } from './load-average.js';

/** Below `$SYS/broker/load`, and the total that each is the rate of. */
const LOADS: Record<string, (counters: BrokerCounters) => number> = {
  'messages/received': (counters) => counters.packetsIn,
  'messages/sent': (counters) => counters.packetsOut,
  'publish/received': (counters) => counters.messagesIn,
  'publish/sent': (counters) => counters.messagesOut,
  'publish/dropped': droppedOf,
  'bytes/received': (counters) => counters.bytesIn,
  'bytes/sent': (counters) => counters.bytesOut,
  sockets: (counters) => counters.connectionsAccepted,
  connections: (counters) => counters.connectPackets,
};

/** Messages that were dropped, for all reasons. */
export function droppedOf(counters: BrokerCounters): number {
  return counters.droppedSlow + counters.droppedFull + counters.droppedExpired + counters.droppedUndeliverable;
}

/** Publishes the broker's figures under the names that Mosquitto's users know. They are retained in memory only. */
export class SysTopics {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #version: string;
  readonly #startedAt: number;
  readonly #last = new Map<string, string>();
  readonly #loads: Map<string, LoadAverage>;
  #intervalMs: number;
  #lookedAt: number;
  #heapMaximum = 0;
  #timer: Timer | null = null;

  constructor(broker: Broker, clock: Clock, options: { intervalMs: number; version: string }) {
    this.#broker = broker;
    this.#clock = clock;
    this.#intervalMs = options.intervalMs;
    this.#version = options.version;
    this.#startedAt = clock.mono();
    this.#lookedAt = this.#startedAt;
    this.#loads = new Map(Object.entries(LOADS).map(([name, total]) => [name, new LoadAverage(total(broker.counters))]));
  }

  /** Another interval, from now on; 0: nothing is published. Uptime and means go on. */
  setInterval(intervalMs: number): void {
    if (intervalMs === this.#intervalMs) return;
    this.stop();
    this.#intervalMs = intervalMs;
    this.start();
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
    this.#updateLoads();
    for (const [name, value] of Object.entries(this.#figures())) {
      if (this.#last.get(name) === value) continue;
      this.#last.set(name, value);
      this.#broker.publishVolatile({ topic: `$SYS/broker/${name}`, payload: Buffer.from(value) });
    }
  }

  #updateLoads(): void {
    const now = this.#clock.mono();
    for (const [name, load] of this.#loads) load.update(LOADS[name]!(this.#broker.counters), now - this.#lookedAt);
    this.#lookedAt = now;
  }

  #figures(): Record<string, string> {
    const { counters, sessions, router, connectedClients, maxConnected } = this.#broker;
    const clients = sessions.size - sessions.internal;
    const { retained, groups } = router;
    let stored = retained.count;
    let storedBytes = retained.bytes;
    let inflight = 0;
    for (const { queue } of sessions.all()) {
      inflight += queue.inflight;
      stored += queue.count;
      storedBytes += queue.bytes;
    }
    const heap = getHeapStatistics().used_heap_size;
    this.#heapMaximum = Math.max(this.#heapMaximum, heap);
    const figures: Record<string, string | number> = {
      version: `ferrule version ${this.#version}`,
      uptime: `${Math.floor((this.#clock.mono() - this.#startedAt) / 1000)} seconds`,
      'clients/connected': connectedClients,
      'clients/active': connectedClients,
      'clients/disconnected': clients - connectedClients,
      'clients/inactive': clients - connectedClients,
      'clients/total': clients,
      'clients/maximum': maxConnected,
      'clients/expired': counters.sessionsExpired,
      'messages/received': counters.packetsIn,
      'messages/sent': counters.packetsOut,
      'messages/inflight': inflight,
      'messages/stored': stored,
      'store/messages/count': stored,
      'store/messages/bytes': storedBytes,
      'publish/messages/received': counters.messagesIn,
      'publish/messages/sent': counters.messagesOut,
      'publish/messages/dropped': droppedOf(counters),
      'publish/bytes/received': counters.payloadBytesIn,
      'publish/bytes/sent': counters.payloadBytesOut,
      'bytes/received': counters.bytesIn,
      'bytes/sent': counters.bytesOut,
      'subscriptions/count': router.subscriptions - groups.members,
      'shared_subscriptions/count': groups.members,
      'retained messages/count': retained.count,
      'heap/current': heap,
      'heap/maximum': this.#heapMaximum,
    };
    for (const [name, { means }] of this.#loads) {
      LOAD_MINUTES.forEach((minutes, index) => {
        figures[`load/${name}/${minutes}min`] = means[index]!.toFixed(2);
      });
    }
    return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, String(value)]));
  }
}
