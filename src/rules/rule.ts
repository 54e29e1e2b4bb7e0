import type { Message } from '../mqtt/message.js';
import type { Evaluate } from './expression/operators.js';
import type { Scope } from './expression/scope.js';

/** What actions may do to the world; every promise rejects with a FerruleError. */
export interface ActionContext {
  /** Publishes a message on behalf of the rule. */
  publish(message: Message): Promise<void>;
}

/**
 * An action, ready to run. It is prepared for one firing, with all its expressions evaluated, before any action of
 * the rule acts: a rule whose third action cannot be computed does nothing at all, instead of two thirds.
 */
export type Action = (scope: Scope) => (context: ActionContext) => Promise<void>;

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
  filters: readonly string[];
  /** Whether to act on messages that were retained before the rule started. */
  retained: boolean;
  lets: readonly Evaluate[];
  /** null: always. */
  when: Evaluate | null;
  actions: readonly Action[];
}
