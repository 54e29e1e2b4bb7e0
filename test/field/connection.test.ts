import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Connection } from '../../src/field/link/connection.js';
import type { Link, LinkHandlers, LinkOpener } from '../../src/field/link/link.js';
import { silentLogger } from '../../src/log.js';
import { ManualClock } from '../support/manual-clock.js';
import { FakeLink } from './fake-link.js';

class FakeOpener implements LinkOpener {
  readonly endpoint = 'fake';
  readonly links: FakeLink[] = [];
  readonly triedAt: number[] = [];
  handlers: LinkHandlers | null = null;
  fails = false;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  open(handlers: LinkHandlers): Promise<Link> {
    this.triedAt.push(this.#clock.mono());
    if (this.fails) return Promise.reject(new Error('refused'));
    this.handlers = handlers;
    const link = new FakeLink();
    this.links.push(link);
    return Promise.resolve(link);
  }
}

function setup() {
  const clock = new ManualClock();
  const opener = new FakeOpener(clock);
  const seen: string[] = [];
  const handlers = {
    up: () => void seen.push('up'),
    data: (chunk: Buffer) => void seen.push(`data ${chunk.toString()}`),
    lost: () => {
      seen.push('lost');
      return false;
    },
    down: () => void seen.push('down'),
  };
  const connection = new Connection(opener, clock, silentLogger, handlers, () => 0.5);
  return { clock, opener, seen, connection };
}

describe('a supervised connection', () => {
  test('it tries after 0.5, 1, 2, ... 30 s and no sooner', async () => {
    const { clock, opener, connection } = setup();
    opener.fails = true;
    connection.start();
    await clock.advanceAsync(130_000);
    const waits = opener.triedAt.slice(1).map((at, index) => Math.round((at - opener.triedAt[index]!) / 100) / 10);
    assert.deepEqual(waits.slice(0, 8), [0.5, 1, 2, 4, 8, 16, 30, 30]);
    assert.equal(connection.state, 'degraded');
    assert.equal(connection.error, 'refused');
    await connection.stop();
    assert.equal(clock.pending, 0);
  });

  test('a link that had lived is taken up again at once, with a new object, and nothing of the old one is heard', async () => {
    const { clock, opener, seen, connection } = setup();
    connection.start();
    await clock.advanceAsync(10_000);
    const old = opener.handlers;
    old?.closed(new Error('pulled'));
    await clock.advanceAsync(0);
    assert.equal(opener.links.length, 2);
    old?.data(Buffer.from('late'));
    opener.handlers?.data(Buffer.from('new'));
    assert.deepEqual(seen, ['up', 'lost', 'up', 'data new']);
    await connection.stop();
    assert.ok(opener.links[1]?.closed);
  });

  test('a link that breaks as soon as it is there is not hammered', async () => {
    const { clock, opener, seen, connection } = setup();
    connection.start();
    await clock.advanceAsync(1);
    opener.handlers?.closed(new Error('reset'));
    await clock.advanceAsync(400);
    assert.equal(opener.links.length, 1);
    assert.deepEqual(seen, ['up', 'lost', 'down']);
    await clock.advanceAsync(200);
    assert.equal(opener.links.length, 2);
    await connection.stop();
  });

  test('a reset of a link that was of use tells nobody that there is none, and comes at once but not again and again', async () => {
    const { clock, opener, seen, connection } = setup();
    connection.start();
    await clock.advanceAsync(1);
    const prove = () => connection.proven();
    prove();
    connection.reset(new Error('protocol'));
    await clock.advanceAsync(1);
    assert.equal(opener.links.length, 2);
    prove();
    connection.reset(new Error('protocol'));
    await clock.advanceAsync(300);
    assert.equal(opener.links.length, 2);
    await clock.advanceAsync(300);
    assert.equal(opener.links.length, 3);
    assert.deepEqual(seen, ['up', 'lost', 'up', 'lost', 'up']);
    await connection.stop();
  });

  test('where resets lead nowhere it is told that there is no link, after longer and longer pauses', async () => {
    const { clock, opener, seen, connection } = setup();
    connection.start();
    for (let left = 6; left > 0; left--) {
      await clock.advanceAsync(1);
      connection.reset(new Error('silent'));
      const count = opener.links.length;
      while (opener.links.length === count) await clock.advanceAsync(100);
    }
    const waits = opener.triedAt.slice(1).map((at, index) => Math.round((at - opener.triedAt[index]!) / 100) / 10);
    assert.deepEqual(waits, [0.5, 1, 2, 4, 8, 16]);
    assert.deepEqual(seen.slice(0, 5), ['up', 'lost', 'up', 'lost', 'down']);
    await connection.stop();
  });

  test('a reset throws the link away', async () => {
    const { clock, opener, connection } = setup();
    connection.start();
    await clock.advanceAsync(10_000);
    connection.reset(new Error('protocol'));
    assert.ok(opener.links[0]?.closed);
    await clock.advanceAsync(0);
    assert.equal(opener.links.length, 2);
    await connection.stop();
  });
});
