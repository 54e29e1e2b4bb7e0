import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Routes } from '../../src/broker/routes.js';
import type { LocalSubscription, Subscription } from '../../src/broker/subscription.js';
import { TopicTrie } from '../../src/broker/topic-trie.js';

/** More topics than routes are remembered of. */
const MANY = 25_000;

class CountingTrie extends TopicTrie<Subscription> {
  matches = 0;

  override match(topic: string, into: Subscription[]): void {
    this.matches++;
    super.match(topic, into);
  }
}

function local(filter: string): LocalSubscription {
  return { session: null, filter, deliver: () => {} };
}

test('is a topic that comes again matched once, until a subscription changes?', () => {
  const trie = new CountingTrie();
  const routes = new Routes(trie);
  const first = local('a/+');
  trie.add(first.filter, first);
  for (let i = 0; i < 10; i++) assert.deepEqual(routes.of('a/b').locals, [first]);
  assert.equal(trie.matches, 1);
  const second = local('#');
  trie.add(second.filter, second);
  assert.deepEqual(routes.of('a/b').locals, [second, first]);
  trie.remove(first.filter, first);
  assert.deepEqual(routes.of('a/b').locals, [second]);
});

test('where topics do not come again, are they routed right all the same, and subscriptions heeded at once?', () => {
  const trie = new CountingTrie();
  const routes = new Routes(trie);
  const first = local('a/+');
  trie.add(first.filter, first);
  for (let i = 0; i < MANY; i++) assert.equal(routes.of(`a/${i}`).locals[0], first);
  trie.remove(first.filter, first);
  for (let i = 0; i < MANY; i++) assert.equal(routes.of(`a/${i}`).locals.length, 0);
});

test('after many topics that did not come again, is one that does remembered some time?', () => {
  const trie = new CountingTrie();
  const routes = new Routes(trie);
  for (let i = 0; i < MANY; i++) routes.of(`a/${i}`);
  for (let i = 0; i < 200_000; i++) routes.of('a/b');
  const before = trie.matches;
  for (let i = 0; i < 100; i++) routes.of('a/b');
  assert.equal(trie.matches, before);
});

test('are routes still remembered where most messages are for topics that come again?', () => {
  const trie = new CountingTrie();
  const routes = new Routes(trie);
  for (let i = 0; i < MANY; i++) {
    routes.of(`a/${i}`);
    for (let often = 0; often < 3; often++) routes.of('a/often');
  }
  assert.ok(trie.matches < MANY * 1.01, `${trie.matches} matches`);
});
