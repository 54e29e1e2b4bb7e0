import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileFile } from '../../src/rules/compile-file.js';

const errorsOf = (source: string): string[] => compileFile('f.yaml', source).errors.map((error) => error.toLine());
const OK = 'do: [{publish: {topic: o, payload: 1}}]';

for (const [what, source, names] of [
  ['one rule', `rule: a\non: {topic: x}\n${OK}\n`, ['a']],
  ['a list of rules', `- {rule: a, on: {topic: x}, ${OK}}\n- {rule: b, on: {topic: x}, ${OK}}\n`, ['a', 'b']],
  ['several documents', `rule: a\non: {topic: x}\n${OK}\n---\n- {rule: b, on: {topic: x}, ${OK}}\n---\n# nothing\n`, ['a', 'b']],
  ['nothing', '', []],
  ['a comment', '# nothing\n', []],
  ['Windows line ends', `rule: a\r\non: {topic: x}\r\n${OK}\r\n`, ['a']],
] as const) {
  test(`a file can hold ${what}`, () => {
    const { rules, errors } = compileFile('f.yaml', source);
    assert.deepEqual(errors, []);
    assert.deepEqual(
      rules.map(({ name }) => name),
      names,
    );
  });
}

/** A fault stands at the mark ‸, which is taken out before the file is read. */
function markOf(marked: string): { source: string; place: string } {
  const before = marked.slice(0, marked.indexOf('‸')).split('\n');
  return { source: marked.replace('‸', ''), place: `${before.length}:${(before.at(-1)?.length ?? 0) + 1}` };
}

