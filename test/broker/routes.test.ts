import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_ROUTES, Routes } from '../../src/broker/routes.js';
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

/** Asks for the topics `t/from` up to `t/to` in turn; returns how many had to be matched. */
function ask(routes: Routes, trie: CountingTrie, from: number, to: number): number {
  const before = trie.matches;
  for (let i = from; i < to; i++) routes.of(`t/${i}`);
  return trie.matches - before;
}

test('of a tenth more topics than are remembered, asked for in turn, are most found?', () => {
  const trie = new CountingTrie();
  const routes = new Routes(trie);
  const count = MAX_ROUTES * 1.1;
  for (let round = 0; round < 5; round++) ask(routes, trie, 0, count);
  const matched = ask(routes, trie, 0, count);
  assert.ok(matched < 0.2 * count, `${matched} of ${count} matched`);
});

test('is no more remembered than so many routes, however many topics there are?', () => {
  const trie = new CountingTrie();
  const routes = new Routes(trie);
  ask(routes, trie, 0, MAX_ROUTES * 1.4);
  const count = MAX_ROUTES * 1.4;
  assert.ok(ask(routes, trie, 0, count) >= count - MAX_ROUTES);
});

test('do topics that came up later get remembered where others that nobody asks for any more fill the memory?', () => {
  const trie = new CountingTrie();
  const routes = new Routes(trie);
  ask(routes, trie, 0, MAX_ROUTES);
  for (let round = 0; round < 80; round++) ask(routes, trie, MAX_ROUTES, MAX_ROUTES + 500);
  assert.ok(ask(routes, trie, MAX_ROUTES, MAX_ROUTES + 500) < 10);
});

test('are routes that were dropped for others found right again, those with many targets too?', () => {
  const trie = new CountingTrie();
  const routes = new Routes(trie);
  const filters = [local('t/+'), local('t/#'), local('t/7')];
  for (const subscription of filters) trie.add(subscription.filter, subscription);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < MAX_ROUTES * 1.2; i++) assert.equal(routes.of(`t/${i}`).locals.length, i === 7 ? 3 : 2);
  }
});
