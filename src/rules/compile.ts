import { parseDuration } from '../config/units.js';
import { type ErrorPlace, FerruleError, messageOf } from '../errors.js';
import type { QoS } from '../mqtt/packets.js';
import { compileLog } from './actions/log.js';
import { compilePayload } from './actions/payload.js';
import { compilePublish } from './actions/publish.js';
import { compileWrite, faultOfTag } from './actions/write.js';
import type { Path, RuleDocument } from './document.js';
import type { Fault } from './expression/ast.js';
import { type Compiled, compileExpression, compileTemplate, type Names } from './expression/compile.js';
import type { Evaluate } from './expression/operators.js';
import type { Scope } from './expression/scope.js';
import { checkedText, EvaluationFault, textOf, type Value } from './expression/values.js';
import { MESSAGE_NAMES, SINCE } from './names.js';
import type { Action, CompiledRule, Trigger } from './rule.js';
import { ruleError } from './rule-error.js';
import type { RuleSource } from './schema.js';
import { faultOfFilter, faultOfTopic, overlap } from './topics.js';
import { validate } from './validate.js';

/** ms between two runs of a rule by the clock, at least. */
const MIN_EVERY = 100;
const NAME = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;

/** Compiles a rule; null where something is wrong with it, which is then among the document's errors. */
export function compileRule(document: RuleDocument): CompiledRule | null {
  if (!validate(document)) return null;
  const compiler = new RuleCompiler(document);
  const rule = compiler.compile(document.data);
  return document.errors.length === 0 ? rule : null;
}

/** Compiles the parts of one rule; actions come back for their expressions and templates. */
export class RuleCompiler {
  readonly document: RuleDocument;
  #names: Names = MESSAGE_NAMES;

  constructor(document: RuleDocument) {
    this.document = document;
  }

  compile(source: RuleSource): CompiledRule {
    const trigger = this.#trigger(source.on);
    const lets = this.#lets(source.let ?? {});
    const when = source.when === undefined ? null : this.expression(['when'], source.when);
    const until = source.until === undefined ? null : this.expression(['until'], source.until);
    this.#names = new Map([...this.#names, [SINCE.name, SINCE.evaluate]]);
    const actions = source.do.map((action, index) => this.#action(action, index));
    return {
      name: source.rule,
      file: this.document.file,
      line: this.document.line,
      column: this.document.placeOfValue(['rule']).column ?? 1,
      fingerprint: JSON.stringify(source),
      trigger,
      targets: {
        tags: source.do.flatMap(({ write }) => (write === undefined ? [] : [write.tag])),
        topics: source.do.flatMap(({ publish }) => (publish === undefined ? [] : [publish.topic])),
      },
      lets,
      when,
      // With `until` alone, the rule acts at once, but not again.
      forMs: source.for === undefined ? (until === null ? null : 0) : parseDuration(String(source.for)),
      until,
      actions,
    };
  }

  /** An expression at a path of the rule. What it throws is a FerruleError with its place. */
  expression(path: Path, source: string | number | boolean): Evaluate {
    if (typeof source !== 'string') return () => source;
    const evaluate = this.#checked(path, compileExpression(source, this.#names));
    return evaluate === null ? () => null : this.placed((offset) => this.document.placeInText(path, offset), evaluate);
  }

  /** A template at a path of the rule; a part that has no text (null, a list, an object) fails where `strict`. */
  template(path: Path, source: string, strict: boolean): (scope: Scope) => string {
    const parts = this.#checked(path, compileTemplate(source, this.#names));
    if (parts === null) return () => '';
    return this.placed(
      (offset) => this.document.placeInText(path, offset),
      (scope) => {
        let text = '';
        for (const part of parts) text += typeof part === 'string' ? part : partText(scope, part.evaluate(scope), part.at, strict);
        return checkedText(scope, text);
      },
    );
  }

  #trigger(on: RuleSource['on']): Trigger {
    const kinds = (['topic', 'every', 'startup'] as const).filter((kind) => on[kind] !== undefined);
    if (kinds.length !== 1) {
      const message = kinds.length === 0 ? 'on says nothing that starts the rule' : `on has both ${kinds.join(' and ')}`;
      this.document.error('FER_RULES_SCHEMA', message, this.document.placeOfValue(['on']), 'Give one of topic, every and startup.');
    }
    if (on.retained !== undefined && on.topic === undefined) {
      this.document.error('FER_RULES_SCHEMA', 'retained goes with topic only', this.document.placeOfKey(['on'], 'retained'));
    }
    if (on.every !== undefined) {
      const ms = parseDuration(String(on.every));
      if (ms < MIN_EVERY)
        this.document.error('FER_RULES_SCHEMA', 'on.every must be at least 100ms', this.document.placeOfValue(['on', 'every']));
      return { type: 'every', ms };
    }
    if (on.topic === undefined) return { type: 'startup' };
    return { type: 'topic', filters: this.#filters(on.topic), retained: on.retained ?? false };
  }

  #filters(topic: string | string[]): string[] {
    const filters = typeof topic === 'string' ? [topic] : topic;
    const path = (index: number): (string | number)[] => (typeof topic === 'string' ? ['on', 'topic'] : ['on', 'topic', index]);
    filters.forEach((filter, index) => {
      const fault = faultOfFilter(filter);
      if (fault !== null) this.document.error('FER_RULES_SCHEMA', fault, this.document.placeOfValue(path(index)));
      const other = filters.slice(0, index).find((earlier) => overlap(earlier, filter));
      if (other !== undefined) {
        const message = `${JSON.stringify(filter)} and ${JSON.stringify(other)} match the same topics, so the rule would run twice for one message`;
        this.document.error('FER_RULES_SCHEMA', message, this.document.placeOfValue(path(index)), 'Take one of them out.');
      }
    });
    return filters;
  }

