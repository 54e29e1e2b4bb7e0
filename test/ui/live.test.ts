import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setImmediate as settled } from 'node:timers/promises';
import { SseParser } from '../../ui/src/api/sse.js';
import { backoffMs } from '../../ui/src/state/backoff.js';
import { applyEvent, type List } from '../../ui/src/state/live-data.js';
import { type LinkState, LiveStream } from '../../ui/src/state/live-stream.js';
import { device, tag } from '../console/fakes.js';

test('events come out whole wherever the stream is cut', () => {
  const text = 'retry: 2000\n\nevent: overview\ndata: {"a":1}\n\n: alive\n\nevent: device\r\ndata: x\r\ndata: y\r\n\r\ndata: z\n\n';
  const expected = [
    { event: 'overview', data: '{"a":1}' },
    { event: 'device', data: 'x\ny' },
    { event: 'message', data: 'z' },
  ];
  for (let cut = 0; cut <= text.length; cut++) {
    const parser = new SseParser();
    assert.deepEqual([...parser.feed(text.slice(0, cut)), ...parser.feed(text.slice(cut))], expected, `cut at ${cut}`);
  }
});

test('the wait before the next attempt grows to ten seconds and no further, spread by a quarter', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 20].map((attempt) => backoffMs(attempt, 0.5)),
    [500, 1000, 2000, 4000, 10_000],
  );
  assert.deepEqual([backoffMs(20, 0), backoffMs(20, 1)], [7500, 12_500]);
});

test('a change of a list replaces, adds in order and removes', () => {
  const item = (name: string, fired = 0) => ({ name, fired });
  const first = applyEvent('rules', undefined, { kind: 'snapshot', items: [item('b 10'), item('b 9')], total: 2 } as never);
  const then = applyEvent('rules', first, { kind: 'change', items: [item('a'), item('b 10', 3)], removed: ['b 9'], total: 2 } as never);
  assert.deepEqual((first as List<unknown>).items, [item('b 9'), item('b 10')]);
  assert.deepEqual(then, { items: [item('a'), item('b 10', 3)], total: 2, overflow: 0 });
});

test('a change of a device touches the tags it names and keeps the others as they were', () => {
  const before = device('meter1', [tag('voltage', 230), tag('power', 5)]);
  const now = applyEvent('device', before, { kind: 'change', device: 'meter1', tags: [tag('power', 6)] } as never) as typeof before;
  assert.deepEqual(
    now.tags.map((each) => each.value),
    [230, 6],
  );
  assert.equal(now.tags[0], before.tags[0]);
  assert.equal(applyEvent('device', before, { kind: 'snapshot', device: null } as never), null);
  const frames = { received: 2, badChecksum: 1, unreadable: 0, tooLong: 0, strayBytes: 0, faults: [] };
  const counted = applyEvent('device', before, { kind: 'change', device: 'meter1', tags: [], frames } as never) as typeof before;
  assert.deepEqual([counted.frames, counted.tags], [frames, before.tags]);
});

test('times of tags that were read again are theirs, by their place; their values stay', () => {
  const before = device('meter1', [tag('a', 1), tag('b', 2), tag('c', 3)]);
  const change = { kind: 'change', device: 'meter1', tags: [], times: [[77, 1, 2]] };
  const now = applyEvent('device', before, change as never) as typeof before;
  assert.deepEqual(now.tags, [before.tags[0], { ...before.tags[1], ts: 77 }, { ...before.tags[2], ts: 77 }]);
  assert.equal(now.tags[0], before.tags[0]);
});

/** A gateway whose streams the test holds in its hand. */
function scripted() {
  const opened: { views: readonly string[]; controller: ReadableStreamDefaultController<Uint8Array>; signal: AbortSignal }[] = [];
  const links: LinkState[] = [];
  const events: string[] = [];
  const state = { refuse: null as Error | null, reachable: true, retries: true };
  const stream = new LiveStream({
    open: async (views, signal) => {
      if (state.refuse !== null) throw state.refuse;
      return new ReadableStream<Uint8Array>({ start: (controller) => void opened.push({ views, controller, signal }) });
    },
    probe: async () => {
      if (!state.reachable) throw new Error('silent');
    },
    event: (event, data) => events.push(`${event} ${data}`),
    link: (link) => links.push(link),
    retries: () => state.retries,
  });
  const send = (text: string) => opened.at(-1)?.controller.enqueue(new TextEncoder().encode(text));
  return { stream, opened, links, events, state, send, names: () => links.map((link) => link.state) };
}

