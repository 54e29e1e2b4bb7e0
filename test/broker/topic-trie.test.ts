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
