import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.js';
import { TOPIC_LIMITS, TopicCache } from '../../src/console/topic-cache.js';
import { preview } from '../../src/console/topic-preview.js';
import { MemoryMessaging } from './fakes.js';
import { claimedConsole, shiftedClock } from './harness.js';

function message(topic: string, payload: string | Buffer, retain = false) {
  return { topic, payload: Buffer.from(payload as string), qos: 0 as const, retain, properties: null };
}

test('the first list has what is retained, the next one what came since', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  plant.messaging.deliver(message('a/kept', 'x', true));
  plant.messaging.deliver(message('a/gone', 'x'));
  type List = { topics: { topic: string; count: number; retained: boolean }[]; total: number };
  const first = await admin.json<List>(200, 'GET', '/topics?filter=a/%23');
  assert.deepEqual(
    first.topics.map(({ topic, count, retained }) => [topic, count, retained]),
    [['a/kept', 0, true]],
  );
  plant.messaging.deliver(message('a/new', 'y'));
  const second = await admin.json<List>(200, 'GET', '/topics?filter=a/%23');
  assert.deepEqual(
    second.topics.map(({ topic, count, retained }) => [topic, count, retained]),
    [
      ['a/kept', 0, true],
      ['a/new', 1, false],
    ],
  );
  assert.equal((await admin.json<List>(200, 'GET', '/topics?filter=b/%2B')).total, 0);
  const limited = await admin.json<List>(200, 'GET', '/topics?limit=1');
  assert.deepEqual([limited.topics.length, limited.total], [1, 2]);
});

test('a retained message that is cleared is not shown as retained any more', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  plant.messaging.deliver(message('a', 'x', true));
  await admin.json(200, 'GET', '/topics');
  plant.messaging.deliver(message('a', '', true));
  plant.messaging.kept.clear();
  const { topics } = await admin.json<{ topics: { retained: boolean; size: number }[] }>(200, 'GET', '/topics');
  assert.deepEqual(
    topics.map(({ retained, size }) => [retained, size]),
    [[false, 0]],
  );
});

test('topics beyond the limit are counted, not kept', () => {
  const messaging = new MemoryMessaging();
  const cache = new TopicCache(messaging, systemClock, { ...TOPIC_LIMITS, maxTopics: 3 });
  cache.list('#', 10);
  for (let topic = 0; topic < 5; topic++) messaging.deliver(message(`t/${topic}`, 'x'));
  const { topics, total, overflow } = cache.list('#', 10);
  cache.stop();
  assert.deepEqual([topics.length, total, overflow], [3, 3, 2]);
});

test('of large payloads the beginning is kept, of many only a little', () => {
  const messaging = new MemoryMessaging();
  const cache = new TopicCache(messaging, systemClock, { maxTopics: 100, maxPreview: 1000, maxBytes: 2000 });
  cache.list('#', 10);
  for (let topic = 0; topic < 4; topic++) messaging.deliver(message(`t/${topic}`, 'x'.repeat(5000)));
  const { topics } = cache.list('#', 10);
  cache.stop();
  assert.deepEqual(
    topics.map(({ payload, size, truncated }) => [payload.length, size, truncated]),
    [
      [1000, 5000, true],
      [1000, 5000, true],
      [128, 5000, true],
      [128, 5000, true],
    ],
  );
});

test('the subscription ends some time after the last one asked', () => {
  const messaging = new MemoryMessaging();
  const timers: { at: number; callback: () => void }[] = [];
  const clock = {
    ...systemClock,
    setTimeout: (callback: () => void, at: number) => {
      const timer = { at, callback };
      timers.push(timer);
      return { cancel: () => timers.splice(timers.indexOf(timer), 1) };
    },
  };
  const cache = new TopicCache(messaging, clock);
  cache.list('#', 10);
  cache.list('#', 10);
  assert.ok(messaging.subscriptions > 0);
  assert.deepEqual(
    timers.map((timer) => timer.at),
    [30_000],
  );
  timers[0]?.callback();
  assert.equal(messaging.subscriptions, 0);
});

test('a rate is that of the last seconds and falls to zero in silence', () => {
  const messaging = new MemoryMessaging();
  const clock = shiftedClock();
  const cache = new TopicCache(messaging, clock);
  cache.list('#', 10);
  for (let second = 0; second < 20; second++) {
    messaging.deliver(message('a', 'x'));
    messaging.deliver(message('a', 'y'));
    clock.shift(1000);
  }
  const rate = cache.list('#', 10).topics[0]?.rate ?? 0;
  assert.ok(rate > 1.5 && rate < 2.5, `${rate} per second`);
  clock.shift(11_000);
  assert.equal(cache.list('#', 10).topics[0]?.rate, 0);
  cache.stop();
});

test('topics of the broker itself are shown only to who asks for them', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  plant.messaging.deliver(message('$SYS/broker/uptime', '12', true));
  type List = { topics: { topic: string }[] };
  assert.equal((await admin.json<List>(200, 'GET', '/topics')).topics.length, 0);
  assert.equal((await admin.json<List>(200, 'GET', '/topics?filter=$SYS/%23')).topics.length, 1);
});

test('what is a payload shown as?', () => {
  const shown = (bytes: Buffer, limit = 100, size = bytes.length) => {
    const { format, payload, truncated } = preview(bytes, size, limit);
    return [format, payload, truncated];
  };
  assert.deepEqual(shown(Buffer.from('{"v":1}')), ['json', '{"v":1}', false]);
  assert.deepEqual(shown(Buffer.from('21.5')), ['json', '21.5', false]);
  assert.deepEqual(shown(Buffer.from('grün\n')), ['text', 'grün\n', false]);
  assert.deepEqual(shown(Buffer.from('')), ['text', '', false]);
  assert.deepEqual(shown(Buffer.from([0xff, 0x00, 0x10])), ['hex', 'ff0010', false]);
  assert.deepEqual(shown(Buffer.from([0x00])), ['hex', '00', false]);
  assert.deepEqual(shown(Buffer.from('grün'), 3), ['text', 'gr', true]);
  assert.deepEqual(shown(Buffer.from('{"v":1'), 100, 5000), ['text', '{"v":1', true]);
});
