import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacketReader } from '../../src/mqtt/reader.js';
import { encode, encodedSize } from '../../src/mqtt/writer.js';
import { SAMPLES, type Sample } from './samples.js';

function readerFor({ role, version, packet }: Sample): PacketReader {
  return packet.type === 'connect'
    ? new PacketReader({ maxPacketSize: 1 << 20 })
    : new PacketReader({ maxPacketSize: 1 << 20, role, version });
}

for (const sample of SAMPLES) {
  test(`level ${sample.version}: ${sample.name}, read by a ${sample.role}, is what was written`, () => {
    const bytes = encode(sample.packet, sample.version);
    assert.equal(encodedSize(sample.packet, sample.version), bytes.length);
    const reader = readerFor(sample);
    reader.push(bytes);
    assert.deepEqual(reader.next(), sample.packet);
    assert.equal(reader.next(), null);
    assert.equal(reader.buffered, 0);
  });
}
