import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTemplate } from '../../src/rules/expression/compile.js';
import { FUNCTIONS } from '../../src/rules/expression/functions/table.js';
import { LIMITS } from '../../src/rules/expression/limits.js';
import { MESSAGE_NAMES } from '../../src/rules/names.js';
import { compiled, computeAll } from './compiled.js';
import { evaluate, faultsOf, message } from './evaluate.js';

/** Ways out of an object, in other languages of this kind: here there is nothing but what the value owns. */
for (const expression of [
  'payload.constructor',
  'payload["constructor"]',
  'payload["const" + "ructor"]',
  'payload.__proto__',
  'payload["__proto__"]',
  'payload.toString',
  'payload.hasOwnProperty',
  'payload.list.constructor',
  'payload.list.map',
  'payload.list["push"]',
  'payload.q.constructor',
  'payload.v.constructor',
  '"".constructor',
  '"".__proto__',
  '(1).constructor',
  'true.constructor',
  '[].constructor',
  '{}.constructor',
  '{}.__proto__',
  '{a: 1}["__proto__"]',
  'levels.constructor',
  'parseJson("{}").constructor',
  'payload[["constructor"]]',
  'payload[{}]',
]) {
  test(`${expression} is null`, () => assert.equal(evaluate(expression), null));
}

for (const expression of [
  'constructor',
  'process',
  'globalThis',
  'require',
  'Function',
  'eval',
  'arguments',
  'scope',
  'hasOwnProperty',
  '__proto__',
]) {
  test(`${expression} is no name and no function`, () => {
    assert.ok(faultsOf(expression).length > 0);
    assert.ok(faultsOf(`${expression}("x")`).length > 0);
  });
}

