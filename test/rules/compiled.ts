import assert from 'node:assert/strict';
import type { Message } from '../../src/mqtt/message.js';
import { compileFile } from '../../src/rules/compile-file.js';
import { MessageView, Scope } from '../../src/rules/expression/scope.js';
import type { CompiledRule } from '../../src/rules/rule.js';
import { NOW, SAMPLE } from './evaluate.js';

/** The rules of a file that has to compile. */
export function compiled(source: string): CompiledRule[] {
  const { rules, errors } = compileFile('rules/test.yaml', source);
  assert.deepEqual(
    errors.map((error) => error.toLine()),
    [],
  );
  return rules;
}

/** Computes everything of a rule once, without acting; throws what it throws. */
export function computeAll(rule: CompiledRule, on: Message = SAMPLE): void {
  const scope = new Scope(new MessageView(on, NOW), NOW);
  for (const evaluate of rule.lets) scope.slots.push(evaluate(scope));
  rule.when?.(scope);
  for (const action of rule.actions) action(scope);
}
