import type { Clock } from '../clock.js';
import type { Properties } from '../mqtt/packets.js';
import type { StoredMessage } from '../store/types.js';

/** What travels with a message from its publisher to its receivers, in the order of the specification's table. */
const TRAVELLING = ['payloadFormatIndicator', 'contentType', 'responseTopic', 'correlationData', 'userProperties'] as const;

/** The part of a PUBLISH's (or a will's) properties that belongs to the message; null where there is none. */
export function messageProperties(properties: Properties | null): Properties | null {
  if (properties === null) return null;
  let kept: Properties | null = null;
  for (const name of TRAVELLING) {
    if (properties[name] === undefined) continue;
    kept ??= {};
    Object.assign(kept, { [name]: properties[name] });
  }
  return kept;
}

/** Wall ms when a message with these properties expires; 0: never. */
export function expiryOf(properties: Properties | null, now: number): number {
  const seconds = properties?.messageExpiryInterval;
  return seconds === undefined ? 0 : now + seconds * 1000;
}

/** The properties of a PUBLISH to a v5 client. [MQTT-3.3.2-6] The expiry that is sent is what is left of it. */
export function deliveryProperties(
  message: StoredMessage,
  subscriptionIds: readonly number[] | null,
  topicAlias: number | null,
  clock: Pick<Clock, 'now'>,
): Properties | null {
  if (message.expiresAt === 0 && subscriptionIds === null && topicAlias === null) return message.properties;
  const properties: Properties = { ...message.properties };
  if (message.expiresAt !== 0) properties.messageExpiryInterval = Math.max(0, Math.ceil((message.expiresAt - clock.now()) / 1000));
  if (subscriptionIds !== null) properties.subscriptionIdentifiers = [...subscriptionIds];
  if (topicAlias !== null) properties.topicAlias = topicAlias;
  return properties;
}
