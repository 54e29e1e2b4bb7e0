import type { Clock } from '../../clock.js';
import type { Answer } from './answer.js';

/** A request with the id of one that is not older is the same one, sent again. */
const REMEMBER_MS = 60_000;
/** Of one tag; more are forgotten, the oldest first. */
const MAX_PER_TAG = 64;

interface Remembered {
  asked: string;
  /** Monotonic ms. */
  at: number;
  answer: Promise<Answer>;
}

/**
 * What was asked for with an id: MQTT may deliver a QoS 1 message twice, and a command that is carried out twice is not
 * always harmless.
 */
export class Requests {
  readonly #clock: Clock;
  readonly #byTopic = new Map<string, Map<string, Remembered>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Carries out a request, or gives the answer to the same one before. `asked` tells what for. */
  async once(
    topic: string,
    id: string | null,
    asked: string,
    carryOut: () => Promise<Answer>,
  ): Promise<{ answer: Answer; isRepeated: boolean }> {
    if (id === null) return { answer: await carryOut(), isRepeated: false };
    const known = this.#known(topic).get(id);
    if (known !== undefined && known.asked === asked) return { answer: await known.answer, isRepeated: true };
    const entry: Remembered = { asked, at: this.#clock.mono(), answer: carryOut() };
    this.#remember(topic, id, entry);
    const answer = await entry.answer;
    const requests = this.#byTopic.get(topic);
    if (mayBeRepeated(answer) && requests?.get(id) === entry) requests.delete(id);
    return { answer, isRepeated: false };
  }

  /** What an earlier run noted, so long ago; oldest first. */
  restore(topic: string, id: string, asked: string, answer: Answer, ageMs: number): void {
    if (mayBeRepeated(answer) || ageMs > REMEMBER_MS) return;
    this.#remember(topic, id, { asked, at: this.#clock.mono() - ageMs, answer: Promise.resolve(answer) });
  }

  #remember(topic: string, id: string, entry: Remembered): void {
    const requests = this.#known(topic);
    requests.delete(id);
    requests.set(id, entry);
    this.#byTopic.set(topic, requests);
    if (requests.size > MAX_PER_TAG) requests.delete(requests.keys().next().value!);
  }

  /** What is remembered of a topic; what is too old goes. */
  #known(topic: string): Map<string, Remembered> {
    const requests = this.#byTopic.get(topic);
    if (requests === undefined) return new Map();
    const before = this.#clock.mono() - REMEMBER_MS;
    for (const [id, { at }] of requests) {
      if (at >= before) break;
      requests.delete(id);
    }
    if (requests.size === 0) this.#byTopic.delete(topic);
    return requests;
  }
}

/** Nothing was written: the request may be carried out. */
function mayBeRepeated(answer: Answer): boolean {
  return !answer.ok && answer.outcome === 'none';
}
