import type { Quality, TagJson } from './ports.js';
import type { TopicsConfig } from './schema.js';

/** Topic names from the templates, and what stands in the payloads. */
export class Topics {
  readonly #templates: TopicsConfig;

  constructor(templates: TopicsConfig) {
    this.#templates = templates;
  }

  value(device: string, tag: string): string {
    return fill(this.#templates.value, device, tag);
  }
  set(device: string, tag: string): string {
    return fill(this.#templates.set, device, tag);
  }
  state(device: string): string {
    return fill(this.#templates.state, device, '');
  }
  /** Matches the set topics of all tags. */
  get setFilter(): string {
    return filterOf(this.#templates.set);
  }
  get valueFilter(): string {
    return filterOf(this.#templates.value);
  }
  get stateFilter(): string {
    return filterOf(this.#templates.state);
  }

  /** Whether a topic is one that something could be set with, whether there is such a tag or not. */
  isSet(topic: string): boolean {
    return patternOf(this.#templates.set).test(topic);
  }

  /** Whether a topic is one of a device's own: a value, its state, a write, the result of one. */
  isOwn(topic: string, devices: ReadonlySet<string>): boolean {
    return [this.#templates.value, this.#templates.set, `${this.#templates.set}/result`, this.#templates.state].some((template) => {
      const device = patternOf(template).exec(topic)?.groups?.device;
      return device !== undefined && devices.has(device);
    });
  }
}

function fill(template: string, device: string, tag: string): string {
  return template.replace(/\{(device|tag)\}/g, (_, key: string) => (key === 'device' ? device : tag));
}

/** Finds the device in a topic of a template. */
function patternOf(template: string): RegExp {
  let isFirst = true;
  const pattern = template.replace(/\{device\}|\{tag\}|[^{]+|\{/g, (part) => {
    if (part === '{tag}') return '[^/]+';
    if (part !== '{device}') return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const group = isFirst ? '(?<device>[^/]+)' : '\\k<device>';
    isFirst = false;
    return group;
  });
  return new RegExp(`^${pattern}$`);
}

/** A level that holds a placeholder becomes `+`. */
function filterOf(template: string): string {
  return template
    .split('/')
    .map((level) => (/\{(device|tag)\}/.test(level) ? '+' : level))
    .join('/');
}

export interface Sample {
  value: TagJson;
  ts: number | null;
  quality: Quality;
  reason: string | null;
}

/** {"v","ts","q"}, and "reason" where it is not good. */
export function toJson(sample: Sample): { v: TagJson; ts: number | null; q: Quality; reason?: string } {
  const json = { v: sample.value, ts: sample.ts, q: sample.quality };
  return sample.reason === null ? json : { ...json, reason: sample.reason };
}

export function jsonPayload(sample: Sample): Buffer {
  const { value, ts, quality, reason } = sample;
  if (reason !== null || typeof value === 'string') return Buffer.from(JSON.stringify(toJson(sample)));
  // A good number is nearly all that is ever published.
  const digits = String(value);
  const tail = tailOf(ts, quality);
  const length = HEAD.length + digits.length;
  const payload = Buffer.allocUnsafe(length + tail.length);
  payload.set(HEAD, 0);
  for (let i = 0; i < digits.length; i++) payload[HEAD.length + i] = digits.charCodeAt(i);
  payload.set(tail, length);
  return payload;
}

const HEAD = Buffer.from('{"v":');
let lastTail: { ts: number | null; quality: Quality; bytes: Buffer } = { ts: null, quality: 'bad', bytes: Buffer.alloc(0) };

/** What follows the value: the same for all that was read at once. */
function tailOf(ts: number | null, quality: Quality): Buffer {
  if (lastTail.ts !== ts || lastTail.quality !== quality || lastTail.bytes.length === 0) {
    lastTail = { ts, quality, bytes: Buffer.from(`,"ts":${ts},"q":"${quality}"}`) };
  }
  return lastTail.bytes;
}

/** The bare value. It can't say that it is not good: then it is nothing, which also clears what was retained. */
export function barePayload(sample: Sample): Buffer {
  if (sample.value === null || sample.quality === 'bad' || sample.quality === 'stale') return Buffer.alloc(0);
  return Buffer.from(String(sample.value));
}

/** The values of one scan class in one message. Its time is that of the newest value in it; null: none was ever read. */
export function groupPayload(samples: Iterable<readonly [string, Sample]>): Buffer {
  let newest: number | null = null;
  const values: Record<string, ReturnType<typeof toJson>> = {};
  for (const [name, sample] of samples) {
    values[name] = toJson(sample);
    if (sample.ts !== null && (newest === null || sample.ts > newest)) newest = sample.ts;
  }
  return Buffer.from(JSON.stringify({ ts: newest, values }));
}

/** A value that a retained message of an earlier run holds. */
export interface RetainedValue {
  value: TagJson;
  /** Source time. */
  ts: number;
  quality: Quality;
}

const QUALITIES: ReadonlySet<unknown> = new Set<Quality>(['good', 'uncertain', 'stale', 'bad']);

/** What an earlier run left retained on a value topic; null: nothing usable. */
export function parseRetained(payload: Buffer): RetainedValue | null {
  return retainedValue(parseJson(payload));
}

/** The same of a message with the values of a scan class, by tag. */
export function parseRetainedGroup(payload: Buffer): Map<string, RetainedValue> {
  const { values } = (parseJson(payload) ?? {}) as { values?: unknown };
  const found = new Map<string, RetainedValue>();
  if (typeof values !== 'object' || values === null) return found;
  for (const [name, member] of Object.entries(values)) {
    const value = retainedValue(member);
    if (value !== null) found.set(name, value);
  }
  return found;
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return null;
  }
}

function retainedValue(json: unknown): RetainedValue | null {
  if (typeof json !== 'object' || json === null) return null;
  const { v, ts, q } = json as { v?: unknown; ts?: unknown; q?: unknown };
  if (!isTagJson(v) || v === null || typeof ts !== 'number' || !Number.isFinite(ts)) return null;
  // Without a quality it counts as one that could be taken for good.
  return { value: v, ts, quality: QUALITIES.has(q) ? (q as Quality) : 'good' };
}

export function isTagJson(value: unknown): value is TagJson {
  return value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';
}

const DIGITS_OF_A_DOUBLE = 15;

export interface SetRequest {
  value: TagJson;
  /** Given back with the result. */
  id: string | number | null;
}

/** A message on a set topic: `{"v": 12, "id": ...}` or the bare value. Returns the reason where it is neither. */
export function parseSet(payload: Buffer): SetRequest | { problem: string } {
  const text = payload.toString('utf8').trim();
  if (text === '') return { problem: 'the message is empty' };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { value: text, id: null };
  }
  if (isTagJson(json)) {
    if (json === null) return { problem: 'null is no value that can be written' };
    // What a double can't hold exactly stays text.
    return { value: typeof json === 'number' && isInexact(json, text) ? text : json, id: null };
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return { problem: 'the message is neither a value nor {"v": value}' };
  const { v, value, id } = json as { v?: unknown; value?: unknown; id?: unknown };
  const asked = v ?? value;
  if (!isTagJson(asked) || asked === null) return { problem: 'the message has no "v" with a number, a text, true or false' };
  if (typeof asked === 'number' && Number.isInteger(asked) && !Number.isSafeInteger(asked) && Math.abs(asked) <= 2 ** 64) {
    return { problem: 'an integer beyond 2^53 is not exact in JSON; send it as a text of digits' };
  }
  return { value: asked, id: typeof id === 'string' || typeof id === 'number' ? id : null };
}

/** Whether a number has more digits than a double keeps of every number. */
function isInexact(value: number, text: string): boolean {
  if (Number.isSafeInteger(value) && /^-?[0-9]+$/.test(text)) return false;
  const [mantissa = ''] = text.toLowerCase().split('e');
  return mantissa.replace(/[-.]/g, '').replace(/^0+/, '').length > DIGITS_OF_A_DOUBLE;
}
