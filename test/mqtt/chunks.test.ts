import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Packet, ProtocolVersion } from '../../src/mqtt/packets.js';
import { PacketReader, type Role } from '../../src/mqtt/reader.js';
import { encode } from '../../src/mqtt/writer.js';
import { Random, seed } from './random.js';
import { SAMPLES } from './samples.js';

interface Stream {
  name: string;
  version: ProtocolVersion;
  packets: Packet[];
  bytes: Buffer;
  reader: () => PacketReader;
}

/** Every packet that one side may receive in one version, as one stream; a server's begins with a CONNECT. */
function streamOf(version: ProtocolVersion, role: Role): Stream {
  const all = SAMPLES.filter((sample) => sample.version === version && sample.role === role).map(({ packet }) => packet);
  const connects = all.filter(({ type }) => type === 'connect');
  const packets = [...connects.slice(1, 2), ...all.filter(({ type }) => type !== 'connect')];
  const bytes = Buffer.concat(packets.map((packet) => encode(packet, version)));
  const reader = (): PacketReader => new PacketReader({ maxPacketSize: 1 << 20, role, ...(role === 'client' ? { version } : {}) });
  return { name: `level ${version} to a ${role}`, version, packets, bytes, reader };
}

const STREAMS = ([3, 4, 5] as const).flatMap((version) => [streamOf(version, 'server'), streamOf(version, 'client')]);

function drain(reader: PacketReader, into: Packet[]): void {
  for (let packet = reader.next(); packet !== null; packet = reader.next()) into.push(packet);
}

suite('the packets of a stream do not depend on where it is cut', () => {
  for (const { name, version, packets, bytes, reader: make } of STREAMS) {
    test(`${name}: byte by byte`, () => {
      const reader = make();
      const read: Packet[] = [];
      for (let at = 0; at < bytes.length; at++) {
        reader.push(bytes.subarray(at, at + 1));
        drain(reader, read);
      }
      assert.deepEqual(read, packets);
    });

    test(`${name}: in two, at every point around the packets' headers and ends`, () => {
      // Inside the large payload one cut is like another.
      const points: number[] = [];
      let start = 0;
      for (const packet of packets) {
        const end = start + encode(packet, version).length;
        for (let at = start; at < end; at++) if (at - start < 600 || end - at < 8) points.push(at);
        start = end;
      }
      assert.equal(start, bytes.length);
      for (const point of points) {
        const reader = make();
        const read: Packet[] = [];
        reader.push(bytes.subarray(0, point));
        drain(reader, read);
        reader.push(bytes.subarray(point));
        drain(reader, read);
        assert.equal(read.length, packets.length, `cut at ${point}`);
        assert.equal(reader.buffered, 0);
        if (point % 7 === 0) assert.deepEqual(read, packets, `cut at ${point}`);
      }
    });

    test(`${name}: in random pieces, pulled now or later`, () => {
      const from = seed();
      const random = new Random(from);
      for (let round = 0; round < 30; round++) {
        const reader = make();
        const read: Packet[] = [];
        for (let at = 0; at < bytes.length; ) {
          const end = Math.min(bytes.length, at + 1 + random.below(random.pick([2, 8, 64, 5000])));
          reader.push(bytes.subarray(at, end));
          at = end;
          const pull = random.pick(['all', 'one', 'none']);
          if (pull === 'all') drain(reader, read);
          if (pull === 'one') {
            const one = reader.next();
            if (one !== null) read.push(one);
          }
        }
        drain(reader, read);
        assert.deepEqual(read, packets, `MQTT_SEED=${from}`);
      }
    });
  }
});
