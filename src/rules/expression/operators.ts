import type { Scope } from './scope.js';
import { checkedText, EvaluationFault, equal, finite, textOf, typeName, type Value } from './values.js';

export type Evaluate = (scope: Scope) => Value;

/**
 * The operators as closures. The first test of each is the case that nearly always holds; everything else is decided
 * outside, so that the closures stay small.
 */
export function binary(operator: string, at: number, l: Evaluate, r: Evaluate): Evaluate | null {
  switch (operator) {
    case '+':
      return (scope) => {
        const a = l(scope);
        const b = r(scope);
        return typeof a === 'number' && typeof b === 'number' ? finite(a + b) : add(scope, at, a, b);
      };
    case '-':
      return (scope) => {
        const a = l(scope);
        const b = r(scope);
        return typeof a === 'number' && typeof b === 'number' ? finite(a - b) : noArithmetic(operator, at, a, b);
      };
    case '*':
      return (scope) => {
        const a = l(scope);
        const b = r(scope);
        return typeof a === 'number' && typeof b === 'number' ? finite(a * b) : noArithmetic(operator, at, a, b);
      };
    case '/':
      return (scope) => {
        const a = l(scope);
        const b = r(scope);
        return typeof a === 'number' && typeof b === 'number' ? finite(a / b) : noArithmetic(operator, at, a, b);
      };
    case '%':
      return (scope) => {
        const a = l(scope);
        const b = r(scope);
        return typeof a === 'number' && typeof b === 'number' ? finite(a % b) : noArithmetic(operator, at, a, b);
      };
    case '**':
      return (scope) => {
        const a = l(scope);
        const b = r(scope);
        return typeof a === 'number' && typeof b === 'number' ? finite(a ** b) : noArithmetic(operator, at, a, b);
      };
    case '<':
      return (scope) => {
        const a = l(scope);
        const b = r(scope);
        return typeof a === 'number' && typeof b === 'number' ? a < b : order(operator, at, a, b) < 0;
      };
    case '>':
      return (scope) => {
        const a = l(scope);
        const b = r(scope);
        return typeof a === 'number' && typeof b === 'number' ? a > b : order(operator, at, a, b) > 0;
      };
    case '<=':
      return (scope) => {
        const a = l(scope);
        const b = r(scope);
        return typeof a === 'number' && typeof b === 'number' ? a <= b : order(operator, at, a, b) <= 0;
      };
    case '>=':
      return (scope) => {
        const a = l(scope);
        const b = r(scope);
        return typeof a === 'number' && typeof b === 'number' ? a >= b : order(operator, at, a, b) >= 0;
      };
    case '==':
    case '===':
      return (scope) => same(scope, at, l(scope), r(scope));
    case '!=':
    case '!==':
      return (scope) => !same(scope, at, l(scope), r(scope));
    default:
      return null;
  }
}

function same(scope: Scope, at: number, a: Value, b: Value): boolean {
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
  scope.at = at;
  return equal(scope, a, b);
}

/** Text and anything is text; null and a number is null. */
function add(scope: Scope, at: number, a: Value, b: Value): Value {
  if (typeof a !== 'string' && typeof b !== 'string') return noArithmetic('+', at, a, b);
  scope.at = at;
  return checkedText(scope, textOf(scope, a) + textOf(scope, b));
}

function noArithmetic(operator: string, at: number, a: Value, b: Value): null {
  for (const value of [a, b]) {
    if (value !== null && typeof value !== 'number') {
      throw new EvaluationFault(
        `"${operator}" needs numbers, not ${typeName(value)}${typeof value === 'string' ? '; use number(...)' : ''}`,
        at,
      );
    }
  }
  return null;
}

/** Negative, 0 or positive; NaN (which is neither) where one side is null. */
function order(operator: string, at: number, a: Value, b: Value): number {
  if (a === null || b === null) return Number.NaN;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  throw new EvaluationFault(`"${operator}" compares numbers or texts, not ${typeName(a)} with ${typeName(b)}`, at);
}

export function unary(operator: string, at: number, argument: Evaluate): Evaluate | null {
  switch (operator) {
    case '-':
      return (scope) => {
        const value = argument(scope);
        return typeof value === 'number' ? -value : noArithmetic(operator, at, value, null);
      };
    case '+':
      return (scope) => {
        const value = argument(scope);
        return typeof value === 'number' ? value : noArithmetic(operator, at, value, null);
      };
    default:
      return null;
  }
}
