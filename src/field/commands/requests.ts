import type { Clock } from '../clock.js';
import type { TagJson } from './ports.js';

/** A request with the id of one that is not older is the same one, sent again. */
const REMEMBER_MS = 60_000;
/** Of one tag; more are forgotten, the oldest first. */
const MAX_PER_TAG = 64;

interface Remembered<T> {
  value: TagJson;
  at: number;
  result: Promise<T>;
}

/**
 * What was asked for with an id: MQTT may deliver a QoS 1 message twice, and a command that is carried out twice is not
 * always harmless.
 */
export class SetRequests<T> {
  readonly #clock: Clock;
  /** Whether the outcome may be given again, or the request carried out again: nothing was sent. */
  readonly #isFinal: (result: T) => boolean;
  readonly #byTag = new Map<string, Map<string | number, Remembered<T>>>();

  constructor(clock: Clock, isFinal: (result: T) => boolean) {
    this.#clock = clock;
    this.#isFinal = isFinal;
  }

  /** Carries out a request, or gives the result of the same one before. */
  async once(
    tag: string,
    id: string | number | null,
    value: TagJson,
    carryOut: () => Promise<T>,
  ): Promise<{ result: T; isRepeated: boolean }> {
    if (id === null) return { result: await carryOut(), isRepeated: false };
    const known = this.#known(tag).get(id);
    if (known !== undefined && known.value === value) return { result: await known.result, isRepeated: true };
    const entry: Remembered<T> = { value, at: this.#clock.mono(), result: carryOut() };
    const requests = this.#known(tag);
    requests.delete(id);
    requests.set(id, entry);
    this.#byTag.set(tag, requests);
    if (requests.size > MAX_PER_TAG) requests.delete(requests.keys().next().value!);
    const result = await entry.result;
    if (!this.#isFinal(result) && requests.get(id) === entry) requests.delete(id);
    return { result, isRepeated: false };
  }

  /** What is remembered of a tag; what is too old goes. */
  #known(tag: string): Map<string | number, Remembered<T>> {
    const requests = this.#byTag.get(tag);
    if (requests === undefined) return new Map();
    const before = this.#clock.mono() - REMEMBER_MS;
    for (const [id, { at }] of requests) {
      if (at >= before) break;
      requests.delete(id);
    }
    if (requests.size === 0) this.#byTag.delete(tag);
    return requests;
  }
}
