import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from '../../src/mqtt/mqtt-error.js';
import { PacketReader } from '../../src/mqtt/reader.js';
import { bytesOf, ROWS, type Row } from './packet-table.js';

const LIMIT = 1000;

function readerFor({ role, version }: Row): PacketReader {
  return new PacketReader({ maxPacketSize: LIMIT, role: role ?? 'server', ...(version === undefined ? {} : { version }) });
}

/** What a reader throws, and that it goes on throwing the same. */
function failureOf(reader: PacketReader): MqttError {
  try {
    reader.next();
  } catch (error) {
    assert.ok(error instanceof MqttError, String(error));
    assert.throws(
      () => reader.next(),
      (again) => again === error,
    );
    return error;
  }
  return assert.fail('nothing was thrown');
}

for (const row of ROWS) {
  const { packet, error } = row;
  const verdict = packet === undefined ? `refused by ${error?.[1]}` : 'read';
  test(`${row.what}: ${verdict}`, () => {
    const reader = readerFor(row);
    reader.push(bytesOf(row.hex));
    if (packet !== undefined) {
      const read = reader.next() as unknown as Record<string, unknown>;
      for (const [key, value] of Object.entries(packet)) assert.deepEqual(read[key], value, key);
      assert.equal(reader.next(), null);
    } else {
      const { reasonCode, clause } = failureOf(reader);
      assert.deepEqual([reasonCode, clause], error);
    }
  });
}

test('a level that is not spoken is in the error, so that it can be answered', () => {
  const reader = new PacketReader({ maxPacketSize: LIMIT });
  reader.push(bytesOf("10 0d 0004 'MQTT' 06 02 003c 0001 'c'"));
  assert.equal(failureOf(reader).protocolLevel, 6);
  assert.equal(reader.version, null);
});

test('the version is known when the rest of a CONNECT proves malformed', () => {
  const reader = new PacketReader({ maxPacketSize: LIMIT });
  reader.push(bytesOf("10 0e 0004 'MQTT' 05 03 003c 00 0001 'c'"));
  assert.equal(failureOf(reader).protocolLevel, null);
  assert.equal(reader.version, 5);
});

test('a second CONNECT is refused [MQTT-3.1.0-2]', () => {
  const connect = bytesOf("10 0d 0004 'MQTT' 04 02 003c 0001 'c'");
  const reader = new PacketReader({ maxPacketSize: LIMIT });
  reader.push(Buffer.concat([connect, connect]));
  assert.equal(reader.next()?.type, 'connect');
  const { reasonCode, clause } = failureOf(reader);
  assert.deepEqual([reasonCode, clause], [0x82, '[MQTT-3.1.0-2]']);
});

test('a packet of exactly the allowed size is read, one byte more is refused when its header is there', () => {
  const reader = new PacketReader({ maxPacketSize: LIMIT, version: 4 });
  const fits = Buffer.concat([bytesOf("30 e507 0001 'a'"), Buffer.alloc(LIMIT - 6)]);
  assert.equal(fits.length, LIMIT);
  reader.push(fits);
  assert.equal(reader.next()?.type, 'publish');
  reader.push(bytesOf('30 e607'));
  const { reasonCode, clause } = failureOf(reader);
  assert.deepEqual([reasonCode, clause], [0x95, '[MQTT-3.2.2-15]']);
});

test('a packet over the limit whose header comes in pieces is refused too', () => {
  const reader = new PacketReader({ maxPacketSize: LIMIT, version: 4, role: 'client' });
  reader.push(bytesOf('30'));
  assert.equal(reader.next(), null);
  reader.push(bytesOf('e607'));
  const { reasonCode, clause } = failureOf(reader);
  assert.deepEqual([reasonCode, clause], [0x95, '[MQTT-3.1.2-24]']);
});

test('a header that is wrong is refused without waiting for the rest of its packet', () => {
  const reader = new PacketReader({ maxPacketSize: LIMIT, version: 4 });
  reader.push(bytesOf('36'));
  assert.equal(failureOf(reader).clause, '[MQTT-3.3.1-4]');
});

