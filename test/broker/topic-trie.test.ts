import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TopicTrie } from '../../src/broker/topic-trie.js';
import { matches } from '../../src/mqtt/topics.js';

function found(trie: TopicTrie<string>, topic: string): string[] {
  const into: string[] = [];
  trie.match(topic, into);
  return into.sort((a, b) => (a < b ? -1 : 1));
}

function trieOf(...filters: string[]): TopicTrie<string> {
  const trie = new TopicTrie<string>();
  for (const filter of filters) trie.add(filter, filter);
  return trie;
}

test('[MQTT-4.7.1-2] does # match its own level and everything below?', () => {
  const trie = trieOf('sport/#');
  assert.deepEqual(found(trie, 'sport'), ['sport/#']);
  assert.deepEqual(found(trie, 'sport/tennis/player1'), ['sport/#']);
  assert.deepEqual(found(trie, 'sports'), []);
});

test('[MQTT-4.7.1-3] does + match exactly one level, an empty one too?', () => {
  const trie = trieOf('+/+', '/+', '+');
  assert.deepEqual(found(trie, '/finance'), ['+/+', '/+']);
  assert.deepEqual(found(trie, 'a'), ['+']);
});

test('[MQTT-4.7.2-1] do wildcards at the first level leave $ topics alone?', () => {
  const trie = trieOf('#', '+/broker', '$SYS/#', '$SYS/+');
  assert.deepEqual(found(trie, '$SYS/broker'), ['$SYS/#', '$SYS/+']);
});

test('does a removed subscription match no more, and leave nothing behind?', () => {
  const trie = trieOf('a/b/c', 'a/b');
  assert.equal(trie.remove('a/b/c', 'a/b/c'), true);
  assert.equal(trie.remove('a/b/c', 'a/b/c'), false);
  assert.deepEqual(found(trie, 'a/b/c'), []);
  assert.deepEqual(found(trie, 'a/b'), ['a/b']);
  assert.equal(trie.size, 1);
});

test('are several subscriptions to one filter found, and taken away one by one?', () => {
  for (const filter of ['a/b', 'a/+', 'a/#', '#']) {
    const trie = new TopicTrie<string>();
    for (const value of ['one', 'two', 'three']) trie.add(filter, value);
    assert.deepEqual(found(trie, 'a/b'), ['one', 'three', 'two'], filter);
    assert.equal(trie.remove(filter, 'two'), true);
    assert.equal(trie.remove(filter, 'two'), false);
    assert.deepEqual(found(trie, 'a/b'), ['one', 'three'], filter);
    assert.equal(trie.remove(filter, 'one'), true);
    assert.deepEqual(found(trie, 'a/b'), ['three'], filter);
    assert.equal(trie.remove(filter, 'three'), true);
    assert.deepEqual(found(trie, 'a/b'), [], filter);
    assert.equal(trie.size, 0);
  }
});

test('does taking away filters in any order leave exactly the others?', () => {
  const filters = ['a', 'a/b', 'a/c', 'a/d', 'a/+', 'a/+/x', 'a/b/x', 'a/#', '+/b', '+', '#', 'b/#', '/', '/+'];
  for (let start = 0; start < filters.length; start++) {
    const left = new Set(filters);
    const trie = trieOf(...filters);
    for (let i = 0; i < filters.length; i++) {
      const filter = filters[(start + i * 5) % filters.length]!;
      assert.equal(trie.remove(filter, filter), true, filter);
      left.delete(filter);
      for (const topic of ['a', 'a/b', 'a/c', 'a/b/x', 'b/c', '/']) {
        const expected = [...left].filter((other) => matches(other, topic)).sort((x, y) => (x < y ? -1 : 1));
        assert.deepEqual(found(trie, topic), expected, `${topic} without ${filter}`);
      }
    }
    assert.equal(trie.size, 0);
  }
});

test('does removing what was never added do nothing?', () => {
  const trie = trieOf('a/b');
  for (const filter of ['a', 'a/+', 'a/#', 'a/b/c', '#', 'b']) assert.equal(trie.remove(filter, filter), false, filter);
  assert.equal(trie.remove('a/b', 'another'), false);
  assert.deepEqual(found(trie, 'a/b'), ['a/b']);
});

test('does the generation change with every change, and only then?', () => {
  const trie = trieOf('a');
  const before = trie.generation;
  found(trie, 'a');
  assert.equal(trie.generation, before);
  trie.remove('a', 'a');
  assert.notEqual(trie.generation, before);
});

test('does the trie find what comparing every filter one by one finds?', () => {
  const names = ['a', 'b', '', '+', '$s'];
  const filters = new Set<string>();
  for (const one of names) {
    filters.add(one === '' ? '/' : one);
    for (const two of [...names, '#']) {
      filters.add(`${one}/${two}`);
      for (const three of [...names, '#']) if (two !== '#') filters.add(`${one}/${two}/${three}`);
    }
  }
  filters.add('#');
  const trie = trieOf(...filters);
  const levels = ['a', 'b', '', '$s'];
  for (const one of levels) {
    for (const two of levels) {
      for (const topic of [one, `${one}/${two}`, `${one}/${two}/a`, `${one}/${two}/a/b`].filter((name) => name !== '')) {
        const expected = [...filters].filter((filter) => matches(filter, topic)).sort((a, b) => (a < b ? -1 : 1));
        assert.deepEqual(found(trie, topic), expected, topic);
      }
    }
  }
});
