import type { Message } from '../../src/mqtt/message.js';
import { matches } from '../../src/mqtt/topics.js';
import type { RulesMessaging } from '../../src/rules/ports.js';

/** A broker's edge in memory: delivers at once, keeps what was retained, and hands it over on subscribing. */
export class MemoryPort implements RulesMessaging {
  readonly published: Message[] = [];
  readonly subscriptions: { filter: string; handler: (message: Message) => void }[] = [];
  readonly kept = new Map<string, Message>();
  /** What publish does instead of accepting. */
  refuse: ((message: Message) => Promise<void>) | null = null;

  publish(message: Message): Promise<void> {
    this.published.push(message);
    if (this.refuse !== null) return this.refuse(message);
    this.deliver(message);
    return Promise.resolve();
  }

  deliver(message: Message): void {
    if (message.retain) this.kept.set(message.topic, message);
    for (const { filter, handler } of [...this.subscriptions]) if (matches(filter, message.topic)) handler(message);
  }

  subscribe(filter: string, handler: (message: Message) => void): () => void {
    const subscription = { filter, handler };
    this.subscriptions.push(subscription);
    for (const message of this.retained(filter)) handler(message);
    return () => {
      const index = this.subscriptions.indexOf(subscription);
      if (index >= 0) this.subscriptions.splice(index, 1);
    };
  }

  retained(filter: string): Message[] {
    return [...this.kept.values()].filter((message) => matches(filter, message.topic));
  }

  /** In the order of subscribing. */
  get filters(): string[] {
    return this.subscriptions.map(({ filter }) => filter);
  }

  /** `topic payload` of everything that rules published. */
  get log(): string[] {
    return this.published.map(({ topic, payload }) => `${topic} ${payload.toString()}`);
  }
}
