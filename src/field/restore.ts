import type { Message } from '../mqtt/message.js';
import type { Inventory, TagIdentity } from './inventory.js';
import type { LedgerContent } from './ledger.js';
import type { MessagingPort, TagJson } from './ports.js';
import type { Publisher } from './publisher.js';
import type { PayloadFormat } from './schema.js';
import {
  barePayload,
  groupPayload,
  jsonPayload,
  parseRetained,
  parseRetainedGroup,
  type RetainedValue,
  type Sample,
  type Topics,
} from './topics.js';

/** The last value of an earlier run. */
export interface EarlierValue {
  value: TagJson;
  /** Source time. */
  ts: number;
}

/** By device, then by tag. */
export type EarlierValues = ReadonlyMap<string, ReadonlyMap<string, EarlierValue>>;

export interface Takeover {
  messaging: MessagingPort;
  publisher: Publisher;
  topics: Topics;
  payload: PayloadFormat;
  /** What this configuration retains. */
  inventory: Inventory;
  /** Topics of announcements that this configuration retains. */
  announcements: ReadonlySet<string>;
  /** What an earlier run retained; null: not known. */
  ledger: LedgerContent | null;
  /** Wall ms. */
  now: number;
}

/**
 * Takes over what an earlier run left retained, however it ended. A value that was good is stale from now on, with its
 * own time; one whose tag means something else now is not kept; what is no longer configured is cleared; a device's state
 * is unknown. To be called before anybody can read: a value from before a restart never looks fresh.
 */
export function takeOverRetained(takeover: Takeover): EarlierValues {
  const { messaging, publisher, topics, payload, inventory, announcements, ledger, now } = takeover;
  const earlier = new Map<string, Map<string, EarlierValue>>();
  const found = retainedMessages(messaging, topics, ledger);
  for (const [topic, members] of inventory.values) {
    const message = found.get(topic);
    if (message === undefined) continue;
    const samples: [TagIdentity, Sample][] = [];
    const values = valuesIn(message.payload, payload, members);
    for (const [name, identity] of members) {
      const value = values.get(name);
      const isOurs = ledger === null || ledger.values[topic]?.[name] === identity.definition;
      if (value === undefined || !isOurs) samples.push([identity, NEVER_READ]);
      else {
        samples.push([identity, asStale(value)]);
        const ofDevice = earlier.get(identity.device) ?? new Map<string, EarlierValue>();
        earlier.set(identity.device, ofDevice.set(name, { value: value.value, ts: value.ts }));
      }
    }
    const next = payloadOf(payload, samples);
    if (!next.equals(message.payload)) publishRetained(publisher, topic, next);
  }
  const unknown = Buffer.from(JSON.stringify({ state: 'unknown', since: now }));
  for (const topic of inventory.states) if (found.has(topic)) publishRetained(publisher, topic, unknown);
  const inUse = (topic: string) => inventory.values.has(topic) || inventory.states.has(topic) || announcements.has(topic);
  const left = ledger === null ? [] : [...Object.keys(ledger.values), ...ledger.others];
  for (const topic of left) if (!inUse(topic) && found.has(topic)) publisher.clear(topic);
  return earlier;
}

const NEVER_READ: Sample = { value: null, ts: null, quality: 'bad', reason: 'not_read_yet' };

function asStale({ value, ts }: RetainedValue): Sample {
  return { value, ts, quality: 'stale', reason: 'not_read_yet' };
}

function valuesIn(message: Buffer, payload: PayloadFormat, members: ReadonlyMap<string, unknown>): Map<string, RetainedValue> {
  switch (payload) {
    case 'json': {
      const value = parseRetained(message);
      const [name] = members.keys();
      return value === null || name === undefined ? new Map() : new Map([[name, value]]);
    }
    case 'device':
      return parseRetainedGroup(message);
    case 'value':
      // A bare value has no time.
      return new Map();
  }
}

function payloadOf(payload: PayloadFormat, samples: readonly [TagIdentity, Sample][]): Buffer {
  const first = samples[0]?.[1] ?? NEVER_READ;
  switch (payload) {
    case 'json':
      return jsonPayload(first);
    case 'value':
      return barePayload(first);
    case 'device':
      return groupPayload(samples.map(([{ tag }, sample]) => [tag, sample]));
  }
}

function publishRetained(publisher: Publisher, topic: string, payload: Buffer): void {
  publisher.publish(topic, payload, true, { publishNow: () => publishRetained(publisher, topic, payload) });
}

/** Retained messages of the topics in use and of those that were, by topic. */
function retainedMessages(messaging: MessagingPort, topics: Topics, ledger: LedgerContent | null): Map<string, Message> {
  const found = new Map<string, Message>();
  const collect = (filter: string) => {
    messaging.subscribe(filter, (message) => {
      if (message.retain && message.payload.length > 0) found.set(message.topic, message);
    })();
  };
  collect(topics.valueFilter);
  collect(topics.stateFilter);
  // Of other templates than today's.
  if (ledger !== null) for (const topic of [...Object.keys(ledger.values), ...ledger.others]) if (!found.has(topic)) collect(topic);
  return found;
}
