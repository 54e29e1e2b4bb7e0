import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { STREAM_LIMITS } from '../../src/console/stream-hub.js';
import { client, device, type FakePlant, tag } from './fakes.js';
import { claimedConsole, shiftedClock, type Visitor } from './harness.js';

interface StreamEvent {
  event: string;
  data: { view: string; kind: 'snapshot' | 'change'; [key: string]: unknown };
}

/** Reads the events of a stream one by one. */
class Reader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #abort: AbortController;
  #text = '';
  comments = 0;

  constructor(response: Response, abort: AbortController) {
    assert.equal(response.status, 200);
    assert.ok(response.body !== null);
    this.#chunks = response.body[Symbol.asyncIterator]();
    this.#abort = abort;
  }

  /** null: the stream has ended. */
  async next(): Promise<StreamEvent | null> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end < 0) {
        const chunk = await this.#chunks.next();
        if (chunk.done === true) return null;
        this.#text += Buffer.from(chunk.value).toString();
        continue;
      }
      const block = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 2);
      if (block.startsWith(':')) this.comments++;
      const found = /^event: (.*)\ndata: (.*)$/.exec(block);
      if (found !== null) return { event: found[1] ?? '', data: JSON.parse(found[2] ?? '') as StreamEvent['data'] };
    }
  }

  async until(accept: (event: StreamEvent) => boolean): Promise<StreamEvent> {
    for (;;) {
      const event = await this.next();
      assert.ok(event !== null, 'the stream ended');
      if (accept(event)) return event;
    }
  }

  close(): void {
    this.#abort.abort();
  }
}

async function open(visitor: Visitor, views: string): Promise<Reader> {
  const abort = new AbortController();
  const timeout = setTimeout(() => abort.abort(new Error('the stream gave nothing in 20 s')), 20_000);
  timeout.unref();
  const response = await fetch(`${visitor.url}/api/v1/stream?views=${encodeURIComponent(views)}`, {
    headers: { cookie: visitor.cookie },
    signal: abort.signal,
  });
  return new Reader(response, abort);
}

function itemsOf(event: StreamEvent | null, key = 'items'): Record<string, unknown>[] {
  assert.ok(event !== null, 'the stream ended');
  return event.data[key] as Record<string, unknown>[];
}

async function eventually(holds: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('a stream begins with a snapshot of every view, in the order asked for', async (t) => {
  const { admin } = await claimedConsole(t);
  const stream = await open(admin, 'overview,devices,device:meter1,topics:field/#,bridges,clients,rules');
  const seen = [];
  for (let index = 0; index < 7; index++) seen.push(await stream.next());
  assert.deepEqual(
    seen.map((event) => [event?.event, event?.data.view, event?.data.kind]),
    [
      ['overview', 'overview', 'snapshot'],
      ['devices', 'devices', 'snapshot'],
      ['device', 'device:meter1', 'snapshot'],
      ['topics', 'topics:field/#', 'snapshot'],
      ['bridges', 'bridges', 'snapshot'],
      ['clients', 'clients', 'snapshot'],
      ['rules', 'rules', 'snapshot'],
    ],
  );
  stream.close();
});

test('only the tags that changed are sent, many changes at once', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const stream = await open(admin, 'device:meter1');
  await stream.next();
  plant.setTag('meter1', 'voltage', 1);
  plant.setTag('meter1', 'voltage', 2);
  plant.setTag('meter1', 'voltage', 3);
  const change = await stream.next();
  assert.equal(change?.data.kind, 'change');
  assert.equal(change.data.device, 'meter1');
  assert.deepEqual(change.data.tags, [{ ...plant.devices[0]?.tags[0], value: 3 }]);
  stream.close();
});

test('of tags that were only read again the times are sent, once a second, as runs', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const meter = plant.devices[0]!;
  meter.tags = ['a', 'b', 'c', 'd'].map((name) => tag(name, 1, { ts: 100 }));
  const stream = await open(admin, 'device:meter1');
  await stream.next();
  meter.tags = meter.tags.map((each, index) => ({ ...each, ts: index === 2 ? 100 : 200 }));
  const change = await stream.next();
  assert.deepEqual(
    [change?.data.kind, change?.data.tags, change?.data.times],
    [
      'change',
      [],
      [
        [200, 0, 1],
        [200, 3, 3],
      ],
    ],
  );
  // What was sent is not sent again, and a value that changed has its time with it.
  meter.tags = meter.tags.map((each) => ({ ...each, ts: 300 }));
  plant.setTag('meter1', 'a', 2);
  const value = await stream.until(({ data }) => (data.tags as unknown[]).length > 0);
  const times = value.data.times ?? (await stream.until(({ data }) => data.times !== undefined)).data.times;
  assert.deepEqual(times, [[300, 1, 3]]);
  stream.close();
});

