/**
 * A topic filter as a predicate over topic names. A wildcard at the start does not match topics that begin with `$`
 * [MQTT-4.7.2-1].
 */
export function compileFilter(filter: string): (topic: string) => boolean {
  const levels = filter.split('/');
  const wildStart = levels[0] === '#' || levels[0] === '+';
  return (topic) => {
    if (wildStart && topic.startsWith('$')) return false;
    const names = topic.split('/');
    for (const [index, level] of levels.entries()) {
      if (level === '#') return true;
      if (index >= names.length || (level !== '+' && level !== names[index])) return false;
    }
    return names.length === levels.length;
  };
}

/** `#` only as the last level, wildcards only as whole levels [MQTT-4.7.1-2] [MQTT-4.7.1-3]. */
export const FILTER_PATTERN = '^(?!$)(?:(?:\\+|[^+#/\\u0000]*)(?:/|$))*#?$';
/** A topic that may be published to: no wildcards [MQTT-3.3.2-2]. */
export const TOPIC_PATTERN = '^[^+#\\u0000]+$';
