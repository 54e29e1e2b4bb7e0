import type { Clock, Timer } from '../clock.js';
import type { Logger } from '../log.js';
import type { Message } from '../mqtt/message.js';
import { MessageView } from './expression/scope.js';
import type { RulesField, RulesMessaging } from './ports.js';
import type { CompiledRule } from './rule.js';
import { RuleRuntime } from './runtime.js';

/** ms that stop() waits for actions under way. */
const STOP_TIMEOUT = 2000;

interface Subscription {
  rules: Set<RuleRuntime>;
  /** False while the retained messages come. */
  live: boolean;
  unsubscribe: () => void;
}

export interface EngineOptions {
  messaging: RulesMessaging;
  /** null: there are no devices to write to. */
  field: RulesField | null;
  clock: Clock;
  logger: Logger;
}

/** Runs rules: one subscription a filter, however many rules share it. */
export class Engine {
  readonly #options: EngineOptions;
  /** By name. */
  #runtimes = new Map<string, RuleRuntime>();
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  get runtimes(): RuleRuntime[] {
    return [...this.#runtimes.values()];
  }

  /** Runs exactly these rules from now on. A rule that says the same as before keeps its counters and its state. */
  install(rules: readonly CompiledRule[]): void {
    const before = this.#runtimes;
    const after = new Map<string, RuleRuntime>();
    const added: RuleRuntime[] = [];
    for (const rule of rules) {
      const running = before.get(rule.name);
      if (running !== undefined && running.rule.fingerprint === rule.fingerprint) {
        running.relocate(rule);
        after.set(rule.name, running);
      } else {
        const runtime = new RuleRuntime(rule, this.#options);
        after.set(rule.name, runtime);
        added.push(runtime);
      }
    }
    this.#runtimes = after;
    for (const runtime of before.values()) if (after.get(runtime.rule.name) !== runtime) this.#leave(runtime);
    for (const runtime of added) this.#join(runtime);
    // Filters that no rule needs any more; kept until here so that a rule that changed does not subscribe anew.
    for (const [filter, subscription] of this.#subscriptions) {
      if (subscription.rules.size > 0) continue;
      this.#subscriptions.delete(filter);
      subscription.unsubscribe();
    }
    for (const runtime of added) {
      this.#replay(runtime);
      runtime.start();
    }
  }

  /** Stops all rules and waits for their actions, but not for long. */
  async stop(): Promise<void> {
    const runtimes = this.runtimes;
    this.install([]);
    let timer: Timer | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = this.#options.clock.setTimeout(resolve, STOP_TIMEOUT);
    });
    await Promise.race([timeout, Promise.all(runtimes.map((runtime) => runtime.settled()))]);
    timer?.cancel();
  }

  #join(runtime: RuleRuntime): void {
    for (const filter of filtersOf(runtime)) {
      const subscription = this.#subscriptions.get(filter);
      if (subscription === undefined) this.#subscribe(filter, runtime);
      else subscription.rules.add(runtime);
    }
  }

  #leave(runtime: RuleRuntime): void {
    runtime.stop();
    for (const subscription of this.#subscriptions.values()) subscription.rules.delete(runtime);
  }

  #subscribe(filter: string, runtime: RuleRuntime): void {
    // Retained messages come before subscribe returns. Rules act on what happens from now on; those that want the
    // retained messages as well get them afterwards, once each, however many rules share the filter.
    const subscription: Subscription = { rules: new Set([runtime]), live: false, unsubscribe: () => {} };
    this.#subscriptions.set(filter, subscription);
    try {
      subscription.unsubscribe = this.#options.messaging.subscribe(filter, (message) => {
        if (subscription.live) this.#dispatch(subscription.rules, message);
      });
    } catch (error) {
      this.#subscriptions.delete(filter);
      runtime.report(error);
    }
    subscription.live = true;
  }

  #dispatch(rules: ReadonlySet<RuleRuntime>, message: Message): void {
    const view = new MessageView(message, this.#options.clock.now());
    for (const runtime of rules) runtime.handle(view);
  }

  #replay(runtime: RuleRuntime): void {
    const { trigger } = runtime.rule;
    if (trigger.type !== 'topic' || !trigger.retained) return;
    for (const filter of trigger.filters) {
      for (const message of this.#options.messaging.retained(filter)) runtime.handle(new MessageView(message, this.#options.clock.now()));
    }
  }
}

function filtersOf({ rule: { trigger } }: RuleRuntime): readonly string[] {
  return trigger.type === 'topic' ? trigger.filters : [];
}