  #lets(source: Record<string, string | number | boolean>): Evaluate[] {
    return Object.entries(source).map(([name, expression], slot) => {
      const evaluate = this.expression(['let', name], expression);
      const fault =
        MESSAGE_NAMES.has(name) || name === SINCE.name
          ? `"${name}" has a meaning already`
          : NAME.test(name)
            ? null
            : `${JSON.stringify(name)} is not a name`;
      if (fault !== null) {
        this.document.error(
          'FER_RULES_SCHEMA',
          fault,
          this.document.placeOfKey(['let'], name),
          'Names begin with a letter and go on with letters, digits and _.',
        );
      }
      this.#names = new Map([...this.#names, [name, (scope: Scope) => scope.slots[slot] ?? null]]);
      return evaluate;
    });
  }

  #action(source: RuleSource['do'][number], index: number): Action {
    if (source.publish !== undefined) return this.#publish(source.publish, ['do', index, 'publish']);
    if (source.write !== undefined) return this.#write(source.write, ['do', index, 'write']);
    const { log } = source;
    if (log === undefined) throw new FerruleError('FER_INTERNAL', 'an action of no kind passed the schema');
    const text = this.template(['do', index, 'log', 'message'], log.message, false);
    return compileLog(text, log.level ?? 'info');
  }

  #publish(source: NonNullable<RuleSource['do'][number]['publish']>, path: Path): Action {
    const fault = /[{}]/.test(source.topic) ? null : faultOfTopic(source.topic);
    if (fault !== null) this.document.error('FER_RULES_SCHEMA', fault, this.document.placeOfValue([...path, 'topic']));
    return compilePublish({
      topic: this.template([...path, 'topic'], source.topic, true),
      payload: compilePayload(this, [...path, 'payload'], source.payload),
      qos: (source.qos ?? 0) as QoS,
      retain: source.retain ?? false,
      place: this.document.placeOfValue([...path, 'topic']),
    });
  }

  #write(source: NonNullable<RuleSource['do'][number]['write']>, path: Path): Action {
    const place = this.document.placeOfValue([...path, 'tag']);
    const fault = /[{}]/.test(source.tag) ? null : faultOfTag(source.tag);
    if (fault !== null) this.document.error('FER_RULES_SCHEMA', fault, place);
    return compileWrite({
      tag: this.template([...path, 'tag'], source.tag, true),
      value: this.expression([...path, 'value'], source.value),
      place,
      valuePlace: this.document.placeOfValue([...path, 'value']),
    });
  }

  #checked<T>(path: Path, compiled: Compiled<T>): T | null {
    if (compiled.ok) return compiled.value;
    const faults: readonly Fault[] = compiled.faults;
    this.document.faults(path, faults);
    return null;
  }

  /** Gives what `run` throws a place: one for all of it, or one by the offset of the fault in the text. */
  placed<T>(place: ErrorPlace | ((offset: number) => ErrorPlace), run: (scope: Scope) => T): (scope: Scope) => T {
    return (scope) => {
      try {
        return run(scope);
      } catch (error) {
        throw evaluationError(error, typeof place === 'function' ? place : () => place, scope.at);
      }
    };
  }
}

function partText(scope: Scope, value: Value, at: number, strict: boolean): string {
  if (strict && (value === null || typeof value === 'object')) {
    throw new EvaluationFault(`a topic cannot contain ${value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object'}`, at);
  }
  return textOf(scope, value);
}

function evaluationError(error: unknown, place: (offset: number) => ErrorPlace, noted: number): FerruleError {
  if (error instanceof FerruleError) return error;
  if (error instanceof EvaluationFault) {
    return ruleError('FER_RULES_EVALUATION', error.message, { where: place(error.at ?? noted) });
  }
  return ruleError('FER_INTERNAL', `an expression failed in an unforeseen way: ${messageOf(error)}`, {
    where: place(noted),
    cause: error,
  });
}
