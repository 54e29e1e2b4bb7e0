/** The last minutes of what the overview counts, kept in memory for the small trends. */
import type { Overview } from '../api/types.js';

export interface Sample {
  /** Gateway's time, wall ms. */
  at: number;
  value: number;
}

export const HISTORY_MS = 10 * 60_000;
const MAX_SAMPLES = 900;

const series = new Map<string, Sample[]>();

/** What a series holds so far, oldest first. */
export function historyOf(name: string): readonly Sample[] {
  return series.get(name) ?? [];
}

export function recordOverview({ gateway, broker, bridges, storage }: Overview): void {
  const at = gateway.now;
  add('broker.in', at, broker.messagesInRate);
  add('broker.out', at, broker.messagesOutRate);
  add('storage.commit', at, storage.lastCommitMs);
  for (const bridge of bridges) add(`backlog.${bridge.name}`, at, bridge.waiting);
}

function add(name: string, at: number, value: number): void {
  const samples = series.get(name) ?? [];
  series.set(name, samples);
  // The gateway's clock was set back: what lies ahead is from another time.
  while (samples.length > 0 && (samples[samples.length - 1]?.at ?? 0) > at) samples.pop();
  samples.push({ at, value });
  while (samples.length > MAX_SAMPLES || (samples[0]?.at ?? at) < at - HISTORY_MS) samples.shift();
}
