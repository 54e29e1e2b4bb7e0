import assert from 'node:assert/strict';
import { encode } from '../../../src/mqtt/writer.js';
import { ManualClock } from '../../support/manual-clock.js';
import { RawClient } from '../../support/raw-client.js';
import { conformance, kindsOf, MALFORMED, PROTOCOL_ERROR, packet, textsOf } from '../support.js';

const statement = conformance(5);

statement('MQTT-3.12.4-1', async ({ open }) => {
  const client = await open();
  client.sendRaw(Buffer.from([0xc0, 0, 0xc0, 0]));
  await client.expect('pingresp');
  await client.expect('pingresp');
  assert.equal(client.packets.length, 3);
});

statement('MQTT-3.14.0-1', async ({ socket }) => {
  for (const bytes of [
    packet(0xe0, ''),
    packet(0x10, "0004 'MQTT' 05 03 003c 00 0001 'c'"),
    packet(0x10, "0004 'MQTT' 05 02 003c 04 150001 'x' 0001 'c'"),
  ]) {
    const client = await socket();
    client.sendRaw(bytes);
    await client.closed();
    assert.ok(!kindsOf(client).includes('disconnect'));
  }
});

statement('MQTT-3.14.1-1', async ({ refuses }) => {
  for (const first of [0xe1, 0xe2, 0xe8]) await refuses(packet(first, ''), MALFORMED);
});

statement('MQTT-3.14.2-1', async ({ open, refuses, name }) => {
  // 0x8E and 0x8B are for servers, 0x01 and 0x10 for other packets.
  for (const code of ['8e', '8b', '01', '10']) await refuses(packet(0xe0, code), PROTOCOL_ERROR);
  const first = await open({ clientId: name });
  await open({ clientId: name });
  assert.equal((await first.expect('disconnect')).reasonCode, 0x8e);
});

statement('MQTT-3.14.2-2', async ({ own, name }) => {
  const clock = new ManualClock();
  const { port, stop } = await own({ clock });
  const options = { version: 5 as const, clientId: name, clean: false, properties: { sessionExpiryInterval: 1000 } };
  const lost = await RawClient.open(port, options);
  const malformed = await RawClient.open(port, options);
  malformed.sendRaw(Buffer.from([0x36, 0]));
  await malformed.closed();
  const silent = await RawClient.open(port, { ...options, keepAlive: 5 });
  clock.advance(10_000);
  await silent.closed();
  const last = await RawClient.open(port, options);
  await stop();
  await last.closed();
  const ends = [lost, malformed, silent, last];
  const codes: number[] = [];
  for (const client of ends) {
    const { reasonCode, properties } = await client.expect('disconnect');
    codes.push(reasonCode);
    assert.equal(properties?.sessionExpiryInterval, undefined);
  }
  assert.deepEqual(codes, [0x8e, 0x81, 0x8d, 0x8b]);
});

statement(['MQTT-3.14.2-3', 'MQTT-3.14.2-4'], async ({ open, name }) => {
  const told = await open({ clientId: name });
  const short = await open({ clientId: name, properties: { maximumPacketSize: 20 } });
  await open({ clientId: name });
  const long = await told.expect('disconnect');
  const cut = await short.expect('disconnect');
  assert.ok(encode(long, 5).length > 20);
  assert.ok(encode(cut, 5).length <= 20);
  assert.equal(cut.reasonCode, 0x8e);
  assert.equal(long.properties?.userProperties, undefined);
});

statement(['MQTT-3.14.4-1', 'MQTT-3.14.4-2'], async ({ open, name }) => {
  const first = await open({ clientId: name });
  await first.subscribe(name, 1);
  const second = await open({ clientId: name });
  await second.publish(name, 'x', { qos: 1 });
  await first.closed();
  assert.deepEqual(kindsOf(first), ['connack', 'suback', 'disconnect']);
  // What a client says after its own DISCONNECT is not heard, and we close.
  const watcher = await open();
  await watcher.subscribe(name);
  second.sendRaw(Buffer.concat([packet(0xe0, ''), packet(0x30, `0003 '${name.slice(0, 3)}' 00`)]));
  await second.closed();
  await watcher.ping();
  assert.deepEqual(textsOf(watcher), []);
});

statement('MQTT-3.14.4-3', async ({ open, name }) => {
  const watcher = await open();
  await watcher.subscribe(name, 1);
  const will = { topic: name, payload: Buffer.from('gone'), qos: 1 as const, retain: false, properties: null };
  await (await open({ will })).close();
  await watcher.ping();
  assert.deepEqual(textsOf(watcher), []);
  await (await open({ will })).close(0x04);
  await watcher.nextMessage();
});
