import { charge, EvaluationFault, finite, type Value } from '../values.js';
import { define, expectInteger, expectNumber, type RuleFunction } from './define.js';

/** A function of one number; null gives null, a result that is no number as well. */
function ofNumber(name: string, description: string, example: readonly [string, string], compute: (x: number) => number): RuleFunction {
  return define(name, 'x', description, example, (_scope, x) =>
    x === null ? null : finite(compute(expectNumber(x, `the argument of ${name}`))),
  );
}

/** The smallest or largest of the arguments, or of the one list that is given; null as soon as one of them is null. */
function extreme(
  name: string,
  description: string,
  example: readonly [string, string],
  better: (a: number, b: number) => boolean,
): RuleFunction {
  return define(name, 'x, more...', description, example, (scope, ...args) => {
    const first = args[0] ?? null;
    const values = args.length === 1 && Array.isArray(first) ? first : args;
    charge(scope, values.length);
    let best: number | null = null;
    for (const value of values) {
      if (value === null) return null;
      const number = expectNumber(value, `every argument of ${name}`);
      if (best === null || better(number, best)) best = number;
    }
    return best;
  });
}

/** Half away from zero, on the decimal digits as people read them: 1.005 to two digits is 1.01. */
export function roundTo(x: number, digits: number): number | null {
  const [mantissa, exponent = '0'] = String(Math.abs(x)).split('e');
  const shifted = Math.round(Number(`${mantissa}e${Number(exponent) + digits}`));
  const [whole, power = '0'] = String(shifted).split('e');
  const rounded = Number(`${whole}e${Number(power) - digits}`);
  return finite(x < 0 ? -rounded || 0 : rounded);
}

export const MATH_FUNCTIONS: readonly RuleFunction[] = [
  ofNumber('abs', 'The number without its sign.', ['abs(-3)', '3'], Math.abs),
  extreme('min', 'The smallest of the numbers, or of the one list; null if one of them is null.', ['min(3, 1, 2)', '1'], (a, b) => a < b),
  extreme('max', 'The largest of the numbers, or of the one list; null if one of them is null.', ['max([3, 1, 2])', '3'], (a, b) => a > b),
  define(
    'round',
    'x, digits?',
    'Rounded to so many digits after the point (0 if left out), half away from zero.',
    ['round(2.345, 2)', '2.35'],
    (_scope, x, digits = 0) =>
      x === null ? null : roundTo(expectNumber(x, 'the first argument of round'), expectInteger(digits, 'the digits of round', -15, 15)),
  ),
  ofNumber('floor', 'The next whole number below.', ['floor(-2.5)', '-3'], Math.floor),
  ofNumber('ceil', 'The next whole number above.', ['ceil(2.1)', '3'], Math.ceil),
  ofNumber('sqrt', 'The square root; null for a negative number.', ['sqrt(9)', '3'], Math.sqrt),
  define('pow', 'x, y', 'x to the power of y.', ['pow(2, 10)', '1024'], (_scope, x, y) =>
    x === null || y === null ? null : finite(expectNumber(x, 'the first argument of pow') ** expectNumber(y, 'the second argument of pow')),
  ),
  ofNumber('exp', 'e to the power of x.', ['exp(0)', '1'], Math.exp),
  ofNumber('log', 'The natural logarithm; null for numbers that have none.', ['log(1)', '0'], Math.log),
  ofNumber('log10', 'The logarithm to base 10; null for numbers that have none.', ['log10(1000)', '3'], Math.log10),
  ofNumber('sign', '-1, 0 or 1.', ['sign(-7)', '-1'], Math.sign),
  define('clamp', 'x, low, high', 'x, but not below low and not above high.', ['clamp(120, 0, 100)', '100'], (_scope, x, low, high) => {
    if (x === null || low === null || high === null) return null;
    const lowest = expectNumber(low, 'the low end of clamp');
    const highest = expectNumber(high, 'the high end of clamp');
    if (lowest > highest) throw new EvaluationFault(`the low end of clamp (${lowest}) is above the high end (${highest})`);
    return Math.min(highest, Math.max(lowest, expectNumber(x, 'the first argument of clamp')));
  }),
  define(
    'scale',
    'x, fromLow, fromHigh, toLow, toHigh',
    'x of one range as the number at the same place of another, as for a 4..20 mA signal. Not limited to the range.',
    ['scale(12, 4, 20, 0, 100)', '50'],
    (_scope, ...args) => {
      if (args.includes(null)) return null;
      const [x, fromLow, fromHigh, toLow, toHigh] = args.map((arg: Value) => expectNumber(arg, 'every argument of scale')) as [
        number,
        number,
        number,
        number,
        number,
      ];
      return finite(toLow + ((x - fromLow) * (toHigh - toLow)) / (fromHigh - fromLow));
    },
  ),
];
