import assert from 'node:assert/strict';
import { test } from 'node:test';
import mqttPacket from 'mqtt-packet';
import type { Packet, Properties, ProtocolVersion } from '../../src/mqtt/packets.js';
import { PacketReader } from '../../src/mqtt/reader.js';
import { encode } from '../../src/mqtt/writer.js';
import { SAMPLES, type Sample } from './samples.js';

type Fields = Record<string, unknown>;

/** Our properties in the shape of mqtt-packet: user properties as an object (which loses their order), flags as booleans. */
function theirProperties(properties: Properties | null): Fields {
  if (properties === null) return {};
  const { userProperties, subscriptionIdentifiers, payloadFormatIndicator, ...rest } = properties;
  const theirs: Fields = { ...rest };
  if (payloadFormatIndicator !== undefined) theirs.payloadFormatIndicator = payloadFormatIndicator === 1;
  if (subscriptionIdentifiers !== undefined) {
    theirs.subscriptionIdentifier = subscriptionIdentifiers.length === 1 ? subscriptionIdentifiers[0] : subscriptionIdentifiers;
  }
  if (userProperties !== undefined) {
    const object: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
    for (const [name, value] of userProperties) {
      const before = object[name];
      object[name] = before === undefined ? value : [before, value].flat();
    }
    theirs.userProperties = object;
  }
  return { properties: theirs };
}

/** Our packet in the shape of mqtt-packet. */
function toTheirs(packet: Packet, version: ProtocolVersion): Fields {
  switch (packet.type) {
    case 'connect':
      return {
        cmd: 'connect',
        protocolId: packet.version === 3 ? 'MQIsdp' : 'MQTT',
        protocolVersion: packet.version,
        clean: packet.clean,
        keepalive: packet.keepAlive,
        clientId: packet.clientId,
        ...(packet.bridge ? { bridgeMode: true } : {}),
        ...(packet.username === null ? {} : { username: packet.username }),
        ...(packet.password === null ? {} : { password: packet.password }),
        ...theirProperties(packet.properties),
        ...(packet.will === null ? {} : { will: theirWill(packet.will) }),
      };
    case 'connack':
      return {
        cmd: 'connack',
        sessionPresent: packet.sessionPresent,
        [version === 5 ? 'reasonCode' : 'returnCode']: packet.reasonCode,
        ...theirProperties(packet.properties),
      };
    case 'publish':
      return {
        cmd: 'publish',
        dup: packet.dup,
        qos: packet.qos,
        retain: packet.retain,
        topic: packet.topic,
        payload: packet.payload,
        ...(packet.qos === 0 ? {} : { messageId: packet.packetId }),
        ...theirProperties(packet.properties),
      };
    case 'subscribe':
      return {
        cmd: 'subscribe',
        messageId: packet.packetId,
        subscriptions: packet.subscriptions.map(({ filter, qos, noLocal, retainAsPublished, retainHandling }) =>
          version === 5 ? { topic: filter, qos, nl: noLocal, rap: retainAsPublished, rh: retainHandling } : { topic: filter, qos },
        ),
        ...theirProperties(packet.properties),
      };
    case 'unsubscribe':
      return { cmd: 'unsubscribe', messageId: packet.packetId, unsubscriptions: packet.filters, ...theirProperties(packet.properties) };
    case 'suback':
      return { cmd: 'suback', messageId: packet.packetId, granted: packet.reasonCodes, ...theirProperties(packet.properties) };
    case 'unsuback':
      return {
        cmd: 'unsuback',
        messageId: packet.packetId,
        ...(version === 5 ? { granted: packet.reasonCodes } : {}),
        ...theirProperties(packet.properties),
      };
    case 'pingreq':
    case 'pingresp':
      return { cmd: packet.type };
    case 'disconnect':
    case 'auth':
      return { cmd: packet.type, ...(version === 5 ? { reasonCode: packet.reasonCode } : {}), ...theirProperties(packet.properties) };
    default:
      return {
        cmd: packet.type,
        messageId: packet.packetId,
        ...(version === 5 ? { reasonCode: packet.reasonCode } : {}),
        ...theirProperties(packet.properties),
      };
  }
}

function theirWill(will: NonNullable<Extract<Packet, { type: 'connect' }>['will']>): Fields {
  const { topic, payload, qos, retain, properties } = will;
  return { topic, payload, qos, retain, ...theirProperties(properties) };
}

/** A copy with user properties of one name side by side, as an object in between leaves them. */
function grouped<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return value.map(grouped) as Value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key !== 'userProperties') return [key, grouped(inner)];
      const pairs = inner as [string, string][];
      const names = [...new Set(pairs.map(([name]) => name))];
      return [key, names.flatMap((name) => pairs.filter((pair) => pair[0] === name))];
    }),
  ) as Value;
}

function theirReading(bytes: Buffer, version: ProtocolVersion): Fields {
  const parser = mqttPacket.parser({ protocolVersion: version });
  const packets: Fields[] = [];
  parser.on('packet', (packet) => packets.push(packet as unknown as Fields));
  parser.on('error', (error: Error) => {
    throw error;
  });
  parser.parse(bytes);
  assert.equal(packets.length, 1);
  return packets[0]!;
}

function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** What mqtt-packet cannot say or read, with the reason. */
function peculiar({ packet }: Sample): string | null {
  if (packet.type === 'connect' && packet.version === 3 && packet.clientId === '') return 'writes no empty client id in 3.1';
  if (packet.type === 'auth' && packet.properties === null) return 'knows no short AUTH';
  if (packet.type === 'connect' && packet.username === null && packet.password !== null) return 'writes no password without a user name';
  return null;
}

for (const sample of SAMPLES) {
  const { packet, version, role, name } = sample;
  const reason = peculiar(sample);
  if (packet.type !== 'auth' || reason === null) {
    test(`level ${version}: ${name}: mqtt-packet reads what we write`, () => {
      const read = theirReading(encode(packet, version), version);
      for (const [key, value] of Object.entries(toTheirs(packet, version))) assert.deepEqual(plain(read[key]), plain(value), key);
    });
  }
  if (reason === null) {
    test(`level ${version}: ${name}: we read what mqtt-packet writes`, () => {
      const bytes = mqttPacket.generate(toTheirs(packet, version) as never, { protocolVersion: version });
      const reader = new PacketReader({ maxPacketSize: 1 << 20, role, ...(packet.type === 'connect' ? {} : { version }) });
      reader.push(bytes);
      assert.deepEqual(reader.next(), grouped(packet));
      assert.equal(reader.next(), null);
    });
  }
}
