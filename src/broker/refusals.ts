/** What a v5 client reads in an acknowledgement that says no: what happened, and what to do. Nothing of the gateway's inside. */
import { ReasonCode } from '../mqtt/reason-codes.js';

export const NOT_ALLOWED_TO_PUBLISH = 'no access rule lets this client publish to this topic; ask for a rule, or use another topic';
export const QUEUE_FULL = 'a queue that has to take the message is full, and the others have it; send it again later';
export const RETAINED_FULL = 'there are too many retained messages to keep this one; clear some, or send it without retain';
export const STORE_FULL = "the gateway's disk is full; send the message again later";
export const NOT_STORED = 'the gateway could not store the message; send it again later';
export const NOTHING_TO_RELEASE = 'no message with this packet identifier is waiting here; take the exchange as finished';

const FILTERS: Record<number, string> = {
  [ReasonCode.NotAuthorized]: 'no access rule lets this client read it; ask for a rule, or subscribe to less',
  [ReasonCode.TopicFilterInvalid]: 'not a possible topic filter, or one with too many levels; correct it',
  [ReasonCode.QuotaExceeded]: 'the session has too many subscriptions; unsubscribe from some',
};

/** Of a SUBACK: how many filters were refused, and why; undefined: none. */
export function filtersRefused(reasonCodes: readonly number[]): string | undefined {
  const counts = new Map<number, number>();
  for (const code of reasonCodes) if (code >= ReasonCode.UnspecifiedError) counts.set(code, (counts.get(code) ?? 0) + 1);
  if (counts.size === 0) return undefined;
  const causes = [...counts].map(([code, count]) => `${count} of ${reasonCodes.length} refused: ${FILTERS[code] ?? 'not possible here'}`);
  return causes.join('. ');
}
