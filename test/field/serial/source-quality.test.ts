import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDecoder } from '../../../src/field/serial/decode.js';
import { parseStamp } from '../../../src/field/serial/meter-time.js';
import type { DecodeConfig, InstrumentConfig } from '../../../src/field/serial/schema.js';
import { Tag } from '../../../src/field/tag.js';
import { TrendRing } from '../../../src/field/trend.js';
import { ManualClock } from '../../support/manual-clock.js';
import { fieldConfig } from '../support.js';

/** What the device itself says of its values: how old they are, and what they are worth. */

async function decoderOf(decode: object) {
  const { devices } = await fieldConfig({
    buses: [{ name: 's', type: 'serial', port: '/dev/ttyUSB1' }],
    devices: [{ name: 'd', bus: 's', decode }],
  });
  const decoder = createDecoder((devices[0] as InstrumentConfig & { decode: Exclude<DecodeConfig, { type: 'raw' }> }).decode);
  return (text: string, now: number) => {
    const bytes = Buffer.from(text);
    const result = decoder({ bytes, content: bytes }, now);
    if ('problem' in result) throw new Error(result.problem);
    return result.readings.map(({ reading }) => reading);
  };
}

const NOW = Date.UTC(2026, 10, 21, 12);
const HOUR = 3_600_000;

describe('values that a meter has from others', () => {
  const gas = (more: object = {}) =>
    decoderOf({ type: 'obis', crc: 'none', fields: [{ name: 'gas', code: '0-1:24.2.1', unit: 'm³', ...more }] });
  const telegram = (told: string | null, stamp: string, value = '12785.123*m3') =>
    `/x\r\n${told === null ? '' : `0-0:1.0.0(${told})\r\n`}0-1:24.2.1(${stamp})(${value})\r\n!`;

  test('are as old as the telegram says, whatever our clock and the meter’s say', async () => {
    const read = await gas();
    const [reading] = read(telegram('101209113020W', '101209112500W'), NOW);
    assert.deepEqual(reading, { value: 12785.123, quality: 'good', reason: null, ts: NOW - 320_000 });
  });

  test('keep their time while the meter repeats them', async () => {
    const read = await gas();
    const first = read(telegram('101209113000W', '101209110000W'), NOW)[0];
    assert.deepEqual(read(telegram('101209113001W', '101209110000W'), NOW + 1900)[0], first);
    // Our clock was set: the time is told by the new one.
    const [later] = read(telegram('101209113002W', '101209110000W'), NOW + 8 * HOUR);
    assert.deepEqual(later, { value: 12785.123, quality: 'good', reason: null, ts: NOW + 7.5 * HOUR - 2000 });
  });

  test('are stale where the last one is too old: the link to that meter is dead', async () => {
    const read = await gas();
    assert.equal(read(telegram('101209132900W', '101209110000W'), NOW)[0]?.quality, 'good');
    const [reading] = read(telegram('101209140000W', '101209110000W'), NOW);
    assert.deepEqual(reading, { value: 12785.123, quality: 'stale', reason: 'old_value', ts: NOW - 3 * HOUR });
    const slow = await gas({ max_age: '1d' });
    assert.equal(slow(telegram('101209140000W', '101209110000W'), NOW)[0]?.quality, 'good');
  });

  test('are none where their time can not be', async () => {
    const read = await gas();
    for (const stamp of ['632525252525S', '700101010000W', '101209140000W', '000000000000W', '100230120000W']) {
      assert.deepEqual(
        read(telegram('101209113000W', stamp, '00000.000*m3'), NOW)[0],
        { value: undefined, quality: 'bad', reason: 'invalid_time' },
        stamp,
      );
    }
  });

  test('are measured against our clock where the telegram has no time, as those of DSMR 3', async () => {
    const decode = { type: 'obis', crc: 'none', fields: [{ name: 'gas', code: '0-1:24.3.0' }] };
    const text = (stamp: string) => `0-1:24.3.0(${stamp})(00)(60)(1)(0-1:24.2.1)(m3)\r\n(00016.713)\r\n!`;
    const read = await decoderOf(decode);
    assert.deepEqual(read(text('261121120000'), NOW)[0], { value: 16.713, quality: 'good', reason: null, ts: NOW - HOUR });
    assert.equal(read(text('261121090000'), NOW)[0]?.reason, 'old_value');
    // With a clock that was never set nobody can say.
    assert.equal(read(text('261121090000'), 1000)[0]?.quality, 'good');
  });

  test('go with the highest load of the month, which is of its own time and no less valid for it', async () => {
    const read = await decoderOf({ type: 'obis', crc: 'none', fields: [{ name: 'peak', code: '1-0:1.6.0', unit: 'kW' }] });
    assert.deepEqual(read('0-0:1.0.0(261121120000W)\r\n1-0:1.6.0(261103190000W)(02.589*kW)\r\n!', NOW)[0], {
      value: 2.589,
      quality: 'good',
      reason: null,
    });
  });
});

