import { LIMITS } from '../limits.js';
import { charge, checkedText, EvaluationFault, equal, textOf, type Value } from '../values.js';
import { define, expectInteger, expectNumber, expectText, type RuleFunction } from './define.js';

function ofText(name: string, description: string, example: readonly [string, string], compute: (text: string) => string): RuleFunction {
  return define(name, 'text', description, example, (scope, text) =>
    text === null ? null : checkedText(scope, compute(expectText(text, `the argument of ${name}`))),
  );
}

function edge(
  name: string,
  description: string,
  example: readonly [string, string],
  test: (text: string, part: string) => boolean,
): RuleFunction {
  return define(name, 'text, part', description, example, (scope, text, part) => {
    if (text === null) return false;
    const whole = expectText(text, `the first argument of ${name}`);
    charge(scope, 1);
    return test(whole, expectText(part, `the second argument of ${name}`));
  });
}

const LARGEST_INDEX = 1_000_000;

/** Splits no further than lists may grow; the parts are then refused, not cut. */
function splitText(text: string, separator: string): string[] {
  const parts = text.split(separator, LIMITS.listLength + 1);
  if (parts.length > LIMITS.listLength) throw new EvaluationFault(`split would make more than ${LIMITS.listLength} parts`);
  return parts;
}

/** `text` with every `find` replaced; its length is known before it is made. */
function replaceText(text: string, find: string, put: string): string {
  if (find === '') throw new EvaluationFault('the second argument of replace is empty');
  const parts = text.split(find);
  const length = text.length + (parts.length - 1) * (put.length - find.length);
  if (length > LIMITS.stringLength) throw new EvaluationFault(`the text would be longer than ${LIMITS.stringLength} characters`);
  return parts.join(put);
}

export const TEXT_FUNCTIONS: readonly RuleFunction[] = [
  ofText('lower', 'In lower case.', ['lower("ABC")', '"abc"'], (text) => text.toLowerCase()),
  ofText('upper', 'In upper case.', ['upper("abc")', '"ABC"'], (text) => text.toUpperCase()),
  ofText('trim', 'Without the white space at both ends.', ['trim("  12.5 ")', '"12.5"'], (text) => text.trim()),
  define('len', 'x', 'Characters of a text, elements of a list, or keys of an object.', ['len([1, 2, 3])', '3'], (scope, x = null) => {
    if (x === null) return null;
    if (typeof x === 'string' || Array.isArray(x)) return x.length;
    if (typeof x !== 'object') throw new EvaluationFault('the argument of len must be a text, a list or an object');
    const { length } = Object.keys(x);
    charge(scope, length);
    return length;
  }),
  define(
    'split',
    'text, separator',
    'The parts of a text between separators.',
    ['split("a;b", ";")', '["a","b"]'],
    (scope, text, separator) => {
      if (text === null) return null;
      const whole = expectText(text, 'the first argument of split');
      charge(scope, whole.length);
      return splitText(whole, expectText(separator, 'the separator of split'));
    },
  ),
  define(
    'join',
    'list, separator',
    'The elements of a list as one text.',
    ['join([1, 2], "-")', '"1-2"'],
    (scope, list = null, separator) => {
      if (list === null) return null;
      if (!Array.isArray(list)) throw new EvaluationFault('the first argument of join must be a list');
      const between = expectText(separator, 'the separator of join');
      let text = '';
      list.forEach((element, index) => {
        text += (index === 0 ? '' : between) + textOf(scope, element);
        if (text.length > LIMITS.stringLength) checkedText(scope, text);
        charge(scope, between.length + 1);
      });
      return checkedText(scope, text);
    },
  ),
  define(
    'contains',
    'where, what',
    'Whether a text contains a text, a list an element, or an object a key.',
    ['contains(["run", "stop"], "run")', 'true'],
    (scope, where = null, what = null) => {
      if (where === null) return false;
      if (Array.isArray(where)) {
        charge(scope, where.length);
        return where.some((element) => equal(scope, element, what));
      }
      if (typeof where === 'object') return Object.hasOwn(where, expectText(what, 'the key that contains looks for'));
      const text = expectText(where, 'the first argument of contains');
      charge(scope, text.length);
      return text.includes(expectText(what, 'the text that contains looks for'));
    },
  ),
  edge('startsWith', 'Whether a text begins with another.', ['startsWith("line1/temp", "line1/")', 'true'], (text, part) =>
    text.startsWith(part),
  ),
  edge('endsWith', 'Whether a text ends in another.', ['endsWith("12.5kg", "kg")', 'true'], (text, part) => text.endsWith(part)),
  define(
    'substr',
    'text, start, length?',
    'A part of a text: from start (0 is the first character, -1 the last), so many characters or to the end.',
    ['substr("ST,GS,12.5", 6, 4)', '"12.5"'],
    (_scope, text, start, length) => {
      if (text === null) return null;
      const whole = expectText(text, 'the first argument of substr');
      const from = expectInteger(start, 'the start of substr', -LARGEST_INDEX, LARGEST_INDEX);
      const begin = from < 0 ? Math.max(0, whole.length + from) : from;
      if (length === undefined) return whole.slice(begin);
      return whole.slice(begin, begin + expectInteger(length, 'the length of substr', 0, LARGEST_INDEX));
    },
  ),
  define(
    'replace',
    'text, find, put',
    'A text with every occurrence of another replaced. Plain text: not a regular expression.',
    ['replace("1,5", ",", ".")', '"1.5"'],
    (scope, text, find, put) => {
      if (text === null) return null;
      const whole = expectText(text, 'the first argument of replace');
      charge(scope, whole.length);
      const [what, by] = [expectText(find, 'the second argument of replace'), expectText(put, 'the third argument of replace')];
      return checkedText(scope, replaceText(whole, what, by));
    },
  ),
  define(
    'pad',
    'x, width, fill?',
    'A value as text, filled at its front to the width, with spaces or the one character given.',
    ['pad(7, 3, "0")', '"007"'],
    (scope, x = null, width, fill = ' ') => {
      const filler = expectText(fill, 'the fill of pad');
      if (filler.length !== 1) throw new EvaluationFault('the fill of pad must be one character');
      return checkedText(scope, textOf(scope, x).padStart(expectInteger(width, 'the width of pad', 0, 1000), filler));
    },
  ),
  define(
    'fixed',
    'x, digits',
    'A number as text with exactly so many digits after the point.',
    ['fixed(21.5, 2)', '"21.50"'],
    (_scope, x: Value = null, digits) =>
      x === null ? null : expectNumber(x, 'the first argument of fixed').toFixed(expectInteger(digits, 'the digits of fixed', 0, 20)),
  ),
];
