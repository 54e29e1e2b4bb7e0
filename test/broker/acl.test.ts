import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessRules, covers, overlaps } from '../../src/broker/auth/acl.js';

const rules = new AccessRules([
  { user: 'sensor-*', allow: ['publish'], topics: ['sensors/%c/#'] },
  { user: 'panel', allow: ['subscribe'], topics: ['field/#', 'alarms/#'] },
  { user: 'ops', deny: ['publish'], topics: ['plant/safety/#'] },
  { user: 'ops', allow: ['publish', 'subscribe'], topics: ['plant/#', 'user/%u/+'] },
  { user: '*', deny: ['publish', 'subscribe'], topics: ['#'] },
]);

test('does the first rule that matches decide?', () => {
  assert.equal(rules.mayPublish('ops', 'c1', 'plant/line1'), true);
  assert.equal(rules.mayPublish('ops', 'c1', 'plant/safety/stop'), false);
});

test('do %c and %u stand for the client id and the user?', () => {
  assert.equal(rules.mayPublish('sensor-7', 'dev7', 'sensors/dev7/t'), true);
  assert.equal(rules.mayPublish('sensor-7', 'dev7', 'sensors/dev8/t'), false);
  assert.equal(rules.mayPublish('ops', 'x', 'user/ops/a'), true);
});

test('can a client id or user name smuggle in a wildcard or a level?', () => {
  assert.equal(rules.maySubscribe('ops', 'x', 'user/+/a'), false);
  for (const id of ['#', '+', 'a/b', '']) assert.equal(rules.mayPublish('sensor-1', id, 'sensors/a/b'), false, id);
});

test("does a client id or user name that begins with $ open what is the broker's own?", () => {
  const own = new AccessRules([{ user: '*', allow: ['subscribe'], topics: ['%c/#', '%u/x', '$own/%c'] }]);
  assert.equal(own.maySubscribe('u', 'c', 'c/#'), true);
  assert.equal(own.maySubscribe('u', '$SYS', '$SYS/#'), false);
  assert.equal(own.maySubscribe('$SYS', 'c', '$SYS/x'), false);
  assert.equal(own.maySubscribe('u', '$c', '$own/$c'), true);
});

test('does a rule that denies $SYS leave # alone, which does not match it?', () => {
  const hidden = new AccessRules([
    { user: '*', deny: ['subscribe'], topics: ['$SYS/#'] },
    { user: '*', allow: ['subscribe'], topics: ['#'] },
  ]);
  assert.equal(hidden.maySubscribe('u', 'c', '#'), true);
  assert.equal(hidden.maySubscribe('u', 'c', '+/broker'), true);
  assert.equal(hidden.maySubscribe('u', 'c', '$SYS/broker'), false);
  assert.equal(hidden.maySubscribe('u', 'c', '$SYS/#'), false);
});

test('must every topic that a filter can match be allowed for a subscription?', () => {
  assert.equal(rules.maySubscribe('panel', 'p', 'field/+/temperature'), true);
  assert.equal(rules.maySubscribe('panel', 'p', '#'), false);
  assert.equal(rules.maySubscribe('panel', 'p', '+/meter1/temperature'), false);
});

test('is what no rule matches denied, and without rules everything allowed but $SYS?', () => {
  const some = new AccessRules([{ user: 'a', allow: ['publish'], topics: ['x'] }]);
  assert.equal(some.mayPublish('b', 'c', 'x'), false);
  const none = new AccessRules([]);
  assert.equal(none.mayPublish(null, 'c', 'x'), true);
  assert.equal(none.maySubscribe(null, 'c', '#'), true);
  assert.equal(none.mayPublish(null, 'c', '$SYS/broker/uptime'), false);
});

test('does covers() know when one filter matches all of another?', () => {
  const table: [string, string, boolean][] = [
    ['#', 'a/b', true],
    ['#', '$SYS/a', false],
    ['a/#', 'a', true],
    ['a/#', 'a/+/#', true],
    ['a/+', 'a/#', false],
    ['a/+', 'a/b', true],
    ['a/b', 'a/+', false],
    ['a', 'a/b', false],
  ];
  for (const [outer, inner, expected] of table) assert.equal(covers(outer, inner), expected, `${outer} covers ${inner}`);
});

test('does overlaps() know when two filters share a topic?', () => {
  const table: [string, string, boolean][] = [
    ['a/#', 'a', true],
    ['a', 'a/#', true],
    ['a/+', '+/b', true],
    ['a/b', 'a/c', false],
    ['a', 'a/b', false],
    ['+/+', 'a', false],
    ['#', '$SYS/a', false],
    ['$SYS/a', '+/a', false],
    ['$SYS/#', '$SYS/+', true],
  ];
  for (const [one, other, expected] of table) assert.equal(overlaps(one, other), expected, `${one} overlaps ${other}`);
});
