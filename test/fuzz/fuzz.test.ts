import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random, seed } from '../mqtt/random.js';
import { tempDir } from '../support/temp-dir.js';
import { BrokerFuzz } from './broker-fuzz.js';
import { Finding } from './finding.js';
import { ReaderFuzz } from './reader-fuzz.js';
import { WireFuzz } from './wire-fuzz.js';

/** The short run; npm run test:fuzz is the long one. MQTT_SEED repeats one, and a finding says how to repeat it alone. */
const from = seed();
/** Counts, not times: a slow machine takes longer, and shows the same. */
const READER_ROUNDS = 40_000;
/** One slice for each setup of the broker. */
const BROKER_SLICES = 5;
const BROKER_SLICE = 80;
const WIRE_CLIENTS = 100;

test('whatever arrives, in whatever pieces, the reader gives packets or an MqttError, the same however it is cut', (t) => {
  const fuzz = new ReaderFuzz(from);
  for (let round = 0; round < READER_ROUNDS; round++) fuzz.round(round);
  const { rounds, packets, refused, roundTrips } = fuzz.tally;
  t.diagnostic(`seed ${from}: ${JSON.stringify(fuzz.tally)}`);
  // Both outcomes must really have been met.
  assert.ok(refused > rounds / 10 && packets > rounds / 10 && roundTrips === packets, `${refused} refused, ${packets} packets`);
});

test('bad clients, before and after CONNECT, disturb no good one and leave nothing behind', async (t) => {
  const fuzz = new BrokerFuzz({ dir: await tempDir(t), seed: from, from: 0, slice: BROKER_SLICE });
  for (let slice = 0; slice < BROKER_SLICES; slice++) await fuzz.slice();
  t.diagnostic(`seed ${from}: ${JSON.stringify(fuzz.tally)}`);
  const { outcomes, goodRounds, connections } = fuzz.tally;
  assert.ok(connections >= BROKER_SLICES * BROKER_SLICE && outcomes.fault > 0 && outcomes.left > 0 && goodRounds > 0);
});

test('bad sockets, WebSocket frames and HTTP requests disturb no good client and leave nothing behind', async (t) => {
  const fuzz = new WireFuzz({ dir: await tempDir(t), seed: from, from: 0 });
  await fuzz.start();
  t.after(() => fuzz.stop());
  await fuzz.run(WIRE_CLIENTS);
  t.diagnostic(`seed ${from}: ${JSON.stringify(fuzz.tally)}`);
  const { tcp, webSockets, handshakes, goodRounds } = fuzz.tally;
  assert.ok(tcp > 0 && webSockets > 0 && handshakes > 0 && goodRounds > 0);
});

test('a finding of the fuzz run says how to repeat it, and a round by itself is the same as in the run', () => {
  const finding = new Finding('something', 'reader --seed 1 --round 2', Buffer.from([1, 2]));
  assert.match(finding.message, /something[\s\S]*npm run test:fuzz -- reader --seed 1 --round 2[\s\S]*0102/);
  const whole = new ReaderFuzz(7);
  const alone = new ReaderFuzz(7);
  for (let round = 0; round < 20; round++) whole.round(round);
  const before = { ...whole.tally };
  whole.round(20);
  alone.round(20);
  assert.equal(whole.tally.packets - before.packets, alone.tally.packets);
  assert.equal(whole.tally.refused - before.refused, alone.tally.refused);
  assert.equal(new Random(5).next(), new Random(5).next());
});
