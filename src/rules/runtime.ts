import type { Clock, Timer } from '../clock.js';
import { type ErrorPlace, FerruleError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { MessageView } from './expression/scope.js';
import { Scope } from './expression/scope.js';
import { truthy } from './expression/values.js';
import { Gate } from './gate.js';
import { hopsOf, MAX_HOPS, withHops } from './hops.js';
import { LineLimit } from './line-limit.js';
import type { RulesField, RulesMessaging } from './ports.js';
import type { ActionContext, CompiledRule } from './rule.js';
import { ruleError } from './rule-error.js';

/** Actions of one rule under way at the same time; more are refused. */
export const MAX_OUTSTANDING = 1000;
/** Lines that one rule may write to the log in a minute; more are counted. */
export const MAX_LOG_LINES = 60;

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
  messaging: Pick<RulesMessaging, 'publish'>;
  /** null: there are no devices to write to. */
  field: RulesField | null;
  clock: Clock;
  logger: Logger;
}

/** One running rule: what it counts, and what it does with a message. Never throws, whatever the rule does. */
export class RuleRuntime {
  readonly counters: RuleCounters = { matched: 0, fired: 0, failed: 0, timeMs: 0, lastError: null, lastFiredAt: null };
  readonly #dependencies: RuntimeDependencies;
  readonly #gate: Gate;
  readonly #failures: LineLimit;
  readonly #lines: LineLimit;
  readonly #outstanding = new Set<Promise<void>>();
  #rule: CompiledRule;
  #timer: Timer | null = null;

  constructor(rule: CompiledRule, dependencies: RuntimeDependencies) {
    const { clock } = dependencies;
    this.#rule = rule;
    this.#dependencies = dependencies;
    this.#failures = new LineLimit(clock, 1);
    this.#lines = new LineLimit(clock, MAX_LOG_LINES);
    this.#gate = new Gate({ clock, act: (view, since) => this.#guarded(() => this.#act(view, since)), place: () => this.#place() });
  }

  get rule(): CompiledRule {
    return this.#rule;
  }

  /** Takes a rule that says the same but stands elsewhere. */
  relocate(rule: CompiledRule): void {
    this.#rule = rule;
  }

  /** Runs a rule that the clock or the start itself triggers. */
  start(): void {
    const { trigger } = this.#rule;
    if (trigger.type === 'startup') this.handle(null);
    else if (trigger.type === 'every') this.#timer ??= this.#dependencies.clock.setInterval(() => this.handle(null), trigger.ms);
  }

  /** No timer of the rule acts any more; actions under way go on. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#gate.stop();
  }

  /** `view`: the message; null where the clock or the start triggers the rule. */
  handle(view: MessageView | null): void {
    this.counters.matched++;
    this.#guarded(() => this.#run(view));
  }

  /** Resolves when no action is under way. */
  async settled(): Promise<void> {
    while (this.#outstanding.size > 0) await Promise.all(this.#outstanding);
  }

  #guarded(run: () => void): void {
    const { clock } = this.#dependencies;
    const start = clock.mono();
    try {
      run();
    } catch (error) {
      this.report(error);
    }
    this.counters.timeMs += clock.mono() - start;
  }

  #scope(view: MessageView | null): Scope {
    const scope = new Scope(view, this.#dependencies.clock.now());
    for (const evaluate of this.#rule.lets) scope.slots.push(evaluate(scope));
    return scope;
  }

  #run(view: MessageView | null): void {
    const { forMs } = this.#rule;
    if (forMs !== null) {
      this.#runGated(view, forMs);
      return;
    }
    const scope = this.#scope(view);
    if (this.#holds(scope)) this.#fire(scope);
  }

  #runGated(view: MessageView | null, forMs: number): void {
    const { until } = this.#rule;
    const key = view?.message.topic ?? '';
    try {
      const scope = this.#scope(view);
      const acted = this.#gate.hasActed(key);
      if (acted && until !== null) {
        if (truthy(until(scope))) this.#gate.reset(key);
      } else if (!this.#holds(scope)) this.#gate.reset(key);
      else if (!acted) this.#gate.hold(key, view, forMs);
    } catch (error) {
      // A condition that could not be computed did not hold without a break.
      this.#gate.resetWaiting(key);
      throw error;
    }
  }

  #act(view: MessageView | null, since: number): void {
    const scope = this.#scope(view);
    scope.since = since;
    this.#fire(scope);
  }

  #holds(scope: Scope): boolean {
    const { when } = this.#rule;
    return when === null || truthy(when(scope));
  }

  #fire(scope: Scope): void {
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
    const context = this.#context(hops);
    for (const act of prepared) this.#track(act(context));
  }

  #context(hops: number): ActionContext {
    const { messaging, field, logger } = this.#dependencies;
    return {
      publish: (message) => messaging.publish(withHops(message, hops)),
      write: (device, tag, value) =>
        field === null
          ? Promise.reject(ruleError('FER_RULES_ACTION', `there is no device to write ${device}.${tag} to`, { where: this.#place() }))
          : field.write(device, tag, value),
      log: (level, text) => {
        this.#lines.pass((skipped) => logger[level]({ rule: this.#rule.name, ...(skipped > 0 ? { linesSkipped: skipped } : {}) }, text));
      },
    };
  }

  #track(promise: Promise<unknown>): void {
    const tracked = promise.then(
      () => {},
      (error: unknown) => this.report(error),
    );
    this.#outstanding.add(tracked);
    void tracked.then(() => this.#outstanding.delete(tracked));
  }

  /** Counts a failure, keeps it for the status, and logs it, but not each of many. */
  report(thrown: unknown): void {
    const error =
      thrown instanceof FerruleError
        ? thrown
        : ruleError('FER_INTERNAL', `the rule failed in an unforeseen way: ${messageOf(thrown)}`, { where: this.#place(), cause: thrown });
    this.counters.failed++;
    this.counters.lastError = error.toLine();
    this.#failures.pass((skipped) => {
      const more = skipped > 0 ? { failuresNotLogged: skipped } : {};
      this.#dependencies.logger.warn({ rule: this.#rule.name, code: error.code, ...more }, error.toLine());
    });
  }

  #place(): ErrorPlace {
    return { file: this.#rule.file, line: this.#rule.line, subject: `rule ${this.#rule.name}` };
  }
}
