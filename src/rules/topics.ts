import { parseShared, topicLevels, validateFilter, validateTopicName } from '../mqtt/topics.js';

/** What is wrong with a topic filter of a rule, in words; null: nothing. */
export function faultOfFilter(filter: string): string | null {
  const fault = validateFilter(filter);
  if (fault !== null) return `the topic filter ${JSON.stringify(filter)} ${fault}`;
  return parseShared(filter) === null ? null : 'rules cannot share a subscription: every rule sees every message';
}

/** What is wrong with a topic that a rule publishes to, in words; null: nothing. */
export function faultOfTopic(topic: string): string | null {
  const fault = validateTopicName(topic);
  if (fault !== null) return `the topic ${JSON.stringify(topic)} ${fault}`;
  return topic.startsWith('$') ? `rules cannot publish to ${JSON.stringify(topic)}: topics that begin with $ are the gateway's own` : null;
}

/** Whether some topic matches both filters. */
export function overlap(a: string, b: string): boolean {
  const [left, right] = [topicLevels(a), topicLevels(b)];
  const [first = '', second = ''] = [left[0], right[0]];
  // A wildcard in the first level does not match a topic that begins with $ [MQTT-4.7.2-1].
  if ((first.startsWith('$') && /^[+#]$/.test(second)) || (second.startsWith('$') && /^[+#]$/.test(first))) return false;
  for (let index = 0; ; index++) {
    const [x, y] = [left[index], right[index]];
    // `a/#` matches `a` as well.
    if (x === '#' || y === '#') return true;
    if (x === undefined || y === undefined) return x === y;
    if (x !== '+' && y !== '+' && x !== y) return false;
  }
}
