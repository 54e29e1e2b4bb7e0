import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { packageRoot } from '../../../src/paths.js';
import { ScriptedInstrument } from '../../peers/instrument.js';
import { SerialPair } from '../../peers/socat.js';
import { needs } from '../../support/needs.js';
import { runProcess } from '../../support/process.js';
import { tempDir } from '../../support/temp-dir.js';
import { waitFor } from '../../support/wait-for.js';
import { type Running, startField } from '../support.js';

const MAIN = fileURLToPath(new URL('../../../src/main.js', import.meta.url));

interface Example {
  field: { buses: Record<string, unknown>[]; devices: (Record<string, unknown> & { name: string })[] };
}

/** The configurations of docs/serial.md by the headings they stand under. */
async function examples(): Promise<Map<string, { yaml: string; config: Example }>> {
  const page = await readFile(join(packageRoot(), 'docs/serial.md'), 'utf8');
  const found = new Map<string, { yaml: string; config: Example }>();
  for (const part of page.split(/^## /m).slice(1)) {
    const yaml = /^```yaml\n([\s\S]*?)^```/m.exec(part)?.[1];
    if (yaml !== undefined) found.set(part.slice(0, part.indexOf('\n')), { yaml, config: parse(yaml) as Example });
  }
  return found;
}

test('every example is accepted by ferrule check', async (t) => {
  const folder = await tempDir(t);
  const all = await examples();
  assert.equal(all.size, 10);
  for (const [title, { yaml }] of all) {
    const file = join(folder, 'ferrule.yaml');
    await writeFile(file, yaml);
    const { code, stderr } = await runProcess(process.execPath, [MAIN, 'check', '--config', file]);
    assert.deepEqual([code, stderr], [0, ''], title);
  }
});

interface Line extends Running {
  name: string;
  instrument: ScriptedInstrument;
  value(tag: string, value: unknown): Promise<void>;
  bad(tag: string, reason: string): Promise<void>;
}

/** The example of a heading, on a pair of pseudo terminals instead of its port. */
async function line(t: TestContext, title: string, change: (device: Record<string, unknown>) => void = () => {}): Promise<Line> {
  const config = (await examples()).get(title)?.config.field;
  assert.ok(config !== undefined, title);
  const [device] = config.devices;
  assert.ok(device !== undefined);
  const cable = await SerialPair.open(t);
  const instrument = await ScriptedInstrument.start(t, cable.theirs);
  // A pseudo terminal has no parity, and no hardware that waits for RTS.
  const buses = config.buses.map(({ name, type, baud }) => ({ name, type, baud, port: cable.ours }));
  change(device);
  const running = await startField(t, { buses, devices: [device] });
  await waitFor(() => running.field.buses()[0]?.state === 'running');
  // What comes in the first quarter of a second may be the rest of something: it is dropped.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const topic = (tag: string) => `field/${device.name}/${tag}`;
  return {
    ...running,
    name: device.name,
    instrument,
    value: async (tag, value) => {
      const json = await running.messages.until(topic(tag), ({ v, q }) => q === 'good' && v === value);
      assert.equal(json.v, value);
    },
    bad: async (tag, reason) => {
      await running.messages.until(topic(tag), (json) => json.q === 'bad' && json.reason === reason);
    },
  };
}

/** Values of a tag that were ever published as good. */
function goodValues({ messages, name }: Line, tag: string): unknown[] {
  return messages.json(`field/${name}/${tag}`).flatMap(({ v, q }) => (q === 'good' ? [v] : []));
}
function frames({ field, name }: Line) {
  const status = field.device(name)?.frames;
  assert.ok(status !== undefined);
  return status;
}

const xor = (bytes: Buffer) => bytes.reduce((sum, byte) => sum ^ byte, 0);
const hex2 = (value: number) => value.toString(16).toUpperCase().padStart(2, '0');
const nmea = (body: string) => `$${body}*${hex2(xor(Buffer.from(body)))}\r\n`;
/** STX, text, ETX, and the XOR of what stands behind STX. */
const bcc = (text: string) => {
  const body = Buffer.from(`${text}\x03`, 'latin1');
  return Buffer.concat([Buffer.of(2), body, Buffer.of(xor(body))]);
};

describe('the instruments of docs/serial.md, over a socat pair', { skip: needs('socat') }, () => {
  test('weighing scale: stable, in motion, overload', async (t) => {
    const all = await line(t, 'Weighing scale');
    await all.instrument.slow('ST,GS,+0012.34kg\r\n');
    await all.value('weight', 12.34);
    await all.instrument.send('US,NT,-  0.50kg\r\n');
    await all.value('weight', -0.5);
    await all.value('state', 'US');
    await all.instrument.send('OL,GS,       kg\r\n');
    await all.bad('weight', 'missing');
    await all.value('state', 'OL');
    await all.instrument.send('ST,GS,+00\xff2.34kg\r\nST,GS,+0001.00kg\r\n');
    await all.value('weight', 1);
    assert.deepEqual(goodValues(all, 'weight'), [12.34, -0.5, 1]);
  });

  test('barcode reader: the same code twice is published twice', async (t) => {
    const all = await line(t, 'Barcode reader');
    await all.instrument.send('4006381333931\r');
    await all.value('code', '4006381333931');
    await all.instrument.slow('4006381333931\r');
    await all.instrument.send('ABC-123 /\r');
    await all.value('code', 'ABC-123 /');
    assert.deepEqual(goodValues(all, 'code'), ['4006381333931', '4006381333931', 'ABC-123 /']);
  });

  test('Arduino, CSV: what it prints at its start is dropped, nan is bad', async (t) => {
    const all = await line(t, 'Arduino, CSV lines');
    await all.instrument.send('Climate 1.2 ready\r\n');
    await all.instrument.slow('21.50,45.00,1013,1\r\n');
    await all.value('temperature', 21.5);
    await all.value('door', true);
    await all.instrument.send('nan,46.00,1013,0\r\n');
    await all.bad('temperature', 'not_a_number');
    await all.value('humidity', 46);
    await all.value('door', false);
    assert.deepEqual(
      frames(all).faults.map(({ problem }) => problem),
      ['it has 1 columns, not 4'],
    );
  });

  test('Arduino, JSON: a line that was cut is dropped, a sensor that is missing is bad', async (t) => {
    const all = await line(t, 'Arduino, JSON lines');
    await all.instrument.slow('{"level":1250,"sensors":[{"t":18.04}],"pump":true}\r\n');
    await all.value('level', 1250);
    await all.value('temperature', 18);
    await all.value('pump', true);
    await all.instrument.send('{"level":12\r\n{"level":1251,"sensors":[],"pump":false}\r\n');
    await all.value('level', 1251);
    await all.bad('temperature', 'missing');
    assert.equal(frames(all).unreadable, 1);
    assert.deepEqual(goodValues(all, 'level'), [1250, 1251]);
  });

  test('NMEA 0183: sentences of several talkers, a wrong check sum, a lost fix', async (t) => {
    const all = await line(t, 'NMEA 0183');
    await all.instrument.slow('$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n');
    await all.value('latitude', 48.1173);
    await all.value('altitude', 545.4);
    await all.instrument.send(nmea('GNRMC,123520.00,A,4807.038,N,01131.000,E,022.4,084.4,211126,,,A') + nmea('WIMWV,214.8,R,36.0,K,A'));
    await all.value('speed', 22.4);
    await all.value('date', '2026-11-21');
    await all.value('wind', 10);
    await all.instrument.send('$GPGGA,123521,4907.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n$GPGSV,1,1,00*79\r\n');
    await waitFor(() => frames(all).unreadable === 1);
    await all.instrument.send(nmea('GPGGA,123522,4807.038,N,01131.000,E,0,00,,,M,,M,,'));
    await all.bad('latitude', 'no_fix');
    await all.value('satellites', 0);
    assert.deepEqual(goodValues(all, 'latitude'), [48.1173]);
    assert.match(frames(all).faults[0]?.problem ?? '', /its check sum is 47/);
  });

  test('NMEA 0183: a sentence that stops coming is stale though others come', async (t) => {
    const all = await line(t, 'NMEA 0183', (device) => {
      device.stale_after = '700ms';
    });
    await all.instrument.send(nmea('WIMWV,214.8,R,36.0,K,A'));
    await all.value('wind', 10);
    await waitFor(
      async () => {
        await all.instrument.send(nmea('TIROT,35.6,A'));
        return all.messages.last('field/gps/wind')?.q === 'stale';
      },
      { interval: 100 },
    );
    assert.equal(all.messages.last('field/gps/rate')?.q, 'good');
    assert.match(all.field.device('gps')?.lastError ?? '', /WIMWV|wind/);
  });

  test('DSMR P1: the telegram of the standard, whole, corrupted, and cut', async (t) => {
    const all = await line(t, 'Smart meter, DSMR P1');
    const telegram = await readFile(join(packageRoot(), 'test/field/serial/dsmr-telegram.txt'));
    await all.instrument.send(telegram);
    await all.value('import_low', 123456.789);
    await all.value('power', 1193);
    await all.value('voltage_l1', 220.1);
    await all.value('tariff', 2);
    await all.value('gas', 12785.123);
    await all.value('gas_time', '101209112500W');
    const wrong = Buffer.from(telegram);
    wrong.write('9', wrong.indexOf('01.193'));
    await all.instrument.send(wrong);
    await all.instrument.send(telegram.subarray(0, 400));
    await all.instrument.slow(telegram.subarray(0, 20));
    await all.instrument.send(telegram);
    await waitFor(() => frames(all).received >= 3);
    await waitFor(() => (all.field.device('meter')?.counters.answers ?? 0) === 2);
    assert.deepEqual(goodValues(all, 'power'), [1193]);
    assert.match(frames(all).faults[0]?.problem ?? '', /its CRC is E47C, and should be/);
  });

  test('IEC 62056-21: asked, it answers with its identification and a data set with a BCC', async (t) => {
    const all = await line(t, 'Meter with an optical head, IEC 62056-21', (device) => {
      device.request = { poll: '/?!\r\n', every: '200ms', timeout: '150ms' };
    });
    const answer = (text: string) => Buffer.concat([Buffer.from('/LUGCUH50\r\n'), bcc(text)]);
    await all.instrument.answer('/?!\r\n', answer('6.8(0038.123*MWh)6.26(00123.45*m3)9.21(66153690)\r\n!\r\n'));
    await all.value('energy', 38123);
    await all.value('volume', 123.45);
    const wrong = answer('6.8(0038.124*MWh)6.26(00123.45*m3)\r\n!\r\n');
    wrong[30] = 0x39;
    await all.instrument.answer('/?!\r\n', wrong);
    await all.bad('energy', 'unreadable');
    assert.deepEqual(new Set(goodValues(all, 'energy')), new Set([38123]));
  });

  test('STX/ETX with BCC: right, wrong, late, silent', async (t) => {
    const all = await line(t, 'STX/ETX with BCC', (device) => {
      device.request = { poll: '\x05', every: '150ms', timeout: '100ms' };
    });
    await all.instrument.answer('\x05', bcc('+  12.34G '));
    await all.value('weight', 12.34);
    await all.value('mode', 'G');
    const wrong = bcc('+  12.35G ');
    wrong[4] = 0x33;
    await all.instrument.answer('\x05', wrong);
    await all.bad('weight', 'unreadable');
    assert.ok(frames(all).badChecksum > 0);
    assert.ok(frames(all).faults.length <= 8);
    await all.instrument.answer('\x05', bcc('-   0.50N '));
    await all.value('weight', -0.5);
    await all.instrument.answer('\x05', Buffer.of(0));
    await all.bad('weight', 'timeout');
    assert.deepEqual(new Set(goodValues(all, 'weight')), new Set([12.34, -0.5]));
  });

  test('binary frames with a length and a CRC: in one piece, byte by byte, behind noise and behind half a frame', async (t) => {
    // On a busy machine a byte may be written later than the pause that ends a frame.
    const all = await line(t, 'Binary frames', (device) => Object.assign(device.frame as object, { gap: '2s' }));
    const { checksum } = await import('../../../src/field/serial/checksum.js');
    const frame = (voltage: number) => {
      const bytes = Buffer.alloc(20);
      bytes.set([0xaa, 0x55, 15]);
      bytes.writeUInt16LE(voltage, 3);
      bytes.writeInt16LE(-1250, 5);
      bytes.writeUInt32LE(4_000_000_000, 7);
      bytes.writeUInt8(5, 11);
      bytes.write('SN42', 12, 'latin1');
      bytes.writeUInt16LE(checksum('crc16_modbus', bytes.subarray(0, 18)), 18);
      return bytes;
    };
    await all.instrument.send(frame(2304));
    await all.value('voltage', 230.4);
    await all.value('current', -12.5);
    await all.value('energy', 4_000_000_000);
    await all.value('fault', true);
    await all.value('serial_number', 'SN42');
    const wrong = frame(9999);
    wrong[3] = 0;
    await all.instrument.send(Buffer.concat([Buffer.from('noise\xaa'), frame(2305).subarray(0, 9), wrong, frame(2306)]));
    await all.value('voltage', 230.6);
    await all.instrument.slow(frame(2307));
    await all.value('voltage', 230.7);
    assert.deepEqual(goodValues(all, 'voltage'), [230.4, 230.6, 230.7]);
  });
});
