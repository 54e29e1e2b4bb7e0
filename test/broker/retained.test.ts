import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Retained } from '../../src/broker/retained.js';
import type { StoredMessage } from '../../src/store/types.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function message(topic: string, expiresAt = 0): StoredMessage {
  return { topic, payload: Buffer.from(topic), qos: 0, retain: true, properties: null, at: 0, expiresAt, publisher: '' };
}

function retainedOf(...topics: string[]): Retained {
  const retained = new Retained();
  for (const topic of topics) retained.set(topic, message(topic));
  return retained;
}

const topicsOf = (messages: StoredMessage[]): string[] => messages.map(({ topic }) => topic).sort((a, b) => (a < b ? -1 : 1));

test('does a filter find the retained messages that it matches and no others?', () => {
  const retained = retainedOf('a', 'a/b', 'a/b/c', 'b/b', '$SYS/x', '/a');
  assert.deepEqual(topicsOf(retained.match('#', 0)), ['/a', 'a', 'a/b', 'a/b/c', 'b/b']);
  assert.deepEqual(topicsOf(retained.match('+/b', 0)), ['a/b', 'b/b']);
  assert.deepEqual(topicsOf(retained.match('a/#', 0)), ['a', 'a/b', 'a/b/c']);
  assert.deepEqual(topicsOf(retained.match('$SYS/#', 0)), ['$SYS/x']);
  assert.deepEqual(topicsOf(retained.match('+/x', 0)), []);
  assert.deepEqual(topicsOf(retained.match('a/b', 0)), ['a/b']);
});

for (const [length, what] of [
  [3, 'a short'],
  [1000, 'a long'],
] as const) {
  test(`does ${what} retained message hold no more memory than its own bytes?`, async () => {
    const retained = new Retained();
    let passedBy: Buffer | null = Buffer.alloc(8192, 'x');
    retained.set('a', { ...message('a'), payload: passedBy.subarray(100, 100 + length) });
    const memory = new WeakRef(passedBy.buffer);
    passedBy = null;
    assert.equal(retained.get('a')?.payload.toString(), 'x'.repeat(length));
    for (let tries = 0; memory.deref() !== undefined && tries < 20; tries++) {
      await new Promise((resolve) => setImmediate(resolve));
      collectGarbage();
    }
    assert.equal(memory.deref(), undefined);
  });
}

test('is what is kept of a message all that there was, whatever its bytes, length and properties?', () => {
  const retained = new Retained();
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const messages: StoredMessage[] = [
    { ...message('a/bytes'), payload: bytes, qos: 2, at: 1_763_690_000_123, publisher: 'someone' },
    { ...message('a/long'), payload: Buffer.alloc(257, 'y'), qos: 1, at: 5 },
    { ...message('a/properties'), properties: { contentType: 'text/plain' } },
    { ...message('a/expires'), expiresAt: 9 },
    message(`a/${'x'.repeat(300)}`),
    message('a'),
  ];
  for (const each of messages) retained.set(each.topic, { ...each });
  for (const each of messages) {
    assert.deepEqual(retained.get(each.topic), each);
    assert.equal(retained.mayMatch(each.topic), true);
  }
  assert.equal(retained.match('#', 0).length, messages.length);
});

test('does a topic hold the message that was set last, and no other?', () => {
  const retained = new Retained();
  const [first, second] = [1, 2].map((at) => ({ ...message('a'), at }));
  for (const [former, latter] of [
    [first!, second!],
    [
      { ...first!, expiresAt: 100 },
      { ...second!, expiresAt: 100 },
    ],
  ] as const) {
    retained.set('a', former);
    assert.equal(retained.holds(former), true);
    retained.set('a', latter);
    assert.deepEqual([retained.holds(former), retained.holds(latter)], [false, true]);
  }
  retained.delete('a');
  assert.equal(retained.holds(second!), false);
});

test('are count and bytes right after replacing and deleting?', () => {
  const retained = retainedOf('a/b', 'a/b', 'a');
  assert.equal(retained.count, 2);
  assert.equal(retained.bytes, 4);
  assert.equal(retained.delete('a/b'), true);
  assert.equal(retained.delete('a/b'), false);
  assert.equal(retained.count, 1);
  assert.equal(retained.bytes, 1);
  assert.equal(retained.get('a')?.topic, 'a');
});

test('do count and bytes leave out what is not kept, whichever way a topic changes between the two?', () => {
  const retained = retainedOf('kept');
  const figures = (): number[] => [retained.count, retained.bytes];
  retained.setVolatile('$SYS/x', message('$SYS/x'));
  retained.setVolatile('$SYS/x', message('$SYS/x'));
  assert.deepEqual(figures(), [1, 4]);
  assert.deepEqual(topicsOf(retained.match('$SYS/#', 0)), ['$SYS/x']);
  retained.set('$SYS/x', message('$SYS/x'));
  assert.deepEqual(figures(), [2, 10]);
  retained.setVolatile('kept', message('kept'));
  assert.deepEqual(figures(), [1, 6]);
  assert.equal(retained.delete('kept'), true);
  assert.deepEqual(figures(), [1, 6]);
  assert.equal(retained.delete('$SYS/x'), true);
  assert.deepEqual(figures(), [0, 0]);
});

test('is an expired message neither found nor forgotten to be cleared?', () => {
  const retained = new Retained();
  retained.set('old', message('old', 100));
  retained.set('new', message('new', 300));
  assert.deepEqual(topicsOf(retained.match('#', 200)), ['new']);
  assert.deepEqual(retained.expired(200), ['old']);
});

test('is the expiry looked at bit by bit, below $ too, and not at all where nothing expires?', () => {
  const retained = retainedOf('forever');
  assert.deepEqual(retained.expired(1000), []);
  for (let n = 0; n < 100; n++)
    retained.set(`${n % 2 === 0 ? '$own' : 'own'}/t${n}`, message(`${n % 2 === 0 ? '$own' : 'own'}/t${n}`, 500));
  const found: string[] = [];
  for (let round = 0; round < 20; round++) {
    const some = retained.expired(1000, 10);
    assert.ok(some.length <= 12, 'too much at once');
    for (const topic of some) retained.delete(topic);
    found.push(...some);
  }
  assert.equal(new Set(found).size, 100);
  assert.equal(retained.count, 1);
});

test('can a topic of tens of thousands of levels be found, expire and be deleted?', () => {
  const topic = '/'.repeat(60_000);
  const retained = new Retained();
  retained.set(topic, message(topic, 100));
  assert.deepEqual(topicsOf(retained.match('#', 0)), [topic]);
  assert.deepEqual(topicsOf(retained.match('+/#', 0)), [topic]);
  assert.deepEqual(retained.expired(200), [topic]);
  assert.equal(retained.delete(topic), true);
  assert.deepEqual(topicsOf(retained.match('#', 0)), []);
});

test('does a walk go on soundly while messages come and go?', () => {
  const retained = retainedOf('a/1', 'a/2', 'a/3', 'b/1');
  const walk = retained.walk('#');
  assert.equal(walk.next(0)?.topic, 'a/1');
  retained.delete('a/2');
  retained.set('a/3', { ...message('a/3'), payload: Buffer.from('newer') });
  retained.set('a/4', message('a/4'));
  retained.delete('b/1');
  const rest: string[] = [];
  for (let found = walk.next(0); found !== null; found = walk.next(0)) rest.push(`${found.topic}=${found.payload}`);
  assert.deepEqual(rest, ['a/3=newer', 'a/4=a/4']);
  assert.equal(walk.isDone, true);
});