const FAULTS: readonly [marked: string, message: string][] = [
  // YAML
  [`rule: a\non: {topic: x\n‸${OK}`, 'not valid YAML'],
  [`‸just text`, 'a rule file holds a rule, or a list of rules'],
  [`rule: a\n‸rule: b\non: {topic: x}\n${OK}`, 'not valid YAML: Map keys must be unique'],
  [`rule: a\non: {topic: x}\nwhen: ‸!payload.run\n${OK}`, '"!payload.run" is a tag to YAML'],
  [`- rule: a\n  on: {topic: x}\n  ${OK}\n- ‸7\n`, 'the rule must be a rule'],
  // schema
  [`‸on: {topic: x}\n${OK}`, 'the rule has no "rule"'],
  [`‸rule: a\n${OK}`, 'the rule has no "on"'],
  [`rule: ‸"a b"\non: {topic: x}\n${OK}`, 'rule must be the name of the rule'],
  [`rule: a\non: {topic: x}\n‸wen: 1\n${OK}`, 'unknown key "wen"'],
  [`rule: a\non: ‸x\n${OK}`, 'on must be what starts the rule'],
  [`rule: a\non: {topic: ‸5}\n${OK}`, 'on.topic must be a topic filter, or a list'],
  [`rule: a\non: {topic: ‸[x, {}]}\n${OK}`, 'on.topic must be a topic filter, or a list'],
  [`rule: a\non: {topic: x}\nwhen: ‸[1]\n${OK}`, 'when must be an expression'],
  [`rule: a\non: {topic: x}\ndo: ‸[]\n`, 'do must be a list of actions'],
  [`rule: a\non: {topic: x}\ndo: [‸{}]\n`, 'do[0] must be an action'],
  [`rule: a\non: {topic: x}\ndo: [{publish: ‸{topic: o}}]\n`, 'do[0].publish has no "payload"'],
  [`rule: a\non: {topic: x}\ndo: [{publish: {topic: o, payload: 1, qos: ‸3}}]\n`, 'do[0].publish.qos must be 0, 1 or 2'],
  [`rule: a\non: {topic: x}\ndo: [{publish: {topic: o, payload: 1, ‸qoss: 1}}]\n`, 'unknown key "qoss"'],
  [`rule: a\non: {topic: x}\ndo: [{‸publsh: {topic: o, payload: 1}}]\n`, 'unknown key "publsh"'],
  // not there yet
  [`rule: a\non: {topic: x}\n‸alarm: {severity: high}\n${OK}`, '"alarm" is not supported yet'],
  [`rule: a\non: {topic: x, ‸cron: "0 6 * * *"}\n${OK}`, '"cron" is not supported yet'],
  [`rule: a\non: {topic: x}\ndo:\n  - ‸http: {url: x}\n`, '"http" is not supported yet'],
  // meaning
  [`rule: a\non: ‸{}\n${OK}`, 'on says nothing that starts the rule'],
  [`rule: a\non: ‸{topic: x, every: 1s}\n${OK}`, 'on has both topic and every'],
  [`rule: a\non: {startup: true, ‸retained: true}\n${OK}`, 'retained goes with topic only'],
  [`rule: a\non: {every: ‸10ms}\n${OK}`, 'on.every must be at least 100ms'],
  [`rule: a\non: {every: ‸10 s}\n${OK}`, 'on.every must be a duration'],
  [`rule: a\non: {startup: ‸false}\n${OK}`, 'on.startup must be true'],
  [`rule: a\non: {topic: x}\nfor: ‸30\n${OK}`, 'for must be a duration such as 30s'],
  [`rule: a\non: {topic: x}\nuntil: ‸tmp\n${OK}`, 'unknown name "tmp"'],
  [`rule: a\non: {topic: x}\ndo: [{write: {tag: ‸fan, value: 1}}]`, '"fan" is not a device and a tag'],
  [`rule: a\non: {topic: x}\ndo: [{write: {tag: a.b, value: ‸tmp}}]`, 'unknown name "tmp"'],
  [`rule: a\non: {topic: x}\ndo: [{log: {message: "{‸tmp}"}}]`, 'unknown name "tmp"'],
  [`rule: a\non: {topic: x}\ndo: [{log: {message: x, level: ‸loud}}]`, 'do[0].log.level must be debug, info, warn or error'],
  [`rule: a\non: {topic: ‸a/#/b}\n${OK}`, 'has # before its last level'],
  [`rule: a\non: {topic: [x, ‸a+]}\n${OK}`, 'has + inside a level'],
  [`rule: a\non: {topic: ‸$share/g/a}\n${OK}`, 'rules cannot share a subscription'],
  [`rule: a\non: {topic: [a/+, ‸a/#]}\n${OK}`, '"a/#" and "a/+" match the same topics'],
  [`rule: a\non: {topic: x}\nlet: {‸payload: 1}\n${OK}`, '"payload" has a meaning already'],
  [`rule: a\non: {topic: x}\nlet: {‸a-b: 1}\n${OK}`, '"a-b" is not a name'],
  [`rule: a\non: {topic: x}\ndo: [{publish: {topic: ‸a/#, payload: 1}}]`, 'the topic "a/#" contains a wildcard'],
  // names and their order
  [`rule: a\non: {topic: x}\nlet: {x: ‸y, y: 1}\n${OK}`, 'unknown name "y"'],
  [`rule: a\non: {topic: x}\nwhen: ‸since > 1\n${OK}`, 'unknown name "since"'],
  [`- {rule: a, on: {topic: x}, ${OK}}\n- {rule: ‸a, on: {topic: x}, ${OK}}\n`, 'there is a rule of this name at f.yaml:1 already'],
  // positions inside of every kind of YAML text
  [`rule: a\non: {topic: x}\nwhen: payload.v > ‸tmp\n${OK}`, 'unknown name "tmp"'],
  [`rule: a\non: {topic: x}\nwhen: "payload.v > ‸tmp"\n${OK}`, 'unknown name "tmp"'],
  [`rule: a\non: {topic: x}\nwhen: "payload.v == \\"\\u00e9\\\\n\\" && ‸tmp"\n${OK}`, 'unknown name "tmp"'],
  [`rule: a\non: {topic: x}\nwhen: 'payload.v == ''x'' && ‸tmp'\n${OK}`, 'unknown name "tmp"'],
  [`rule: a\non: {topic: x}\nwhen: payload.v > 1 &&\n  payload.q == 2 &&\n  ‸tmp\n${OK}`, 'unknown name "tmp"'],
  [`rule: a\non: {topic: x}\nwhen: "payload.v > 1 &&\n  payload.q == 2 && \\\n  ‸tmp"\n${OK}`, 'unknown name "tmp"'],
  [`rule: a\non: {topic: x}\nwhen: |\n  payload.v > 1 &&\n    payload.q == 2\n  && ‸tmp\n${OK}`, 'unknown name "tmp"'],
  [`rule: a\non: {topic: x}\nwhen: >-\n\n  payload.v > 1\n  && payload.q == 2 &&\n\n  ‸tmp\n${OK}`, 'unknown name "tmp"'],
  [`rule: a\r\non: {topic: x}\r\nwhen: >-\r\n  payload.v > 1 &&\r\n  ‸tmp\r\n${OK}`, 'unknown name "tmp"'],
  [`rule: a\non: {topic: x}\nwhen: payload.v ‸>\n${OK}`, 'a value is missing after ">"'],
  [`rule: a\non: {topic: x}\nlet:\n  x: payload.v\n  y: lower(‸z)\n${OK}`, 'unknown name "z"'],
  [`rule: a\non: {topic: x}\ndo: [{publish: {topic: "a/{‸z}", payload: 1}}]`, 'unknown name "z"'],
  [`rule: a\non: {topic: x}\ndo: [{publish: {topic: "a/‸{z", payload: 1}}]`, '"{" is not closed'],
  [`rule: a\non: {topic: x}\ndo: [{publish: {topic: "a/‸}", payload: 1}}]`, '"}" has no "{"'],
  [`rule: a\non: {topic: x}\ndo: [{publish: {topic: o, payload: {a: [1, {b: ‸z}]}}}]`, 'unknown name "z"'],
];

