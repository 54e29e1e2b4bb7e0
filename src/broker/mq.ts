import type { AedesPublishPacket } from 'aedes';
import type { StoredMessage } from '../store/types.js';
import type { Broker } from './broker.js';
import { type AedesMessage, toStoredMessage } from './client-publish.js';
import { LocalPublication } from './publication.js';
import type { LocalSubscription } from './subscription.js';

export type MqHandler = (packet: AedesPublishPacket, done: () => void) => void;

/** The message as aedes' hooks, events and in-process subscribers know it. */
export function toAedesPacket(message: StoredMessage, broker: Broker): AedesPublishPacket {
  return {
    cmd: 'publish',
    brokerId: broker.id,
    brokerCounter: ++broker.counter,
    topic: message.topic,
    payload: message.payload,
    qos: message.qos,
    retain: message.retain,
    dup: false,
    ...(message.publisher === '' ? {} : { clientId: message.publisher }),
  };
}

/** What aedes calls `mq`: in-process publish and subscribe, on our own trie. */
export class Mq {
  readonly #broker: Broker;
  readonly #handlers = new Map<MqHandler, LocalSubscription[]>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  on(filter: string, handler: MqHandler, done?: () => void): this {
    const subscription: LocalSubscription = {
      session: null,
      filter,
      deliver: (message) => handler(toAedesPacket(message, this.#broker), noop),
    };
    const known = this.#handlers.get(handler);
    if (known === undefined) this.#handlers.set(handler, [subscription]);
    else known.push(subscription);
    this.#broker.router.subscribe(subscription);
    done?.();
    return this;
  }

  removeListener(filter: string, handler: MqHandler, done?: () => void): void {
    const subscriptions = this.#handlers.get(handler) ?? [];
    const rest = subscriptions.filter((subscription) => {
      if (subscription.filter !== filter) return true;
      this.#broker.router.unsubscribe(subscription);
      return false;
    });
    if (rest.length === 0) this.#handlers.delete(handler);
    else this.#handlers.set(handler, rest);
    done?.();
  }

  emit(packet: AedesMessage, done?: (error?: Error) => void): void {
    const message = toStoredMessage(packet, '', this.#broker.clock.now());
    this.#broker.router.route(new LocalPublication(message, this.#broker.router, (error) => done?.(error ?? undefined)));
  }

  close(done?: () => void): void {
    for (const subscriptions of this.#handlers.values()) {
      for (const subscription of subscriptions) this.#broker.router.unsubscribe(subscription);
    }
    this.#handlers.clear();
    done?.();
  }
}

function noop(): void {}
