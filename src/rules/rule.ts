import type { Message } from '../mqtt/message.js';
import type { Evaluate } from './expression/operators.js';
import type { Scope } from './expression/scope.js';

/** What actions may do to the world; every promise rejects with a FerruleError. */
export interface ActionContext {
  /** Publishes a message on behalf of the rule. */
  publish(message: Message): Promise<void>;
  /** Writes a tag of a device. */
  write(device: string, tag: string, value: number | string | boolean): Promise<unknown>;
  /** Writes a line to the log; more than MAX_LOG_LINES a minute are counted instead. */
  log(level: LogActionLevel, text: string): void;
}

export type LogActionLevel = 'debug' | 'info' | 'warn' | 'error';

/**
 * An action, ready to run. It is prepared for one firing, with all its expressions evaluated, before any action of
 * the rule acts: a rule whose third action cannot be computed does nothing at all, instead of two thirds.
 */
export type Action = (scope: Scope) => (context: ActionContext) => Promise<unknown>;

/** What starts a rule. */
export type Trigger =
  /** `retained`: whether to act on messages that were retained before the rule started. */
  { type: 'topic'; filters: readonly string[]; retained: boolean } | { type: 'every'; ms: number } | { type: 'startup' };

/** A rule as the engine runs it. */
export interface CompiledRule {
  name: string;
  file: string;
  /** 1-based. */
  line: number;
  /** 1-based: where the name stands. */
  column: number;
  /** What the rule says, as one text: the same for a rule that was only moved. */
  fingerprint: string;
  trigger: Trigger;
  /** As they are written, with their expressions: tags that it writes, topics that it publishes to. */
  targets: { tags: readonly string[]; topics: readonly string[] };
  lets: readonly Evaluate[];
  /** null: always. */
  when: Evaluate | null;
  /** ms for which the condition must hold before the rule acts; null: the rule acts for every message. */
  forMs: number | null;
  /** When the rule may act again; null: when the condition does not hold any more. */
  until: Evaluate | null;
  actions: readonly Action[];
}