for (const [marked, message] of FAULTS) {
  test(`the fault is found where it stands: ${JSON.stringify(marked)}`, () => {
    const { source, place } = markOf(marked);
    const [first] = errorsOf(source);
    assert.ok(first !== undefined, 'it compiled');
    assert.ok(first.includes(message), first);
    assert.equal(/^f\.yaml:(\d+:\d+)/.exec(first)?.[1], place, first);
  });
}

test('everything that is wrong with a file is reported at once', () => {
  const errors = errorsOf(
    `- rule: a\n  on: {topic: x#}\n  let: {y: z}\n  when: tmp > 1\n  do: [{publish: {topic: "{q}", payload: p}}]\n- {rule: b, om: {}, wen: 2}\n`,
  );
  assert.deepEqual(
    errors.map((error) => /^f\.yaml:(\d+:\d+) rule ([ab])/.exec(error)?.slice(1).join(' ')),
    ['2:15 a', '3:12 a', '4:9 a', '5:28 a', '5:42 a', '6:3 b', '6:3 b', '6:13 b', '6:21 b'],
  );
});

test('more than eight faults of a schema are all reported', () => {
  assert.equal(
    errorsOf(`rule: a\non: {topic: x}\n${OK}\n${Array.from({ length: 20 }, (_none, index) => `zz${index}: 1`).join('\n')}\n`).length,
    20,
  );
});

test('a file with one faulty rule gives none of its rules', () => {
  assert.deepEqual(compileFile('f.yaml', `- {rule: a, on: {topic: x}, ${OK}}\n- {rule: b}\n`).rules, []);
});

test('a file of nothing but aliases to aliases is refused, not unfolded', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_none, index) => {
    const [name, before] = [String.fromCharCode(98 + index), String.fromCharCode(97 + index)];
    return `${name}: &${name} [${Array(9).fill(`*${before}`).join(',')}]`;
  }).join('\n')}\n`;
  assert.match(errorsOf(bomb)[0] ?? '', /not valid YAML: Excessive alias count/);
});
