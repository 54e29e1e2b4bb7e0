import type { Clock, Timer } from '../clock.js';
import type { ErrorPlace } from '../errors.js';
import { MessageView } from './expression/scope.js';
import { ruleError } from './rule-error.js';

/** Topics for which one rule keeps a state. */
export const MAX_STATES = 10_000;
/** Bytes of the messages that one rule keeps while it waits. */
export const MAX_KEPT_BYTES = 4 * 1024 * 1024;

interface State {
  /** Wall ms since when the condition holds. */
  since: number;
  /** Runs while the condition holds and the rule has not acted; null: it has. */
  timer: Timer | null;
  /** The newest message, while waiting. */
  view: MessageView | null;
  bytes: number;
}

export interface GateOptions {
  clock: Clock;
  /** The condition has held for long enough: act on the newest message. Must not throw. */
  act: (view: MessageView | null, since: number) => void;
  place: () => ErrorPlace;
}

/**
 * On delay and hysteresis: for each topic, whether the condition holds, since when, and whether the rule has acted.
 * A topic without a state is one for which the condition does not hold.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #states = new Map<string, State>();
  #keptBytes = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Topics for which the condition holds. */
  get size(): number {
    return this.#states.size;
  }

  hasActed(key: string): boolean {
    return this.#states.get(key)?.timer === null;
  }

  /** The condition does not hold (any more), or the rule may act again. */
  reset(key: string): void {
    const state = this.#states.get(key);
    if (state === undefined) return;
    state.timer?.cancel();
    this.#keptBytes -= state.bytes;
    this.#states.delete(key);
  }

  /** The condition does not hold, or could not be computed: what only waited starts anew. */
  resetWaiting(key: string): void {
    if (!this.hasActed(key)) this.reset(key);
  }

  /** The condition holds; acts after `forMs`, unless it is reset before. Throws where there is no room for a state. */
  hold(key: string, view: MessageView | null, forMs: number): void {
    const { clock } = this.#options;
    const known = this.#states.get(key);
    if (known !== undefined) {
      if (known.timer !== null) this.#keep(known, view);
      return;
    }
    if (this.#states.size >= MAX_STATES) {
      throw ruleError('FER_RULES_OVERLOAD', `the rule holds for ${MAX_STATES} topics already; this one is not followed`, {
        where: this.#options.place(),
        hint: 'Narrow its topic filter.',
      });
    }
    const since = clock.now();
    const state: State = { since, timer: null, view: null, bytes: 0 };
    if (forMs > 0) {
      this.#keep(state, view);
      state.timer = clock.setTimeout(() => this.#expire(state), forMs);
      this.#states.set(key, state);
      return;
    }
    this.#states.set(key, state);
    this.#options.act(view, since);
  }

  stop(): void {
    for (const key of [...this.#states.keys()]) this.reset(key);
  }

  #expire(state: State): void {
    const { view } = state;
    state.timer = null;
    this.#keptBytes -= state.bytes;
    state.view = null;
    state.bytes = 0;
    this.#options.act(view, state.since);
  }

  #keep(state: State, view: MessageView | null): void {
    const bytes = view?.message.payload.length ?? 0;
    if (this.#keptBytes - state.bytes + bytes > MAX_KEPT_BYTES) {
      throw ruleError(
        'FER_RULES_OVERLOAD',
        `the messages that the rule keeps while it waits would take more than ${MAX_KEPT_BYTES} bytes`,
        {
          where: this.#options.place(),
        },
      );
    }
    this.#keptBytes += bytes - state.bytes;
    state.bytes = bytes;
    // The payload may be a view into a buffer that is used again: what is kept is a copy.
    state.view = view === null ? null : new MessageView({ ...view.message, payload: Buffer.from(view.message.payload) }, view.ts);
  }
}
