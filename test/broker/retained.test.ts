import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Retained } from '../../src/broker/retained.js';
import type { StoredMessage } from '../../src/store/types.js';

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

test('is an expired message neither found nor forgotten to be cleared?', () => {
  const retained = new Retained();
  retained.set('old', message('old', 100));
  retained.set('new', message('new', 300));
  assert.deepEqual(topicsOf(retained.match('#', 200)), ['new']);
  assert.deepEqual(retained.expired(200), ['old']);
});
