import { LIMITS } from './limits.js';

/**
 * What an expression computes with: JSON's values. There is no undefined, NaN or Infinity: what has no value is null.
 * Objects have the properties they own and nothing else.
 */
export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };

/** An expression that failed while it ran. Which expression, and where in it, is added by the one who ran it. */
export class EvaluationFault extends Error {
  /** Offset in the text of the expression; null: where the scope last noted. */
  readonly at: number | null;

  constructor(message: string, at: number | null = null) {
    super(message);
    this.name = 'EvaluationFault';
    this.at = at;
  }
}

/** What one run of a rule may still spend. */
export interface Budget {
  work: number;
}

/** Takes `units` (see LIMITS.work) from what the run may spend. */
export function charge(budget: Budget, units: number): void {
  budget.work -= units;
  if (budget.work < 0) throw new EvaluationFault('the rule does too much work for one message');
}

/** As people say it: `a number`, `null`. */
export function typeName(value: Value): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'boolean':
      return 'true or false';
    case 'number':
      return 'a number';
    case 'string':
      return 'a text';
    default:
      return 'an object';
  }
}

/** As in JavaScript, for the values there are: null, false, 0 and the empty text are false. */
export function truthy(value: Value): boolean {
  return value !== null && value !== false && value !== 0 && value !== '';
}

/** The results of arithmetic: one that is no number, or beyond the largest, is null. */
export function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** A property that the value owns, else null. Lists have indices and `length`, texts as well. */
export function property(object: Value, key: string): Value {
  if (object === null) return null;
  if (typeof object === 'string') {
    if (key === 'length') return object.length;
    return /^\d{1,9}$/.test(key) ? (object[Number(key)] ?? null) : null;
  }
  if (typeof object !== 'object') return null;
  return Object.hasOwn(object, key) ? ((object as Record<string, Value>)[key] ?? null) : null;
}

/** Same type and same content; nothing is converted. */
export function equal(budget: Budget, a: Value, b: Value, depth = 0): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (depth >= LIMITS.valueDepth) throw new EvaluationFault(`values nested deeper than ${LIMITS.valueDepth} levels cannot be compared`);
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    charge(budget, a.length + 1);
    return a.every((element, index) => equal(budget, element, b[index] ?? null, depth + 1));
  }
  if (Array.isArray(b)) return false;
  const keys = Object.keys(a);
  charge(budget, keys.length + 1);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && equal(budget, a[key] ?? null, b[key] ?? null, depth + 1));
}

/** A value inside a text: texts as they are, everything else as JSON. */
export function textOf(budget: Budget, value: Value): string {
  return typeof value === 'string' ? value : jsonOf(budget, value);
}

/**
 * JSON of a value. Our own writer, because a value can hold the same list a thousand times: what it costs is only known
 * while it is written.
 */
export function jsonOf(budget: Budget, value: Value, maxLength: number = LIMITS.stringLength): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  const parts: string[] = [];
  writeJson({ budget, parts, left: maxLength, maxLength }, value, 0);
  return parts.join('');
}

interface JsonOutput {
  budget: Budget;
  parts: string[];
  left: number;
  maxLength: number;
}

function put(output: JsonOutput, text: string): void {
  output.left -= text.length;
  if (output.left < 0) throw new EvaluationFault(`the JSON text would be longer than ${output.maxLength} characters`);
  charge(output.budget, text.length);
  output.parts.push(text);
}

function writeJson(output: JsonOutput, value: Value, depth: number): void {
  if (value === null || typeof value !== 'object') {
    put(output, typeof value === 'string' ? JSON.stringify(value) : String(value));
    return;
  }
  if (depth >= LIMITS.valueDepth) {
    throw new EvaluationFault(`values nested deeper than ${LIMITS.valueDepth} levels cannot be turned into JSON`);
  }
  if (Array.isArray(value)) {
    put(output, '[');
    value.forEach((element, index) => {
      if (index > 0) put(output, ',');
      writeJson(output, element, depth + 1);
    });
    put(output, ']');
    return;
  }
  put(output, '{');
  Object.keys(value).forEach((key, index) => {
    put(output, `${index > 0 ? ',' : ''}${JSON.stringify(key)}:`);
    writeJson(output, value[key] ?? null, depth + 1);
  });
  put(output, '}');
}

/** Refuses a text that is longer than any text may be; gives it back otherwise, and charges for it. */
export function checkedText(budget: Budget, text: string): string {
  if (text.length > LIMITS.stringLength) throw new EvaluationFault(`the text would be longer than ${LIMITS.stringLength} characters`);
  charge(budget, text.length);
  return text;
}
