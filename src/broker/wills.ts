import type { Will } from '../mqtt/packets.js';
import type { StoredMessage } from '../store/types.js';
import type { Broker } from './broker.js';
import type { Connection } from './connection.js';
import { UnacknowledgedPublication } from './publication.js';

/**
 * Wills of connected clients. They are on disk while the client is connected, so that a crash of the gateway is
 * answered like one of the client: by the will, at the next start.
 */
export class Wills {
  readonly #broker: Broker;
  readonly #stored = new Set<string>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  remember(connection: Connection, will: Will): void {
    this.#stored.add(connection.id);
    this.#broker.store.putWill({ clientId: connection.id, will, username: connection.username, at: this.#broker.clock.now() });
  }

  forget(clientId: string): void {
    if (this.#stored.delete(clientId)) this.#broker.store.deleteWill(clientId);
  }

  /** [MQTT-3.1.2-8] The connection ended without DISCONNECT. */
  publish(clientId: string, username: string | null, will: Will): void {
    const { access, clock, router, counters } = this.#broker;
    if (access.mayPublish(username, clientId, will.topic)) {
      const message: StoredMessage = { ...will, properties: null, at: clock.now(), expiresAt: 0, publisher: clientId };
      const publication = new UnacknowledgedPublication(message, router);
      publication.ownsPayload = true;
      router.route(publication);
    } else {
      counters.publishesDenied++;
    }
    // In the same batch as what the will put into queues: after a crash it is published or still there, never lost.
    this.forget(clientId);
  }

  /** The wills of those who were connected when the gateway stopped. */
  async publishLeftOver(): Promise<void> {
    for (const { clientId, username, will } of await this.#broker.store.loadWills()) {
      this.#stored.add(clientId);
      this.publish(clientId, username, will);
    }
  }
}
