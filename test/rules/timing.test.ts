import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FerruleError } from '../../src/errors.js';
import { Loggers, silentLogger } from '../../src/log.js';
import { Engine } from '../../src/rules/engine.js';
import type { RulesField } from '../../src/rules/ports.js';
import { ManualClock } from '../support/manual-clock.js';
import { waitFor } from '../support/wait-for.js';
import { compiled } from './compiled.js';
import { message } from './evaluate.js';
import { MemoryPort } from './memory-port.js';

function setUp(source: string, { logger = silentLogger, field = null }: { logger?: typeof silentLogger; field?: RulesField | null } = {}) {
  const port = new MemoryPort();
  const clock = new ManualClock(0);
  const engine = new Engine({ messaging: port, field, clock, logger });
  engine.install(compiled(source));
  const send = (payload: string | number | Buffer, topic = 't/1'): void =>
    port.deliver(message(topic, typeof payload === 'number' ? String(payload) : payload));
  const counters = () => engine.runtimes[0]!.counters;
  return { port, clock, engine, send, counters };
}

const DELAYED =
  '{rule: r, on: {topic: "t/+"}, when: payload > 80, for: 30s, do: [{publish: {topic: "o/{topic(1)}", payload: "string(payload) + \\"@\\" + since + \\"/\\" + now()"}}]}';

test('for: the rule acts when the condition has held long enough, with the newest message', () => {
  const { port, clock, send } = setUp(DELAYED);
  clock.advance(1000);
  send(81);
  clock.advance(20_000);
  send(85);
  clock.advance(9999);
  assert.deepEqual(port.log, []);
  clock.advance(1);
  assert.deepEqual(port.log, ['o/1 85@1000/31000']);
});

test('for: the rule acts once while the condition holds, and again after it did not', () => {
  const { port, clock, send } = setUp(DELAYED);
  send(81);
  clock.advance(30_000);
  send(82);
  clock.advance(60_000);
  assert.equal(port.log.length, 1);
  send(79);
  send(83);
  clock.advance(30_000);
  assert.deepEqual(port.log, ['o/1 81@0/30000', 'o/1 83@90000/120000']);
});

test('for: a condition that fails to hold in between starts the time anew', () => {
  const { port, clock, send } = setUp(DELAYED);
  send(81);
  clock.advance(29_000);
  send(79);
  clock.advance(500);
  send(81);
  clock.advance(29_999);
  assert.deepEqual(port.log, []);
  clock.advance(1);
  assert.equal(port.log.length, 1);
});

test('for: a condition that cannot be computed starts the time anew as well', () => {
  const { port, clock, send, counters } = setUp(DELAYED);
  send(81);
  clock.advance(29_000);
  send('{}');
  clock.advance(60_000);
  assert.deepEqual(port.log, []);
  assert.equal(counters().failed, 1);
});

test('for: every topic has its own delay', () => {
  const { port, clock, send } = setUp(DELAYED);
  send(81, 't/1');
  clock.advance(10_000);
  send(82, 't/2');
  send(70, 't/3');
  clock.advance(20_000);
  assert.deepEqual(port.log, ['o/1 81@0/30000']);
  clock.advance(10_000);
  assert.deepEqual(port.log, ['o/1 81@0/30000', 'o/2 82@10000/40000']);
});

test('for: a step of the wall clock does not shorten the delay', () => {
  const { port, clock, send } = setUp(DELAYED);
  send(81);
  clock.setWall(10_000_000);
  clock.advance(29_999);
  assert.deepEqual(port.log, []);
  clock.advance(1);
  assert.equal(port.log.length, 1);
});

test('for: what waits keeps its own copy of the message', () => {
  const { port, clock, send } = setUp(DELAYED);
  const buffer = Buffer.from('81');
  send(buffer);
  buffer.write('99');
  clock.advance(30_000);
  assert.deepEqual(port.log, ['o/1 81@0/30000']);
});

const HYSTERESIS = '{rule: r, on: {topic: "t/+"}, when: payload > 80, until: payload < 75, do: [{publish: {topic: o, payload: payload}}]}';

test('until: the rule acts at once, and again only after it was true', () => {
  const { port, send } = setUp(HYSTERESIS);
  for (const value of [70, 81, 82, 79, 85, 74, 79, 86, 87]) send(value);
  assert.deepEqual(port.log, ['o 81', 'o 86']);
});

test('until: every topic is followed by itself', () => {
  const { port, send } = setUp(HYSTERESIS);
  send(81, 't/1');
  send(82, 't/2');
  send(70, 't/1');
  send(83, 't/2');
  send(84, 't/1');
  assert.deepEqual(port.log, ['o 81', 'o 82', 'o 84']);
});

test('until: a message for which it cannot be computed changes nothing', () => {
  const { port, send, counters } = setUp(HYSTERESIS);
  for (const value of [81, '{}', 82]) send(value);
  assert.deepEqual(port.log, ['o 81']);
  assert.equal(counters().failed, 1);
});

test('for and until together: on delay and hysteresis', () => {
  const { port, clock, send } = setUp(HYSTERESIS.replace('until', 'for: 10s, until'));
  send(81);
  clock.advance(10_000);
  send(79);
  send(82);
  clock.advance(20_000);
  assert.deepEqual(port.log, ['o 81']);
  send(74);
  send(83);
  clock.advance(10_000);
  assert.deepEqual(port.log, ['o 81', 'o 83']);
});

test('a reload leaves the delay of a rule that says the same, and ends that of one that changed', () => {
  const { port, clock, engine, send } = setUp(DELAYED);
  send(81);
  clock.advance(15_000);
  engine.install(compiled(`# moved\n${DELAYED}`));
  clock.advance(15_000);
  assert.equal(port.log.length, 1);
  send(70);
  send(81);
  engine.install(compiled(DELAYED.replace('> 80', '> 60')));
  clock.advance(60_000);
  assert.equal(port.log.length, 1);
  assert.equal(clock.pending, 0);
});

