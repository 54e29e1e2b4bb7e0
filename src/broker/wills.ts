import type { Timer } from '../clock.js';
import type { Will } from '../mqtt/packets.js';
import type { StoredMessage } from '../store/types.js';
import type { Broker } from './broker.js';
import type { Connection } from './connection.js';
import { expiryOf, messageProperties } from './message-properties.js';
import { UnacknowledgedPublication } from './publication.js';
import type { Session } from './session.js';

interface DelayedWill {
  will: Will;
  username: string | null;
  timer: Timer;
}

/**
 * Wills of clients. They are on disk from CONNECT until they are published or withdrawn, so that a crash of the gateway is
 * answered like one of the client: by the will, at the next start.
 */
export class Wills {
  readonly #broker: Broker;
  readonly #stored = new Set<string>();
  /** Of clients that are gone and may still come back in time. */
  readonly #delayed = new Map<string, DelayedWill>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  remember(connection: Connection, will: Will): void {
    this.#stored.add(connection.id);
    this.#broker.store.putWill({ clientId: connection.id, will, username: connection.username, at: this.#broker.clock.now() });
  }

  /** Withdrawn: the client said goodbye, or is back in time ([MQTT-3.1.3-9]). */
  forget(clientId: string): void {
    this.#delayed.get(clientId)?.timer.cancel();
    this.#delayed.delete(clientId);
    if (this.#stored.delete(clientId)) this.#broker.store.deleteWill(clientId);
  }

  /** The connection broke; `session` is null where it ended with it. */
  connectionLost(clientId: string, username: string | null, will: Will, session: Session | null): void {
    const delay = session === null ? 0 : Math.min(will.properties?.willDelayInterval ?? 0, session.expiryInterval);
    if (delay === 0) {
      this.#publish(clientId, username, will);
      return;
    }
    const timer = this.#broker.clock.setTimeout(() => this.#publish(clientId, username, will), delay * 1000);
    this.#delayed.set(clientId, { will, username, timer });
  }

  /** [MQTT-3.1.2-8] The end of the session ends the delay too. */
  sessionEnded(clientId: string): void {
    const delayed = this.#delayed.get(clientId);
    if (delayed !== undefined) this.#publish(clientId, delayed.username, delayed.will);
  }

  /** The wills of those who were connected, or gone for less than their delay, when the gateway stopped. */
  async publishLeftOver(): Promise<void> {
    for (const { clientId, username, will } of await this.#broker.store.loadWills()) {
      this.#stored.add(clientId);
      this.connectionLost(clientId, username, will, this.#broker.sessions.get(clientId) ?? null);
    }
  }

  /** The broker stops: what is delayed stays on disk. */
  stop(): void {
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#stored.clear();
  }

  #publish(clientId: string, username: string | null, will: Will): void {
    const { access, clock, router, counters } = this.#broker;
    if (access.mayPublish(username, clientId, will.topic)) {
      const { topic, payload, qos, retain, properties } = will;
      const now = clock.now();
      const message: StoredMessage = {
        ...{ topic, payload, qos, retain },
        properties: messageProperties(properties),
        at: now,
        expiresAt: expiryOf(properties, now),
        publisher: clientId,
      };
      const publication = new UnacknowledgedPublication(message, router);
      publication.ownsPayload = true;
      router.route(publication);
    } else {
      counters.publishesDenied++;
    }
    // In the same batch as what the will put into queues: after a crash it is published or still there, never lost.
    this.forget(clientId);
  }
}
