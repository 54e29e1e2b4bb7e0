import type { Message } from '../mqtt/message.js';
import type { MessageView } from './expression/scope.js';

/** How many rules may trigger one another in a row before the chain is taken for a circle and cut. */
export const MAX_HOPS = 10;

/** The user property that counts them: on every message that a rule publishes. */
export const HOPS_PROPERTY = 'ferrule-hops';

/** Through how many rules a message came. A message from outside may claim any number; more than enough is enough. */
export function hopsOf(view: MessageView | null): number {
  const text = view?.message.properties?.userProperties?.find(([name]) => name === HOPS_PROPERTY)?.[1];
  return text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : 0;
}

/** The message of a rule that was triggered by a message with so many hops. */
export function withHops(message: Message, hops: number): Message {
  const userProperties = (message.properties?.userProperties ?? []).filter(([name]) => name !== HOPS_PROPERTY);
  return { ...message, properties: { ...message.properties, userProperties: [...userProperties, [HOPS_PROPERTY, String(hops)]] } };
}
