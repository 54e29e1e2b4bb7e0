import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../../src/bridge/backoff.js';
import { EMPTY_COUNTERS, LedgerCheck, ledgerOf } from '../../src/bridge/ledger.js';
import { packetIdOf } from '../../src/bridge/outgoing.js';
import { RateLimit, RateMeter } from '../../src/bridge/rates.js';
import { Tally } from '../../src/bridge/tally.js';
import { Loggers } from '../../src/log.js';
import { ManualClock } from '../support/manual-clock.js';

test('The back-off doubles from 1 s to 2 min, and starts again after a reset', () => {
  const backoff = new Backoff(1000, 120_000, () => 1);
  const waits = Array.from({ length: 10 }, () => backoff.next());
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 120_000, 120_000, 120_000]);
  backoff.reset();
  assert.equal(backoff.next(), 1000);
});

test('Jitter spreads a wait from half of the minimum to the ceiling', () => {
  const backoff = new Backoff(1000, 120_000, () => 0);
  assert.deepEqual([backoff.next(), backoff.next(), backoff.next()], [500, 500, 500]);
});

test('Packet ids follow from sequence numbers, stay legal and leave room for SUBSCRIBE', () => {
  assert.deepEqual([1, 2, 65_000, 65_001, 130_001].map(packetIdOf), [1, 2, 65_000, 1, 1]);
});

test('A rate is counted over the last ten seconds', () => {
  const clock = new ManualClock();
  const meter = new RateMeter(clock);
  for (let count = 0; count < 50; count++) meter.count();
  assert.equal(meter.perSecond(), 5);
  clock.advance(9000);
  assert.equal(meter.perSecond(), 5);
  clock.advance(1000);
  assert.equal(meter.perSecond(), 0);
});

test('A rate limit tells how long to wait', () => {
  const clock = new ManualClock();
  const limit = new RateLimit('60/min', clock);
  assert.equal(limit.take(), 0);
  assert.equal(limit.take(), 1000);
  clock.advance(1000);
  assert.equal(limit.take(), 0);
});

test('The ledger names the reasons of this run and keeps the rest under other', () => {
  const reasons = new Tally();
  reasons.add('loop');
  reasons.add('loop');
  const counters = {
    ...EMPTY_COUNTERS,
    accepted: 20,
    delivered: 5,
    droppedFull: 3,
    droppedExpired: 1,
    droppedOther: 4,
    waiting: 7,
    oldestAt: 1000,
  };
  const ledger = ledgerOf(counters, reasons, 6000);
  assert.deepEqual(ledger.dropped, { full: 3, expired: 1, loop: 2, other: 2 });
  assert.deepEqual([ledger.difference, ledger.oldestAgeMs], [0, 5000]);
});

test('A ledger that does not balance is reported once, and again only after it balanced', () => {
  const lines: string[] = [];
  const check = new LedgerCheck('cloud', new Loggers({ level: 'error' }, { write: (line) => void lines.push(line) }).for('bridge'));
  const wrong = { ...EMPTY_COUNTERS, accepted: 2, delivered: 1 };
  check.check(wrong);
  check.check(wrong);
  assert.equal(lines.length, 1);
  assert.match(check.fault?.message ?? '', /1 accepted messages are neither/);
  check.check(EMPTY_COUNTERS);
  assert.equal(check.fault, null);
  check.check(wrong);
  assert.equal(lines.length, 2);
});
