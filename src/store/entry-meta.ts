import type { QueueEntry } from './types.js';

/** `meta` of an entry, on the wire and on disk. */
export const META = { qos2: 1, retain: 2, released: 4, ids: 8 } as const;

export function metaOf({ qos, retain, released, subscriptionIds }: QueueEntry): number {
  return (
    (qos === 2 ? META.qos2 : 0) | (retain ? META.retain : 0) | (released ? META.released : 0) | (subscriptionIds === null ? 0 : META.ids)
  );
}
