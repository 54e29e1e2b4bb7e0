import type { Message } from '../../src/mqtt/message.js';
import type { Fault } from '../../src/rules/expression/ast.js';
import { compileExpression, type Names } from '../../src/rules/expression/compile.js';
import { MessageView, Scope } from '../../src/rules/expression/scope.js';
import type { Value } from '../../src/rules/expression/values.js';
import { MESSAGE_NAMES } from '../../src/rules/names.js';

export const NOW = 1_763_690_000_000;

export function message(topic: string, payload: string | Buffer, more: Partial<Message> = {}): Message {
  return { topic, payload: typeof payload === 'string' ? Buffer.from(payload) : payload, qos: 0, retain: false, properties: null, ...more };
}

export const SAMPLE = message('field/press1/temperature', '{"v": 81.5, "q": "good", "list": [1, 2, 3], "deep": {"a": {"b": true}}}', {
  qos: 1,
});

/** Evaluates an expression on a message; faults of the compiler become an error. */
export function evaluate(text: string, on: Message = SAMPLE, names: Names = MESSAGE_NAMES): Value {
  const compiled = compileExpression(text, names);
  if (!compiled.ok) throw new Error(compiled.faults.map((fault) => `${fault.offset}: ${fault.message}`).join('; '));
  return compiled.value(new Scope(new MessageView(on, NOW), NOW));
}

export function faultsOf(text: string): Fault[] {
  const compiled = compileExpression(text, MESSAGE_NAMES);
  return compiled.ok ? [] : compiled.faults;
}
