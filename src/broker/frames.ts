import type { ProtocolVersion } from '../mqtt/packets.js';
import { encodePublish } from '../mqtt/publish-frame.js';
import type { StoredMessage } from '../store/types.js';

/** The QoS 0 bytes of the message that is being routed: encoded once for each form, shared by all who get it. */
export class FrameCache {
  #message: StoredMessage | null = null;
  /** Without and with the retain flag, before v5; the same for v5. */
  readonly #frames: (Buffer | null)[] = [null, null, null, null];

  get(message: StoredMessage, retain: boolean, version: ProtocolVersion): Buffer {
    if (this.#message !== message) {
      this.#message = message;
      this.#frames.fill(null);
    }
    const form = (retain ? 1 : 0) + (version === 5 ? 2 : 0);
    const known = this.#frames[form];
    if (known) return known;
    const frame = encodePublish(message.topic, message.payload, 0, retain, false, 0, message.properties, version);
    this.#frames[form] = frame;
    return frame;
  }
}
