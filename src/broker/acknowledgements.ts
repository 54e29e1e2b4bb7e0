import { messageOf } from '../errors.js';
import type { Connection } from './connection.js';
import type { ClientPublication } from './publication.js';

/**
 * What a client published at QoS 1 and 2 and has no acknowledgement for yet. Acknowledgements leave in the order in
 * which the messages came, each only when its message is safe ([MQTT-4.6.0-2], [MQTT-4.6.0-3]).
 */
export class Acknowledgements {
  #waiting: ClientPublication[] = [];
  #head = 0;
  #refused = false;

  constructor(readonly connection: Connection) {}

  get count(): number {
    return this.#waiting.length - this.#head;
  }

  expect(publication: ClientPublication): void {
    this.#waiting.push(publication);
  }

  flush(): void {
    if (this.#refused) return;
    while (this.#head < this.#waiting.length) {
      const publication = this.#waiting[this.#head]!;
      if (!publication.done) break;
      if (publication.failed !== null && this.connection.version !== 5) {
        // Before v5 there is no way to say no: no acknowledgement, no further packet, and after a while the end.
        this.#refused = true;
        this.connection.refuse(messageOf(publication.failed));
        return;
      }
      this.#head++;
      this.connection.sendPublishAck(publication.qos, publication.packetId, publication.reasonCode);
    }
    if (this.#head === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#head = 0;
    } else if (this.#head > 256) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
    this.connection.relieve();
  }
}
