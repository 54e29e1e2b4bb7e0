import type { Clock, Timer } from '../../clock.js';
import { messageOf } from '../../errors.js';
import type { Link, LinkHandlers, LinkOpener } from './link.js';

const LONGEST_RETURN_MS = 30 * 60_000;

/**
 * Two ways to the same devices. The second is taken where the first does not connect, or connects and never answers. While
 * the second is in use the first is tried now and then: `hasBetter` says that it connects again. Where it then does not
 * answer it is tried less and less often.
 */
export class FallbackOpener implements LinkOpener {
  readonly #first: LinkOpener;
  readonly #second: LinkOpener;
  readonly #clock: Clock;
  readonly #returnAfter: number;
  #prefersSecond = false;
  #isOnSecond = false;
  /** The link that was opened last has answered; null: none was opened. */
  #isProven: boolean | null = null;
  #hasBetter = false;
  #returnDelay: number;
  #timer: Timer | null = null;
  #probe: AbortController | null = null;
  #probing: Promise<void> = Promise.resolve();

  /** `returnAfterMs`: time on the second after which the first is tried. */
  constructor(first: LinkOpener, second: LinkOpener, clock: Clock, returnAfterMs: number) {
    this.#first = first;
    this.#second = second;
    this.#clock = clock;
    this.#returnAfter = returnAfterMs;
    this.#returnDelay = returnAfterMs;
  }

  get endpoint(): string {
    return this.#isOnSecond ? `${this.#second.endpoint} (backup)` : this.#first.endpoint;
  }

  get hasBetter(): boolean {
    return this.#hasBetter;
  }

  async open(handlers: LinkHandlers, signal: AbortSignal): Promise<Link> {
    await this.#endProbe();
    if (this.#hasBetter) this.#prefersSecond = false;
    else if (this.#isProven === false) this.#prefersSecond = !this.#isOnSecond;
    this.#hasBetter = false;
    this.#isProven = null;
    const [one, other] = this.#prefersSecond ? [this.#second, this.#first] : [this.#first, this.#second];
    try {
      return this.#use(await one.open(handlers, signal), one);
    } catch (failure) {
      if (signal.aborted) throw failure;
      try {
        return this.#use(await other.open(handlers, signal), other);
      } catch (second) {
        throw new Error(`${messageOf(failure)}; ${messageOf(second)}`, { cause: failure });
      }
    }
  }

  proven(): void {
    if (this.#isProven !== false) return;
    this.#isProven = true;
    if (!this.#isOnSecond) this.#returnDelay = this.#returnAfter;
  }

  async close(): Promise<void> {
    await this.#endProbe();
    await Promise.all([this.#first.close?.(), this.#second.close?.()]);
    this.#prefersSecond = false;
    this.#isProven = null;
    this.#hasBetter = false;
    this.#returnDelay = this.#returnAfter;
  }

  #use(link: Link, opener: LinkOpener): Link {
    this.#isOnSecond = opener === this.#second;
    this.#prefersSecond = this.#isOnSecond;
    this.#isProven = false;
    if (this.#isOnSecond) this.#tryFirstLater();
    return link;
  }

  #tryFirstLater(): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = null;
      const probe = new AbortController();
      this.#probe = probe;
      this.#probing = this.#first.open({ data: () => {}, closed: () => {} }, probe.signal).then(
        async (link) => {
          await link.close();
          if (probe.signal.aborted) return;
          this.#hasBetter = true;
          this.#returnDelay = Math.min(this.#returnDelay * 2, LONGEST_RETURN_MS);
        },
        () => {
          if (!probe.signal.aborted) this.#tryFirstLater();
        },
      );
    }, this.#returnDelay);
  }

  async #endProbe(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#probe?.abort();
    this.#probe = null;
    await this.#probing;
  }
}
