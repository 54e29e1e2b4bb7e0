import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokerMonitor } from '../../src/broker/monitor.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

test('do the details of a client say all that is known of it?', async (t) => {
  const { broker, port } = await startBroker(t);
  const monitor = new BrokerMonitor(broker, broker.clock);
  const client = await RawClient.open(port, {
    clientId: 'c',
    version: 5,
    keepAlive: 30,
    will: { topic: 'gone', payload: Buffer.from('bye'), qos: 1, retain: true, properties: null },
    properties: { sessionExpiryInterval: 60, receiveMaximum: 7, topicAliasMaximum: 3 },
    autoAck: false,
  });
  await client.subscribe('t/#', 1, {
    noLocal: false,
    retainAsPublished: true,
    retainHandling: 1,
    properties: { subscriptionIdentifiers: [5] },
  });
  await client.publish('t/1', 'x', { qos: 0 });
  const publisher = await RawClient.open(port);
  await publisher.publish('t/1', 'xy', { qos: 1 });
  await client.nextMessages(2);
  const details = monitor.client('c');
  assert.ok(details !== null);
  const { connectedAt, lastSeenAt, bytesIn, bytesOut, queuedBytes, ...rest } = details;
  assert.ok(Math.abs(Date.now() - connectedAt!) < 60_000 && Math.abs(Date.now() - lastSeenAt!) < 60_000);
  assert.ok(bytesIn > 30 && bytesOut > 15 && queuedBytes > 0);
  assert.deepEqual(rest, {
    clientId: 'c',
    username: null,
    connected: true,
    address: '127.0.0.1',
    protocol: '5.0',
    listener: 'test',
    keepAlive: 30,
    disconnectedAt: null,
    cleanSession: false,
    subscriptions: [{ filter: 't/#', qos: 1 }],
    inflight: 1,
    queued: 1,
    messagesIn: 1,
    messagesOut: 2,
    dropped: 0,
    lastError: null,
    subscriptionOptions: [{ filter: 't/#', qos: 1, noLocal: false, retainAsPublished: true, retainHandling: 1, subscriptionId: 5 }],
    sessionExpiry: 60,
    sendBuffer: 0,
    inflightIn: 0,
    maxInflight: 7,
    messagesInRate: null,
    messagesOutRate: null,
    will: { topic: 'gone', qos: 1, retain: true, size: 3 },
    capabilities: { receiveMaximum: 7, maximumPacketSize: null, topicAliasMaximum: 3, wantsProblemInformation: true },
    queue: {
      accepted: 1,
      delivered: 0,
      droppedFull: 0,
      droppedExpired: 0,
      droppedOther: 0,
      rejected: 0,
      maxMessages: 100_000,
      maxBytes: 64 * 1024 * 1024,
    },
  });
  assert.equal(monitor.client('nobody'), null);
});

test('does a kept session still say why its client has left?', async (t) => {
  const { broker, port } = await startBroker(t);
  const monitor = new BrokerMonitor(broker, broker.clock);
  const client = await RawClient.open(port, { clientId: 'c', clean: false });
  client.send({ type: 'pingresp' });
  await client.closed();
  await waitFor(() => broker.connectedClients === 0);
  const details = monitor.client('c')!;
  assert.match(details.lastError ?? '', /pingresp/i);
  assert.deepEqual([details.connected, details.will, details.capabilities, details.lastSeenAt], [false, null, null, null]);
});

test('are the rates of a client measured from the first time that somebody asks?', async (t) => {
  const clock = new ManualClock();
  const { broker, port } = await startBroker(t, { clock });
  const monitor = new BrokerMonitor(broker, clock);
  t.after(() => monitor.stop());
  monitor.start();
  const client = await RawClient.open(port, { clientId: 'c' });
  assert.equal(monitor.client('c')!.messagesInRate, null);
  for (let i = 0; i < 10; i++) await client.publish('t', 'x', { qos: 1 });
  clock.advance(2000);
  assert.deepEqual([monitor.client('c')!.messagesInRate, monitor.client('c')!.messagesOutRate], [5, 0]);
  clock.advance(2000);
  assert.equal(monitor.client('c')!.messagesInRate, 0);
});
