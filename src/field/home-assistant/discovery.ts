import type { Clock, Timer } from '../../clock.js';
import type { Logger } from '../../log.js';
import type { MessagingPort } from '../ports.js';
import type { Publisher } from '../publisher.js';
import type { DeviceConfig } from '../schema.js';
import { type Announcement, type Announcer, announce, type Component } from './announcement.js';
import { announcementTopic } from './names.js';

/** Home Assistant says that it is there before it has subscribed to everything. */
const AFTER_BIRTH_MS = 1000;

export interface DiscoveryOptions {
  messaging: MessagingPort;
  publisher: Publisher;
  clock: Clock;
  log: Logger;
}

/** Keeps Home Assistant's retained discovery messages as the configuration is. */
export class HomeAssistantDiscovery {
  readonly #options: DiscoveryOptions;
  #announced = new Map<string, string>();
  #unsubscribe: (() => void) | null = null;
  #birthTopic: string | null = null;
  #birth: Timer | null = null;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** Announces these devices and no others. What stands there already, from this run or one before, is not said again. */
  announce(devices: readonly DeviceConfig[], by: Announcer, birthTopic: string): void {
    const next = new Map<string, string>();
    for (const device of devices) {
      const announcement = announce(device, by);
      const topic = announcementTopic(by, device.name);
      const text = JSON.stringify(announcement);
      next.set(topic, text);
      const before = this.#retained(topic);
      if (before === text) continue;
      const removal = removalOf(before, announcement);
      if (removal !== null) this.#publish(topic, JSON.stringify(removal));
      this.#publish(topic, text);
    }
    for (const topic of this.#announced.keys()) if (!next.has(topic)) this.#options.publisher.clear(topic);
    this.#announced = next;
    this.#listen(birthTopic);
  }

  /** Nothing is announced any more. */
  withdraw(): void {
    for (const topic of this.#announced.keys()) this.#options.publisher.clear(topic);
    this.#announced.clear();
    this.stop();
  }

  /** Leaves what is announced: the devices are still there, and their states say that they are offline. */
  stop(): void {
    this.#birth?.cancel();
    this.#birth = null;
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#birthTopic = null;
  }

  #listen(birthTopic: string): void {
    if (this.#birthTopic === birthTopic) return;
    this.stop();
    this.#birthTopic = birthTopic;
    this.#unsubscribe = this.#options.messaging.subscribe(birthTopic, (message) => {
      // A retained one is of some time ago: who said it has found what is retained here, too.
      if (message.retain || message.payload.toString() !== 'online') return;
      this.#birth?.cancel();
      this.#birth = this.#options.clock.setTimeout(() => {
        this.#birth = null;
        this.#options.log.info({ devices: this.#announced.size }, 'Home Assistant has started; the devices are announced again');
        for (const [topic, text] of this.#announced) this.#publish(topic, text);
      }, AFTER_BIRTH_MS);
    });
  }

  #publish(topic: string, text: string): void {
    const publishNow = (): void => {
      const now = this.#announced.get(topic);
      if (now !== undefined) this.#publish(topic, now);
    };
    this.#options.publisher.publish(topic, Buffer.from(text), true, { publishNow });
  }

  #retained(topic: string): string | null {
    let text: string | null = null;
    this.#options.messaging.subscribe(topic, (message) => {
      if (message.retain && message.payload.length > 0) text = message.payload.toString();
    })();
    return text;
  }
}

/**
 * Entities that an announcement has no more must be named once with nothing but their platform: left out alone they would
 * stay. null: there are none.
 */
function removalOf(before: string | null, next: Announcement): Announcement | null {
  let old: Partial<Announcement> | null;
  try {
    old = before === null ? null : (JSON.parse(before) as Partial<Announcement> | null);
  } catch {
    return null;
  }
  const gone: Record<string, Component> = {};
  for (const [key, component] of Object.entries(old?.components ?? {})) {
    if (!Object.hasOwn(next.components, key) && typeof component.platform === 'string') gone[key] = { platform: component.platform };
  }
  return Object.keys(gone).length === 0 ? null : { ...next, components: { ...next.components, ...gone } };
}
