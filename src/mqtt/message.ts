import type { Properties, QoS } from './packets.js';

/**
 * An application message on its way through the gateway, whoever published it.
 * The parts of the gateway (field, rules, bridge, console) exchange these through the ports that each declares.
 */
export interface Message {
  topic: string;
  payload: Buffer;
  qos: QoS;
  retain: boolean;
  /** What travels with the message: user properties, content type, response topic, correlation data, expiry. */
  properties: Properties | null;
  /**
   * Who sent it. Given to parts of the gateway that act on messages; missing where it is a part's own, or retained from
   * before. Never stored.
   */
  sender?: Sender;
}

/** Who sent a message and how it came: what is needed to carry it out once, and with no more rights than its sender has. */
export interface Sender {
  readonly clientId: string;
  /** null: without a user name. */
  readonly username: string | null;
  /** MQTT packet id; 0 at QoS 0, and where the message did not come as a packet. */
  readonly packetId: number;
  /** It says of itself that it may have been sent before, with the same packet id. */
  readonly isDup: boolean;
  /** The connection it came on. `heardUntil`: monotonic ms when something last came from it; null: it is still open. */
  readonly connection: { readonly heardUntil: number | null };
  /** May it publish to this topic? As of now; a promise where somebody else has to be asked. */
  mayPublish(topic: string): boolean | Promise<boolean>;
}
