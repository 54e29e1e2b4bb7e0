import type { Properties } from '../mqtt/packets.js';

/** User property that counts how many bridges a message has crossed. */
export const HOPS = 'ferrule-hops';
/** A message that has crossed this many bridges goes round in circles. */
export const MAX_HOPS = 8;

export function hopsOf(properties: Properties | null): number {
  const text = properties?.userProperties?.find(([name]) => name === HOPS)?.[1];
  const hops = text === undefined ? 0 : Number.parseInt(text, 10);
  return Number.isSafeInteger(hops) && hops > 0 ? hops : 0;
}

/** What travels from one broker to another; aliases, subscription identifiers and the like stay where they were. */
function travelling(properties: Properties | null): Properties {
  const out: Properties = {};
  if (properties === null) return out;
  if (properties.payloadFormatIndicator !== undefined) out.payloadFormatIndicator = properties.payloadFormatIndicator;
  if (properties.contentType !== undefined) out.contentType = properties.contentType;
  if (properties.responseTopic !== undefined) out.responseTopic = properties.responseTopic;
  if (properties.correlationData !== undefined) out.correlationData = properties.correlationData;
  if (properties.userProperties !== undefined) out.userProperties = properties.userProperties;
  return out;
}

/** For a message that goes upstream: what remains of its life (`expiresAt` 0: no end), and one hop more. */
export function outgoingProperties(properties: Properties | null, expiresAt: number, now: number): Properties {
  const out = travelling(properties);
  if (expiresAt !== 0) out.messageExpiryInterval = Math.max(1, Math.ceil((expiresAt - now) / 1000));
  const others = properties?.userProperties?.filter(([name]) => name !== HOPS) ?? [];
  out.userProperties = [...others, [HOPS, String(hopsOf(properties) + 1)]];
  return out;
}

/** For a message from upstream; null where nothing travels. */
export function incomingProperties(properties: Properties | null): Properties | null {
  if (properties === null) return null;
  const out = travelling(properties);
  // The payload of a packet is a view into the chunk that was read, and so may this be.
  if (out.correlationData !== undefined) out.correlationData = Buffer.from(out.correlationData);
  if (properties.messageExpiryInterval !== undefined) out.messageExpiryInterval = properties.messageExpiryInterval;
  return Object.keys(out).length === 0 ? null : out;
}
