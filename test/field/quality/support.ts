import type { TestContext } from 'node:test';
import { type Clock, systemClock, type Timer } from '../../../src/clock.js';
import { Field } from '../../../src/field/field.js';
import type { DocumentPort } from '../../../src/field/ports.js';
import { silentLogger } from '../../../src/log.js';
import { fieldConfig, Messages } from '../support.js';

/** Documents in memory in the place of the store. */
export class Documents implements DocumentPort {
  readonly kept = new Map<string, string>();

  get<T>(collection: string, key: string): Promise<T | null> {
    const text = this.kept.get(`${collection}/${key}`);
    return Promise.resolve(text === undefined ? null : (JSON.parse(text) as T));
  }

  list<T>(collection: string): Promise<{ key: string; value: T }[]> {
    const own = [...this.kept].filter(([path]) => path.startsWith(`${collection}/`));
    return Promise.resolve(own.map(([path, text]) => ({ key: path.slice(collection.length + 1), value: JSON.parse(text) as T })));
  }

  put(collection: string, key: string, value: unknown): Promise<void> {
    this.kept.set(`${collection}/${key}`, JSON.stringify(value));
    return Promise.resolve();
  }
}

/** The system's time with a wall clock that can be set; timers go by the monotonic one, as they do. */
export class SettableClock implements Clock {
  offset = 0;
  now(): number {
    return Date.now() + this.offset;
  }
  mono(): number {
    return systemClock.mono();
  }
  setTimeout(callback: () => void, ms: number): Timer {
    return systemClock.setTimeout(callback, ms);
  }
  setInterval(callback: () => void, ms: number): Timer {
    return systemClock.setInterval(callback, ms);
  }
}

export interface Plant {
  messages: Messages;
  documents: Documents;
  clock: SettableClock;
}

export function emptyPlant(): Plant {
  return { messages: new Messages(), documents: new Documents(), clock: new SettableClock() };
}

/** A field that is not started; it is stopped when the test ends. */
export async function makeField(t: TestContext, written: unknown, plant: Plant): Promise<Field> {
  const { messages, documents, clock } = plant;
  const field = new Field({ config: await fieldConfig(written), messaging: messages, documents, clock, log: silentLogger });
  t.after(() => field.stop());
  return field;
}

/** What a kill leaves: retained messages and documents as they are at this moment; the run itself goes on elsewhere. */
export function afterKill(plant: Plant): Plant {
  const next = emptyPlant();
  for (const message of plant.messages.retained.values()) next.messages.publish(message);
  next.messages.all.length = 0;
  for (const [key, text] of plant.documents.kept) next.documents.kept.set(key, text);
  return next;
}

export type PayloadFormat = 'json' | 'value' | 'device';
export const FORMATS: readonly PayloadFormat[] = ['json', 'value', 'device'];

export interface Seen {
  v: unknown;
  ts: unknown;
  q: unknown;
  reason?: unknown;
}

/**
 * What somebody who subscribes now gets to know of a tag: null where nothing is retained. A bare value counts as good:
 * that is how it is read.
 */
export function lateSubscriber(messages: Messages, format: PayloadFormat, device: string, tag: string, group: string): Seen | null {
  const text = messages.retained.get(`field/${device}/${format === 'device' ? group : tag}`)?.payload.toString();
  if (text === undefined) return null;
  if (format === 'value') return { v: text, ts: null, q: 'good' };
  const json = JSON.parse(text) as Seen & { values?: Record<string, Seen> };
  return format === 'json' ? json : (json.values?.[tag] ?? null);
}
