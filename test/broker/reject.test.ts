import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Spool } from '../../src/broker/spool.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker, type TestBroker, type TestBrokerOptions } from './harness.js';

const QUOTA_EXCEEDED = 0x97;

/** A session that is away and has room for three messages more, and a publisher of the given version. */
async function fullSoon(
  t: TestContext,
  version: 4 | 5,
  options: TestBrokerOptions = {},
): Promise<{ started: TestBroker; publisher: RawClient }> {
  const started = await startBroker(t, { ...options, limits: { whenQueueFull: 'reject', maxQueuedMessages: 3, ...options.limits } });
  const away = await RawClient.open(started.port, { clientId: 'away', clean: false });
  await away.subscribe('t/#', 2);
  await away.close();
  const publisher = await RawClient.open(started.port, { version, clientId: 'publisher' });
  t.after(() => publisher.kill());
  return { started, publisher };
}

async function codes(publisher: RawClient, qos: 1 | 2, payloads: string[]): Promise<number[]> {
  const found: number[] = [];
  for (const payload of payloads) found.push((await publisher.publish('t/x', payload, { qos }))?.reasonCode ?? -1);
  return found;
}

for (const qos of [1, 2] as const) {
  test(`is a v5 publisher of QoS ${qos} told that a queue is full, and are the first messages the ones that are kept?`, async (t) => {
    const { started, publisher } = await fullSoon(t, 5);
    assert.deepEqual(await codes(publisher, qos, ['1', '2', '3', '4', '5']), [0, 0, 0, QUOTA_EXCEEDED, QUOTA_EXCEEDED]);
    const { queue } = started.broker.sessions.get('away')!;
    assert.deepEqual([queue.count, queue.rejected, queue.dropped, queue.tally.accepted], [3, 2, 0, 3]);
    assert.equal(started.broker.counters.rejectedFull, 2);
    const back = await RawClient.open(started.port, { clientId: 'away', clean: false });
    const messages = await back.nextMessages(3);
    assert.deepEqual(
      messages.map(({ payload }) => payload.toString()),
      ['1', '2', '3'],
    );
    await waitFor(() => queue.count === 0);
    assert.deepEqual(await codes(publisher, qos, ['6']), [0]);
  });
}

test('is the packet id of a QoS 2 message that was refused free for another one, also after a restart?', async (t) => {
  const { started, publisher } = await fullSoon(t, 5, { limits: { maxQueuedMessages: 1 } });
  await publisher.close();
  const kept = { version: 5 as const, clientId: 'kept', clean: false, properties: { sessionExpiryInterval: 100 } };
  const sender = await RawClient.open(started.port, kept);
  await sender.publish('t/x', 'first', { qos: 2 });
  const refused = { type: 'publish', topic: 't/x', qos: 2, retain: false, dup: false, packetId: 77, properties: null } as const;
  sender.send({ ...refused, payload: Buffer.from('refused') });
  assert.equal((await sender.expect('pubrec')).reasonCode, QUOTA_EXCEEDED);
  sender.kill();
  const after = await started.restart();
  const back = await RawClient.open(after.port, { clientId: 'away', clean: false });
  assert.equal((await back.nextMessage()).payload.toString(), 'first');
  await waitFor(() => after.broker.sessions.get('away')!.queue.count === 0);
  const again = await RawClient.open(after.port, kept);
  again.send({ ...refused, payload: Buffer.from('another') });
  assert.equal((await again.expect('pubrec')).reasonCode, 0);
  assert.equal((await back.nextMessage()).payload.toString(), 'another');
});

test('do the properties of a message count where it would make a queue too large?', async (t) => {
  const { started, publisher } = await fullSoon(t, 5, { limits: { maxQueuedMessages: 100, maxQueuedBytes: 1000 } });
  const properties = { userProperties: [['name', 'x'.repeat(990)]] as [string, string][] };
  assert.equal((await publisher.publish('t/x', 'some bytes', { qos: 1, properties }))?.reasonCode, QUOTA_EXCEEDED);
  assert.equal(started.broker.sessions.get('away')!.queue.bytes, 0);
});

test('do all others get what one full queue does not take?', async (t) => {
  const { started, publisher } = await fullSoon(t, 5);
  const other = await RawClient.open(started.port);
  await other.subscribe('t/#', 1);
  // Its messages are acknowledged, so its own queue never fills.
  for (let n = 0; n < 6; n++) {
    await publisher.publish('t/x', `${n}`, { qos: 1 });
    await other.nextMessage();
  }
  assert.deepEqual(
    other.messages.map(({ payload }) => payload.toString()),
    ['0', '1', '2', '3', '4', '5'],
  );
});

test('is a 3.1.1 publisher, to whom nothing can be said, acknowledged, and the new message dropped and counted?', async (t) => {
  const { started, publisher } = await fullSoon(t, 4);
  for (let n = 0; n < 5; n++) await publisher.publish('t/x', `${n}`, { qos: 1 });
  const { queue } = started.broker.sessions.get('away')!;
  assert.deepEqual([queue.count, queue.rejected, queue.tally.droppedFull, started.broker.counters.droppedFull], [3, 0, 2, 2]);
});

test('does a 3.1.1 publisher get no acknowledgement for what a full spool of a bridge does not take?', async (t) => {
  const started = await startBroker(t, { limits: { refusedCloseMs: 200 } });
  const spool = await Spool.open(started.broker, {
    ...{ clientId: '$bridge:cloud', filters: [{ filter: 't/#', qos: 1 as const }] },
    ...{ maxMessages: 1, maxBytes: 1000, maxAgeMs: 0, whenFull: 'reject' },
  });
  const publisher = await RawClient.open(started.port, { clientId: 'publisher' });
  await publisher.publish('t/x', 'first', { qos: 1 });
  publisher.send({
    type: 'publish',
    topic: 't/x',
    payload: Buffer.from('x'),
    qos: 1,
    retain: false,
    dup: false,
    packetId: 9,
    properties: null,
  });
  await publisher.closed();
  assert.equal(publisher.packets.filter(({ type }) => type === 'puback').length, 1);
  const { waiting, accepted, droppedFull } = spool.counters();
  assert.deepEqual([waiting, accepted, droppedFull], [1, 1, 0]);
});

test('do changed limits hold for sessions that are there already, also for what waits in them?', async (t) => {
  const { started, publisher } = await fullSoon(t, 5, { limits: { maxQueuedMessages: 10 } });
  assert.deepEqual(await codes(publisher, 1, ['1', '2', '3', '4']), [0, 0, 0, 0]);
  const { queue } = started.broker.sessions.get('away')!;
  Object.assign(started.broker.limits, { maxQueuedMessages: 2 });
  started.broker.sessions.followLimits();
  await waitFor(() => queue.count === 2, { message: () => `${queue.count} messages` });
  assert.deepEqual(await codes(publisher, 1, ['5']), [QUOTA_EXCEEDED]);
});
