import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBroker } from '../broker/harness.js';
import { GatewayProcess } from '../e2e/gateway-process.js';
import { ManualClock } from '../support/manual-clock.js';
import { needs } from '../support/needs.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';

const HOUR = 3_600_000;
const LONG = process.env.FERRULE_LONG === '1';
/** Longer than the broker's upkeep takes to come round. */
const UPKEEP_MS = 31_000;

for (const [name, step] of [
  ['forward', HOUR],
  ['back', -HOUR],
] as const) {
  test(`a clock that steps an hour ${name} ends no session, connection or message before its time, and none long after`, async (t) => {
    const clock = new ManualClock();
    const { port, broker } = await startBroker(t, { clock });
    const awake = await RawClient.open(port, { version: 5, clientId: 'awake', keepAlive: 60 });
    const asleep = { version: 5, clientId: 'asleep', clean: false, properties: { sessionExpiryInterval: 600 } } as const;
    const first = await RawClient.open(port, asleep);
    await first.subscribe('t', 1);
    await first.close();
    await waitFor(() => broker.sessions.get('asleep')?.receiver === null);
    await awake.publish('t', 'for 100 s', { qos: 1, properties: { messageExpiryInterval: 100 } });
    await awake.publish('t', 'for 300 s', { qos: 1, properties: { messageExpiryInterval: 300 } });
    await awake.publish('kept', 'for 300 s', { qos: 1, retain: true, properties: { messageExpiryInterval: 300 } });

    clock.setWall(clock.now() + step);
    clock.advance(UPKEEP_MS);
    assert.equal(awake.isClosed, false);
    await awake.ping();
    clock.advance(UPKEEP_MS);
    await awake.ping();
    const second = await RawClient.open(port, asleep);
    assert.ok(second.connack.sessionPresent, 'the session is still there');
    const received = await second.nextMessages(2);
    for (const [i, asked] of [100, 300].entries()) {
      const left = received[i]?.properties?.messageExpiryInterval ?? Number.NaN;
      assert.ok(Math.abs(left - (asked - 62)) <= 7, `${left} s are left of ${asked}`);
    }
    await second.subscribe('kept', 0);
    assert.equal((await second.nextMessage()).payload.toString(), 'for 300 s');
    await second.close();
    await waitFor(() => broker.sessions.get('asleep')?.receiver === null);

    // What is due ends, however far the wall clock is off: within a tenth of its time.
    for (let i = 0; i < 23; i++) {
      clock.advance(UPKEEP_MS);
      await awake.ping();
    }
    assert.equal(broker.sessions.get('asleep'), undefined, 'the session outlived its time');
    assert.equal(broker.router.retained.match('kept', broker.clock.now()).length, 0);
  });
}

test('a clock that is set for the first time is followed at once', async (t) => {
  const clock = new ManualClock(0);
  const { broker } = await startBroker(t, { clock });
  clock.setWall(1_763_690_000_000);
  clock.advance(2000);
  assert.ok(Math.abs(broker.clock.now() - clock.now()) < 1000);
});

test('the whole gateway rides out steps of the system clock of an hour, both ways', {
  skip: needs('faketime') || (LONG ? false : 'only in npm run test:crash'),
}, async (t) => {
  const gateway = await GatewayProcess.create(t, '');
  const offset = join(gateway.folder, 'offset');
  await writeFile(offset, '+0');
  gateway.env = {
    LD_PRELOAD: '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
    FAKETIME_TIMESTAMP_FILE: offset,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  await gateway.start();
  const port = gateway.mqttPort;
  const asleep = { version: 5, clientId: 'asleep', clean: false, properties: { sessionExpiryInterval: 1200 } } as const;
  const sleeper = await RawClient.open(port, asleep);
  await sleeper.subscribe('t', 1);
  await sleeper.close();
  const awake = await RawClient.open(port, { version: 5, keepAlive: 2 });
  await awake.publish('t', 'before', { qos: 1, properties: { messageExpiryInterval: 1200 } });
  for (const step of ['+3600', '-3600']) {
    await writeFile(offset, step);
    for (const end = performance.now() + UPKEEP_MS; performance.now() < end; await sleep(500)) await awake.ping();
    const back = await RawClient.open(port, { ...asleep, autoAck: false });
    assert.ok(back.connack.sessionPresent, `the session is there after ${step}`);
    const message = await back.nextMessage();
    const left = message.properties?.messageExpiryInterval ?? Number.NaN;
    assert.ok(left > 1000 && left <= 1210, `${left} s are left after ${step}`);
    await back.close();
  }
  assert.equal((await gateway.terminate()).code, 0);
});
