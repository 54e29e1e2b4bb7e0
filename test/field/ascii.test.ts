import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AsciiFraming } from '../../src/field/modbus/ascii.js';
import { asciiCost, rtuCost } from '../../src/field/modbus/plan.js';
import { PymodbusServer } from '../peers/modbus.js';
import { SerialPair } from '../peers/socat.js';
import { needs } from '../support/needs.js';
import { registers, rtu } from './fake-link.js';
import { fieldConfig, startField } from './support.js';

describe('Modbus ASCII frames', () => {
  const text = (frame: Buffer) => new AsciiFraming().encode(frame).toString('latin1');

  test('have hexadecimal digits and an LRC', () => {
    assert.equal(text(rtu(0xf7, 0x03, 0x13, 0x89, 0x00, 0x0a)), ':F7031389000A60\r\n');
    assert.equal(text(rtu(1, 3, 0, 0, 0, 1)), ':010300000001FB\r\n');
  });

  test('become RTU frames, in one piece or byte by byte, in large or small letters, with a parity bit or without', () => {
    const line = Buffer.from(':0103021234B4\r\n', 'latin1');
    const expected = registers(1, 0x1234);
    assert.deepEqual(new AsciiFraming().decode(line), expected);
    assert.deepEqual(new AsciiFraming().decode(Buffer.from(line.toString('latin1').toLowerCase())), expected);
    assert.deepEqual(new AsciiFraming().decode(Buffer.from(line.map((byte) => byte | 0x80))), expected);
    const framing = new AsciiFraming();
    const parts = [...line].map((byte) => framing.decode(Buffer.from([byte])));
    assert.deepEqual(Buffer.concat(parts), expected);
  });

  for (const [what, line] of [
    ['a wrong LRC', ':0103021234B5\r\n'],
    ['half a byte', ':0103021234B\r\n'],
    ['a letter that is no digit', ':01030212G4B4\r\n'],
    ['nothing in it', ':\r\n'],
    ['no end', `:${'01'.repeat(400)}`],
    ['no beginning', '0103021234B4\r\n'],
  ] as const) {
    test(`with ${what} are noise, and the frame behind is read`, () => {
      const decoded = new AsciiFraming().decode(Buffer.from(`${line}:0103021234B4\r\n`, 'latin1'));
      const expected = registers(1, 0x1234);
      assert.deepEqual(decoded.subarray(-expected.length), expected);
      assert.ok(decoded.length > expected.length);
      assert.ok(decoded.subarray(0, -expected.length).every((byte) => byte === 0));
    });
  }

  test('cost about twice as much as RTU frames', () => {
    assert.equal(asciiCost(1).perUnit, 2 * rtuCost(1, 3.5).perUnit);
    assert.ok(asciiCost(1).perRequest > rtuCost(1, 3.5).perRequest);
  });
});

describe('Modbus ASCII with a pymodbus server', () => {
  const devices = [1, 2].map((unit) => ({
    name: `d${unit}`,
    bus: 'b',
    unit,
    scan: { fast: '100ms' },
    tags: [
      { name: 'power', area: 'input', address: 10, type: 'float32', order: 'CDAB' },
      { name: 'setpoint', area: 'holding', address: 3, access: 'read_write', write: { read_back: true } },
    ],
  }));

  test('values arrive over a line, and a write is read back', { skip: needs('socat', 'python3-pymodbus') }, async (t) => {
    const cable = await SerialPair.open(t);
    const server = await PymodbusServer.start(t, cable.theirs, [1, 2], 2000, 'ascii');
    await server.set(2, 'input', 10, 0xcccd, 0x41a8);
    const { field, messages } = await startField(t, { buses: [{ name: 'b', type: 'modbus_ascii', port: cable.ours }], devices });
    await messages.until('field/d2/power', ({ v, q }) => v === 21.1 && q === 'good');
    await messages.until('field/d1/power', ({ v, q }) => v === 0 && q === 'good');
    assert.deepEqual(await field.write('d1', 'setpoint', 77), { value: 77 });
    assert.deepEqual(await server.get(1, 'holding', 3, 1), [77]);
    assert.equal(field.device('d1')?.counters.crcErrors, 0);
  });

  test('values arrive through TCP', { skip: needs('python3-pymodbus') }, async (t) => {
    const server = await PymodbusServer.start(t, 0, [1, 2], 2000, 'ascii');
    await server.set(1, 'holding', 3, 4711);
    const bus = { name: 'b', type: 'modbus_ascii_tcp', host: '127.0.0.1', port: server.port };
    const { messages } = await startField(t, { buses: [bus], devices });
    await messages.until('field/d1/setpoint', ({ v, q }) => v === 4711 && q === 'good');
  });

  test('a line has 7 data bits and even parity where nothing else is said', async () => {
    const { buses } = await fieldConfig({ buses: [{ name: 'b', type: 'modbus_ascii', port: '/dev/ttyS0' }] });
    const [bus] = buses;
    assert.ok(bus?.type === 'modbus_ascii');
    assert.deepEqual([bus.data_bits, bus.parity, bus.stop_bits], [7, 'even', 1]);
  });
});
