import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from '../../src/mqtt/mqtt-error.js';
import { PacketReader } from '../../src/mqtt/reader.js';
import { encode } from '../../src/mqtt/writer.js';
import { bytesOf, ROWS } from './packet-table.js';
import { Random, seed } from './random.js';
import { SAMPLES, type Sample } from './samples.js';

const ROUNDS = 200_000;
/** ms; a slow machine does fewer rounds. */
const BUDGET = 4000;
const LIMIT = 4096;

type Seed = Pick<Sample, 'version' | 'role'> & { bytes: Buffer; fresh: boolean };

const CORPUS: Seed[] = [
  ...SAMPLES.map(({ version, role, packet }) => ({ version, role, bytes: encode(packet, version), fresh: packet.type === 'connect' })),
  ...ROWS.map(({ version, role, hex }) => ({
    version: version ?? 4,
    role: role ?? 'server',
    bytes: bytesOf(hex),
    fresh: version === undefined,
  })),
].filter(({ bytes }) => bytes.length < 600);

/** Bytes that mean something somewhere in the format. */
const TELLING = [0, 1, 2, 3, 4, 5, 0x23, 0x2b, 0x7f, 0x80, 0x81, 0x82, 0xc0, 0xed, 0xf4, 0xff, 0x0b, 0x26, 0x1f];

function mutate(random: Random, bytes: Buffer): Buffer {
  const kind = random.below(7);
  const at = random.below(bytes.length + 1);
  if (kind === 0) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(4))]);
  if (kind === 1) return Buffer.concat([bytes.subarray(0, at), Buffer.from([random.below(256)]), bytes.subarray(at)]);
  if (kind === 2) return bytes.subarray(0, at);
  const changed = Buffer.from(bytes);
  if (bytes.length === 0) return changed;
  const place = random.below(bytes.length);
  if (kind === 3) changed[place] = random.pick(TELLING);
  else if (kind === 4) changed[place] = changed[place]! ^ (1 << random.below(8));
  else if (kind === 5) changed[place] = random.below(256);
  // The length in front says the truth again, so that the change is looked at.
  else if (bytes.length > 2 && bytes.length < 130) {
    changed[random.below(bytes.length)] = random.pick(TELLING);
    changed[1] = bytes.length - 2;
  }
  return changed;
}

test('whatever arrives, in whatever pieces, the reader gives packets or an MqttError', () => {
  const from = seed();
  const random = new Random(from);
  const deadline = performance.now() + BUDGET;
  let refused = 0;
  let packets = 0;
  for (let round = 0; round < ROUNDS && performance.now() < deadline; round++) {
    const { version, role, bytes, fresh } = random.pick(CORPUS);
    let input = bytes;
    for (let times = 1 + random.below(3); times > 0; times--) input = mutate(random, input);
    if (random.below(4) === 0) input = Buffer.concat([input, random.pick(CORPUS).bytes]);
    const reader = new PacketReader({ maxPacketSize: LIMIT, role, ...(fresh ? {} : { version }) });
    try {
      for (let at = 0; at < input.length; ) {
        const end = random.below(2) === 0 ? input.length : at + 1 + random.below(8);
        reader.push(input.subarray(at, end));
        at = end;
        for (let packet = reader.next(); packet !== null; packet = reader.next()) packets += 1;
      }
    } catch (error) {
      const input16 = input.toString('hex');
      assert.ok(error instanceof MqttError, `MQTT_SEED=${from}, round ${round}, ${input16}: ${String(error)}`);
      assert.ok(error.reasonCode >= 0x80 && error.clause !== '' && error.message !== '', `MQTT_SEED=${from}, ${input16}`);
      refused += 1;
    }
  }
  // Both outcomes must really have been met.
  assert.ok(refused > 1000 && packets > 1000, `${refused} refused, ${packets} packets`);
});
