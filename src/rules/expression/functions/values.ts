import { LIMITS } from '../limits.js';
import { charge, checkedText, EvaluationFault, finite, jsonOf, textOf, type Value } from '../values.js';
import { define, expectInteger, expectNumber, expectText, type RuleFunction } from './define.js';

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const LARGEST_TIME = 8_640_000_000_000_000;

function toNumber(budget: { work: number }, value: Value): Value {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') return null;
  charge(budget, value.length);
  const text = value.trim();
  return DECIMAL.test(text) ? finite(Number(text)) : null;
}

function toBool(value: Value): Value {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (typeof value !== 'string' || value.length > 10) return null;
  const text = value.trim().toLowerCase();
  if (['true', 'on', 'yes', '1'].includes(text)) return true;
  if (['false', 'off', 'no', '0'].includes(text)) return false;
  return null;
}

function isKind(name: string, kind: string, example: readonly [string, string], test: (value: Value) => boolean): RuleFunction {
  return define(name, 'x', `Whether a value is ${kind}.`, example, (_scope, x = null) => test(x));
}

export const VALUE_FUNCTIONS: readonly RuleFunction[] = [
  define(
    'number',
    'x',
    'A text as a number, true as 1, false as 0; null for what says no number.',
    ['number("+0012.50")', '12.5'],
    (scope, x = null) => toNumber(scope, x),
  ),
  define('string', 'x', 'A value as text; lists, objects, null and numbers as in JSON.', ['string(12.5)', '"12.5"'], (scope, x = null) =>
    checkedText(scope, textOf(scope, x)),
  ),
  define(
    'bool',
    'x',
    'true for true, on, yes, 1 and numbers other than 0; false for false, off, no and 0; null for everything else.',
    ['bool("ON")', 'true'],
    (_scope, x = null) => toBool(x),
  ),
  define('json', 'x', 'A value as JSON text.', ['json({a: [1, "b"]})', '"{\\"a\\":[1,\\"b\\"]}"'], (scope, x = null) => jsonOf(scope, x)),
  define('parseJson', 'text', 'The value that a JSON text says; null if it is not JSON.', ['parseJson("[1]")', '[1]'], (scope, text) => {
    if (text === null) return null;
    const source = expectText(text, 'the argument of parseJson');
    if (source.length > LIMITS.stringLength) throw new EvaluationFault(`the text is longer than ${LIMITS.stringLength} characters`);
    charge(scope, source.length);
    try {
      const value = JSON.parse(source) as Value;
      return typeof value === 'number' ? finite(value) : value;
    } catch {
      return null;
    }
  }),
  isKind('isNumber', 'a number', ['isNumber(1.5)', 'true'], (x) => typeof x === 'number'),
  isKind('isText', 'a text', ['isText(1.5)', 'false'], (x) => typeof x === 'string'),
  isKind('isBool', 'true or false', ['isBool(false)', 'true'], (x) => typeof x === 'boolean'),
  isKind('isList', 'a list', ['isList([])', 'true'], (x) => Array.isArray(x)),
  isKind('isObject', 'an object', ['isObject({a: 1})', 'true'], (x) => x !== null && typeof x === 'object' && !Array.isArray(x)),
  isKind('isNull', 'null, or missing', ['isNull(payload.nothing)', 'true'], (x) => x === null),
  define('coalesce', 'x, more...', 'The first of the values that is not null.', ['coalesce(null, 0, 1)', '0'], (_scope, ...args) => {
    return args.find((value) => value !== null) ?? null;
  }),
  define('keys', 'object', 'The keys of an object.', ['keys({a: 1, b: 2})', '["a","b"]'], (scope, object = null) => {
    if (object === null) return null;
    if (typeof object !== 'object' || Array.isArray(object)) throw new EvaluationFault('the argument of keys must be an object');
    const names = Object.keys(object);
    if (names.length > LIMITS.listLength) throw new EvaluationFault(`the object has more than ${LIMITS.listLength} keys`);
    charge(scope, names.length);
    return names;
  }),
  define(
    'now',
    '',
    'The time: milliseconds since 1970. The same during one run of a rule.',
    ['now() == now()', 'true'],
    (scope) => scope.now,
  ),
  define(
    'iso',
    'time',
    'A time in milliseconds since 1970 as ISO 8601 text in UTC.',
    ['iso(0)', '"1970-01-01T00:00:00.000Z"'],
    (_scope, time = null) => {
      if (time === null) return null;
      const ms = expectNumber(time, 'the argument of iso');
      return Math.abs(ms) > LARGEST_TIME ? null : new Date(ms).toISOString();
    },
  ),
  define(
    'topic',
    'level',
    'A level of the topic: 0 is the first, -1 the last; null where there is none.',
    ['topic(0)', '"field"'],
    (scope, level) => {
      const levels = scope.view?.levels ?? [];
      return levels.at(expectInteger(level, 'the argument of topic', -1000, 1000)) ?? null;
    },
  ),
];