test('a tag that is described otherwise since a change of the configuration is told with a new snapshot', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const stream = await open(admin, 'device:meter1');
  await stream.next();
  const meter = plant.devices[0]!;
  meter.tags = meter.tags.map((each) => ({ ...each, description: 'between L1 and N', precision: 1 }));
  const event = await stream.next();
  assert.equal(event?.data.kind, 'snapshot');
  assert.deepEqual(event.data.device, plant.devices[0]);
  stream.close();
});

test('frames of an instrument that could not be used are sent as they come', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const fault = { ts: 5, problem: 'its check sum is 41, and should be 3C', length: 3, hex: '023141' };
  const frames = { received: 1, badChecksum: 0, unreadable: 0, tooLong: 0, strayBytes: 0, faults: [] };
  plant.devices.push({ ...device('scale', [tag('weight', 1)]), frames });
  const stream = await open(admin, 'device:scale');
  const first = await stream.next();
  assert.deepEqual((first?.data.device as { frames?: unknown } | undefined)?.frames, frames);
  plant.devices.pop();
  plant.devices.push({ ...device('scale', [tag('weight', 1)]), frames: { ...frames, badChecksum: 1, faults: [fault] } });
  const change = await stream.next();
  assert.deepEqual(change?.data.tags, []);
  assert.deepEqual(change.data.frames, { ...frames, badChecksum: 1, faults: [fault] });
  assert.deepEqual((await admin.json(200, 'GET', '/devices/scale')).frames, change.data.frames);
  stream.close();
});

test('a device that goes and one that comes are snapshots', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const stream = await open(admin, 'device:meter2');
  assert.equal((await stream.next())?.data.device, null);
  plant.devices.push(device('meter2', [tag('flow', 1)]));
  const came = await stream.next();
  assert.equal(came?.data.kind, 'snapshot');
  assert.equal((came.data.device as { name: string }).name, 'meter2');
  plant.devices.pop();
  const gone = await stream.next();
  assert.deepEqual([gone?.data.kind, gone?.data.device], ['snapshot', null]);
  stream.close();
});

test('of a list only the items that differ and the keys that are gone are sent', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  plant.clients.push(client('old'), client('quiet'));
  const stream = await open(admin, 'clients');
  assert.equal((await stream.next())?.data.total, 3);
  plant.clients = [{ ...client('panel'), queued: 5 }, client('quiet'), client('new')];
  const change = await stream.next();
  assert.deepEqual(
    itemsOf(change).map((item) => item.clientId),
    ['panel', 'new'],
  );
  assert.deepEqual(change?.data.removed, ['old']);
  stream.close();
});

test('topics show what was retained, then each new value with count and rate', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  plant.messaging.deliver({ topic: 'field/meter1/$state', payload: Buffer.from('online'), qos: 1, retain: true, properties: null });
  const stream = await open(admin, 'topics:field/#');
  const first = await stream.next();
  const [retained] = itemsOf(first);
  assert.deepEqual([retained?.topic, retained?.payload, retained?.retained, retained?.at], ['field/meter1/$state', 'online', true, null]);
  for (const value of [1, 2]) {
    plant.messaging.deliver({
      topic: 'field/meter1/v',
      payload: Buffer.from(JSON.stringify({ v: value })),
      qos: 0,
      retain: false,
      properties: null,
    });
  }
  plant.messaging.deliver({ topic: 'other/x', payload: Buffer.from('1'), qos: 0, retain: false, properties: null });
  const change = await stream.next();
  const items = itemsOf(change);
  assert.equal(items.length, 1);
  assert.deepEqual([items[0]?.payload, items[0]?.format, items[0]?.count], ['{"v":2}', 'json', 2]);
  assert.ok(Number(items[0]?.rate) > 0);
  stream.close();
});

test('two streams of one view share one look at the field and both hear of a change', async (t) => {
  const { admin, plant } = await claimedConsole(t);
  const streams = [await open(admin, 'device:meter1'), await open(admin, 'device:meter1')];
  for (const stream of streams) await stream.next();
  assert.equal(plant.fieldListeners, 1);
  plant.setTag('meter1', 'voltage', 7);
  for (const stream of streams) assert.equal((await stream.next())?.data.kind, 'change');
  for (const stream of streams) stream.close();
  await eventually(() => plant.fieldListeners === 0, 'the view is closed with its last stream');
});

