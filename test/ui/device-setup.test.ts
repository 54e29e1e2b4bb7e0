import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvTextOf } from '../../ui/src/state/csv-file.js';
import { entryWith, givenListOf, withFormat } from '../../ui/src/state/given-list.js';
import { EMPTY_INSTRUMENT, instrumentOf, withKind } from '../../ui/src/state/instrument-entry.js';
import { KINDS } from '../../ui/src/state/instrument-kinds.js';
import { measuresOf } from '../../ui/src/state/measures.js';
import { EMPTY_PLACE, elsewhereOf, nameFrom, placeFrom, usualLine, whereOf } from '../../ui/src/state/unit-place.js';

const bytes = (data: Buffer): ArrayBuffer => new Uint8Array(data).buffer;

test('a chosen file is text, or it is said what is wrong with it', () => {
  assert.deepEqual(csvTextOf(bytes(Buffer.from('\uFEFFname,unit\na,°C\n'))), { text: 'name,unit\na,°C\n' });
  assert.deepEqual(csvTextOf(bytes(Buffer.from('Tür', 'latin1'))), { fault: 'notText' });
  assert.deepEqual(csvTextOf(bytes(Buffer.from('name,address', 'utf16le'))), { fault: 'notText' });
  assert.deepEqual(csvTextOf(bytes(Buffer.alloc(16 * 1024 * 1024 + 1, 0x61))), { fault: 'tooLarge' });
});

test('the address of the page says where a device is that was found', () => {
  const from = (query: string) => placeFrom(new URLSearchParams(query));
  assert.deepEqual(whereOf(from('bus=line1&unit=3')), { kind: 'bus', bus: 'line1' });
  assert.equal(from('bus=line1&unit=3').unit, '3');
  assert.deepEqual(whereOf(from('host=192.0.2.1&port=1502')), { kind: 'host', host: '192.0.2.1', port: 1502, framing: 'tcp' });
  const line = { kind: 'line', port: '/dev/ttyS1' };
  assert.deepEqual(whereOf(from('line=/dev/ttyS1&settings=19200 8E1.5')), {
    ...{ ...line, framing: 'rtu', baud: 19_200, data_bits: 8 },
    ...{ parity: 'even', stop_bits: 1.5 },
  });
  assert.deepEqual(whereOf(from('line=/dev/ttyS1&settings=9600 7O1')), {
    ...{ ...line, framing: 'ascii', baud: 9600, data_bits: 7 },
    ...{ parity: 'odd', stop_bits: 1 },
  });
  assert.equal(whereOf(from('')), null);
});

test('a place that is not whole is none', () => {
  assert.equal(elsewhereOf({ ...EMPTY_PLACE, kind: 'tcp', host: ' ' }), null);
  assert.equal(elsewhereOf({ ...EMPTY_PLACE, kind: 'tcp', host: 'a', tcpPort: '0' }), null);
  assert.equal(elsewhereOf({ ...EMPTY_PLACE, kind: 'line', port: 'x', baud: '49' }), null);
  assert.deepEqual(elsewhereOf({ ...EMPTY_PLACE, kind: 'server', host: ' a ', tcpPort: '4001', ...usualLine('ascii') }), {
    ...{ kind: 'host', host: 'a', port: 4001, framing: 'ascii' },
  });
});

test('a suggested name is one that topics take', () => {
  assert.equal(nameFrom('Acme GmbH', null, 'Sun 10/3 +'), 'acme-gmbh-sun-10-3');
  assert.equal(nameFrom(null, undefined), '');
});

test('what is measured follows from the units', () => {
  assert.deepEqual(measuresOf(['V', 'A', 'W', 'var', 'kWh', 'Hz', '°C', 'mm'], 'energy_meter'), [
    'measure.voltage',
    'measure.current',
    'measure.power',
    'measure.energy',
    'measure.frequency',
    'measure.temperature',
    { unit: 'mm' },
  ]);
  assert.deepEqual(measuresOf([], 'io'), ['measure.states']);
  assert.deepEqual(measuresOf([], 'drive'), []);
});

test("another program's list is given with what was chosen of it, and nothing more", () => {
  const entry = entryWith('name,address\n');
  assert.deepEqual(givenListOf(entry), { csv: 'name,address\n' });
  const neuron = withFormat({ ...entry, unit: 3, node: 'x' }, 'neuron', 'name,address\n');
  assert.deepEqual(givenListOf(neuron), { csv: '', from: { format: 'neuron', groups: 'ignore', start: 1 } });
  assert.equal(withFormat(neuron, 'csv', 'name,address\n').text, 'name,address\n');
  const chosen = { ...neuron, text: 'y', unit: 0, node: 'plc', start: 0 as const };
  assert.deepEqual(givenListOf(chosen), { csv: 'y', from: { format: 'neuron', unit: 0, node: 'plc', groups: 'ignore', start: 0 } });
  const telegraf = { ...withFormat(chosen, 'telegraf', ''), groups: 'prefix' as const };
  assert.deepEqual(givenListOf(telegraf), { csv: 'y', from: { format: 'telegraf', groups: 'prefix' } });
});

test('a serial instrument is given with its place, or it is said what is missing', () => {
  const { settings } = KINDS.scale;
  const scale = withKind({ ...EMPTY_INSTRUMENT, name: ' Waage 1 ', port: '/dev/ttyUSB0' }, 'scale');
  const line = { kind: 'line', port: '/dev/ttyUSB0', baud: 9600, data_bits: 8, parity: 'none', stop_bits: 1 };
  assert.deepEqual(instrumentOf(scale), { name: 'Waage 1', bus: 'waage-1-port', newBus: line, settings });
  const server = { ...scale, place: 'server' as const, host: 'moxa ' };
  assert.deepEqual(instrumentOf(server), {
    name: 'Waage 1',
    bus: 'waage-1-port',
    newBus: { kind: 'host', host: 'moxa', port: 4001 },
    settings,
  });
  assert.deepEqual(instrumentOf({ ...scale, place: 'bus', bus: 'p' }), { name: 'Waage 1', bus: 'p', settings });
  assert.equal(instrumentOf({ ...scale, place: 'bus' }), 'where');
  assert.equal(instrumentOf({ ...scale, baud: 'fast' }), 'where');
  assert.equal(instrumentOf({ ...server, host: '' }), 'where');
  assert.equal(instrumentOf({ ...scale, name: ' ' }), 'name');
  assert.equal(instrumentOf({ ...scale, settings: ' ' }), 'settings');
  assert.deepEqual([withKind(scale, 'bcc').parity, withKind(scale, 'nmea').baud], ['even', '4800']);
});
