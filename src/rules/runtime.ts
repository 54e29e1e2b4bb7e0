import type { Clock } from '../clock.js';
import { type ErrorPlace, FerruleError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { MessageView } from './expression/scope.js';
import { Scope } from './expression/scope.js';
import { truthy } from './expression/values.js';
import { hopsOf, MAX_HOPS, withHops } from './hops.js';
import type { RulesMessaging } from './ports.js';
import type { CompiledRule } from './rule.js';
import { ruleError } from './rule-error.js';

/** Actions of one rule under way at the same time; more are refused. */
export const MAX_OUTSTANDING = 1000;
/** ms between two lines of the log about failures of the same rule. */
const LOG_INTERVAL = 60_000;

export interface RuleCounters {
  /** Messages for which the condition was evaluated. */
  matched: number;
  /** Times that it acted. */
  fired: number;
  /** Evaluations and actions that failed. */
  failed: number;
  /** ms spent in its expressions. */
  timeMs: number;
  lastError: string | null;
  /** Wall ms. */
  lastFiredAt: number | null;
}

export interface RuntimeDependencies {
  port: Pick<RulesMessaging, 'publish'>;
  clock: Clock;
  logger: Logger;
}

/** One running rule: what it counts, and what it does with a message. Never throws, whatever the rule does. */
export class RuleRuntime {
  readonly counters: RuleCounters = { matched: 0, fired: 0, failed: 0, timeMs: 0, lastError: null, lastFiredAt: null };
  readonly #dependencies: RuntimeDependencies;
  readonly #outstanding = new Set<Promise<void>>();
  #rule: CompiledRule;
  #lastLogged: number | null = null;
  #unlogged = 0;

  constructor(rule: CompiledRule, dependencies: RuntimeDependencies) {
    this.#rule = rule;
    this.#dependencies = dependencies;
  }

  get rule(): CompiledRule {
    return this.#rule;
  }

  /** Takes a rule that says the same but stands elsewhere. */
  relocate(rule: CompiledRule): void {
    this.#rule = rule;
  }

  handle(view: MessageView): void {
    const { clock } = this.#dependencies;
    const start = clock.mono();
    this.counters.matched++;
    try {
      this.#run(view);
    } catch (error) {
      this.report(error);
    }
    this.counters.timeMs += clock.mono() - start;
  }

  /** Resolves when no action is under way. */
  async settled(): Promise<void> {
    while (this.#outstanding.size > 0) await Promise.all(this.#outstanding);
  }

  #run(view: MessageView): void {
    const rule = this.#rule;
    const scope = new Scope(view, this.#dependencies.clock.now());
    for (const evaluate of rule.lets) scope.slots.push(evaluate(scope));
    if (rule.when !== null && !truthy(rule.when(scope))) return;
    this.#fire(scope);
  }

  #fire(scope: Scope): void {
    const { port } = this.#dependencies;
    const hops = hopsOf(scope.view) + 1;
    if (hops > MAX_HOPS) {
      throw ruleError(
        'FER_RULES_LOOP',
        `rules triggered one another ${MAX_HOPS} times in a row; the chain was cut at the message on ${JSON.stringify(scope.view?.message.topic ?? '')}`,
        { where: this.#place(), hint: 'Publish to a topic that no rule of the chain listens to, or narrow its condition.' },
      );
    }
    if (this.#outstanding.size + this.#rule.actions.length > MAX_OUTSTANDING) {
      throw ruleError(
        'FER_RULES_OVERLOAD',
        `${this.#outstanding.size} actions of the rule are still under way; this message was not acted on`,
        {
          where: this.#place(),
        },
      );
    }
    const prepared = this.#rule.actions.map((action) => action(scope));
    this.counters.fired++;
    this.counters.lastFiredAt = scope.now;
    for (const act of prepared) this.#track(act({ publish: (message) => port.publish(withHops(message, hops)) }));
  }

  #track(promise: Promise<void>): void {
    const tracked = promise
      .catch((error: unknown) => this.report(error))
      .finally(() => {
        this.#outstanding.delete(tracked);
      });
    this.#outstanding.add(tracked);
  }

  /** Counts a failure, keeps it for the status, and logs it, but not each of many. */
  report(thrown: unknown): void {
    const error =
      thrown instanceof FerruleError
        ? thrown
        : ruleError('FER_INTERNAL', `the rule failed in an unforeseen way: ${messageOf(thrown)}`, {
            where: this.#place(),
            cause: thrown,
          });
    this.counters.failed++;
    this.counters.lastError = error.toLine();
    const now = this.#dependencies.clock.mono();
    if (this.#lastLogged !== null && now - this.#lastLogged < LOG_INTERVAL) {
      this.#unlogged++;
      return;
    }
    this.#dependencies.logger.warn(
      { rule: this.#rule.name, code: error.code, ...(this.#unlogged > 0 ? { failuresNotLogged: this.#unlogged } : {}) },
      error.toLine(),
    );
    this.#lastLogged = now;
    this.#unlogged = 0;
  }

  #place(): ErrorPlace {
    return { file: this.#rule.file, line: this.#rule.line, subject: `rule ${this.#rule.name}` };
  }
}
