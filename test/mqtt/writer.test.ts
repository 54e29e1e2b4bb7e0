import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from '../../src/mqtt/mqtt-error.js';
import type { Packet, Properties, ProtocolVersion } from '../../src/mqtt/packets.js';
import { encodeFrame, encodePublish, publishLength, setPacketId } from '../../src/mqtt/publish-frame.js';
import { PacketReader } from '../../src/mqtt/reader.js';
import { ACK_BYTES, encode, encodedSize, writeAckSuccess } from '../../src/mqtt/writer.js';
import { bytesOf } from './packet-table.js';

const VERSIONS: ProtocolVersion[] = [3, 4, 5];

const BYTES: [what: string, packet: Packet, version: ProtocolVersion, hex: string][] = [
  ['a CONNACK of 3.1 has no session present', { type: 'connack', sessionPresent: true, reasonCode: 0, properties: null }, 3, '20 02 00 00'],
  ['a CONNACK of 3.1.1', { type: 'connack', sessionPresent: true, reasonCode: 0, properties: null }, 4, '20 02 01 00'],
  ['a CONNACK of 5.0', { type: 'connack', sessionPresent: false, reasonCode: 0x84, properties: null }, 5, '20 03 00 84 00'],
  [
    'properties stay out of 3.1.1',
    { type: 'connack', sessionPresent: false, reasonCode: 0, properties: { topicAliasMaximum: 1 } },
    4,
    '20 02 00 00',
  ],
  ['a PUBACK of success is short in 5.0', { type: 'puback', packetId: 258, reasonCode: 0, properties: null }, 5, '40 02 01 02'],
  [
    'a PUBACK with a reason leaves out empty properties',
    { type: 'puback', packetId: 1, reasonCode: 0x10, properties: null },
    5,
    '40 03 00 01 10',
  ],
  ['a reason stays out of 3.1.1', { type: 'pubrec', packetId: 1, reasonCode: 0x97, properties: null }, 4, '50 02 00 01'],
  ['PUBREL carries its flags', { type: 'pubrel', packetId: 1, reasonCode: 0, properties: null }, 4, '62 02 00 01'],
  [
    'a SUBACK of 3.1.1 says every refusal as 0x80',
    { type: 'suback', packetId: 1, properties: null, reasonCodes: [1, 0x87] },
    4,
    '90 04 00 01 01 80',
  ],
  ['an UNSUBACK of 3.1.1 has no codes', { type: 'unsuback', packetId: 1, properties: null, reasonCodes: [0, 0x11] }, 4, 'b0 02 00 01'],
  ['an UNSUBACK of 5.0', { type: 'unsuback', packetId: 1, properties: null, reasonCodes: [0, 0x11] }, 5, 'b0 05 00 01 00 00 11'],
  ['a DISCONNECT of 5.0', { type: 'disconnect', reasonCode: 0x8e, properties: null }, 5, 'e0 01 8e'],
  ['a DISCONNECT of 3.1.1', { type: 'disconnect', reasonCode: 4, properties: null }, 4, 'e0 00'],
  ['PINGRESP', { type: 'pingresp' }, 4, 'd0 00'],
  [
    'user properties keep their order',
    {
      type: 'puback',
      packetId: 1,
      reasonCode: 0,
      properties: {
        userProperties: [
          ['b', '1'],
          ['a', ''],
          ['b', '2'],
        ],
      },
    },
    5,
    "40 18 0001 00 14 26 0001 'b' 0001 '1' 26 0001 'a' 0000 26 0001 'b' 0001 '2'",
  ],
];

for (const [what, packet, version, hex] of BYTES) {
  test(what, () => assert.equal(encode(packet, version).toString('hex'), bytesOf(hex).toString('hex')));
}

test('a property that is undefined is not written', () => {
  const properties = { reasonString: undefined } as unknown as Properties;
  assert.equal(encode({ type: 'disconnect', reasonCode: 0x80, properties }, 5).toString('hex'), 'e0028000');
});

test('a property that MQTT does not know is a fault of the caller, not silently left out', () => {
  const properties = { colour: 'red' } as Properties;
  assert.throws(() => encode({ type: 'disconnect', reasonCode: 0x80, properties }, 5), /no property colour/);
});

