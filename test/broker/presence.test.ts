import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker } from './harness.js';

interface State {
  state: string;
  since: number;
  protocol: string;
  address?: string;
  reason?: string;
}

function stateOf({ payload }: { payload: Buffer }): State {
  return JSON.parse(payload.toString()) as State;
}

test('is it told when a client comes and goes, and why?', async (t) => {
  const { port } = await startBroker(t);
  const watcher = await RawClient.open(port, { clientId: 'watcher' });
  await watcher.subscribe('$SYS/broker/client/c/state');
  const before = Date.now();
  const client = await RawClient.open(port, { clientId: 'c', version: 5, properties: { sessionExpiryInterval: 60 } });
  const online = await watcher.nextMessage();
  assert.equal(online.retain, false);
  const { since, ...rest } = stateOf(online);
  assert.deepEqual(rest, { state: 'online', protocol: '5.0', address: '127.0.0.1' });
  // The broker's clock is a steady one: it may be a few milliseconds off.
  assert.ok(since >= before - 1000 && since <= Date.now() + 1000);
  await client.close();
  assert.deepEqual(
    { ...stateOf(await watcher.nextMessage()), since: 0 },
    { state: 'offline', since: 0, protocol: '5.0', reason: 'disconnected' },
  );
  const second = await RawClient.open(port, { clientId: 'c', version: 5, clean: false, properties: { sessionExpiryInterval: 60 } });
  assert.equal(stateOf(await watcher.nextMessage()).state, 'online');
  second.kill();
  assert.equal(stateOf(await watcher.nextMessage()).reason, 'connection lost');
});

test('does a new subscriber get the state of every session, connected or not, also after a restart?', async (t) => {
  const first = await startBroker(t);
  const kept = await RawClient.open(first.port, { clientId: 'kept', clean: false });
  await kept.close();
  await waitFor(() => first.broker.connectedClients === 0);
  const { port } = await first.restart();
  const client = await RawClient.open(port, { clientId: 'here' });
  await client.subscribe('$SYS/broker/client/+/state');
  const states = await client.nextMessages(2);
  assert.deepEqual(states.map((message) => `${message.topic} ${stateOf(message).state} ${message.retain}`).sort(), [
    '$SYS/broker/client/here/state online true',
    '$SYS/broker/client/kept/state offline true',
  ]);
});

test('does the state go with the session, and tell those who watch by an empty message?', async (t) => {
  const { port, broker } = await startBroker(t);
  const watcher = await RawClient.open(port, { clientId: 'watcher' });
  await watcher.subscribe('$SYS/broker/client/+/state');
  await watcher.nextMessage();
  const client = await RawClient.open(port, { clientId: 'short', clean: true });
  await client.close();
  const [online, offline, gone] = await watcher.nextMessages(3);
  assert.deepEqual([stateOf(online!).state, stateOf(offline!).state, gone!.payload.length], ['online', 'offline', 0]);
  assert.equal(broker.router.retained.match('$SYS/broker/client/short/state', 0).length, 0);
});

test('is a client id with /, +, # and % one level of its own?', async (t) => {
  const { port } = await startBroker(t);
  const strange = await RawClient.open(port, { clientId: 'a/b+c#d%e' });
  const watcher = await RawClient.open(port, { clientId: 'watcher' });
  const topic = '$SYS/broker/client/a%2Fb%2Bc%23d%25e/state';
  await watcher.subscribe(topic);
  const message = await watcher.nextMessage();
  assert.equal(message.topic, topic);
  assert.equal(stateOf(message).state, 'online');
  await strange.close();
});

test('presence counts among no retained messages, does not reach #, and can be switched off', async (t) => {
  const { port, broker } = await startBroker(t);
  const watcher = await RawClient.open(port, { clientId: 'watcher' });
  await watcher.subscribe('#');
  const other = await RawClient.open(port, { clientId: 'other' });
  await watcher.ping();
  assert.equal(watcher.messages.length, 0);
  assert.equal(broker.router.retained.count, 0);
  broker.presence.enabled = false;
  await watcher.subscribe('$SYS/broker/client/+/state');
  await other.close();
  await watcher.ping();
  assert.equal(watcher.messages.length, 0);
});
