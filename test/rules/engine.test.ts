import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerruleError } from '../../src/errors.js';
import { Loggers, silentLogger } from '../../src/log.js';
import { Engine } from '../../src/rules/engine.js';
import { ManualClock } from '../support/manual-clock.js';
import { waitFor } from '../support/wait-for.js';
import { compiled } from './compiled.js';
import { message } from './evaluate.js';
import { MemoryPort } from './memory-port.js';

function setUp(source: string, logger = silentLogger) {
  const port = new MemoryPort();
  const clock = new ManualClock();
  const engine = new Engine({ messaging: port, field: null, clock, logger });
  engine.install(compiled(source));
  const counters = (name: string) => {
    const found = engine.runtimes.find(({ rule }) => rule.name === name);
    assert.ok(found, `no rule ${name}`);
    return found.counters;
  };
  return { port, clock, engine, counters };
}

const OVERHEATING = `
rule: press-overheating
on: {topic: "field/+/temperature"}
let: {temp: payload.v, press: topic(1)}
when: temp > 80 && payload.q == "good"
do:
  - publish: {topic: "alarms/{press}", payload: {temp: temp, text: "press + ' is hot'", list: [1, temp * 2], yes: true, no: null}, qos: 1, retain: true}
`;

test('a rule whose condition holds publishes what its expressions say', () => {
  const { port, counters, clock } = setUp(OVERHEATING);
  port.deliver(message('field/press1/temperature', '{"v": 81.5, "q": "good"}'));
  const [out] = port.published;
  assert.ok(out);
  assert.equal(out.topic, 'alarms/press1');
  assert.deepEqual(JSON.parse(out.payload.toString()), { temp: 81.5, text: 'press1 is hot', list: [1, 163], yes: true, no: null });
  assert.equal(out.qos, 1);
  assert.equal(out.retain, true);
  const { matched, fired, failed, lastFiredAt } = counters('press-overheating');
  assert.deepEqual({ matched, fired, failed, lastFiredAt }, { matched: 1, fired: 1, failed: 0, lastFiredAt: clock.now() });
});

test('a rule whose condition does not hold counts the message and does nothing', () => {
  const { port, counters } = setUp(OVERHEATING);
  port.deliver(message('field/press1/temperature', '{"v": 79, "q": "good"}'));
  port.deliver(message('field/press1/temperature', '{"v": 90, "q": "bad"}'));
  port.deliver(message('field/press1/temperature', 'no json'));
  assert.deepEqual(port.published, []);
  assert.equal(counters('press-overheating').matched, 3);
  assert.equal(counters('press-overheating').fired, 0);
});

test('a rule without a condition always acts', () => {
  const { port } = setUp('{rule: copy, on: {topic: a}, do: [{publish: {topic: b, payload: payload}}]}');
  port.deliver(message('a', '{"x":[1,2]}'));
  assert.deepEqual(port.log, ['b {"x":[1,2]}']);
});

for (const [payload, source, expected] of [
  ['21.5', 'payload', '21.5'],
  ['text', 'payload', 'text'],
  ['text', '\'"fixed"\'', 'fixed'],
  ['x', '[payload, 1]', '["x",1]'],
  ['x', '12', '12'],
  ['x', 'true', 'true'],
  ['x', 'payload.missing', 'null'],
  ['x', 'null', ''],
] as const) {
  test(`payload: ${source} publishes ${JSON.stringify(expected)} for ${payload}`, () => {
    const { port } = setUp(`{rule: r, on: {topic: a}, do: [{publish: {topic: b, payload: ${source}}}]}`);
    port.deliver(message('a', payload));
    assert.deepEqual(port.log, [`b ${expected}`]);
  });
}

test('let sees the names before it, and actions see them all', () => {
  const { port } = setUp('{rule: r, on: {topic: a}, let: {x: payload + 1, y: x * 2}, do: [{publish: {topic: "t/{x}/{y}", payload: y}}]}');
  port.deliver(message('a', '1'));
  assert.deepEqual(port.log, ['t/2/4 4']);
});

test('rules with the same filter share one subscription', () => {
  const { port } = setUp(
    '[{rule: a, on: {topic: x/#}, do: [{publish: {topic: one, payload: 1}}]}, {rule: b, on: {topic: [x/#, y]}, do: [{publish: {topic: b, payload: 1}}]}]',
  );
  assert.deepEqual(port.filters, ['x/#', 'y']);
  port.deliver(message('x/1', ''));
  assert.deepEqual(port.log, ['one 1', 'b 1']);
});

