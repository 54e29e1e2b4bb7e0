import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Receipt } from '../../../src/field/ports.js';
import { MAX_OUTSTANDING, Publisher } from '../../../src/field/publisher.js';
import { silentLogger } from '../../../src/log.js';
import type { Message } from '../../../src/mqtt/message.js';
import { ManualClock } from '../../support/manual-clock.js';

/** A store that fails, or keeps the caller waiting, as long as it is told to. */
class Store {
  isFull = false;
  readonly kept: string[] = [];
  /** Where it is set, publications end when the test says so. */
  waiting: (() => void)[] | null = null;

  /** Whether the receipt is told before publish() returns. */
  isQuick = false;

  publish({ topic, payload }: Message, receipt: Receipt): void {
    const end = () => {
      if (!this.isFull) this.kept.push(`${topic} ${payload.toString()}`);
      receipt.settled(this.isFull ? new Error('the disk is full') : null);
    };
    if (this.waiting !== null) this.waiting.push(end);
    else if (this.isQuick) end();
    else queueMicrotask(end);
  }
}

function setup() {
  const store = new Store();
  const clock = new ManualClock();
  const publisher = new Publisher(
    { publish: (message, receipt) => store.publish(message, receipt), subscribe: () => () => {} },
    clock,
    silentLogger,
  );
  const say = (text: string) => publisher.publish('t', Buffer.from(text), true, { publishNow: () => say(`${text} again`) });
  return { store, clock, publisher, say };
}

test('what could not be stored is published again until it is, without a further reading', async () => {
  const { store, clock, publisher, say } = setup();
  store.isFull = true;
  say('bad');
  await clock.advanceAsync(3500);
  assert.equal(publisher.dropped, 4);
  store.isFull = false;
  await clock.advanceAsync(1000);
  assert.deepEqual(store.kept, ['t bad again again again again']);
  await clock.advanceAsync(5000);
  assert.equal(store.kept.length, 1);
});

test('what is told at once that it was stored, or not, is published again where it was not', async () => {
  const { store, clock, publisher, say } = setup();
  store.isQuick = true;
  store.isFull = true;
  say('x');
  assert.equal(publisher.dropped, 1);
  store.isFull = false;
  await clock.advanceAsync(1100);
  assert.deepEqual(store.kept, ['t x again']);
  await publisher.settled(1000);
});

test('it is not said again when something newer went to its topic', async () => {
  const { store, clock, say } = setup();
  store.isFull = true;
  say('old');
  await clock.advanceAsync(100);
  store.isFull = false;
  say('new');
  await clock.advanceAsync(3000);
  assert.deepEqual(store.kept, ['t new']);
});

test('a failure that comes to light after something newer was published does not bring the old back', async () => {
  const { store, clock, say } = setup();
  store.waiting = [];
  say('old');
  say('new');
  const [first, second] = store.waiting;
  store.isFull = true;
  first?.();
  await clock.advanceAsync(10);
  store.isFull = false;
  second?.();
  store.waiting = null;
  await clock.advanceAsync(3000);
  assert.deepEqual(store.kept, ['t new']);
});

test('more than it may hold are published when there is room', async () => {
  const { store, clock, publisher } = setup();
  store.waiting = [];
  const say = (tag: number) => publisher.publish(`t${tag}`, Buffer.from('bad'), true, { publishNow: () => say(tag) });
  for (let tag = 0; tag < MAX_OUTSTANDING + 5; tag++) say(tag);
  assert.equal(publisher.dropped, 5);
  for (const end of store.waiting.splice(0)) end();
  await clock.advanceAsync(1100);
  for (const end of store.waiting.splice(0)) end();
  await clock.advanceAsync(0);
  assert.equal(store.kept.length, MAX_OUTSTANDING + 5);
});

test('nothing is published again after stop', async () => {
  const { store, clock, publisher, say } = setup();
  store.isFull = true;
  say('x');
  await clock.advanceAsync(10);
  publisher.stop();
  store.isFull = false;
  await clock.advanceAsync(5000);
  assert.deepEqual([store.kept, clock.pending], [[], 0]);
});
