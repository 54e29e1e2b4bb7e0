import type { ProtocolVersion } from '../mqtt/packets.js';
import { encodePublish } from '../mqtt/publish-frame.js';
import type { StoredMessage } from '../store/types.js';

/** The QoS 0 bytes of the message that is being routed: encoded once for each form, shared by all who get it. */
export class FrameCache {
  #message: StoredMessage | null = null;
  #plain: Buffer | null = null;
  #retained: Buffer | null = null;

  get(message: StoredMessage, retain: boolean, version: ProtocolVersion): Buffer {
    if (this.#message !== message) {
      this.#message = message;
      this.#plain = null;
      this.#retained = null;
    }
    if (retain) {
      this.#retained ??= encodePublish(message.topic, message.payload, 0, true, false, 0, null, version);
      return this.#retained;
    }
    this.#plain ??= encodePublish(message.topic, message.payload, 0, false, false, 0, null, version);
    return this.#plain;
  }
}
