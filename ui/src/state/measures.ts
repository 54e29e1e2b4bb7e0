import type { MessageKey } from '../i18n/en.js';

const MEASURES: readonly [RegExp, MessageKey][] = [
  [/^[mk]?V$/, 'measure.voltage'],
  [/^[mk]?A$/, 'measure.current'],
  [/^([mkM]?(W|VA)|[kM]?var)$/, 'measure.power'],
  [/^[kM]?(Wh|VAh|varh)$/, 'measure.energy'],
  [/^k?Hz$/, 'measure.frequency'],
  [/^(°C|°F|K)$/, 'measure.temperature'],
  [/^(m?bar|k?Pa|MPa|psi)$/, 'measure.pressure'],
  [/^%$/, 'measure.percent'],
  [/^(s|min|h)$/, 'measure.time'],
];

/** What tags with these units measure: messages, and units that say nothing more than themselves. */
export function measuresOf(units: readonly string[], kind: string): (MessageKey | { unit: string })[] {
  const found = new Map<string, MessageKey | { unit: string }>();
  for (const unit of units) {
    const key = MEASURES.find(([pattern]) => pattern.test(unit))?.[1];
    found.set(key ?? unit, key ?? { unit });
  }
  return found.size === 0 && kind === 'io' ? ['measure.states'] : [...found.values()];
}