/** Lets promises and streams go on while timers stand still. */
async function settle(): Promise<void> {
  for (let round = 0; round < 10; round++) await settled();
}

test('a stream that ends is said to be lost at once, and opened again after the back-off', async (t) => {
  t.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
  const gateway = scripted();
  gateway.stream.want(['overview']);
  gateway.stream.start();
  await settle();
  gateway.send('event: overview\ndata: 1\n\n');
  await settle();
  assert.deepEqual(gateway.names(), ['connecting', 'live']);
  gateway.state.refuse = new Error('refused');
  gateway.opened[0]?.controller.close();
  await settle();
  assert.deepEqual(gateway.names(), ['connecting', 'live', 'lost']);
  gateway.state.refuse = null;
  mock.timers.tick(700);
  await settle();
  gateway.send('event: overview\ndata: 2\n\n');
  await settle();
  assert.equal(gateway.names().at(-1), 'live');
  assert.deepEqual(gateway.events, ['overview 1', 'overview 2']);
  gateway.stream.stop();
});

test('a gateway that falls silent and does not answer is lost, one that answers is not', async (t) => {
  t.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
  const gateway = scripted();
  gateway.stream.want(['overview']);
  gateway.stream.start();
  await settle();
  gateway.send(': alive\n\n');
  await settle();
  mock.timers.tick(5000);
  await settle();
  assert.equal(gateway.names().at(-1), 'live');
  gateway.state.reachable = false;
  mock.timers.tick(5000);
  await settle();
  assert.equal(gateway.names().at(-1), 'lost');
  assert.equal(gateway.opened[0]?.signal.aborted, true);
  gateway.stream.stop();
});

test('a gateway that does not answer when the page is looked at again is lost after five seconds', async (t) => {
  t.after(() => mock.timers.reset());
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
  const links: LinkState[] = [];
  const signals: AbortSignal[] = [];
  const stream = new LiveStream({
    open: (_views, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    },
    probe: () => Promise.resolve(),
    event: () => {},
    link: (link) => links.push(link),
    retries: () => true,
  });
  stream.want(['overview']);
  stream.start();
  mock.timers.tick(4900);
  await settle();
  assert.deepEqual(
    links.map(({ state }) => state),
    ['connecting'],
  );
  mock.timers.tick(200);
  await settle();
  assert.equal(links.at(-1)?.state, 'lost');
  assert.equal(signals[0]?.aborted, true);
  mock.timers.tick(1000);
  await settle();
  assert.equal(signals.length, 2, 'it is tried again');
  stream.stop();
});

test('other views open another stream and give up the one before, without a loss', async () => {
  const gateway = scripted();
  gateway.stream.want(['overview']);
  gateway.stream.start();
  await settle();
  gateway.send(': alive\n\n');
  await settle();
  gateway.stream.want(['overview', 'devices']);
  await settle();
  gateway.send('event: devices\ndata: 1\n\n');
  await settle();
  assert.deepEqual(
    gateway.opened.map((each) => each.views),
    [['overview'], ['devices', 'overview']],
  );
  assert.equal(gateway.opened[0]?.signal.aborted, true);
  assert.deepEqual(gateway.names(), ['connecting', 'live']);
  gateway.stream.stop();
  assert.equal(gateway.opened[1]?.signal.aborted, true);
});

test('an error that trying again does not mend ends the stream', async () => {
  const gateway = scripted();
  gateway.state.refuse = new Error('no login');
  gateway.state.retries = false;
  gateway.stream.want(['overview']);
  gateway.stream.start();
  await settle();
  assert.deepEqual(gateway.names(), ['connecting', 'idle']);
});
