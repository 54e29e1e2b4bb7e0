import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matches, parseShared, QUEUE_GROUP, topicLevels, validateFilter, validateTopicName } from '../../src/mqtt/topics.js';
import { Random, seed } from './random.js';

/** The rules of 4.7 written down plainly. */
function plainlyMatches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[#+]/.test(filter)) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [index, want] of wanted.entries()) {
    if (want === '#') return true;
    const level = levels[index];
    if (level === undefined || (want !== '+' && want !== level)) return false;
  }
  return wanted.length === levels.length;
}

const MATCHES: [filter: string, topic: string, expected: boolean][] = [
  ['a/b', 'a/b', true],
  ['a/b', 'a/c', false],
  ['a/b', 'a', false],
  ['a', 'a/b', false],
  ['ab', 'a', false],
  ['a', 'ab', false],
  ['#', 'a', true],
  ['#', '/', true],
  ['a/#', 'a', true],
  ['a/#', 'a/', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'ab', false],
  ['a/#', 'b', false],
  ['+', 'a', true],
  ['+', '/a', false],
  ['+', 'a/', false],
  ['/+', '/a', true],
  ['+/+', '/a', true],
  ['+/+', 'a/', true],
  ['a/+', 'a', false],
  ['a/+', 'a/', true],
  ['a/+/c', 'a//c', true],
  ['a/+/c', 'a/b/c', true],
  ['a/+/c', 'a/b/c/d', false],
  ['a/+/#', 'a/b', true],
  ['a/+/#', 'a', false],
  ['+/#', 'a', true],
  ['/', '/', true],
  ['//', '/', false],
  ['A', 'a', false],
  ['größe/+', 'größe/ü', true],
  // [MQTT-4.7.2-1]
  ['#', '$SYS', false],
  ['+', '$SYS', false],
  ['+/x', '$SYS/x', false],
  ['$SYS/#', '$SYS', true],
  ['$SYS/+', '$SYS/x', true],
  ['$+', '$SYS', false],
  ['a/+', 'a/$x', true],
];

for (const [filter, topic, expected] of MATCHES) {
  test(`${filter} ${expected ? 'matches' : 'does not match'} ${topic}`, () => {
    assert.equal(matches(filter, topic), expected);
    assert.equal(plainlyMatches(filter, topic), expected);
  });
}

test('random filters match random topics as the rules written plainly say', () => {
  const from = seed();
  const random = new Random(from);
  const names = ['', 'a', 'b', 'ab', '$', '$S', 'é'];
  let hits = 0;
  for (let round = 0; round < 200_000; round++) {
    const topic = Array.from({ length: 1 + random.below(4) }, () => random.pick(names)).join('/');
    const levels = Array.from({ length: 1 + random.below(4) }, () => random.pick([...names, '+', '+', '+']));
    if (random.below(3) === 0) levels.push('#');
    const filter = levels.join('/');
    if (filter === '' || topic === '') continue;
    const expected = plainlyMatches(filter, topic);
    if (expected) hits += 1;
    assert.equal(matches(filter, topic), expected, `MQTT_SEED=${from}: ${filter} against ${topic}`);
  }
  assert.ok(hits > 1000);
});

const WRONG_FILTERS: [filter: string, cause: string][] = [
  ['', 'is empty'],
  ['a#', 'has # inside a level'],
  ['#a', 'has # inside a level'],
  ['##', 'has # inside a level'],
  ['a/b#', 'has # inside a level'],
  ['a/#/b', 'has # before its last level'],
  ['#/', 'has # before its last level'],
  ['a/+b', 'has + inside a level'],
  ['a+/b', 'has + inside a level'],
  ['++', 'has + inside a level'],
  ['a\0b', 'contains U+0000 or a lone surrogate'],
  ['a\ud800', 'contains U+0000 or a lone surrogate'],
  ['$share/', 'has no group name'],
  ['$share//a', 'has no group name'],
  ['$share/g', 'has no filter after its group name'],
  ['$share/g/', 'has no filter after its group name'],
  ['$share/g+/a', 'has a wildcard in its group name'],
  ['$share/#/a', 'has a wildcard in its group name'],
  ['$share/g/a#', 'has # inside a level'],
  ['$queue/', 'has no filter after its group name'],
  ['$queue/a+', 'has + inside a level'],
  ['$g/x', 'has no filter after its group name'],
];

for (const [filter, cause] of WRONG_FILTERS) {
  test(`the filter ${JSON.stringify(filter)} is refused: it ${cause}`, () => assert.equal(validateFilter(filter), cause));
}

for (const filter of [
  'a',
  '/',
  '#',
  '+',
  'a/+/b/#',
  '/+',
  '+/+',
  'a//b',
  '$SYS/#',
  ' ',
  '$share',
  '$share/g/#',
  '$share/g//',
  '$queue/a',
  '$g/x/a',
]) {
  test(`the filter ${filter} is accepted`, () => assert.equal(validateFilter(filter), null));
}

test('topics and filters are 65535 bytes at most, counted in UTF-8 [MQTT-4.7.3-3]', () => {
  for (const check of [validateTopicName, validateFilter]) {
    assert.equal(check('x'.repeat(65_535)), null);
    assert.equal(check('x'.repeat(65_536)), 'is longer than 65535 bytes');
    assert.equal(check('ü'.repeat(32_767)), null);
    assert.equal(check('ü'.repeat(32_768)), 'is longer than 65535 bytes');
  }
});

test('a topic name has no wildcard, no U+0000, and is not empty', () => {
  assert.equal(validateTopicName('a/b'), null);
  assert.equal(validateTopicName(''), 'is empty');
  assert.equal(validateTopicName('a/+'), 'contains a wildcard');
  assert.equal(validateTopicName('a#'), 'contains a wildcard');
  assert.equal(validateTopicName('\0'), 'contains U+0000 or a lone surrogate');
});

test('shared subscriptions come apart into group and filter, in all three spellings', () => {
  assert.deepEqual(parseShared('$share/g/a/+'), { group: 'g', filter: 'a/+' });
  assert.deepEqual(parseShared('$g/g/a'), { group: 'g', filter: 'a' });
  assert.deepEqual(parseShared('$queue/a/#'), { group: QUEUE_GROUP, filter: 'a/#' });
  assert.deepEqual(parseShared('$share/g//a'), { group: 'g', filter: '/a' });
  assert.equal(parseShared('share/g/a'), null);
  assert.equal(parseShared('$SYS/#'), null);
  assert.equal(parseShared('$shared/g/a'), null);
});

test('empty levels are levels', () => assert.deepEqual(topicLevels('/a//'), ['', 'a', '', '']));