test('a remaining length of five bytes is refused when it comes byte by byte', () => {
  const reader = new PacketReader({ maxPacketSize: LIMIT, version: 4 });
  for (const byte of [0x30, 0xff, 0xff, 0xff]) {
    reader.push(Buffer.from([byte]));
    assert.equal(reader.next(), null);
  }
  reader.push(Buffer.from([0xff]));
  assert.equal(failureOf(reader).clause, '§2.1.4');
});

test('the payload of a packet that lies in one chunk is a view of it', () => {
  const reader = new PacketReader({ maxPacketSize: LIMIT, version: 4 });
  const chunk = bytesOf("30 06 0003 'a/b' 78");
  reader.push(chunk);
  const packet = reader.next();
  assert.ok(packet?.type === 'publish');
  chunk[chunk.length - 1] = 0x79;
  assert.equal(packet.payload.toString(), 'y');
});

test('packets are given one at a time, and what is left waits, further chunks behind it', () => {
  const reader = new PacketReader({ maxPacketSize: LIMIT, version: 4 });
  reader.push(bytesOf('c0 00 e0 00'));
  assert.equal(reader.next()?.type, 'pingreq');
  assert.equal(reader.buffered, 2);
  reader.push(bytesOf('c0'));
  reader.push(bytesOf('00 c0'));
  assert.equal(reader.buffered, 5);
  assert.deepEqual([reader.next()?.type, reader.next()?.type, reader.next()], ['disconnect', 'pingreq', null]);
  assert.equal(reader.buffered, 1);
});

test('a chunk that is pushed just when another is used up does not overtake those that wait', () => {
  const reader = new PacketReader({ maxPacketSize: LIMIT, version: 4 });
  reader.push(bytesOf('c0 00'));
  reader.push(bytesOf('e0'));
  assert.equal(reader.next()?.type, 'pingreq');
  reader.push(bytesOf('00'));
  assert.equal(reader.next()?.type, 'disconnect');
});

test('a header that promises 256 MB makes the reader allocate for what arrived, not for what was promised', () => {
  const reader = new PacketReader({ maxPacketSize: 1 << 29, version: 4 });
  const before = process.memoryUsage().arrayBuffers;
  reader.push(bytesOf('30 ffffff7f 0001'));
  assert.equal(reader.next(), null);
  assert.ok(process.memoryUsage().arrayBuffers - before < 1 << 20);
  assert.equal(reader.buffered, 7);
});

test('a packet of 1 MB that comes byte by byte is gathered in time that grows with its size', () => {
  const reader = new PacketReader({ maxPacketSize: 1 << 21, version: 4 });
  const size = 1 << 20;
  const packet = Buffer.concat([bytesOf("30 808040 0001 'a'"), Buffer.alloc(size - 3, 7)]);
  const started = performance.now();
  for (let at = 0; at < packet.length - 1; at++) {
    reader.push(packet.subarray(at, at + 1));
    assert.equal(reader.next(), null);
  }
  reader.push(packet.subarray(packet.length - 1));
  const read = reader.next();
  assert.ok(read?.type === 'publish');
  assert.equal(read.payload.length, size - 3);
  assert.ok(read.payload.every((byte) => byte === 7));
  // Copying all that was there at each byte would move 500 GB.
  assert.ok(performance.now() - started < 20_000);
});

test('the same topic in different bytes around it is the same string', () => {
  const reader = new PacketReader({ maxPacketSize: LIMIT, version: 4 });
  const topics: string[] = [];
  reader.push(bytesOf("30 05 0003 'k/1' 30 06 0003 'k/2' 78 30 07 0003 'k/1' 7879 30 04 0002 'k/'"));
  for (let packet = reader.next(); packet !== null; packet = reader.next()) if (packet.type === 'publish') topics.push(packet.topic);
  assert.deepEqual(topics, ['k/1', 'k/2', 'k/1', 'k/']);
});
