import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokerMonitor } from '../../src/broker/monitor.js';
import { SysTopics } from '../../src/broker/sys.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { startBroker } from './harness.js';

test('do the figures of the overview count what the gateway itself publishes, beside what clients do?', async (t) => {
  const clock = new ManualClock();
  const { broker, port } = await startBroker(t, { clock });
  const monitor = new BrokerMonitor(broker, clock);
  monitor.start();
  t.after(() => monitor.stop());
  const client = await RawClient.open(port);
  await client.publish('t', 'x', { qos: 1 });
  for (let i = 0; i < 3; i++) {
    await broker.publishMessage({ topic: 'field/a/b', payload: Buffer.from('1'), qos: 1, retain: false, properties: null });
  }
  clock.advance(2000);
  const { messagesIn, messagesInRate } = monitor.status();
  assert.equal(messagesIn, 4);
  assert.equal(messagesInRate, 2);
});

test('does the overview count as retained only what is kept?', async (t) => {
  const clock = new ManualClock();
  const { broker, port } = await startBroker(t, { clock });
  const monitor = new BrokerMonitor(broker, clock);
  const sys = new SysTopics(broker, clock, { intervalMs: 1000, version: '1' });
  sys.start();
  t.after(() => sys.stop());
  const client = await RawClient.open(port);
  await client.publish('kept', 'x', { qos: 1, retain: true });
  assert.ok(broker.router.retained.match('$SYS/#', 0).length > 30);
  assert.equal(monitor.status().retained, 1);
});
