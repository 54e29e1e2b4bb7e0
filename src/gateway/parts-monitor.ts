import type { Clock, Timer } from '../clock.js';
import type { Logger } from '../log.js';
import type { PartStatus } from './supervisor.js';

const SAMPLE_MS = 1000;

export interface PartsMonitorOptions {
  /** The parts as they stand; `since` may be 0 where a part does not know it itself. */
  parts(): PartStatus[];
  /** Called when a part's state changes. */
  onChange(part: PartStatus): void;
  clock: Clock;
  log: Logger;
}

/** Follows the states of the gateway's parts: says when one changes, and knows since when it holds. */
export class PartsMonitor {
  readonly #options: PartsMonitorOptions;
  readonly #known = new Map<string, { state: string; since: number; error: string | null }>();
  #timer: Timer | null = null;

  constructor(options: PartsMonitorOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#timer !== null) return;
    this.parts();
    this.#timer = this.#options.clock.setInterval(() => this.parts(), SAMPLE_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#known.clear();
  }

  parts(): PartStatus[] {
    const parts = this.#options.parts().map((part) => this.#follow(part));
    const names = new Set(parts.map(({ name }) => name));
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
    return parts;
  }

  #follow(part: PartStatus): PartStatus {
    const known = this.#known.get(part.name);
    const error = part.error?.message ?? null;
    const changed = known?.state !== part.state;
    const since = part.since !== 0 ? part.since : changed ? this.#options.clock.now() : known.since;
    const shown = { ...part, since };
    if (changed || known.error !== error) {
      this.#known.set(part.name, { state: part.state, since, error });
      this.#report(shown);
    }
    return shown;
  }

  #report(part: PartStatus): void {
    const details = { part: part.name, state: part.state, code: part.error?.code, hint: part.error?.hint };
    if (part.state === 'degraded') this.#options.log.warn(details, part.error?.message ?? 'a part is degraded');
    else this.#options.log.info(details, 'a part changed its state');
    this.#options.onChange(part);
  }
}
