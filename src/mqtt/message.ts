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
}
