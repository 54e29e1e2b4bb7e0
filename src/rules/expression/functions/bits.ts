import { EvaluationFault, type Value } from '../values.js';
import { define, expectInteger, type RuleFunction } from './define.js';

/** Whole numbers up to here are exact in a double: bit functions work on 53 bits, without a sign. */
const LARGEST = Number.MAX_SAFE_INTEGER;

function natural(value: Value | undefined, name: string): bigint {
  return BigInt(expectInteger(value, `every argument of ${name}`, 0, LARGEST));
}

function ofTwo(
  name: string,
  parameters: string,
  description: string,
  example: readonly [string, string],
  compute: (a: bigint, b: bigint) => bigint,
): RuleFunction {
  return define(name, parameters, description, example, (_scope, a, b) => {
    if (a === null || b === null) return null;
    const result = compute(natural(a, name), natural(b, name));
    if (result > BigInt(LARGEST)) throw new EvaluationFault(`the result of ${name} is larger than 53 bits`);
    return Number(result);
  });
}

function shiftBy(n: bigint, name: string): bigint {
  if (n > 63n) throw new EvaluationFault(`${name} moves by 63 bits at most, not by ${n}`);
  return n;
}

export const BIT_FUNCTIONS: readonly RuleFunction[] = [
  define('bit', 'x, n', 'Whether bit n (0 is the lowest) of a whole number is set.', ['bit(0x8000, 15)', 'true'], (_scope, x, n) =>
    x === null || n === null ? null : ((natural(x, 'bit') >> BigInt(expectInteger(n, 'the bit number', 0, 52))) & 1n) === 1n,
  ),
  ofTwo('bitand', 'a, b', 'The bits that are set in both whole numbers.', ['bitand(0xff, 0x3c)', '60'], (a, b) => a & b),
  ofTwo('bitor', 'a, b', 'The bits that are set in one of the whole numbers, or in both.', ['bitor(1, 4)', '5'], (a, b) => a | b),
  ofTwo('bitxor', 'a, b', 'The bits in which the whole numbers differ.', ['bitxor(7, 2)', '5'], (a, b) => a ^ b),
  define(
    'bitnot',
    'x, width?',
    'All bits turned, of a number of so many bits (16 if left out).',
    ['bitnot(0x00ff)', '65280'],
    (_scope, x, width = 16) => {
      if (x === null) return null;
      const bits = BigInt(expectInteger(width, 'the width of bitnot', 1, 53));
      return Number(BigInt.asUintN(Number(bits), ~natural(x, 'bitnot')));
    },
  ),
  ofTwo('shl', 'x, n', 'The bits moved up by n places.', ['shl(1, 8)', '256'], (a, n) => a << shiftBy(n, 'shl')),
  ofTwo('shr', 'x, n', 'The bits moved down by n places.', ['shr(0xab00, 8)', '171'], (a, n) => a >> shiftBy(n, 'shr')),
  define(
    'hex',
    'x, width?',
    'A whole number in hexadecimal digits, filled with zeros to the width.',
    ['hex(255, 4)', '"00ff"'],
    (_scope, x, width = 0) => {
      if (x === null) return null;
      return Number(natural(x, 'hex'))
        .toString(16)
        .padStart(expectInteger(width, 'the width of hex', 0, 16), '0');
    },
  ),
];
