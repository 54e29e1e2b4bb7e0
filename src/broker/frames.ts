import type { ProtocolVersion, QoS } from '../mqtt/packets.js';
import { encodeFrame, type PublishFrame } from '../mqtt/publish-frame.js';
import type { RoutedPublication } from './publication.js';

/** The bytes of the message that is being routed: the same for all who get it in the same form. */
export class FrameCache {
  #publication: RoutedPublication | null = null;
  /** The form that was asked for last, which is most often the only one. */
  #form = 0;
  #frame: PublishFrame | null = null;
  readonly #others = new Map<number, PublishFrame>();

  /** Valid until the next message is routed. */
  get(publication: RoutedPublication, qos: QoS, retain: boolean, version: ProtocolVersion): PublishFrame {
    const form = qos * 4 + (retain ? 2 : 0) + (version === 5 ? 1 : 0);
    if (this.#publication === publication && this.#form === form) return this.#frame!;
    if (this.#publication !== publication) {
      this.#publication = publication;
      if (this.#others.size > 0) this.#others.clear();
    } else {
      this.#others.set(this.#form, this.#frame!);
    }
    this.#form = form;
    this.#frame = this.#others.get(form) ?? frameOf(publication, qos, retain, version);
    return this.#frame;
  }
}

/** The very bytes that came in, where they say what has to go out. */
function frameOf(publication: RoutedPublication, qos: QoS, retain: boolean, version: ProtocolVersion): PublishFrame {
  const { received } = publication;
  if (received?.isPlain && received.qos === qos && received.retain === retain && received.isVersion5 === (version === 5)) return received;
  const { topic, payload, properties } = publication.message;
  return encodeFrame(topic, payload, qos, retain, properties, version);
}
