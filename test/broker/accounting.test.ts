import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

const TOPIC = 'halle/ofen-süd';

test('do the bytes of a queue come to the same before and after a restart, and to nothing when it is drained?', async (t) => {
  const before = await startBroker(t);
  const subscriber = await RawClient.open(before.port, { clientId: 'c', clean: false, autoAck: false });
  await subscriber.subscribe(TOPIC, 2);
  const publisher = await RawClient.open(before.port);
  for (const payload of ['', 'x', 'y'.repeat(3000)]) {
    await publisher.publish(TOPIC, payload, { qos: 1 });
    await publisher.publish(TOPIC, payload, { qos: 2 });
  }
  // Of one message only the packet id is left when the broker stops.
  const released = (await subscriber.nextMessages(6)).find(({ qos }) => qos === 2)!;
  subscriber.send({ type: 'pubrec', packetId: released.packetId, reasonCode: 0, properties: null });
  await subscriber.expect('pubrel');
  const { count, bytes } = before.broker.sessions.get('c')!.queue;
  assert.deepEqual([count, bytes], [6, 6 * TOPIC.length + 2 * 3001]);

  const after = await before.restart();
  const session = after.broker.sessions.get('c')!;
  assert.deepEqual([session.queue.count, session.queue.bytes], [count, bytes]);
  await RawClient.open(after.port, { clientId: 'c', clean: false });
  await waitFor(() => session.queue.count === 0, { message: () => `${session.queue.count} messages left` });
  assert.equal(session.queue.bytes, 0);
  await new Promise((resolve) => after.store.whenCommitted(resolve));
  const { waiting, waitingBytes } = await after.store.readCounters(session.sid);
  assert.deepEqual([waiting, waitingBytes], [0, 0]);
});
