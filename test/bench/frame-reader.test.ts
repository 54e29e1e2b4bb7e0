import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Packet } from '../../src/mqtt/packets.js';
import { encode } from '../../src/mqtt/writer.js';
import { FrameReader } from './load/frame-reader.js';

const publish = (size: number): Packet => {
  return {
    type: 'publish',
    topic: 'a/b',
    payload: Buffer.alloc(size, 7),
    qos: 0,
    packetId: 0,
    retain: false,
    dup: false,
    properties: null,
  };
};
const packets = [publish(0), publish(64), publish(200), publish(20_000), { type: 'pingresp' } as Packet, publish(1)];
const stream = Buffer.concat(packets.map((packet) => encode(packet, 4)));

/** What the reader gives for the stream in pieces of this size, all read into the same memory. */
function framesOf(pieceBytes: number): { header: number; size: number; last: number | undefined }[] {
  const found: { header: number; size: number; last: number | undefined }[] = [];
  const reader = new FrameReader((header, bytes, start, end) => {
    found.push({ header, size: end - start, last: end > start ? bytes[end - 1] : undefined });
  });
  const memory = Buffer.alloc(pieceBytes);
  for (let at = 0; at < stream.length; at += pieceBytes) {
    const length = stream.copy(memory, 0, at, Math.min(at + pieceBytes, stream.length));
    reader.push(memory, length);
  }
  return found;
}

const expected = [
  { header: 0x30, size: 5, last: 'b'.charCodeAt(0) },
  { header: 0x30, size: 69, last: 7 },
  { header: 0x30, size: 205, last: 7 },
  { header: 0x30, size: 20_005, last: 7 },
  { header: 0xd0, size: 0, last: undefined },
  { header: 0x30, size: 6, last: 7 },
];

for (const pieceBytes of [1, 2, 3, 7, 64, 1000, 30_000]) {
  test(`every packet of a stream in pieces of ${pieceBytes} bytes is found whole`, () => {
    assert.deepEqual(framesOf(pieceBytes), expected);
  });
}

test('what is not MQTT is refused rather than counted', () => {
  const reader = new FrameReader(() => assert.fail('no packet'));
  assert.throws(() => reader.push(Buffer.alloc(10, 0xff), 10), /not MQTT/);
});