test('a stopped engine leaves no delay behind', async () => {
  const { clock, engine, send } = setUp(DELAYED);
  send(81);
  await engine.stop();
  assert.equal(clock.pending, 0);
});

test('more topics than a rule may follow are refused, and those it follows go on', () => {
  const { port, clock, send, counters } = setUp(DELAYED);
  for (let index = 0; index < 10_001; index++) send(81, `t/${index}`);
  assert.equal(counters().failed, 1);
  assert.match(counters().lastError ?? '', /FER_RULES_OVERLOAD/);
  clock.advance(30_000);
  // The bound of actions under way comes on top: publishing is asynchronous.
  assert.equal(port.log.length, 1000);
});

test('messages that are kept while a rule waits are bounded in bytes', () => {
  const { send, counters } = setUp(
    '{rule: r, on: {topic: "t/+"}, when: payloadBytes > 1, for: 1s, do: [{publish: {topic: o, payload: 1}}]}',
  );
  for (let index = 0; index < 5; index++) send(Buffer.alloc(1024 * 1024), `t/${index}`);
  assert.equal(counters().failed, 1);
  assert.match(counters().lastError ?? '', /would take more than 4194304 bytes/);
});

test('every: the rule runs again and again, without a message', () => {
  const { port, clock, engine } = setUp('{rule: r, on: {every: 10s}, do: [{publish: {topic: o, payload: [now(), payload, topic, ts]}}]}');
  clock.advance(25_000);
  assert.deepEqual(port.log, ['o [10000,null,null,null]', 'o [20000,null,null,null]']);
  engine.install([]);
  clock.advance(25_000);
  assert.equal(port.log.length, 2);
  assert.equal(clock.pending, 0);
});

test('startup: the rule runs once when it starts, and once more when it changed', () => {
  const source = '{rule: r, on: {startup: true}, do: [{publish: {topic: o, payload: 1}}]}';
  const { port, engine } = setUp(source);
  assert.deepEqual(port.log, ['o 1']);
  engine.install(compiled(`\n${source}`));
  assert.equal(port.log.length, 1);
  engine.install(compiled(source.replace('payload: 1', 'payload: 2')));
  assert.deepEqual(port.log, ['o 1', 'o 2']);
});

test('startup: what a rule publishes reaches the other rules that start with it', () => {
  const { port } = setUp(
    '[{rule: a, on: {startup: true}, do: [{publish: {topic: x, payload: 1}}]}, {rule: b, on: {topic: x}, do: [{publish: {topic: y, payload: 2}}]}]',
  );
  assert.deepEqual(port.log, ['x 1', 'y 2']);
});

test('write: the value of the expression goes to the tag', () => {
  const written: unknown[] = [];
  const field: RulesField = { write: (...args) => Promise.resolve(void written.push(args)) };
  const { send } = setUp(
    '{rule: r, on: {topic: "t/+"}, do: [{write: {tag: "press{topic(1)}.fan", value: payload > 80}}, {write: {tag: a.mode, value: "\'auto\'"}}]}',
    { field },
  );
  send(81);
  assert.deepEqual(written, [
    ['press1', 'fan', true],
    ['a', 'mode', 'auto'],
  ]);
});

test('write: a write that is refused counts as failed, with the reason', async () => {
  const field: RulesField = { write: () => Promise.reject(new FerruleError('FER_STOPPED', 'press1 is offline')) };
  const { send, counters } = setUp('{rule: r, on: {topic: "t/+"}, do: [{write: {tag: a.b, value: 1}}]}', { field });
  send(1);
  await waitFor(() => counters().failed === 1);
  assert.match(counters().lastError ?? '', /press1 is offline/);
});

for (const [payload, tag, fault] of [
  ['{}', 'a.b', /an object cannot be written to a\.b/],
  ['null', 'a.b', /null cannot be written to a\.b/],
  ['"x"', '{payload}', /"x" is not a device and a tag/],
] as const) {
  test(`write: ${payload} to ${tag} fails before anything is written`, () => {
    const written: unknown[] = [];
    const field: RulesField = { write: (...args) => Promise.resolve(written.push(args)) };
    const { send, counters } = setUp(
      `{rule: r, on: {topic: "t/+"}, do: [{write: {tag: a.b, value: 1}}, {write: {tag: "${tag}", value: payload}}]}`,
      {
        field,
      },
    );
    send(payload);
    assert.deepEqual(written, []);
    assert.match(counters().lastError ?? '', fault);
  });
}

test('write: without devices it fails in words', async () => {
  const { send, counters } = setUp('{rule: r, on: {topic: "t/+"}, do: [{write: {tag: a.b, value: 1}}]}');
  send(1);
  await waitFor(() => counters().failed === 1);
  assert.match(counters().lastError ?? '', /there is no device to write a\.b to/);
});

test('log: a line with its level and the name of the rule, sixty a minute at most', () => {
  const lines: { level: number; rule: string; msg: string; linesSkipped?: number }[] = [];
  const logger = new Loggers({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line)) }).for('rules');
  const { clock, send } = setUp('{rule: r, on: {topic: "t/+"}, do: [{log: {message: "at {payload} of {payload.x}", level: warn}}]}', {
    logger,
  });
  for (let index = 0; index < 100; index++) send(index);
  assert.equal(lines.length, 60);
  assert.deepEqual([lines[0]?.level, lines[0]?.rule, lines[0]?.msg], [40, 'r', 'at 0 of null']);
  clock.advance(60_000);
  send(7);
  assert.equal(lines.at(-1)?.linesSkipped, 40);
});
