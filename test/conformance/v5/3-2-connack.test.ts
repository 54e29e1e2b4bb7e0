import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { encode } from '../../../src/mqtt/writer.js';
import { ManualClock } from '../../support/manual-clock.js';
import { RawClient } from '../../support/raw-client.js';
import { waitFor } from '../../support/wait-for.js';
import { conformance, frame, kindsOf, packet } from '../support.js';

const statement = conformance(5, { limits: { maxPacketSize: 5000 } });
const kept = (clientId: string) => ({ clientId, clean: false, properties: { sessionExpiryInterval: 1000 } });

statement('MQTT-3.2.0-1', async ({ open, name }) => {
  // A session with something to say from the first moment on.
  const first = await open(kept(name));
  await first.subscribe(name, 1);
  await first.close();
  const publisher = await open();
  for (let n = 0; n < 20; n++) await publisher.publish(name, 'x', { qos: 1 });
  const again = await open(kept(name));
  await again.nextMessages(20);
  assert.equal(kindsOf(again)[0], 'connack');
});

statement('MQTT-3.2.0-2', async ({ open, socket }) => {
  const client = await open();
  await client.subscribe('a');
  client.sendRaw(packet(0x10, "0004 'MQTT' 05 02 003c 00 0001 'c'"));
  await client.closed();
  assert.equal(kindsOf(client).filter((kind) => kind === 'connack').length, 1);
  const refused = await socket();
  refused.sendRaw(packet(0x10, "0004 'MQTT' 05 03 003c 00 0001 'c'"));
  await refused.closed();
  assert.deepEqual(kindsOf(refused), ['connack']);
});

statement('MQTT-3.2.2-1', async ({ t, port, open, name }) => {
  await (await open(kept(name))).close();
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  const arrived = new Promise<Buffer>((resolve) => socket.once('data', resolve));
  socket.write(
    encode({ type: 'connect', version: 5, ...kept(name), keepAlive: 0, will: null, username: null, password: null, bridge: false }, 5),
  );
  const bytes = await arrived;
  assert.deepEqual([bytes[0], bytes[2]], [0x20, 0x01]);
});

statement('MQTT-3.2.2-2', async ({ open, name }) => {
  await (await open(kept(name))).close();
  assert.equal((await open({ ...kept(name), clean: true })).connack.sessionPresent, false);
});

statement('MQTT-3.2.2-3', async ({ open, name }) => {
  const first = await open(kept(name));
  assert.equal(first.connack.sessionPresent, false);
  await first.close();
  assert.equal((await open(kept(name))).connack.sessionPresent, true);
});

statement('MQTT-3.2.2-6', async ({ t, own, name }) => {
  const running = await own({});
  await (await RawClient.open(running.port, { version: 5, ...kept(name) })).close();
  running.broker.access.configure({ rules: [] }, false);
  const client = await RawClient.attempt(running.port, { version: 5, ...kept(name) });
  t.after(() => client.kill());
  assert.ok(client.connack.reasonCode >= 0x80);
  assert.equal(client.connack.sessionPresent, false);
});

statement('MQTT-3.2.2-7', async ({ refusesConnect }) => {
  await refusesConnect(packet(0x10, "0004 'MQTT' 05 02 003c 04 150001 'x' 0001 'c'"), 0x8c);
  await refusesConnect(packet(0x10, "0004 'MQTT' 05 01 003c 00 0001 'c'"), 0x81);
});

statement('MQTT-3.2.2-8', async ({ own, t, name }) => {
  // The reader of the test's client refuses any code that is not in the table; here are the ones of every refusal.
  const { port, broker } = await own({ anonymous: false });
  broker.sessions.open({ clientId: name, username: null, version: 5, clean: true, expiryInterval: 0, internal: true });
  const codes: number[] = [];
  for (const options of [{}, { username: 'nobody', password: 'x' }, { clientId: name }, { properties: { authenticationMethod: 'x' } }]) {
    const client = await RawClient.attempt(port, { version: 5, ...options });
    t.after(() => client.kill());
    codes.push(client.connack.reasonCode);
  }
  assert.equal(codes.length, 4);
  assert.ok(codes[0] === 0x86 || codes[0] === 0x87);
  assert.ok(codes[1] === 0x86 || codes[1] === 0x87);
  assert.deepEqual(codes.slice(2), [0x85, 0x8c]);
});

