import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { RawClient } from '../support/raw-client.js';
import { waitFor } from '../support/wait-for.js';
import { startBroker, type TestBroker } from './harness.js';
import { SmallDisk } from './small-disk.js';

const REFUSED_MS = 300;

interface Setup {
  disk: SmallDisk;
  main: TestBroker;
}

async function setUp(t: TestContext): Promise<Setup | null> {
  const disk = SmallDisk.mount(t);
  if (disk === null) return null;
  const main = await startBroker(t, { dir: disk.dir, limits: { refusedCloseMs: REFUSED_MS } });
  return { disk, main };
}

/** A durable session that is away and gets everything below big/, so that something can be made too large for the disk. */
async function durableTarget(main: TestBroker): Promise<void> {
  const client = await RawClient.open(main.port, { clientId: 'hoarder', clean: false });
  await client.subscribe('big/#', 1);
  await client.close();
}

/** Fills the disk, and publishes until the store has noticed. */
async function exhaust({ disk, main }: Setup): Promise<void> {
  disk.fill();
  const publisher = await RawClient.open(main.port);
  while (main.store.state !== 'full') {
    const answered = publisher.publish('big/x', Buffer.alloc(100_000), { qos: 1 }).then(
      () => true,
      () => false,
    );
    await Promise.race([answered, waitFor(() => main.store.state === 'full')]);
  }
  publisher.kill();
}

async function recover({ disk, main }: Setup): Promise<void> {
  disk.free();
  await waitFor(() => main.store.state === 'running', { message: () => `the store is ${main.store.state}` });
}

test('on a full disk, is what must be stored not acknowledged and its publisher closed, while the rest goes on?', async (t) => {
  const setup = await setUp(t);
  if (setup === null) return;
  const { main } = setup;
  await durableTarget(main);
  await exhaust(setup);

  const refused = await RawClient.open(main.port);
  refused.send({
    type: 'publish',
    topic: 'big/y',
    payload: Buffer.from('y'),
    qos: 1,
    retain: false,
    dup: false,
    packetId: 1,
    properties: null,
  });
  await refused.closed();
  assert.deepEqual(
    refused.packets.map(({ type }) => type),
    ['connack'],
  );

  const volatile = await RawClient.open(main.port);
  await volatile.subscribe('live/#', 2);
  for (const qos of [0, 1, 2] as const) await volatile.publish('live/x', String(qos), { qos });
  assert.deepEqual(
    (await volatile.nextMessages(3)).map(({ qos }) => qos),
    [0, 1, 2],
  );

  await recover(setup);
  const publisher = await RawClient.open(main.port);
  await publisher.publish('big/z', 'z', { qos: 1 });
  const { queue } = main.broker.sessions.get('hoarder')!;
  const hoarder = await RawClient.open(main.port, { clientId: 'hoarder', clean: false });
  await waitFor(() => queue.count === 0, { message: () => `${queue.count} messages left` });
  assert.equal(hoarder.messages.at(-1)!.payload.toString(), 'z');
  assert.ok(!hoarder.messages.some(({ topic }) => topic === 'big/y'));
  assert.equal(queue.bytes, 0);
  assert.equal(queue.tally.accepted, queue.tally.delivered);
});

test('is a QoS 2 message that the disk refused taken when it is sent again, and not mistaken for a repetition?', async (t) => {
  const setup = await setUp(t);
  if (setup === null) return;
  const { main } = setup;
  await durableTarget(main);
  const packet = {
    type: 'publish',
    topic: 'big/two',
    payload: Buffer.from('two'),
    qos: 2,
    retain: false,
    packetId: 7,
    properties: null,
  } as const;
  const first = await RawClient.open(main.port, { clientId: 'publisher', clean: false });
  await exhaust(setup);
  first.send({ ...packet, dup: false });
  await first.closed();
  assert.deepEqual(
    first.packets.map(({ type }) => type),
    ['connack'],
  );

  await recover(setup);
  const second = await RawClient.open(main.port, { clientId: 'publisher', clean: false });
  second.send({ ...packet, dup: true });
  await second.expect('pubrec');
  const hoarder = await RawClient.open(main.port, { clientId: 'hoarder', clean: false });
  await waitFor(() => hoarder.messages.some(({ topic }) => topic === 'big/two'), { message: 'the message' });
});

test('does a QoS 2 message that the disk refused reach a volatile subscriber once, when it is sent again, and not before?', async (t) => {
  const setup = await setUp(t);
  if (setup === null) return;
  const { main } = setup;
  await durableTarget(main);
  const subscriber = await RawClient.open(main.port);
  await subscriber.subscribe('big/two', 2);
  await exhaust(setup);
  const publisher = await RawClient.open(main.port, { version: 5 });
  const refused = await publisher.publish('big/two', 'x', { qos: 2 });
  assert.ok([0x83, 0x97].includes(refused?.reasonCode ?? 0), `${refused?.reasonCode}`);
  await recover(setup);
  assert.equal((await publisher.publish('big/two', 'x', { qos: 2 }))?.reasonCode, 0);
  await publisher.publish('big/two', 'end', { qos: 2 });
  await waitFor(() => subscriber.messages.some(({ payload }) => payload.toString() === 'end'));
  assert.deepEqual(
    subscriber.messages.map(({ payload }) => payload.toString()),
    ['x', 'end'],
  );
});

