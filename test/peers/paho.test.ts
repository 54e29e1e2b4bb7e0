import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { startMosquitto } from './mosquitto.js';
import { startPaho } from './paho.js';

const skip = needs('mosquitto', 'python3-paho-mqtt');

for (const protocol of ['3.1', '3.1.1', '5'] as const) {
  test(`two paho clients exchange messages over MQTT ${protocol}`, { skip }, async (t) => {
    const { port } = await startMosquitto(t);
    const receiver = await startPaho(t, { port, protocol, topics: ['a/#'], qos: 2 });
    const sender = await startPaho(t, { port, protocol });
    await sender.publish('a/1', Buffer.from([0, 255]), { qos: 1 });
    await sender.publish('a/2', 'two', { qos: 2 });
    const messages = await receiver.until(2);
    assert.deepEqual(
      messages.map(({ topic, payload, qos }) => [topic, payload.toString('hex'), qos]),
      [
        ['a/1', '00ff', 1],
        ['a/2', '74776f', 2],
      ],
    );
  });
}

test('a kept session brings what was published meanwhile', { skip }, async (t) => {
  const { port } = await startMosquitto(t);
  const first = await startPaho(t, { port, id: 'keeper', clean: false, topics: ['a'] });
  await first.disconnect();
  const sender = await startPaho(t, { port });
  await sender.publish('a', 'meanwhile');
  const second = await startPaho(t, { port, id: 'keeper', clean: false });
  assert.deepEqual(second.connections[0]?.sessionPresent, true);
  assert.equal((await second.until(1))[0]?.payload.toString(), 'meanwhile');
});

test('a dropped connection leaves its will and comes back', { skip }, async (t) => {
  const { port } = await startMosquitto(t);
  const watcher = await startPaho(t, { port, topics: ['gone'] });
  const client = await startPaho(t, { port, will: { topic: 'gone', payload: 'x', qos: 1, retain: false } });
  client.drop();
  await watcher.until(1, { topic: 'gone' });
  await waitFor(() => client.connections.length === 2, { message: 'the second connection' });
});

test('a refused connection is reported', { skip }, async (t) => {
  const { port } = await startMosquitto(t, { users: { ada: 'secret' } });
  const client = await startPaho(t, { port, username: 'ada', password: 'wrong', topics: ['a'] });
  assert.equal(client.connections[0]?.rc, 5);
});
