import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';

const PER_KEY_MS = 60_000;
const MAX_KEYS = 256;
const MAX_PER_MINUTE = 20;

/** Says what strangers and broken masters do, without letting them fill the log: once a minute per kind and address. */
export class TroubleLog {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #said = new Map<string, { at: number; unsaid: number }>();
  #minute = Number.NEGATIVE_INFINITY;
  #saidInMinute = 0;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  warn(kind: string, address: string, message: string, hint?: string): void {
    const now = this.#clock.mono();
    const key = `${kind} ${address}`;
    const before = this.#said.get(key);
    if ((before !== undefined && now - before.at < PER_KEY_MS) || !this.#mayTalk(now)) {
      if (before !== undefined) before.unsaid++;
      return;
    }
    this.#said.delete(key);
    if (this.#said.size >= MAX_KEYS) {
      const oldest = this.#said.keys().next();
      if (oldest.done !== true) this.#said.delete(oldest.value);
    }
    this.#said.set(key, { at: now, unsaid: 0 });
    const again = before === undefined || before.unsaid === 0 ? {} : { again: before.unsaid };
    this.#log.warn({ address, ...again, ...(hint === undefined ? {} : { hint }) }, message);
  }

  #mayTalk(now: number): boolean {
    if (now - this.#minute >= PER_KEY_MS) {
      this.#minute = now;
      this.#saidInMinute = 0;
    }
    return ++this.#saidInMinute <= MAX_PER_MINUTE;
  }
}