test('a filter that no rule needs any more is unsubscribed, one that stays is not', () => {
  const { port, engine } = setUp(
    '[{rule: a, on: {topic: x}, do: &d [{publish: {topic: o, payload: 1}}]}, {rule: b, on: {topic: y}, do: *d}]',
  );
  const before = port.subscriptions.find(({ filter }) => filter === 'x');
  engine.install(compiled('{rule: a, on: {topic: x}, when: "true", do: [{publish: {topic: o, payload: 1}}]}'));
  assert.deepEqual(port.filters, ['x']);
  assert.equal(port.subscriptions[0], before);
});

test('a rule that says the same keeps its counters, one that changed begins anew', () => {
  const a = '{rule: a, on: {topic: x}, do: [{publish: {topic: o, payload: 1}}]}';
  const { port, engine, counters } = setUp(`- ${a}\n- {rule: b, on: {topic: x}, do: [{publish: {topic: o, payload: 1}}]}`);
  port.deliver(message('x', ''));
  engine.install(compiled(`\n\n- {rule: b, on: {topic: x}, do: [{publish: {topic: o, payload: 2}}]}\n- ${a}`));
  assert.equal(counters('a').fired, 1);
  assert.equal(engine.runtimes.find(({ rule }) => rule.name === 'a')?.rule.line, 4);
  assert.equal(counters('b').fired, 0);
});

test('a rule that throws counts it, says where, and leaves the others alone', () => {
  const { port, counters } = setUp(`
- rule: bad
  on: {topic: x}
  when: payload.v > "80"
  do: [{publish: {topic: o, payload: 1}}]
- rule: good
  on: {topic: x}
  do: [{publish: {topic: good, payload: 1}}]
`);
  port.deliver(message('x', '{"v": 1}'));
  assert.deepEqual(port.log, ['good 1']);
  assert.equal(counters('bad').failed, 1);
  assert.equal(
    counters('bad').lastError,
    'rules/test.yaml:4:19 rule bad: ">" compares numbers or texts, not a number with a text. [FER_RULES_EVALUATION]',
  );
});

test('a rule of which one action cannot be computed does none of them', () => {
  const { port, counters } = setUp(
    '{rule: r, on: {topic: x}, do: [{publish: {topic: a, payload: 1}}, {publish: {topic: "b/{payload.none}", payload: 1}}]}',
  );
  port.deliver(message('x', '{}'));
  assert.deepEqual(port.published, []);
  assert.match(counters('r').lastError ?? '', /rules\/test\.yaml:1:88 rule r: a topic cannot contain null/);
});

for (const [topic, fault] of [
  ['a/+', /contains a wildcard/],
  ['$SYS/x', /topics that begin with \$/],
  ['', /the topic "" is empty/],
] as const) {
  test(`a topic computed as ${JSON.stringify(topic)} fails instead of being published`, () => {
    const { port, counters } = setUp('{rule: r, on: {topic: x}, do: [{publish: {topic: "{payload}", payload: 1}}]}');
    port.deliver(message('x', JSON.stringify(topic)));
    assert.deepEqual(port.published, []);
    assert.match(counters('r').lastError ?? '', fault);
  });
}

test('a message that is refused by the broker counts as failed, with the reason', async () => {
  const { port, counters } = setUp('{rule: r, on: {topic: x}, do: [{publish: {topic: o, payload: 1}}]}');
  port.refuse = () => Promise.reject(new FerruleError('FER_STOPPED', 'the broker has stopped'));
  port.deliver(message('x', ''));
  await waitFor(() => counters('r').failed === 1);
  assert.match(counters('r').lastError ?? '', /the broker has stopped \[FER_STOPPED\]/);
});

test('more actions under way than a rule may have are refused, not queued', () => {
  const { port, counters } = setUp('{rule: r, on: {topic: x}, do: [{publish: {topic: o, payload: 1}}]}');
  port.refuse = () => new Promise(() => {});
  for (let count = 0; count < 1005; count++) port.deliver(message('x', ''));
  assert.equal(port.published.length, 1000);
  assert.equal(counters('r').failed, 5);
  assert.match(counters('r').lastError ?? '', /FER_RULES_OVERLOAD/);
});

test('a rule that triggers itself is cut off after ten hops and named', () => {
  const { port, counters } = setUp('{rule: echo, on: {topic: "loop/#"}, do: [{publish: {topic: "{topic}/x", payload: 1}}]}');
  port.deliver(message('loop', ''));
  assert.equal(port.published.length, 10);
  assert.equal(counters('echo').failed, 1);
  assert.match(counters('echo').lastError ?? '', /rule echo: rules triggered one another 10 times in a row.*FER_RULES_LOOP/);
});

