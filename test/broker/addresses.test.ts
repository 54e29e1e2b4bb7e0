import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sourceOf } from '../../src/broker/auth/addresses.js';
import { Bans } from '../../src/broker/auth/bans.js';
import { ConnectionRate } from '../../src/broker/auth/connection-rate.js';

for (const [address, source] of [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:0201', '192.0.2.1'],
  ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
  ['2001:0DB8::1', '2001:db8:0:0::/64'],
  ['2001:db8:0:1::', '2001:db8:0:1::/64'],
  ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
  ['2001:db8:0:1::/64', '2001:db8:0:1::/64'],
  ['fe80::1%eth0', 'fe80::1%eth0'],
  ['no:address', 'no:address'],
] as const) {
  test(`does ${address} count as ${source}?`, () => {
    assert.equal(sourceOf(address), source);
  });
}

test('connection_rate: do addresses of one /64 share a rate, and other ones not?', () => {
  const rate = new ConnectionRate();
  for (let n = 0; n < 10; n++) assert.equal(rate.admit(`2001:db8::${n + 1}`, 1, 0), 'take');
  assert.equal(rate.admit('2001:db8::ffff', 1, 0), 'refuse');
  assert.equal(rate.admit('2001:db8:0:1::1', 1, 0), 'take');
  assert.equal(rate.size, 2);
});

test('ban: does a change of address within a /64 leave a ban behind? Does it end where it is lifted as it is listed?', () => {
  const bans = new Bans();
  const limits = { banAfter: 2, banMs: 1000 };
  assert.equal(bans.failed('2001:db8::1', 'anna', limits, 0), false);
  assert.equal(bans.failed('2001:db8::2', 'anna', limits, 0), true);
  assert.equal(bans.remaining('2001:db8::3', 'anna', 0), 1000);
  assert.equal(bans.remaining('2001:db8:0:1::3', 'anna', 0), 0);
  const [ban] = bans.list(0);
  assert.deepEqual([ban?.address, ban?.username], ['2001:db8:0:0::/64', 'anna']);
  assert.equal(bans.lift(ban!.address, 'anna'), true);
  assert.equal(bans.remaining('2001:db8::3', 'anna', 0), 0);
});

test('ban: are IPv4 and the same address as IPv6 one, and does a right password over one forgive the other?', () => {
  const bans = new Bans();
  const limits = { banAfter: 2, banMs: 1000 };
  bans.failed('192.0.2.1', 'anna', limits, 0);
  bans.succeeded('::ffff:192.0.2.1', 'anna');
  assert.equal(bans.failed('192.0.2.1', 'anna', limits, 0), false);
  assert.equal(bans.failed('::ffff:192.0.2.1', 'anna', limits, 0), true);
});
