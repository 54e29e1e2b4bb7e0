const MAX_BYTES = 65_535;
/** For text from inside the program [MQTT-4.7.3-2]; what came over the wire was checked as bytes. */
const NOT_TEXT = /[\0\p{Surrogate}]/u;

export interface TopicFault {
  clause: string;
  /** Completes a sentence about the topic: "contains a wildcard". */
  cause: string;
}

const EMPTY: TopicFault = { clause: '[MQTT-4.7.3-1]', cause: 'is empty' };
const WILDCARD: TopicFault = { clause: '[MQTT-3.3.2-2]', cause: 'contains a wildcard' };

/** The part of a topic name's rules that a decoded, valid MQTT string can still break. */
export function topicNameFault(topic: string): TopicFault | null {
  if (topic.length === 0) return EMPTY;
  for (let at = 0; at < topic.length; at++) {
    const code = topic.charCodeAt(at);
    if (code === 0x23 || code === 0x2b) return WILDCARD;
  }
  return null;
}

export function countLevels(topic: string): number {
  let levels = 1;
  for (let at = topic.indexOf('/'); at !== -1; at = topic.indexOf('/', at + 1)) levels++;
  return levels;
}

/** Why `topic` cannot be published to ("contains a wildcard"), or null where it can. */
export function validateTopicName(topic: string): string | null {
  return topicNameFault(topic)?.cause ?? textFault(topic);
}

/** Why `filter` cannot be subscribed ("has # before its last level"), or null where it can; shared forms included. */
export function validateFilter(filter: string): string | null {
  if (filter.length === 0) return EMPTY.cause;
  const fault = textFault(filter);
  if (fault !== null) return fault;
  const shared = parseShared(filter);
  if (shared === null) return wildcardFault(filter);
  return 'fault' in shared ? shared.fault : null;
}

function textFault(text: string): string | null {
  if (NOT_TEXT.test(text)) return 'contains U+0000 or a lone surrogate';
  // [MQTT-4.7.3-3]
  if (text.length * 3 > MAX_BYTES && Buffer.byteLength(text) > MAX_BYTES) return `is longer than ${MAX_BYTES} bytes`;
  return null;
}

/** [MQTT-4.7.1-1] [MQTT-4.7.1-2]: a wildcard stands alone in its level, and # only in the last. */
function wildcardFault(filter: string): string | null {
  const last = filter.length - 1;
  for (let at = 0; at <= last; at++) {
    const char = filter.charAt(at);
    if (char !== '#' && char !== '+') continue;
    if (at > 0 && filter.charAt(at - 1) !== '/') return `has ${char} inside a level`;
    if (char === '#') {
      if (at !== last) return filter.charAt(at + 1) === '/' ? 'has # before its last level' : 'has # inside a level';
    } else if (at !== last && filter.charAt(at + 1) !== '/') {
      return 'has + inside a level';
    }
  }
  return null;
}

/** A topic's or filter's levels; `/a` has two, the first of them empty. */
export function topicLevels(topic: string): string[] {
  return topic.split('/');
}

/**
 * Whether a plain filter (valid, its `$share/{group}/` taken off) matches a topic name.
 * A filter that begins with a wildcard does not match a topic that begins with $ [MQTT-4.7.2-1].
 */
export function matches(filter: string, topic: string): boolean {
  let f = 0;
  let t = 0;
  const filterEnd = filter.length;
  const topicEnd = topic.length;
  if (topic.charCodeAt(0) === 0x24 && filter.charCodeAt(0) !== 0x24) return false;
  for (;;) {
    const char = filter.charCodeAt(f);
    if (char === 0x23) return true;
    if (char === 0x2b) {
      f += 1;
      while (t < topicEnd && topic.charCodeAt(t) !== 0x2f) t += 1;
    } else {
      while (f < filterEnd && filter.charCodeAt(f) !== 0x2f) {
        if (t >= topicEnd || filter.charCodeAt(f) !== topic.charCodeAt(t)) return false;
        f += 1;
        t += 1;
      }
    }
    // Both stand at the end of a level now, or the levels differ.
    if (t < topicEnd && topic.charCodeAt(t) !== 0x2f) return false;
    if (f === filterEnd) return t === topicEnd;
    // `a/#` matches `a` as well (4.7.1.2).
    if (t === topicEnd) return f + 2 === filterEnd && filter.charCodeAt(f + 1) === 0x23;
    f += 1;
    t += 1;
  }
}

/** A shared subscription taken apart, or what is wrong with it. */
export type SharedFilter = { group: string; filter: string } | { fault: string };

/** The group of `$queue/{filter}`, which has no name of its own. */
export const QUEUE_GROUP = '$queue';

/**
 * Takes apart `$share/{group}/{filter}` (4.8.2) and the forms that users of other brokers know: `$g/{group}/{filter}`,
 * the same thing, and `$queue/{filter}`, a group of its own. Null for a filter that is not shared.
 */
export function parseShared(filter: string): SharedFilter | null {
  if (filter.charCodeAt(0) !== 0x24) return null;
  if (filter.startsWith('$queue/')) return sharedWith(QUEUE_GROUP, filter.slice(7));
  const prefix = filter.startsWith('$share/') ? 7 : filter.startsWith('$g/') ? 3 : 0;
  if (prefix === 0) return null;
  const slash = filter.indexOf('/', prefix);
  const group = slash === -1 ? filter.slice(prefix) : filter.slice(prefix, slash);
  // [MQTT-4.8.2-1]
  if (group === '') return { fault: 'has no group name' };
  if (group.includes('+') || group.includes('#')) return { fault: 'has a wildcard in its group name' };
  // [MQTT-4.8.2-2]
  if (slash === -1) return { fault: 'has no filter after its group name' };
  return sharedWith(group, filter.slice(slash + 1));
}

function sharedWith(group: string, filter: string): SharedFilter {
  if (filter === '') return { fault: 'has no filter after its group name' };
  const fault = wildcardFault(filter);
  return fault === null ? { group, filter } : { fault };
}
