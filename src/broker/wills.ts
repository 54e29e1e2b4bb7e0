import type { Timer } from '../clock.js';
import type { Will } from '../mqtt/packets.js';
import type { StoredMessage } from '../store/types.js';
import type { Broker } from './broker.js';
import type { Connection } from './connection.js';
import { expiryOf, messageProperties } from './message-properties.js';
import { UnacknowledgedPublication } from './publication.js';
import { ClientSender } from './sender.js';
import type { Session } from './session.js';

interface DelayedWill {
  will: Will;
  username: string | null;
  client: Connection | null;
  timer: Timer;
}

/**
 * Wills of clients. They are on disk from CONNECT until they are published or withdrawn, so that a crash of the gateway is
 * answered like one of the client: by the will, at the next start.
 */
export class Wills {
  readonly #broker: Broker;
  readonly #stored = new Map<string, Will>();
  /** Of clients that are gone and may still come back in time. */
  readonly #delayed = new Map<string, DelayedWill>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  remember(connection: Connection, will: Will): void {
    this.#stored.set(connection.id, will);
    this.#broker.store.putWill({ clientId: connection.id, will, username: connection.username, at: this.#broker.clock.now() });
  }

  /** Withdrawn: the client said goodbye, or is back in time ([MQTT-3.1.3-9]). */
  forget(clientId: string): void {
    this.#delayed.get(clientId)?.timer.cancel();
    this.#delayed.delete(clientId);
    if (this.#stored.delete(clientId)) this.#broker.store.deleteWill(clientId);
  }

  /** The connection broke; `session` is null where it ended with it, `client` where that was before the gateway's start. */
  connectionLost(clientId: string, username: string | null, will: Will, session: Session | null, client: Connection | null): void {
    const delay = session === null ? 0 : Math.min(will.properties?.willDelayInterval ?? 0, session.expiryInterval);
    if (delay === 0) {
      this.#judge(clientId, username, will, client);
      return;
    }
    const timer = this.#broker.clock.setTimeout(() => this.#judge(clientId, username, will, client), delay * 1000);
    this.#delayed.set(clientId, { will, username, client, timer });
  }

  /** [MQTT-3.1.2-8] The end of the session ends the delay too. */
  sessionEnded(clientId: string): void {
    const delayed = this.#delayed.get(clientId);
    if (delayed !== undefined) this.#judge(clientId, delayed.username, delayed.will, delayed.client);
  }

  /** The wills of those who were connected, or gone for less than their delay, when the gateway stopped. */
  async publishLeftOver(): Promise<void> {
    for (const { clientId, username, will } of await this.#broker.store.loadWills()) {
      this.#stored.set(clientId, will);
      this.connectionLost(clientId, username, will, this.#broker.sessions.get(clientId) ?? null, null);
    }
  }

  /** The broker stops: what is delayed stays on disk. */
  stop(): void {
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#stored.clear();
  }

  /** The rules decide, or the hook that somebody set, in its own time. */
  #judge(clientId: string, username: string | null, will: Will, client: Connection | null): void {
    const { access, decidesPublishes } = this.#broker;
    const sender = new ClientSender(this.#broker, client, clientId, username, 0, false);
    if (decidesPublishes) {
      this.#finish(sender, will, access.mayPublish(username, clientId, will.topic));
      return;
    }
    this.#delayed.get(clientId)?.timer.cancel();
    this.#delayed.delete(clientId);
    const { topic, payload, qos, retain } = will;
    const asked = { cmd: 'publish' as const, topic, payload, qos, retain, dup: false };
    this.#broker.authorizePublish(client as never, asked, (error) => {
      // Stopped meanwhile: it stays on disk.
      if (this.#broker.closed) return;
      const changed = { ...will, topic: asked.topic, payload: Buffer.from(asked.payload), retain: asked.retain };
      this.#finish(sender, will, !error, changed);
    });
  }

  #finish(sender: ClientSender, will: Will, allowed: boolean, changed: Will = will): void {
    const { clientId } = sender;
    if (allowed) this.#publish(sender, changed);
    else this.#broker.counters.publishesDenied++;
    // In the same batch as what the will put into queues: after a crash it is published or still there, never lost.
    // The client may be back by now, with another one.
    if (this.#stored.get(clientId) === will) this.forget(clientId);
  }

  #publish(sender: ClientSender, { topic, payload, qos, retain, properties }: Will): void {
    const { clock, router } = this.#broker;
    const now = clock.now();
    const message: StoredMessage = {
      ...{ topic, payload, qos, retain },
      properties: messageProperties(properties),
      at: now,
      expiresAt: expiryOf(properties, now),
      publisher: sender.clientId,
    };
    const publication = new UnacknowledgedPublication(message, router, sender);
    publication.ownsPayload = true;
    router.route(publication);
    this.#broker.afterPublish(publication, null);
  }
}
