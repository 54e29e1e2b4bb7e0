import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FUNCTIONS } from '../../src/rules/expression/functions/table.js';
import { jsonOf } from '../../src/rules/expression/values.js';
import { evaluate, message, NOW, SAMPLE } from './evaluate.js';

const asJson = (text: string, on = SAMPLE): string => jsonOf({ work: 1e6 }, evaluate(text, on));

const VALUES: readonly [expression: string, json: string][] = [
  // literals
  ['1', '1'],
  ['0x1F', '31'],
  ['0b101', '5'],
  ['1.5e3', '1500'],
  ['.5', '0.5'],
  ['"a\\n\\u00b0\\x41\\u{1F600}"', '"a\\n°A😀"'],
  ["'it''s'.length", 'fault'],
  ["'it\\'s'", '"it\'s"'],
  ['true', 'true'],
  ['null', 'null'],
  ['[1, "a", [true]]', '[1,"a",[true]]'],
  ['[]', '[]'],
  ['{}', '{}'],
  ['{a: 1, "b c": {d: null}}', '{"a":1,"b c":{"d":null}}'],
  // arithmetic
  ['1 + 2 * 3', '7'],
  ['(1 + 2) * 3', '9'],
  ['10 - 4 - 3', '3'],
  ['2 ** 3 ** 2', '512'],
  ['7 % 4', '3'],
  ['-2 + +3', '1'],
  ['0.1 + 0.2', '0.30000000000000004'],
  ['1 / 0', 'null'],
  ['0 / 0', 'null'],
  ['1e308 * 10', 'null'],
  ['null + 1', 'null'],
  ['payload.missing * 2', 'null'],
  ['-payload.missing', 'null'],
  // text
  ['"a" + 1', '"a1"'],
  ['1 + "a"', '"1a"'],
  ['"a" + null + true', '"anulltrue"'],
  ['"a" + [1, {b: 2}]', '"a[1,{\\"b\\":2}]"'],
  ['"abc"[1]', '"b"'],
  ['"abc".length', '3'],
  // comparison
  ['2 > 1', 'true'],
  ['2 <= 1', 'false'],
  ['"b" > "a"', 'true'],
  ['null > 1', 'false'],
  ['null <= 1', 'false'],
  ['1 >= null', 'false'],
  ['1 == 1', 'true'],
  ['1 == "1"', 'false'],
  ['0 == false', 'false'],
  ['"" == null', 'false'],
  ['null == null', 'true'],
  ['payload.missing == null', 'true'],
  ['1 != 2', 'true'],
  ['1 === 1', 'true'],
  ['1 !== "1"', 'true'],
  ['[1, {a: 2}] == [1, {a: 2}]', 'true'],
  ['[1, 2] == [2, 1]', 'false'],
  ['{a: 1, b: 2} == {b: 2, a: 1}', 'true'],
  ['{a: 1} == {a: 1, b: null}', 'false'],
  // logic
  ['!0', 'true'],
  ['!""', 'true'],
  ['!"0"', 'false'],
  ['![]', 'false'],
  ['1 && "x"', '"x"'],
  ['0 && missing(1)', 'fault'],
  ['0 || "x"', '"x"'],
  ['null ?? 0', '0'],
  ['0 ?? 1', '0'],
  ['true || false && false', 'true'],
  ['1 < 2 && 2 < 3', 'true'],
  ['2 > 1 ? "yes" : "no"', '"yes"'],
  ['false ? 1 : true ? 2 : 3', '2'],
  ['true ? false ? 1 : 2 : 3', '2'],
  // the short way around is not evaluated
  ['payload.v > 0 || "a" * 2', 'true'],
  ['false && "a" * 2', 'false'],
  ['true ? 1 : "a" * 2', '1'],
  // the message
  ['payload.v', '81.5'],
  ['payload["q"]', '"good"'],
  ['payload.deep.a.b', 'true'],
  ['payload.a.b.c.d', 'null'],
  ['payload?.a?.b', 'null'],
  ['payload.list[1]', '2'],
  ['payload.list[-1]', 'null'],
  ['payload.list[1.5]', 'null'],
  ['payload.list[9]', 'null'],
  ['payload.list.length', '3'],
  ['payload[payload.q]', 'null'],
  ['topic', '"field/press1/temperature"'],
  ['topic(1)', '"press1"'],
  ['topic(-1)', '"temperature"'],
  ['topic(7)', 'null'],
  ['levels', '["field","press1","temperature"]'],
  ['qos', '1'],
  ['retain', 'false'],
  ['ts', String(NOW)],
  ['now()', String(NOW)],
  ['payload.v > 80 && payload.q == "good"', 'true'],
  // functions, beyond their examples
  ['abs(null)', 'null'],
  ['sqrt(-1)', 'null'],
  ['log(0)', 'null'],
  ['min()', 'fault'],
  ['min([])', 'null'],
  ['max(1, null)', 'null'],
  ['round(1.005, 2)', '1.01'],
  ['round(-2.5)', '-3'],
  ['round(1234, -2)', '1200'],
  ['round(1e21, 2)', '1e+21'],
  ['round(0.0000001, 3)', '0'],
  ['round(-0.1)', '0'],
  ['clamp(-1, 0, 5)', '0'],
  ['len("äöü")', '3'],
  ['len({a: 1})', '1'],
  ['split("a,b", "")', '["a",",","b"]'],
  ['contains("abc", "bc")', 'true'],
  ['contains({a: 1}, "toString")', 'false'],
  ['contains([[1]], [1])', 'true'],
  ['contains(null, 1)', 'false'],
  ['substr("abc", -2)', '"bc"'],
  ['replace("aaa", "a", "bb")', '"bbbbbb"'],
  ['matches("abc", "^b")', 'false'],
  ['matches("a", "A|" + "a")', 'true'],
  ['matches(null, "a")', 'false'],
  ['match("x", "(y)?x")', '["x",null]'],
  ['match("x", "y")', 'null'],
  ['number("12,5")', 'null'],
  ['number("0x10")', 'null'],
  ['number("")', 'null'],
  ['number(" 1e3 ")', '1000'],
  ['number("1e999")', 'null'],
  ['number(true)', '1'],
  ['bool("maybe")', 'null'],
  ['bool(0)', 'false'],
  ['parseJson("{")', 'null'],
  ['parseJson("1e999")', 'null'],
  ['coalesce(null, null)', 'null'],
  ['bitand(0xFFFFFFFFFF, 0xF000000001)', '1030792151041'],
  ['bitnot(0)', '65535'],
  ['hex(0xBEEF)', '"beef"'],
  ['iso(1e20)', 'null'],
];