test('a string of 65535 bytes is written, a longer one is refused', () => {
  const publish = (topic: string): Buffer => encodePublish(topic, Buffer.alloc(0), 0, false, false, 0, null, 4);
  assert.equal(publish('ü'.repeat(32_767)).length, 1 + 3 + 2 + 65_534);
  assert.throws(
    () => publish('ü'.repeat(32_768)),
    (error) => error instanceof MqttError && error.clause === '§1.5.4',
  );
});

test('binary data of more than 65535 bytes is refused, as password, will and property', () => {
  const large = Buffer.alloc(65_536);
  const connect = {
    type: 'connect',
    version: 5,
    clean: true,
    keepAlive: 0,
    clientId: '',
    will: null,
    username: null,
    password: null,
    properties: null,
    bridge: false,
  } as const;
  const will = { topic: 'w', payload: large, qos: 0, retain: false, properties: null } as const;
  const packets: Packet[] = [
    { ...connect, password: large },
    { ...connect, will },
    { ...connect, properties: { authenticationMethod: 'm', authenticationData: large } },
  ];
  for (const packet of packets)
    assert.throws(
      () => encode(packet, 5),
      (error) => error instanceof MqttError && error.clause === '§1.5.6',
    );
});

test('a PUBLISH past the largest remaining length is refused', () => {
  // Only the length counts: nothing is allocated for it.
  const payload = { length: 268_435_455 } as Buffer;
  assert.throws(() => publishLength('a', payload, 0, null, 4), MqttError);
});

test('the size of a PUBLISH is known without building it, at every step of the length field', () => {
  for (const version of VERSIONS) {
    for (const length of [0, 1, 120, 122, 123, 124, 125, 126, 16_376, 16_378, 16_380, 16_381, 16_384, 2_097_143, 2_097_150]) {
      const packet: Packet = {
        type: 'publish',
        dup: false,
        qos: 1,
        retain: false,
        topic: 'ü',
        packetId: 1,
        properties: { contentType: 'x' },
        payload: Buffer.alloc(length),
      };
      assert.equal(encodedSize(packet, version), encode(packet, version).length);
    }
  }
});

const PAYLOADS = { small: Buffer.from('{"v":1}'), large: Buffer.alloc(70_000, 5) };

for (const version of VERSIONS) {
  for (const [size, payload] of Object.entries(PAYLOADS)) {
    test(`level ${version}: a ${size} frame is the packet without an id`, () => {
      const { bytes, from, to } = encodeFrame('a/ü', payload, 0, true, { contentType: 'x' }, version);
      assert.ok(bytes.subarray(from, to).equals(encodePublish('a/ü', payload, 0, true, false, 0, { contentType: 'x' }, version)));
    });

    test(`level ${version}: a copy of a ${size} frame gets an id and DUP of its own`, () => {
      const { bytes, from, to, idAt } = encodeFrame('a/ü', payload, 2, false, null, version);
      const target = Buffer.concat([Buffer.from('xx'), bytes.subarray(from, to)]);
      const expected = (id: number, dup: boolean): Buffer => encodePublish('a/ü', payload, 2, false, dup, id, null, version);
      setPacketId(target, 2, 2 + idAt - from, 65_535, true);
      assert.ok(target.subarray(2).equals(expected(65_535, true)));
      setPacketId(target, 2, 2 + idAt - from, 300, false);
      assert.ok(target.subarray(2).equals(expected(300, false)));
      assert.ok(bytes.subarray(from, to).equals(expected(0, false)));
    });
  }
}

test('an acknowledgement of success is read back for every type', () => {
  for (const type of ['puback', 'pubrec', 'pubrel', 'pubcomp'] as const) {
    const reader = new PacketReader({ maxPacketSize: 10, version: 5 });
    const bytes = Buffer.alloc(ACK_BYTES);
    writeAckSuccess(bytes, 0, type, 515);
    reader.push(bytes);
    assert.deepEqual(reader.next(), { type, packetId: 515, reasonCode: 0, properties: null });
  }
});