test('two rules that trigger each other are cut off as well', () => {
  const { port, counters } = setUp(
    '[{rule: ping, on: {topic: a}, do: [{publish: {topic: b, payload: 1}}]}, {rule: pong, on: {topic: b}, do: [{publish: {topic: a, payload: 1}}]}]',
  );
  port.deliver(message('a', ''));
  assert.equal(port.published.length, 10);
  assert.match(counters('ping').lastError ?? '', /FER_RULES_LOOP/);
  assert.equal(counters('pong').failed, 0);
});

test('a hop count that a client made up is read with care', () => {
  const { port } = setUp('{rule: r, on: {topic: x}, do: [{publish: {topic: o, payload: 1}}]}');
  for (const value of ['-5', 'NaN', '', '1e9'])
    port.deliver(message('x', '', { properties: { userProperties: [['ferrule-hops', value]] } }));
  assert.equal(port.published.length, 4);
  assert.deepEqual(port.published[0]?.properties?.userProperties, [['ferrule-hops', '1']]);
});

test('retained messages from before the rule are not acted on', () => {
  const port = new MemoryPort();
  port.deliver(message('x', 'old', { retain: true }));
  const engine = new Engine({ messaging: port, field: null, clock: new ManualClock(), logger: silentLogger });
  engine.install(compiled('{rule: r, on: {topic: x}, do: [{publish: {topic: o, payload: payload}}]}'));
  assert.deepEqual(port.log, []);
  port.deliver(message('x', 'new', { retain: true }));
  assert.deepEqual(port.log, ['o new']);
});

test('retained: true acts on them once, also where another rule has the filter already', () => {
  const port = new MemoryPort();
  port.deliver(message('x', 'old', { retain: true }));
  const engine = new Engine({ messaging: port, field: null, clock: new ManualClock(), logger: silentLogger });
  const plain = '{rule: r, on: {topic: x}, do: [{publish: {topic: o, payload: payload}}]}';
  const eager = '{rule: e, on: {topic: x, retained: true}, do: [{publish: {topic: e, payload: payload}}]}';
  engine.install(compiled(`[${plain}]`));
  engine.install(compiled(`[${plain}, ${eager}]`));
  engine.install(compiled(`[${plain}, ${eager}]`));
  assert.deepEqual(port.log, ['e old']);
});

test('many failures of a rule are one line of the log a minute', () => {
  const lines: { rule: string; failuresNotLogged?: number }[] = [];
  const logger = new Loggers({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line)) }).for('rules');
  const { port, clock, counters } = setUp('{rule: r, on: {topic: x}, do: [{publish: {topic: o, payload: "1 * payload"}}]}', logger);
  for (let count = 0; count < 100; count++) port.deliver(message('x', 'text'));
  assert.equal(lines.length, 1);
  clock.advance(60_000);
  port.deliver(message('x', 'text'));
  assert.equal(lines.length, 2);
  assert.equal(lines[1]?.failuresNotLogged, 99);
  assert.equal(counters('r').failed, 101);
});

test('a stopped engine has no subscription and no timer, and does not act any more', async () => {
  const { port, clock, engine } = setUp('{rule: r, on: {topic: x}, do: [{publish: {topic: o, payload: 1}}]}');
  await engine.stop();
  port.deliver(message('x', ''));
  assert.deepEqual(port.filters, []);
  assert.deepEqual(port.published, []);
  assert.equal(clock.pending, 0);
});

test('stopping does not wait for ever for an action that never ends', async () => {
  const { port, clock, engine } = setUp('{rule: r, on: {topic: x}, do: [{publish: {topic: o, payload: 1}}]}');
  port.refuse = () => new Promise(() => {});
  port.deliver(message('x', ''));
  const stopped = engine.stop();
  clock.advance(2000);
  await stopped;
  assert.equal(clock.pending, 0);
});

test('a payload larger than rules read fails the rule that reads it, not the one that does not', () => {
  const { port, counters } = setUp(
    '[{rule: reads, on: {topic: x}, when: payload == 1, do: &d [{publish: {topic: o, payload: payloadBytes}}]}, {rule: does-not, on: {topic: x}, do: *d}]',
  );
  port.deliver(message('x', Buffer.alloc(300_000, 0x20)));
  assert.deepEqual(port.log, ['o 300000']);
  assert.match(counters('reads').lastError ?? '', /larger than the 262144 bytes that rules read/);
});