test('the broker is subscribed to only while someone watches topics', async (t) => {
  const clock = shiftedClock();
  const { admin, plant, console } = await claimedConsole(t, { clock });
  assert.equal(plant.messaging.subscriptions, 0);
  const stream = await open(admin, 'topics');
  await stream.next();
  assert.ok(plant.messaging.subscriptions > 0);
  stream.close();
  await console.stop();
  assert.equal(plant.messaging.subscriptions, 0);
});

test('a stream ends when its login is ended', async (t) => {
  const { admin } = await claimedConsole(t);
  const stream = await open(admin, 'devices');
  await stream.next();
  await admin.json(204, 'DELETE', '/session');
  for (let event = await stream.next(); event !== null; event = await stream.next());
});

test('a stream ends when its login is over', async (t) => {
  const clock = shiftedClock();
  const { admin } = await claimedConsole(t, { clock, streamLimits: { ...STREAM_LIMITS, heartbeatMs: 50 } });
  const stream = await open(admin, 'devices');
  await stream.next();
  clock.shift(31 * 86_400_000);
  for (let event = await stream.next(); event !== null; event = await stream.next());
});

test('a quiet stream is kept open by comments', async (t) => {
  const { admin, plant } = await claimedConsole(t, { streamLimits: { ...STREAM_LIMITS, heartbeatMs: 20 } });
  const stream = await open(admin, 'device:meter1');
  await stream.next();
  setTimeout(() => plant.setTag('meter1', 'voltage', 5), 200);
  await stream.next();
  assert.ok(stream.comments > 0);
  stream.close();
});

test('more streams than allowed are refused with what to do', async (t) => {
  const { admin } = await claimedConsole(t, { streamLimits: { ...STREAM_LIMITS, maxStreamsPerLogin: 2 } });
  const streams = [await open(admin, 'devices'), await open(admin, 'devices')];
  for (const stream of streams) await stream.next();
  assert.equal(await admin.refused(429, 'GET', '/stream?views=devices'), 'FER_CONSOLE_TOO_MANY_STREAMS');
  for (const stream of streams) stream.close();
});

/** Opens a stream of many topics, publishes into them all the time and never reads what comes. */
async function freeze(t: TestContext, admin: Visitor, plant: FakePlant): Promise<void> {
  const address = new URL(admin.url);
  const frozen = connect(Number(address.port), address.hostname);
  t.after(() => frozen.destroy());
  frozen.on('error', () => {});
  // The device tells from outside how long the stream is looked after: one listener for each view of a device.
  frozen.write(`GET /api/v1/stream?views=topics,device:none HTTP/1.1\r\nhost: ${address.host}\r\ncookie: ${admin.cookie}\r\n\r\n`);
  await eventually(() => plant.fieldListeners === 1, 'the frozen stream is open');
  const flood = setInterval(() => {
    for (let topic = 0; topic < 1000; topic++) {
      const payload = Buffer.alloc(256, `${performance.now()} `);
      plant.messaging.deliver({ topic: `flood/${topic}`, payload, qos: 0, retain: false, properties: null });
    }
  }, 50);
  t.after(() => clearInterval(flood));
}

test('a browser that does not read is cut off, another one goes on', async (t) => {
  const { admin, plant, console } = await claimedConsole(t, { streamLimits: { ...STREAM_LIMITS, maxBuffered: 256 * 1024 } });
  await freeze(t, admin, plant);
  const alive = await open(admin, 'device:meter1');
  await alive.next();
  assert.equal(plant.fieldListeners, 2);
  await eventually(() => plant.fieldListeners === 1, 'the frozen stream is cut off');
  assert.equal(console.status().streamsCutOff, 1);
  plant.setTag('meter1', 'voltage', 77);
  assert.equal(itemsOf(await alive.next(), 'tags')[0]?.value, 77);
  alive.close();
});

test('a browser that takes nothing for some heartbeats is cut off, however little waits for it', async (t) => {
  const limits = { ...STREAM_LIMITS, maxBuffered: Number.POSITIVE_INFINITY, heartbeatMs: 100 };
  const { admin, plant, console } = await claimedConsole(t, { streamLimits: limits });
  await freeze(t, admin, plant);
  await eventually(() => plant.fieldListeners === 0, 'the frozen stream is cut off');
  assert.equal(console.status().streamsCutOff, 1);
});

test('stop ends open streams at once', async (t) => {
  const { admin, console } = await claimedConsole(t);
  const streams = await Promise.all([open(admin, 'overview'), open(admin, 'topics')]);
  for (const stream of streams) await stream.next();
  const idle = request({ host: '127.0.0.1', port: new URL(admin.url).port, path: '/' });
  idle.on('error', () => {});
  idle.flushHeaders();
  const before = performance.now();
  await console.stop();
  assert.ok(performance.now() - before < 2500);
  for (const stream of streams) for (let event = await stream.next(); event !== null; event = await stream.next());
});
