import { messageOf } from '../errors.js';
import { ReasonCode } from '../mqtt/reason-codes.js';
import type { Connection } from './connection.js';
import type { ClientPublication } from './publication.js';

/**
 * What a client published at QoS 1 and 2 and has no acknowledgement for yet. Acknowledgements leave in the order in
 * which the messages came, each only when its message is safe ([MQTT-4.6.0-2], [MQTT-4.6.0-3]).
 */
export class Acknowledgements {
  /** Linked by `next`. */
  #first: ClientPublication | null = null;
  #last: ClientPublication | null = null;
  #count = 0;
  #refused = false;

  constructor(readonly connection: Connection) {}

  get count(): number {
    return this.#count;
  }

  expect(publication: ClientPublication): void {
    if (this.#last === null) this.#first = publication;
    else this.#last.next = publication;
    this.#last = publication;
    this.#count++;
  }

  flush(): void {
    if (this.#refused) return;
    for (let publication = this.#first; publication?.done; publication = this.#first) {
      if (publication.failed !== null && this.connection.version !== 5) {
        // Before v5 there is no way to say no: no acknowledgement, no further packet, and after a while the end.
        this.#refused = true;
        this.connection.refuse(messageOf(publication.failed));
        return;
      }
      this.#first = publication.next;
      if (this.#first === null) this.#last = null;
      this.#count--;
      const { qos, packetId, reasonCode } = publication;
      const cause = reasonCode < ReasonCode.UnspecifiedError ? undefined : publication.cause;
      this.connection.sendPublishAck(qos as 1 | 2, packetId, reasonCode, cause);
    }
    this.connection.relieve();
  }
}
