import type { Scope } from '../scope.js';
import { EvaluationFault, typeName, type Value } from '../values.js';

/** A function of the language, with what the documentation says about it. */
export interface RuleFunction {
  name: string;
  /** As shown to people: `x, digits?`. A trailing `?` marks what may be left out, `...` what may be repeated. */
  parameters: string;
  description: string;
  /** An expression and its value as JSON; both are checked in the tests. */
  example: readonly [expression: string, result: string];
  minimum: number;
  maximum: number;
  run: (scope: Scope, ...args: Value[]) => Value;
}

/** A function; how many arguments it takes follows from its parameters. */
export function define(
  name: string,
  parameters: string,
  description: string,
  example: readonly [string, string],
  run: (scope: Scope, ...args: Value[]) => Value,
): RuleFunction {
  const list = parameters === '' ? [] : parameters.split(', ');
  const minimum = list.filter((parameter) => !parameter.endsWith('?') && !parameter.endsWith('...')).length;
  const maximum = list.some((parameter) => parameter.endsWith('...')) ? Number.POSITIVE_INFINITY : list.length;
  return { name, parameters, description, example, minimum, maximum, run };
}

export function expectNumber(value: Value | undefined, what: string): number {
  if (typeof value === 'number') return value;
  throw new EvaluationFault(`${what} must be a number, not ${typeName(value ?? null)}`);
}

export function expectInteger(value: Value | undefined, what: string, low: number, high: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) return value;
  const got = typeof value === 'number' ? String(value) : typeName(value ?? null);
  throw new EvaluationFault(`${what} must be a whole number from ${low} to ${high}, not ${got}`);
}

export function expectText(value: Value | undefined, what: string): string {
  if (typeof value === 'string') return value;
  throw new EvaluationFault(`${what} must be a text, not ${typeName(value ?? null)}`);
}
