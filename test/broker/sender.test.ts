import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Message } from '../../src/mqtt/message.js';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker, type TestBroker } from './harness.js';

function listen(t: TestContext, { broker }: TestBroker, filter: string, withSender = true): Message[] {
  const heard: Message[] = [];
  t.after(broker.subscribeLocal(filter, (message) => heard.push(message), withSender));
  return heard;
}

for (const version of [4, 5] as const) {
  test(`A part that acts on messages is told who sent each, and whether it was sent before (MQTT ${version})`, async (t) => {
    const running = await startBroker(t);
    const heard = listen(t, running, 'a');
    const client = await RawClient.open(running.port, { version, clientId: 'c' });
    await client.publish('a', '0', { qos: 0 });
    await client.publish('a', '1', { qos: 1, packetId: 11 });
    await client.publish('a', '2', { qos: 2, packetId: 12, dup: true });
    assert.deepEqual(
      heard.map(({ sender }) => [sender?.clientId, sender?.username, sender?.packetId, sender?.isDup]),
      [
        ['c', null, 0, false],
        ['c', null, 11, false],
        ['c', null, 12, true],
      ],
    );
    const line = heard[0]!.sender!.connection;
    assert.equal(line.heardUntil, null);
    await client.close();
    await waitFor(() => line.heardUntil !== null);
  });
}

test('Nobody else is told, and nothing of it is kept', async (t) => {
  const running = await startBroker(t);
  const [heard, plain] = [listen(t, running, 'a'), listen(t, running, 'a', false)];
  const client = await RawClient.open(running.port, {});
  await client.publish('a', '1', { qos: 1, retain: true });
  assert.equal(plain.length, 1);
  assert.ok(!('sender' in plain[0]!));
  assert.deepEqual([heard[0]?.retain, heard[0]?.sender === undefined], [false, false]);
  const later = listen(t, running, 'a');
  assert.deepEqual([later[0]?.retain, 'sender' in later[0]!], [true, false]);
  await client.close();
});

test('A will is sent by its client', async (t) => {
  const access = { rules: [{ user: '*', allow: ['publish' as const], topics: ['a', '%c/#'] }] };
  const running = await startBroker(t, { access });
  const will = { topic: 'a', payload: Buffer.from('gone'), qos: 1 as const, retain: false, properties: null };
  const heard = listen(t, running, 'a');
  const client = await RawClient.open(running.port, { clientId: 'c', will });
  client.kill();
  await waitFor(() => heard.length === 1);
  const { sender } = heard[0]!;
  assert.deepEqual([sender?.clientId, sender?.packetId, sender?.isDup], ['c', 0, false]);
  assert.deepEqual([sender?.mayPublish('c/x'), sender?.mayPublish('d/x')], [true, false]);
});

test('Who may publish what is for the hook to say where there is one', async (t) => {
  const running = await startBroker(t);
  const heard = listen(t, running, 'a');
  running.broker.authorizePublish = (client, packet, done) => {
    setImmediate(() => done(client?.id === 'c' && packet.topic !== 'secret' ? null : new Error('no')));
  };
  const client = await RawClient.open(running.port, { clientId: 'c' });
  await client.publish('a', '1', { qos: 1 });
  const { sender } = heard[0]!;
  assert.equal(await sender?.mayPublish('b'), true);
  assert.equal(await sender?.mayPublish('secret'), false);
  await client.close();
});
