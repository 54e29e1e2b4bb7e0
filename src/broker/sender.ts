import type { Sender } from '../mqtt/message.js';
import type { Broker } from './broker.js';
import type { Connection } from './connection.js';

/** A client as the parts of the gateway know it that act on its messages. */
export class ClientSender implements Sender {
  readonly #broker: Broker;
  /** null: the gateway was started since. */
  readonly #client: Connection | null;
  readonly connection: Sender['connection'];

  constructor(
    broker: Broker,
    client: Connection | null,
    readonly clientId: string,
    readonly username: string | null,
    readonly packetId: number,
    readonly isDup: boolean,
  ) {
    this.#broker = broker;
    this.#client = client;
    this.connection = client?.line ?? { heardUntil: 0 };
  }

  /** Our own rules decide, or the hook that somebody set, in its own time. */
  mayPublish(topic: string): boolean | Promise<boolean> {
    const broker = this.#broker;
    if (broker.decidesPublishes) return broker.access.mayPublish(this.username, this.clientId, topic);
    const asked = { cmd: 'publish' as const, topic, payload: Buffer.alloc(0), qos: 0 as const, retain: false, dup: false };
    return new Promise((resolve) => {
      broker.authorizePublish(this.#client as never, asked, (error) => resolve(!error && asked.topic === topic));
    });
  }
}
