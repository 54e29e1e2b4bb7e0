import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker, type TestBroker } from './harness.js';

const HOUR = 3_600_000;
const LIMITS = { maxSessionExpiry: 600 };

async function leave({ port, broker }: TestBroker): Promise<void> {
  const client = await RawClient.open(port, { clientId: 'c', clean: false });
  await client.subscribe('t', 1);
  await client.close();
  await waitFor(() => broker.sessions.get('c')?.receiver === null);
}

const isKept = ({ broker }: TestBroker): boolean => broker.sessions.get('c') !== undefined;

test('does a session live as long as it should when the clock is set forward or back?', async (t) => {
  const clock = new ManualClock();
  const main = await startBroker(t, { clock, limits: LIMITS });
  await leave(main);
  for (const step of [HOUR, -2 * HOUR, 50 * 365 * 24 * HOUR]) {
    clock.setWall(clock.now() + step);
    clock.advance(60_000);
    assert.equal(isKept(main), true);
  }
  clock.advance(LIMITS.maxSessionExpiry * 1000);
  assert.equal(isKept(main), false);
});

test('does a session survive the start of a gateway whose clock was not set when it was left?', async (t) => {
  const clock = new ManualClock(1000);
  const before = await startBroker(t, { clock, limits: LIMITS });
  await leave(before);
  clock.setWall(Date.UTC(2026, 0, 1));
  const after = await before.restart();
  clock.advance(60_000);
  assert.equal(isKept(after), true);
});

test('does the time while the gateway was off count?', async (t) => {
  const clock = new ManualClock();
  const before = await startBroker(t, { clock, limits: LIMITS });
  await leave(before);
  clock.setWall(clock.now() + HOUR);
  const after = await before.restart();
  clock.advance(31_000);
  assert.equal(isKept(after), false);
});

test('does the keep-alive run by a clock that nobody sets?', async (t) => {
  const clock = new ManualClock();
  const { port, broker } = await startBroker(t, { clock });
  const client = await RawClient.open(port, { clientId: 'c', keepAlive: 10 });
  clock.setWall(clock.now() + HOUR);
  clock.advance(10_000);
  clock.setWall(clock.now() - 2 * HOUR);
  clock.advance(4000);
  await client.ping();
  clock.advance(14_000);
  assert.notEqual(broker.clients.c, undefined);
  clock.advance(3000);
  assert.equal(broker.clients.c, undefined);
  await client.closed();
});
