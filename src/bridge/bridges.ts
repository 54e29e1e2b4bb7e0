import { isDeepStrictEqual } from 'node:util';
import { FerruleError, messageOf } from '../errors.js';
import { Bridge, type BridgeContext, spoolClientId } from './bridge.js';
import { checkBridges } from './check-config.js';
import { Pauses } from './pauses.js';
import type { BridgeConfig } from './schema.js';
import type { BridgeStatus, OrphanStatus, PartStatus } from './status.js';

export interface BridgesOptions extends BridgeContext {
  configs: readonly BridgeConfig[];
}

/** All bridges of the gateway. */
export class Bridges {
  readonly #context: BridgeContext;
  #configs: readonly BridgeConfig[];
  readonly #bridges = new Map<string, Bridge>();
  readonly #orphans = new Map<string, OrphanStatus>();
  readonly #pauses: Pauses;
  #running: boolean = false;
  /** start, stop and reconfigure one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: BridgesOptions) {
    const { configs, ...context } = options;
    this.#context = context;
    this.#configs = configs;
    this.#pauses = new Pauses(context.ports.documents);
  }

  /**
   * Resolves when every spool takes messages (one that can't is tried again and does not hold up the others); the links
   * are set up behind. Rejects, with nothing started, for a configuration that checkBridges refuses.
   */
  start(): Promise<void> {
    return this.#queue(async () => {
      if (this.#running) return;
      this.#refuse(this.#configs);
      await this.#pauses.load(this.#configs.map(({ name }) => name));
      this.#running = true;
      for (const config of this.#configs) {
        const bridge = new Bridge(config, this.#context);
        if (this.#pauses.has(config.name)) bridge.pause();
        this.#bridges.set(config.name, bridge);
      }
      await Promise.all([...this.#bridges.values()].map((bridge) => bridge.start()));
    });
  }

  stop(): Promise<void> {
    return this.#queue(async () => {
      if (!this.#running) return;
      this.#running = false;
      const bridges = [...this.#bridges.values()];
      await this.#all(bridges.map((bridge) => bridge.stop()));
      this.#bridges.clear();
    });
  }

  /**
   * Adds, changes and removes; a bridge whose configuration is the same goes on undisturbed. What waits for a removed
   * one stays on disk (see orphans). Rejects, with nothing changed, for a configuration that checkBridges refuses.
   */
  reconfigure(configs: readonly BridgeConfig[]): Promise<void> {
    return this.#queue(async () => {
      this.#refuse(configs);
      this.#configs = configs;
      if (!this.#running) return;
      const wanted = new Map(configs.map((config) => [config.name, config]));
      const work: Promise<void>[] = [];
      for (const [name, bridge] of this.#bridges) if (!wanted.has(name)) work.push(this.#remove(bridge));
      for (const [name, config] of wanted) {
        const bridge = this.#bridges.get(name);
        if (bridge === undefined) work.push(this.#add(config));
        else if (!isDeepStrictEqual(bridge.config, config)) work.push(bridge.reconfigure(config));
      }
      await this.#all(work);
    });
  }

  bridges(): BridgeStatus[] {
    return [...this.#bridges.values()].map((bridge) => bridge.status());
  }

  parts(): PartStatus[] {
    return [...this.#bridges.values()].map((bridge) => {
      const { name, state, since } = bridge.status();
      const { fault } = bridge;
      const error =
        fault === null ? null : { code: fault.code, message: fault.message, ...(fault.hint === undefined ? {} : { hint: fault.hint }) };
      return { name: `bridge ${name}`, state, since, error };
    });
  }

  /** Spools that removed bridges left behind since the start, with what waits in them. */
  orphans(): OrphanStatus[] {
    return [...this.#orphans.values()];
  }

  /** Drops for good what waits for a removed bridge; false: there is no such orphan. */
  discardOrphan(name: string): Promise<boolean> {
    return this.#queue(async () => {
      if (!this.#orphans.has(name)) return false;
      const spool = await this.#context.ports.openSpool({
        clientId: spoolClientId(name),
        filters: [],
        maxMessages: 1,
        maxBytes: 1,
        maxAgeMs: 0,
        whenFull: 'drop_newest',
      });
      await spool.discard();
      this.#orphans.delete(name);
      return true;
    });
  }

  /**
   * Takes the link of a bridge down, at once; its spool goes on filling. Resolves when a restart remembers it, false: there is
   * no such bridge. Rejects where the disk refuses: then it is paused until the next start.
   */
  async pause(name: string): Promise<boolean> {
    const bridge = this.#bridges.get(name);
    if (bridge === undefined) return false;
    bridge.pause();
    await this.#pauses.add(name);
    return true;
  }

  /** As pause(). */
  async resume(name: string): Promise<boolean> {
    const bridge = this.#bridges.get(name);
    if (bridge === undefined) return false;
    bridge.resume();
    await this.#pauses.delete(name);
    return true;
  }

  async #add(config: BridgeConfig): Promise<void> {
    const bridge = new Bridge(config, this.#context);
    this.#bridges.set(config.name, bridge);
    this.#orphans.delete(config.name);
    await bridge.start();
  }

  async #remove(bridge: Bridge): Promise<void> {
    this.#bridges.delete(bridge.name);
    const [left] = await Promise.all([bridge.retire(), this.#pauses.delete(bridge.name)]);
    if (left.waiting === 0) return;
    this.#orphans.set(bridge.name, { name: bridge.name, ...left });
    this.#context.log.warn(
      { bridge: bridge.name, ...left },
      'the bridge is gone from the configuration; what waits for it is kept until it is discarded',
    );
  }

  #refuse(configs: readonly BridgeConfig[]): void {
    const [finding] = checkBridges(configs, this.#context.gateway);
    if (finding === undefined) return;
    throw new FerruleError('FER_BRIDGE_CONFIG', finding.message, { hint: finding.hint, where: { subject: formatPath(finding.path) } });
  }

  /** Waits for all, then rejects with the first failure; the others are logged. */
  async #all(work: Promise<void>[]): Promise<void> {
    const failures = (await Promise.allSettled(work)).flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    for (const failure of failures) this.#context.log.error({ error: messageOf(failure) }, 'a bridge could not be changed or stopped');
    if (failures.length > 0) throw failures[0];
  }

  #queue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}

function formatPath(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${part}`), 'bridges');
}