test('time stamps of meters are summer or winter time as they say, else by the rules of the EU', () => {
  const iso = (text: string) => {
    const at = parseStamp(text);
    return at === null ? null : new Date(at).toISOString();
  };
  assert.equal(iso('260701120000S'), '2026-07-01T10:00:00.000Z');
  assert.equal(iso('261025023000S'), '2026-10-25T00:30:00.000Z');
  assert.equal(iso('261025023000W'), '2026-10-25T01:30:00.000Z');
  assert.equal(iso('260701120000'), '2026-07-01T10:00:00.000Z');
  assert.equal(iso('260101120000'), '2026-01-01T11:00:00.000Z');
  assert.equal(iso('260329033000'), '2026-03-29T01:30:00.000Z');
  for (const text of ['260230120000W', '260101240000W', '260101126000W', '26010112000W', 'x']) assert.equal(iso(text), null, text);
});

test('an old value that is read is stale with its own time, in the trend as a gap, and good again with a newer one', () => {
  const clock = new ManualClock(NOW);
  const trend = new TrendRing(100);
  const options = { type: 'float', writable: false, topic: 'gas', clock, trend, publish: () => {} };
  const tag = new Tag({ ...options, config: { name: 'gas', publish: 'on_change' } });
  const ts = NOW - HOUR;
  for (let telegram = 0; telegram < 3; telegram++) tag.update({ value: 5, quality: 'good', reason: null, ts }, NOW);
  assert.equal(tag.update({ value: 5, quality: 'stale', reason: 'old_value', ts }, NOW + 2 * HOUR), true);
  assert.equal(tag.update({ value: 5, quality: 'stale', reason: 'old_value', ts }, NOW + 2 * HOUR), false);
  assert.deepEqual(tag.sample, { value: 5, ts, quality: 'stale', reason: 'old_value' });
  assert.deepEqual(trend.read(0, NOW + 9 * HOUR, 10), [
    { ts, value: 5, quality: 'good' },
    { ts: NOW + 2 * HOUR, value: null, quality: 'stale' },
  ]);
  tag.update({ value: 6, quality: 'good', reason: null, ts: NOW + 3 * HOUR }, NOW + 3.1 * HOUR);
  assert.deepEqual(tag.sample, { value: 6, ts: NOW + 3 * HOUR, quality: 'good', reason: null });
});

describe('what a receiver says of its own data', () => {
  const sentence = (body: string) => {
    const sum = Buffer.from(body).reduce((all, byte) => all ^ byte, 0);
    return `$${body}*${sum.toString(16).toUpperCase().padStart(2, '0')}`;
  };
  const read = async (name: string, item: string, body: string) => {
    const [reading] = (await decoderOf({ type: 'nmea', fields: [{ name: 'v', sentence: name, item }] }))(sentence(body), NOW);
    return reading?.reason ?? reading?.value;
  };

  const RMC = 'GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W';
  const GGA = (quality: number) => `GPGGA,123519,4807.038,N,01131.000,E,${quality},08,0.9,545.4,M,46.9,M,,`;
  const CASES: [string, string, string, unknown][] = [
    ['VTG', 'speed_kmh', 'GPVTG,054.7,T,034.4,M,005.5,N,010.2,K', 10.2],
    ['VTG', 'speed_kmh', 'GPVTG,054.7,T,034.4,M,005.5,N,010.2,K,D', 10.2],
    ['VTG', 'speed_kmh', 'GPVTG,054.7,T,034.4,M,000.0,N,000.0,K,N', 'no_fix'],
    ['VTG', 'speed_kmh', 'GPVTG,054.7,T,034.4,M,005.5,N,010.2,K,E', 'dead_reckoning'],
    ['RMC', 'speed_knots', `${RMC},A`, 22.4],
    ['RMC', 'speed_knots', `${RMC},N`, 'no_fix'],
    ['RMC', 'latitude', `${RMC},S,V`, 'simulator_mode'],
    ['RMC', 'latitude', `${RMC},M`, 'manual_input'],
    ['GLL', 'latitude', 'GPGLL,4916.45,N,12311.12,W,225444,A,N', 'no_fix'],
    ['GLL', 'latitude', 'GPGLL,4916.45,N,12311.12,W,225444,A,E', 'dead_reckoning'],
    ['GGA', 'altitude', GGA(5), 545.4],
    ['GGA', 'altitude', GGA(6), 'dead_reckoning'],
    ['GGA', 'altitude', GGA(7), 'manual_input'],
    ['GGA', 'altitude', GGA(8), 'simulator_mode'],
    ['GGA', 'quality', GGA(8), 8],
    ['GSA', 'hdop', 'GPGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99', 'no_fix'],
    ['GSA', 'fix', 'GPGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99', 1],
    ['GSA', 'hdop', 'GPGSA,A,3,04,05,,09,12,,,24,,,,,2.5,1.3,2.1', 1.3],
  ];
  for (const [name, item, body, expected] of CASES) {
    test(`${body}: ${item} is ${expected}`, async () => {
      assert.equal(await read(name, item, body), expected);
    });
  }
});