test('does a subscriber get the PUBREL that had to wait for the disk, without connecting again?', async (t) => {
  const setup = await setUp(t);
  if (setup === null) return;
  const { main } = setup;
  await durableTarget(main);
  const subscriber = await RawClient.open(main.port, { clientId: 's', clean: false, autoAck: false });
  await subscriber.subscribe('two', 2);
  const publisher = await RawClient.open(main.port);
  await publisher.publish('two', 'x', { qos: 2 });
  const { packetId } = await subscriber.nextMessage();
  await exhaust(setup);
  subscriber.send({ type: 'pubrec', packetId, reasonCode: 0, properties: null });
  await subscriber.ping();
  assert.ok(!subscriber.packets.some(({ type }) => type === 'pubrel'));
  await recover(setup);
  await subscriber.expect('pubrel');
  subscriber.send({ type: 'pubcomp', packetId, reasonCode: 0, properties: null });
  const { queue } = main.broker.sessions.get('s')!;
  await waitFor(() => queue.count === 0, { message: 'the message to be settled' });
});

test('are retained messages that changed while the disk was full on disk when it is over?', async (t) => {
  const setup = await setUp(t);
  if (setup === null) return;
  const { main } = setup;
  await durableTarget(main);
  const publisher = await RawClient.open(main.port);
  for (const topic of ['r/changed', 'r/cleared']) await publisher.publish(topic, 'old', { qos: 1, retain: true });
  await exhaust(setup);
  await publisher.publish('r/changed', 'new', { retain: true });
  await publisher.publish('r/cleared', '', { retain: true });
  await publisher.ping();
  await recover(setup);
  // Clearing again finds nothing in memory, but must not be acknowledged before the disk holds nothing either.
  await publisher.publish('r/cleared', '', { qos: 1, retain: true });
  const after = await main.restart();
  const reader = await RawClient.open(after.port);
  await reader.subscribe('r/#', 1);
  await reader.ping();
  assert.deepEqual(
    reader.messages.map(({ topic, payload }) => `${topic}=${payload}`),
    ['r/changed=new'],
  );
});

test('is a session that could not be stored refused each time, and new when it can be?', async (t) => {
  const setup = await setUp(t);
  if (setup === null) return;
  const { main } = setup;
  await durableTarget(main);
  await exhaust(setup);
  for (const _ of [1, 2]) {
    const { connack } = await RawClient.attempt(main.port, { clientId: 'new', clean: false });
    assert.deepEqual([connack.reasonCode, connack.sessionPresent], [3, false]);
  }
  await recover(setup);
  const client = await RawClient.open(main.port, { clientId: 'new', clean: false });
  assert.equal(client.connack.sessionPresent, false);
});

test('does a message that failed for one session and was acknowledged by another count once?', async (t) => {
  const setup = await setUp(t);
  if (setup === null) return;
  const { main, disk } = setup;
  const clients = await Promise.all(['a', 'b'].map((clientId) => RawClient.open(main.port, { clientId, clean: false })));
  for (const client of clients) await client.subscribe('big/#', 1);
  await clients[1]!.close();
  const publisher = await RawClient.open(main.port);
  disk.fill();
  for (let i = 1; i < 200 && main.store.state !== 'full'; i++) {
    publisher.send({
      type: 'publish',
      topic: 'big/x',
      payload: Buffer.alloc(20_000),
      qos: 1,
      retain: false,
      dup: false,
      packetId: i,
      properties: null,
    });
    await publisher.ping().catch(() => {});
    if (publisher.isClosed) break;
  }
  await waitFor(() => main.store.state === 'full');
  await clients[0]!.close();
  await recover(setup);
  for (const clientId of ['a', 'b']) {
    const { queue } = main.broker.sessions.get(clientId)!;
    await RawClient.open(main.port, { clientId, clean: false });
    await waitFor(() => queue.count <= 0, { message: () => `${queue.count} messages left` });
    assert.deepEqual([queue.count, queue.bytes], [0, 0]);
    assert.equal(queue.tally.accepted, queue.tally.delivered);
  }
});

test('does what a member of a shared subscription leaves while the disk is full go to nobody before it is safe there?', async (t) => {
  const setup = await setUp(t);
  if (setup === null) return;
  const { main } = setup;
  await durableTarget(main);
  const leaving = await RawClient.open(main.port, { clientId: 'leaving', clean: false, autoAck: false });
  await leaving.subscribe('$share/g/t', 1);
  const publisher = await RawClient.open(main.port);
  const sent = ['0', '1', '2', '3', '4'];
  for (const payload of sent) await publisher.publish('t', payload, { qos: 1 });
  await leaving.nextMessages(sent.length);
  const staying = await RawClient.open(main.port, { clientId: 'staying', clean: false });
  await staying.subscribe('$share/g/t', 1);
  await exhaust(setup);
  leaving.kill();
  await waitFor(() => main.broker.clients.leaving === undefined);
  await recover(setup);
  await new Promise<void>((resolve) => main.store.whenCommitted(() => resolve()));
  staying.kill();
  const after = await main.restart();
  const got = new Set(staying.messages.map(({ payload }) => payload.toString()));
  for (const clientId of ['leaving', 'staying']) {
    const client = await RawClient.open(after.port, { clientId, clean: false });
    await waitFor(() => after.broker.sessions.get(clientId)!.queue.count === 0);
    await client.ping();
    for (const { payload } of client.messages) got.add(payload.toString());
    client.kill();
  }
  assert.deepEqual([...got].sort(), sent);
});
