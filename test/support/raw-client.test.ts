import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { ProtocolVersion } from '../../src/mqtt/packets.js';
import { freePort } from './free-port.js';
import { needs } from './needs.js';
import { type RunningProcess, startProcess } from './process.js';
import { RawClient } from './raw-client.js';

suite('the raw client against Mosquitto', { skip: needs('mosquitto') }, () => {
  let mosquitto: RunningProcess;
  let port = 0;

  before(async () => {
    port = await freePort();
    // Without a configuration it listens on the loopback device only.
    mosquitto = await startProcess('/usr/sbin/mosquitto', ['-p', String(port)], { ready: /version \S+ running/ });
  });
  after(() => mosquitto.stop());

  for (const version of [3, 4, 5] as ProtocolVersion[]) {
    test(`level ${version}: what is published at QoS 0, 1 and 2 comes back as it was sent`, async () => {
      const c = await RawClient.open(port, { version });
      const topic = `raw/${version}/größe`;
      assert.deepEqual((await c.subscribe(topic, 2)).reasonCodes, [2]);
      assert.equal(await c.publish(topic, 'zero'), null);
      assert.equal((await c.publish(topic, 'one', { qos: 1 }))?.type, 'puback');
      assert.equal((await c.publish(topic, 'two', { qos: 2 }))?.type, 'pubcomp');
      const messages = await c.nextMessages(3);
      assert.deepEqual(
        messages.map(({ payload, qos }) => [payload.toString(), qos]),
        [
          ['zero', 0],
          ['one', 1],
          ['two', 2],
        ],
      );
      assert.equal((await c.unsubscribe(topic)).type, 'unsuback');
      await c.ping();
      await c.close();
      assert.equal(c.isClosed, true);
    });

    test(`level ${version}: a session is there again after a killed connection, and its will was sent`, async () => {
      const clientId = `again-${version}`;
      const properties = version === 5 ? { sessionExpiryInterval: 60 } : null;
      const witness = await RawClient.open(port, { version });
      await witness.subscribe(`will/${version}`, 1);
      const will = { topic: `will/${version}`, payload: Buffer.from('gone'), qos: 1 as const, retain: false, properties: null };
      const first = await RawClient.open(port, { version, clientId, clean: false, properties, will });
      assert.equal(first.connack.sessionPresent, false);
      first.kill();
      assert.equal((await witness.nextMessage()).payload.toString(), 'gone');
      const second = await RawClient.open(port, { version, clientId, clean: false, properties });
      assert.equal(second.connack.sessionPresent, version !== 3);
      await Promise.all([second.close(), witness.close()]);
    });
  }

  test('v5 properties reach the other client, user properties in their order', async () => {
    const c = await RawClient.open(port, { version: 5 });
    await c.subscribe('properties', 1, { properties: { subscriptionIdentifiers: [300] } });
    const properties = {
      payloadFormatIndicator: 1 as const,
      contentType: 'text/plain',
      responseTopic: 'reply',
      correlationData: Buffer.from([0, 1]),
      userProperties: [
        ['b', '1'],
        ['a', '2'],
        ['b', '3'],
      ] as [string, string][],
    };
    await c.publish('properties', 'x', { qos: 1, properties });
    assert.deepEqual((await c.nextMessage()).properties, { ...properties, subscriptionIdentifiers: [300] });
    await c.close();
  });

  test('a refused CONNECT is an error of open and an answer for attempt', async () => {
    // Without a client id only a clean session can be had.
    const options = { version: 4 as const, clientId: '', clean: false };
    await assert.rejects(RawClient.open(port, options), /refused: return code 2/);
    const c = await RawClient.attempt(port, options);
    assert.equal(c.connack.reasonCode, 2);
    await c.closed();
  });

  test('a wait that a closed connection ends says what had arrived', async () => {
    const c = await RawClient.open(port, { version: 4 });
    const waiting = c.expect('suback');
    c.sendRaw(Buffer.from([0xf0, 0x00]));
    await assert.rejects(waiting, /closed.*without a suback; arrived so far: connack\(0\)/);
    await c.closed();
  });

  test('a wait in vain ends at its time', async () => {
    const c = await RawClient.open(port);
    await assert.rejects(c.nextMessage(20), /no publish within 20 ms/);
    await c.close();
  });
});
