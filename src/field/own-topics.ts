import type { DeviceConfig } from './schema.js';
import { isInstrument } from './schema.js';
import { isRaw, rawTopics } from './serial/raw-topics.js';
import type { Topics } from './topics.js';

/** The topics of configured devices, whether something is on them at present or not. */
export class OwnTopics {
  readonly #topics: Topics;
  readonly #devices: ReadonlySet<string>;
  readonly #raw: ReadonlySet<string>;

  constructor(topics: Topics, devices: readonly DeviceConfig[]) {
    this.#topics = topics;
    this.#devices = new Set(devices.map(({ name }) => name));
    const raw = devices.filter(isInstrument).filter(isRaw).map(rawTopics);
    this.#raw = new Set(raw.flatMap(({ rx, tx }) => (tx === null ? [rx] : [rx, tx, `${tx}/result`])));
  }

  has(topic: string): boolean {
    return this.#raw.has(topic) || this.#topics.isOwn(topic, this.#devices);
  }
}