for (const [expression, json] of VALUES) {
  test(`${expression} is ${json}`, () => {
    if (json === 'fault') assert.throws(() => evaluate(expression));
    else assert.equal(asJson(expression), json);
  });
}

for (const { name, example } of FUNCTIONS.values()) {
  test(`the documented example of ${name} holds: ${example[0]} is ${example[1]}`, () => assert.equal(asJson(example[0]), example[1]));
}

const PAYLOADS: readonly [payload: string | Buffer, json: string][] = [
  ['21.5', '21.5'],
  [' 21.5\n', '21.5'],
  ['true', 'true'],
  ['"text"', '"text"'],
  ['{"a":1}', '{"a":1}'],
  ['ST,GS,+12.5kg', '"ST,GS,+12.5kg"'],
  ['+12.5', '"+12.5"'],
  ['0012', '"0012"'],
  ['NaN', '"NaN"'],
  ['1e999', 'null'],
  ['', 'null'],
  [Buffer.from([0xff, 0xfe, 0x00]), 'null'],
];

for (const [payload, json] of PAYLOADS) {
  test(`a payload of ${JSON.stringify(payload.toString('latin1'))} is ${json}`, () => {
    assert.equal(asJson('payload', message('a', payload)), json);
  });
}

test('payloadBytes counts bytes also where the payload is binary', () => {
  assert.equal(evaluate('payloadBytes', message('a', Buffer.from([0xff, 0xfe, 0x00]))), 3);
});
