import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Clock } from '../../../src/clock.js';
import { Commands } from '../../../src/field/commands/commands.js';
import type { DeviceContext } from '../../../src/field/device.js';
import type { LinkHandlers, LinkOpener } from '../../../src/field/link/link.js';
import { Publisher } from '../../../src/field/publisher.js';
import { SerialBus } from '../../../src/field/serial/bus.js';
import { type DecodedConfig, Instrument } from '../../../src/field/serial/instrument.js';
import { Silence } from '../../../src/field/serial/silence.js';
import { Topics } from '../../../src/field/topics.js';
import { silentLogger } from '../../../src/log.js';
import { ManualClock } from '../../support/manual-clock.js';
import { fieldConfig, Messages } from '../support.js';

/** A program that is busy for a while: its clocks go on, its timers wait. */
class BusyClock implements Clock {
  readonly #inner = new ManualClock();
  #ahead = 0;
  now = () => this.#inner.now() + this.#ahead;
  mono = () => this.#inner.mono() + this.#ahead;
  setTimeout = (callback: () => void, ms: number) => this.#inner.setTimeout(callback, ms);
  setInterval = (callback: () => void, ms: number) => this.#inner.setInterval(callback, ms);
  advance = (ms: number) => this.#inner.advance(ms);
  busy(ms: number): void {
    this.#ahead += ms;
  }
}

describe('silence on a line', () => {
  test('a pause is one when the gap is over, and once', () => {
    const clock = new BusyClock();
    let pauses = 0;
    const silence = new Silence(clock, 50, () => pauses++);
    for (let byte = 0; byte < 5; byte++) {
      assert.equal(silence.heard(), false);
      clock.advance(40);
    }
    assert.equal(pauses, 0);
    clock.advance(20);
    assert.equal(pauses, 1);
    clock.advance(1000);
    assert.equal(pauses, 1);
    assert.equal(silence.heard(), false, 'the pause was seen');
  });

  test('bytes that waited while the program was busy are no pause', () => {
    const clock = new BusyClock();
    let pauses = 0;
    const silence = new Silence(clock, 50, () => pauses++);
    silence.heard();
    clock.busy(200);
    // Its timer runs before the bytes are read.
    clock.advance(50);
    assert.equal(silence.heard(), true, 'it can not know whether there was one');
    assert.equal(pauses, 0);
    clock.advance(60);
    assert.equal(pauses, 1);
  });

  test('busy for a moment just before it would call a pause, it looks again', () => {
    const clock = new BusyClock();
    let pauses = 0;
    const silence = new Silence(clock, 50, () => pauses++);
    silence.heard();
    clock.advance(51);
    clock.busy(30);
    clock.advance(4);
    assert.equal(pauses, 0);
    silence.heard();
    clock.advance(40);
    assert.equal(pauses, 0);
    clock.advance(20);
    assert.equal(pauses, 1);
  });

  test('nothing runs any more after stop', () => {
    const clock = new ManualClock();
    const silence = new Silence(clock, 50, () => assert.fail());
    silence.heard();
    silence.stop();
    assert.equal(clock.pending, 0);
  });
});

/** A line in memory: what is sent is handed to `answer`. */
class Line implements LinkOpener {
  readonly endpoint = 'line';
  handlers: LinkHandlers | null = null;
  readonly #answer: (sent: Buffer) => void;

