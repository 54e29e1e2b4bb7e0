import type { Clock } from '../clock.js';
import type { Device } from './device.js';
import type { MessagingPort, TagJson } from './ports.js';
import type { PayloadFormat } from './schema.js';
import type { Tag } from './tag.js';
import { isTagJson, parseRetained, type Topics } from './topics.js';

/** Retained messages come at once; this is for a port that hands them over in a later turn. */
const WAIT_MS = 50;

/**
 * What an earlier run left retained keeps its value and its time, and is stale until the first reading: a value from
 * before a restart never looks fresh. A bare value has no time, so nothing of it is kept.
 */
export async function restoreTags(
  messaging: MessagingPort,
  topics: Topics,
  payload: PayloadFormat,
  devices: readonly Device[],
  clock: Clock,
): Promise<void> {
  if (payload === 'value' || devices.length === 0) return;
  const byTopic = new Map<string, Tag[]>();
  for (const { record } of devices) {
    for (const tag of record.tags.values()) {
      const tags = byTopic.get(tag.topic);
      if (tags === undefined) byTopic.set(tag.topic, [tag]);
      else tags.push(tag);
    }
  }
  const unsubscribe = messaging.subscribe(topics.valueFilter, (message) => {
    if (!message.retain) return;
    const tags = byTopic.get(message.topic);
    if (tags === undefined) return;
    for (const tag of tags) {
      const found = payload === 'json' ? parseRetained(message.payload) : memberOf(message.payload, tag.name);
      if (found !== null) tag.restore(found.value, found.ts);
    }
  });
  await new Promise<void>((done) => clock.setTimeout(done, WAIT_MS));
  unsubscribe();
}

function memberOf(payload: Buffer, name: string): { value: TagJson; ts: number } | null {
  let json: unknown;
  try {
    json = JSON.parse(payload.toString('utf8'));
  } catch {
    return null;
  }
  const values = (json as { values?: Record<string, { v?: unknown; ts?: unknown }> } | null)?.values;
  const member = values?.[name];
  if (member === undefined || !isTagJson(member.v) || member.v === null || typeof member.ts !== 'number') return null;
  return { value: member.v, ts: member.ts };
}
