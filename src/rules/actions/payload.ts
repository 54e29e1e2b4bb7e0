import type { RuleCompiler } from '../compile.js';
import type { Path } from '../document.js';
import { LIMITS } from '../expression/limits.js';
import type { Evaluate } from '../expression/operators.js';
import type { Scope } from '../expression/scope.js';
import { EvaluationFault, jsonOf, type Value } from '../expression/values.js';

const MAX_DEPTH = 20;

/**
 * The payload of an action: an expression, or an object or list whose texts are expressions. A text goes out as it
 * is, every other value as JSON; only a payload that is null in the file itself is empty.
 */
export function compilePayload(compiler: RuleCompiler, path: Path, source: unknown): (scope: Scope) => Buffer {
  if (source === null) return () => Buffer.alloc(0);
  const evaluate = compileValue(compiler, path, source, 0);
  const place = compiler.document.placeOfValue(path);
  return compiler.placed(place, (scope) => {
    const value = evaluate(scope);
    const payload = Buffer.from(typeof value === 'string' ? value : jsonOf(scope, value, LIMITS.publishBytes));
    if (payload.length > LIMITS.publishBytes) throw new EvaluationFault(`the payload would be larger than ${LIMITS.publishBytes} bytes`);
    return payload;
  });
}

function compileValue(compiler: RuleCompiler, path: Path, source: unknown, depth: number): Evaluate {
  if (depth > MAX_DEPTH) {
    compiler.document.error(
      'FER_RULES_SCHEMA',
      `a payload is nested deeper than ${MAX_DEPTH} levels`,
      compiler.document.placeOfValue(path),
    );
    return () => null;
  }
  if (source === null) return () => null;
  if (typeof source === 'string' || typeof source === 'boolean') return compiler.expression(path, source);
  if (typeof source === 'number') {
    if (Number.isFinite(source)) return () => source;
    compiler.document.error(
      'FER_RULES_SCHEMA',
      'a payload cannot contain a number that is not finite',
      compiler.document.placeOfValue(path),
    );
    return () => null;
  }
  if (Array.isArray(source)) {
    const elements = source.map((element, index) => compileValue(compiler, [...path, index], element, depth + 1));
    return (scope) => elements.map((element) => element(scope));
  }
  const entries = Object.entries(source as Record<string, unknown>).map(([key, value]) => ({
    key,
    evaluate: compileValue(compiler, [...path, key], value, depth + 1),
  }));
  return (scope) => {
    const object = Object.create(null) as Record<string, Value>;
    for (const { key, evaluate } of entries) object[key] = evaluate(scope);
    return object;
  };
}
