import type { FerruleError } from '../errors.js';
import type { Logger } from '../log.js';
import type { SubscriptionRequest } from '../mqtt/packets.js';
import { subscribeRefused } from './faults.js';
import type { UpstreamLink } from './link.js';
import type { TopicMapping } from './mapping.js';

/** What is subscribed at the upstream; its session keeps it while the link is down. */
export class Subscriptions {
  /** A subscription that was refused; null: none. It is tried again every minute. */
  problem: FerruleError | null = null;
  readonly #wanted: readonly TopicMapping[];
  readonly #log: Logger;
  #link: UpstreamLink | null = null;
  /** Filter -> QoS asked for, as far as this process knows, at `#url`. */
  #held = new Map<string, number>();
  #url: string | null = null;

  constructor(wanted: readonly TopicMapping[], log: Logger) {
    this.#wanted = wanted;
    this.#log = log;
  }

  /** Takes over what an earlier configuration had subscribed: what is no longer wanted goes at the next link. */
  inherit(earlier: Subscriptions): void {
    this.#held = new Map(earlier.#held);
    this.#url = earlier.#url;
  }

  /** Resolves when the upstream holds what is wanted or has refused it; rejects when the link ends before. */
  async attach(link: UpstreamLink): Promise<void> {
    this.#link = link;
    // Another address may be another broker, with a session of its own.
    if (!link.sessionPresent || link.url !== this.#url) this.#held.clear();
    this.#url = link.url;
    const wanted = new Set(this.#wanted.map((mapping) => mapping.filter));
    const stale = [...this.#held.keys()].filter((filter) => !wanted.has(filter));
    if (stale.length > 0) {
      await link.unsubscribe(stale);
      for (const filter of stale) this.#held.delete(filter);
    }
    await this.#subscribe(link);
  }

  detach(): void {
    this.#link = null;
    this.problem = null;
  }

  /** Asks again for what was refused. */
  retry(): void {
    const link = this.#link;
    if (link === null || this.problem === null) return;
    // Where it fails the link has ended, and the next one subscribes.
    this.#subscribe(link).catch(() => {});
  }

  async #subscribe(link: UpstreamLink): Promise<void> {
    const missing = this.#wanted.filter(({ filter, qos }) => this.#held.get(filter) !== qos);
    if (missing.length === 0) return;
    const codes = await link.subscribe(missing.map(request));
    let problem: FerruleError | null = null;
    for (const [index, mapping] of missing.entries()) {
      const code = codes[index] ?? 0x80;
      if (code < 0x80) {
        this.#held.set(mapping.filter, mapping.qos);
        if (code < mapping.qos)
          this.#log.warn({ filter: mapping.filter, granted: code }, 'the upstream grants a lower QoS than was asked for');
        continue;
      }
      const fault = subscribeRefused(mapping.filter, code, link.version, link.url);
      if (this.problem === null) this.#log.warn({ code: fault.code, hint: fault.hint }, fault.message);
      problem ??= fault;
    }
    this.problem = problem;
  }
}

function request({ filter, qos }: TopicMapping): SubscriptionRequest {
  return {
    filter,
    qos,
    // What we publish up there does not come back, and retained messages stay recognizable (v5).
    noLocal: true,
    retainAsPublished: true,
    // Retained messages only with a new subscription, not after each outage.
    retainHandling: 1,
  };
}