statement('MQTT-3.2.2-15', async ({ open, refuses }) => {
  assert.equal((await open()).connack.properties?.maximumPacketSize, 5000);
  const topic = Buffer.from([0, 1, 0x61, 0]);
  // 3 bytes of header make it 5000: taken; one more is not.
  const client = await open();
  client.sendRaw(frame(0x30, Buffer.concat([topic, Buffer.alloc(5000 - 3 - topic.length)])));
  await client.ping();
  await refuses(frame(0x30, Buffer.concat([topic, Buffer.alloc(5001 - 3 - topic.length)])), 0x95);
});

statement('MQTT-3.2.2-16', async ({ open }) => {
  const clients = await Promise.all(Array.from({ length: 20 }, () => open({ clientId: '' })));
  const ids = new Set(clients.map(({ connack }) => connack.properties?.assignedClientIdentifier));
  assert.equal(ids.size, 20);
  for (const client of clients) await client.ping();
});

statement('MQTT-3.2.2-17', async ({ open, refuses }) => {
  const maximum = (await open()).connack.properties?.topicAliasMaximum ?? 0;
  const alias = (maximum + 1).toString(16).padStart(4, '0');
  await refuses(packet(0x30, `0001 'a' 03 23 ${alias}`), 0x94);
});

statement('MQTT-3.2.2-18', async ({ own, t }) => {
  const { port } = await own({ limits: { topicAliasMaximum: 0 } });
  const client = await RawClient.open(port, { version: 5 });
  t.after(() => client.kill());
  assert.ok((client.connack.properties?.topicAliasMaximum ?? 0) === 0);
  client.sendRaw(packet(0x30, "0001 'a' 03 23 0001"));
  assert.equal((await client.expect('disconnect')).reasonCode, 0x94);
});

statement(['MQTT-3.2.2-19', 'MQTT-3.2.2-20'], async ({ attempt, name }) => {
  // An unknown method, named in the reason string, that does not fit.
  const authenticationMethod = `${name}${'x'.repeat(100)}`;
  const told = await attempt({ properties: { authenticationMethod } });
  const short = await attempt({ properties: { authenticationMethod, maximumPacketSize: 30 } });
  assert.equal(short.connack.reasonCode, 0x8c);
  assert.ok(encode(short.connack, 5).length <= 30);
  assert.equal(told.connack.properties?.userProperties, undefined);
  assert.ok((told.connack.properties?.reasonString ?? '').length > 30);
});

statement('MQTT-3.2.2-21', async ({ t, own }) => {
  const clock = new ManualClock();
  const { port } = await own({ clock, limits: { maxKeepAlive: 20 } });
  const client = await RawClient.open(port, { version: 5, keepAlive: 1000 });
  t.after(() => client.kill());
  assert.equal(client.connack.properties?.serverKeepAlive, 20);
  clock.advance(32_000);
  await client.closed();
});

statement('MQTT-3.2.2-22', async ({ t, own, name }) => {
  const clock = new ManualClock();
  const { port, broker } = await own({ clock, limits: { maxKeepAlive: 1000 } });
  const client = await RawClient.open(port, { version: 5, keepAlive: 20, clientId: name });
  t.after(() => client.kill());
  assert.equal(client.connack.properties?.serverKeepAlive, undefined);
  clock.advance(25_000);
  await client.ping();
  clock.advance(32_000);
  await client.closed();
  await waitFor(() => broker.clients[name] === undefined);
});
