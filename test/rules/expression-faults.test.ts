import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate, faultsOf } from './evaluate.js';

/** Malformed expressions: where (offset) and what. */
const MALFORMED: readonly [expression: string, offset: number, message: RegExp][] = [
  ['', 0, /^an expression is missing$/],
  ['   ', 3, /^an expression is missing$/],
  ['1 +', 2, /^a value is missing after "\+"$/],
  ['1 2', 2, /^unexpected "2"$/],
  ['a b', 2, /^unexpected "b"$/],
  ['(1', 0, /^"\(" is not closed$/],
  ['(1 2)', 3, /^unexpected "2"$/],
  ['(1, 2)', 2, /^"," stands outside/],
  ['()', 1, /^a value is missing between the parentheses$/],
  ['1)', 1, /^unexpected "\)"$/],
  ['[1, 2', 0, /^"\[" is not closed$/],
  ['[1,,2]', 3, /^a value is missing$/],
  ['[1,]', 3, /^a value is missing$/],
  ['[1 2]', 3, /^unexpected "2"$/],
  ['payload[1', 9, /^unclosed \[$/],
  ['payload[]', 8, /^unexpected "\]"$/],
  ['payload.', 8, /^a name is missing$/],
  ['payload.1', 8, /^unexpected 1$/],
  ['{a 1}', 3, /^":" is missing after the key "a"$/],
  ['{a: }', 4, /^a value is missing after ":"$/],
  ['{a: 1', 0, /^"\{" is not closed$/],
  ['{a: 1, a: 2}', 7, /^the key "a" stands twice/],
  ['abs(1', 3, /^"\(" is not closed$/],
  ['abs(1 2)', 6, /^unexpected "2"$/],
  ['abs(,1)', 4, /^a value is missing$/],
  ['"abc', 0, /^the text that begins with " is not closed$/],
  ['"\\d+"', 1, /^unknown escape \\d in a text$/],
  ['"\\u{110000}"', 1, /^unknown escape/],
  ['1 ? 2', 2, /^"\?" has no ":"$/],
  ['1 ? : 2', 4, /^a value is missing after "\?"$/],
  ['1.2.3', 3, /^unexpected "."/],
  ['12abc', 2, /^unexpected "a" after the number 12$/],
  ['0x', 1, /^unexpected "x" after the number 0$/],
  ['1e999', 0, /^the number 1e999 is too large$/],
  ['1; 2', 1, /^";" is not part/],
  ['a = 1', 2, /^"=" assigns/],
  ['payload.v = 1', 10, /^"=" assigns/],
  ['x => 1', 2, /^functions cannot be defined/],
  ['() => 1', 1, /^a value is missing between the parentheses$/],
  ['`a`', 0, /^text in backquotes/],
  ['new Date()', 4, /^unexpected "Date"$/],
  ['this', 0, /^there is no "this"/],
  ['this.constructor', 0, /^there is no "this"/],
  ['typeof payload', 7, /^unexpected "payload"$/],
  ['undefined', 0, /^there is no undefined/],
  ['payload.v | 1', 10, /^"\|" is not an operator/],
  ['1 & 2', 2, /^"&" is not an operator/],
  ['~1', 0, /^"~" is not an operator/],
  ['1 in [1]', 2, /^"in" is not an operator/],
  ['1 and 2', 2, /^"and" is not an operator/],
  ['temp > 80', 0, /^unknown name "temp"$/],
  ['payload.v > 80 && tempp > 1', 18, /^unknown name "tempp"$/],
  ['paylod.v', 0, /^unknown name "paylod"$/],
  ['abs', 0, /^"abs" is a function and must be called$/],
  ['1 + absolute(2)', 4, /^unknown function "absolute"$/],
  ['constructor', 0, /^unknown name "constructor"$/],
  ['__proto__', 0, /^unknown name "__proto__"$/],
  ['toString()', 0, /^unknown function "toString"$/],
  ['payload.v.toFixed(1)', 10, /^values have no methods: \.toFixed\(\)/],
  ['payload["a"]()', 0, /^only the functions of the list/],
  ['abs(1)(2)', 0, /^only the functions of the list/],
  ['"a"()', 0, /^only the functions of the list/],
  ['abs()', 0, /^abs takes 1 argument, not 0$/],
  ['1 + abs(1, 2)', 4, /^abs takes 1 argument, not 2$/],
  ['round(1, 2, 3)', 0, /^round takes 1 to 2 arguments, not 3$/],
  ['min()', 0, /^min takes at least 1 argument, not 0$/],
  ['now(1)', 0, /^now takes no arguments, not 1$/],
  ['matches(payload, "a(")', 17, /^the regular expression is not valid: missing closing \)/],
  ['1 +\u00a0payload.v', 3, /^unexpected character U\+00A0$/],
  ['payload.v > 80 °', 15, /^unexpected/],
  ['#', 0, /^unexpected "#"$/],
];

for (const [expression, offset, message] of MALFORMED) {
  test(`${JSON.stringify(expression)} is refused at ${offset}: ${message.source}`, () => {
    const [fault] = faultsOf(expression);
    assert.ok(fault !== undefined, 'it compiled');
    assert.match(fault.message, message);
    assert.equal(fault.offset, offset);
  });
}

test('all unknown names of an expression are reported at once', () => {
  assert.deepEqual(
    faultsOf('tmp > 1 && abss(2) > prssure').map((fault) => fault.offset),
    [0, 11, 21],
  );
});

test('a name that was nearly right is suggested', () => {
  assert.equal(faultsOf('paylod.v')[0]?.hint, 'Did you mean payload?');
  assert.equal(faultsOf('ABS(1)')[0]?.hint, 'Did you mean abs?');
});

/** Expressions that compile and fail on the message. */
const FAILING: readonly [expression: string, offset: number | 'scope', message: RegExp][] = [
  ['1 + 2 * "3"', 6, /^"\*" needs numbers, not a text; use number/],
  ['payload - 1', 8, /^"-" needs numbers, not an object/],
  ['true + 1', 5, /^"\+" needs numbers, not true or false/],
  ['-"a"', 0, /^"-" needs numbers, not a text/],
  ['payload.q > 80', 10, /^">" compares numbers or texts, not a text with a number$/],
  ['[1] < [2]', 4, /^"<" compares numbers or texts, not a list with a list$/],
  ['abs("1")', 'scope', /^the argument of abs must be a number, not a text$/],
  ['max(1, "2")', 'scope', /^every argument of max must be a number/],
  ['round(1, 0.5)', 'scope', /^the digits of round must be a whole number/],
  ['lower(1)', 'scope', /^the argument of lower must be a text, not a number$/],
  ['bitand(-1, 1)', 'scope', /^every argument of bitand must be a whole number from 0/],
  ['shl(1, 60)', 'scope', /^the result of shl is larger than 53 bits$/],
  ['matches("a", "(" + "")', 'scope', /^the regular expression is not valid/],
  ['clamp(1, 2, 0)', 'scope', /^the low end of clamp/],
];

for (const [expression, offset, message] of FAILING) {
  test(`${expression} fails: ${message.source}`, () => {
    assert.throws(
      () => evaluate(expression),
      (error: Error & { at?: number | null }) => {
        assert.equal(error.name, 'EvaluationFault');
        assert.match(error.message, message);
        assert.equal(error.at, offset === 'scope' ? null : offset);
        return true;
      },
    );
  });
}