test('a key named __proto__ is data, on the way in and on the way out', () => {
  const value = evaluate('json({"__proto__": {"polluted": 1}, x: payload.__proto__})', message('a', '{"__proto__": 5}'));
  assert.equal(value, '{"__proto__":{"polluted":1},"x":5}');
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test('a key named __proto__ in a published object is data as well', () => {
  const [rule] = compiled('{rule: r, on: {topic: a}, do: [{publish: {topic: o, payload: {__proto__: {polluted: 1}}}}]}');
  assert.ok(rule);
  computeAll(rule);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

const deep = (open: string, close: string, count: number): string => `${open.repeat(count)}1${close.repeat(count)}`;

for (const [what, expression, pattern] of [
  ['a text that is too long', '1'.repeat(LIMITS.textLength + 1), /longer than 4096 characters/],
  ['too many parts', Array(LIMITS.nodes).fill('1').join('+'), /more than 500 parts/],
  ['parentheses too deep', deep('(', ')', 60), /nested deeper than 50 levels/],
  ['lists too deep', deep('[', ']', 2000), /nested deeper than 50 levels/],
  ['calls too deep', deep('abs(', ')', 60), /nested deeper than 50 levels/],
  ['signs too deep', deep('!', '', 4000), /nested deeper than 50 levels/],
  ['objects too deep', deep('{a:', '}', 60), /nested deeper than 50 levels/],
  ['conditionals too deep', deep('1?', ':1', 1000), /nested deeper than 50 levels/],
  ['a pattern that is too long', `matches("", "${'a'.repeat(LIMITS.patternLength + 1)}")`, /longer than 1000 characters/],
  ['a pattern that unfolds too far', 'matches("", "((a{100}){100}){100}")', /regular expression is not valid/],
] as const) {
  test(`${what} is refused when the rule is read`, () => assert.match(faultsOf(expression)[0]?.message ?? 'it compiled', pattern));
}

test('a long chain of members or operators within the limits compiles and runs', () => {
  assert.equal(evaluate(`payload${'.a'.repeat(400)}`), null);
  assert.equal(evaluate(Array(240).fill('1').join('+')), 240);
});

const long = message('a', JSON.stringify('x'.repeat(60_000)));

for (const [what, expression, on, pattern] of [
  ['a text that doubles', 'payload + payload', long, /longer than 65536 characters/],
  ['a replacement that grows', 'replace(payload, "x", payload)', long, /longer than 65536 characters/],
  ['a list joined with a long separator', `join(split(substr(payload, 0, 1000), ""), substr(payload, 0, 1000))`, long, /longer than 65536/],
  ['more parts than a list may have', 'split(payload, "")', long, /more than 10000 parts/],
  ['JSON of many copies', `json([${Array(50).fill('payload').join(',')}])`, long, /longer than 65536 characters/],
  [
    'a regular expression on a long text, again and again',
    Array(40).fill('matches(payload, "(x+x+)+y")').join('||'),
    long,
    /too much work/,
  ],
  ['a deeply nested payload as JSON', 'json(payload)', message('a', '['.repeat(1000) + ']'.repeat(1000)), /nested deeper than 64 levels/],
  [
    'a deeply nested payload compared',
    'payload == parseJson(json(1)) || payload == [payload]',
    message('a', '['.repeat(1000) + ']'.repeat(1000)),
    /nested deeper/,
  ],
] as const) {
  test(`${what} is refused while it runs`, () => assert.throws(() => evaluate(expression, on), pattern));
}

test('values that hold one another many times are not unfolded', () => {
  const lets = Array.from({ length: 40 }, (_none, index) => `x${index + 1}: "[x${index}, x${index}, x${index}]"`).join(', ');
  const [rule] = compiled(
    `{rule: r, on: {topic: a}, let: {x0: payload, ${lets}}, when: "x40 == [x39, x39, x38]", do: [{publish: {topic: o, payload: x40}}]}`,
  );
  assert.ok(rule);
  const start = performance.now();
  assert.throws(() => computeAll(rule), /too much work|longer than 262144|nested deeper/);
  assert.ok(performance.now() - start < 2000);
});

/** The dearest things an expression can do, as often as it may: none of them holds the loop for long. */
for (const expression of [
  Array(60).fill('len(replace(payload, "y", "z"))').join('+'),
  Array(100).fill('matches(payload, "x*y")').join('||'),
  'matches(payload, "(x?){100}(x|y)*z")',
  'matches(payload, "(.*)(.*)(.*)(.*)(.*)(.*)z")',
  'match(payload, "(x*)*(x*)*(x*)*z")',
  Array(100).fill('contains(payload, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy")').join('||'),
  Array(60).fill('lower(upper(payload))').join('=='),
  Array(100).fill('len(json([payload]))').join('+'),
]) {
  test(`${expression.slice(0, 60)}... ends in time`, () => {
    const start = performance.now();
    try {
      evaluate(expression, long);
    } catch (error) {
      assert.match(String(error), /too much work|longer than/);
    }
    const elapsed = performance.now() - start;
    // Measured at 10 ms and less; the margin is for a loaded machine.
    assert.ok(elapsed < 1000, `it took ${elapsed} ms`);
  });
}

/** A small generator, so that a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const WORDS = [
  ...FUNCTIONS.keys(),
  ...MESSAGE_NAMES.keys(),
  ...'( ) [ ] { } . , : ? ?. + - * / % ** ! ~ < > <= >= == != === !== && || ?? | & ^ << >> = => ; ` \\ # @ in new this typeof'.split(' '),
  ...'1 0 -1 1e3 0x1f .5 1e400 "a" \'b\' "\\n" "\\q" "(" "[a-z]+" true false null payload.v payload.list a b __proto__ constructor ° \u00a0 \ud83d'.split(
    ' ',
  ),
];

test('an expression of random words is evaluated, or refused with a position inside of it', () => {
  const next = random(20_251_121);
  const outcomes = { value: 0, fault: 0, failure: 0 };
  for (let round = 0; round < 20_000; round++) {
    const words = Array.from({ length: 1 + Math.floor(next() * 12) }, () => WORDS[Math.floor(next() * WORDS.length)] ?? '');
    const text = words.join(next() < 0.5 ? ' ' : '');
    const faults = faultsOf(text);
    for (const fault of faults) {
      assert.ok(
        fault.offset >= 0 && fault.offset <= text.length && fault.message !== '',
        `${JSON.stringify(text)}: ${JSON.stringify(fault)}`,
      );
    }
    const template = compileTemplate(`a{${text}}b`, MESSAGE_NAMES);
    if (!template.ok) for (const fault of template.faults) assert.ok(fault.offset >= 0 && fault.offset <= text.length + 4, text);
    if (faults.length > 0) {
      outcomes.fault++;
      continue;
    }
    try {
      const value = evaluate(text);
      assert.notEqual(value, undefined, text);
      assert.ok(typeof value !== 'number' || Number.isFinite(value), text);
      outcomes.value++;
    } catch (error) {
      assert.equal((error as Error).name, 'EvaluationFault', `${text}: ${String(error)}`);
      outcomes.failure++;
    }
  }
  assert.ok(outcomes.value > 100 && outcomes.fault > 100 && outcomes.failure > 0, JSON.stringify(outcomes));
});

/** Grammatical expressions, deep enough to meet every operator with every kind of value. */
function grammatical(next: () => number, depth: number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const sub = (): string => grammatical(next, depth - 1);
  if (depth === 0)
    return pick([
      '1',
      '-2.5',
      '"a"',
      '"7"',
      'null',
      'true',
      '[]',
      '{a: 1}',
      'payload',
      'payload.v',
      'payload.list',
      'topic',
      'levels',
      '1e300',
      '0',
    ]);
  switch (Math.floor(next() * 7)) {
    case 0:
      return `(${sub()} ${pick(['+', '-', '*', '/', '%', '**', '<', '>', '<=', '>=', '==', '!=', '&&', '||', '??'])} ${sub()})`;
    case 1:
      return `${pick(['!', '-', '+'])}(${sub()})`;
    case 2:
      return `(${sub()} ? ${sub()} : ${sub()})`;
    case 3:
      return `(${sub()})[${sub()}]`;
    case 4:
      return `[${sub()}, ${sub()}]`;
    case 5:
      return `{k: ${sub()}, "l m": ${sub()}}`;
    default: {
      const definition = pick([...FUNCTIONS.values()]);
      const count = Math.min(definition.maximum, definition.minimum + Math.floor(next() * 2));
      return `${definition.name}(${Array.from({ length: count }, sub).join(', ')})`;
    }
  }
}

test('every grammatical expression compiles, and gives a value of the language or fails in words', () => {
  const next = random(7);
  let values = 0;
  for (let round = 0; round < 20_000; round++) {
    const text = grammatical(next, 1 + (round % 3));
    const faults = faultsOf(text).filter(({ message: words }) => !/regular expression/.test(words));
    assert.deepEqual(faults, [], text);
    try {
      const value = evaluate(`[${text}]`);
      JSON.stringify(value, (_key, part: unknown) => {
        assert.ok(part !== undefined && (typeof part !== 'number' || Number.isFinite(part)), `${text} gives ${typeof part}`);
        return part;
      });
      values++;
    } catch (error) {
      assert.match(
        (error as Error).name === 'EvaluationFault' ? 'EvaluationFault' : String(error),
        /EvaluationFault|regular expression/,
        text,
      );
    }
  }
  assert.ok(values > 1000);
});