  constructor(answer: (sent: Buffer) => void) {
    this.#answer = answer;
  }
  open(handlers: LinkHandlers) {
    this.handlers = handlers;
    return Promise.resolve({ write: (data: Buffer) => this.#answer(data), close: () => Promise.resolve() });
  }
}

async function instrumentOn(t: TestContext, clock: ManualClock, line: Line, written: object) {
  const config = await fieldConfig({
    buses: [{ name: 'l', type: 'serial', port: '/dev/ttyS9' }],
    devices: [{ name: 'd', bus: 'l', decode: { type: 'text', fields: [{ name: 'm', type: 'int', publish: 'every_scan' }] }, ...written }],
  });
  const messages = new Messages();
  const bus = new SerialBus('l', 'serial', line, clock, silentLogger);
  const publisher = new Publisher(messages, clock, silentLogger);
  const context: DeviceContext = {
    clock,
    messaging: messages,
    publisher,
    commands: new Commands(publisher, null, clock, silentLogger),
    topics: new Topics(config.topics),
    payload: 'json',
    trendCapacity: 10,
    changed: () => {},
  };
  const device = new Instrument(config.devices[0] as DecodedConfig, bus, context, silentLogger);
  t.after(async () => {
    const stopped = Promise.all([device.stop(), bus.stop()]);
    await clock.advanceAsync(10);
    await stopped;
  });
  bus.start();
  device.start();
  await clock.advanceAsync(0);
  return { device, messages, line };
}

describe('an instrument that is asked', () => {
  test('always 20 ms slower than its timeout, for ten minutes: no value is ever taken for another', async (t) => {
    const clock = new ManualClock();
    let asked = 0;
    const line: Line = new Line(() => {
      const number = ++asked;
      clock.setTimeout(() => line.handlers?.data(Buffer.from(`${number}\n`)), 520);
    });
    const { device, messages } = await instrumentOn(t, clock, line, { request: { poll: '?', every: '500ms', timeout: '500ms' } });
    await clock.advanceAsync(600_000);
    assert.ok(asked > 1000, `${asked}`);
    assert.deepEqual(
      messages.json('field/d/m').filter(({ q }) => q === 'good'),
      [],
    );
    assert.equal(device.status().counters.late, device.status().counters.timeouts);
  });

  test('with answers that take anything up to twice the timeout: what is good is the answer to the last poll', async (t) => {
    const clock = new ManualClock();
    let asked = 0;
    let seed = 7;
    const line: Line = new Line(() => {
      const number = ++asked;
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      clock.setTimeout(() => line.handlers?.data(Buffer.from(`${number}\n`)), 1 + (seed % 190));
    });
    const { messages } = await instrumentOn(t, clock, line, { request: { poll: '?', every: '100ms', timeout: '100ms' } });
    const wrong: unknown[] = [];
    messages.subscribe('field/d/m', ({ payload }) => {
      const { v, q } = JSON.parse(payload.toString()) as { v: number; q: string };
      if (q === 'good' && v !== asked) wrong.push([v, asked]);
    });
    await clock.advanceAsync(200_000);
    assert.deepEqual(wrong, []);
    assert.ok(messages.json('field/d/m').filter(({ q }) => q === 'good').length > 100);
  });

  test('a poll in the middle of a frame takes nothing of it for its answer', async (t) => {
    const clock = new ManualClock();
    const line: Line = new Line(() => {});
    const { messages } = await instrumentOn(t, clock, line, { request: { poll: '?', every: '1s', timeout: '400ms' } });
    await clock.advanceAsync(950);
    // The instrument says something by itself; the poll at 1000 comes while it speaks.
    line.handlers?.data(Buffer.from('11'));
    await clock.advanceAsync(60);
    line.handlers?.data(Buffer.from('25\n'));
    await clock.advanceAsync(10);
    line.handlers?.data(Buffer.from('7\n'));
    await clock.advanceAsync(10);
    assert.deepEqual(
      messages.json('field/d/m').flatMap(({ v, q }) => (q === 'good' ? [v] : [])),
      [7],
    );
  });

  test('a prompt that was left from before does not spoil the answer', async (t) => {
    const clock = new ManualClock();
    const line: Line = new Line(() => line.handlers?.data(Buffer.from('7\n>')));
    const { messages } = await instrumentOn(t, clock, line, { request: { poll: '?', every: '1s', timeout: '400ms' } });
    await clock.advanceAsync(5000);
    const values = messages.json('field/d/m').flatMap(({ v, q }) => (q === 'good' ? [v] : []));
    assert.ok(values.length >= 4 && values.every((value) => value === 7), JSON.stringify(values));
  });
});
