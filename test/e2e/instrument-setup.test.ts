import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import type { NewDevicePreview } from '../../src/console/device-setup.js';
import { INSTRUMENT_KINDS, KINDS } from '../../ui/src/state/instrument-kinds.js';
import { SerialPair } from '../peers/socat.js';
import { needs } from '../support/needs.js';
import { waitFor } from '../support/wait-for.js';
import { startConsoleGateway } from './console-gateway.js';

const PLANT = 'field:\n  buses: []   # none yet\n  devices: []\n';

test('A scale on a serial port is added as it would be written, and read at once', { skip: needs('socat') }, async (t) => {
  const cable = await SerialPair.open(t);
  const { visitor, file, values } = await startConsoleGateway(t, PLANT);
  const newBus = { kind: 'line', port: cable.ours, baud: 9600, data_bits: 7, parity: 'even', stop_bits: 1 };
  const scale = { name: 'scale', bus: 'scale_port', newBus, settings: KINDS.scale.settings };
  const before = await readFile(file, 'utf8');
  const preview = await visitor.json<NewDevicePreview>(200, 'POST', '/instruments/preview', scale);
  assert.deepEqual([preview.errors, preview.warnings, preview.tags], [[], [], 3]);
  assert.equal(await readFile(file, 'utf8'), before);
  assert.deepEqual(await visitor.json(201, 'POST', '/instruments', scale), { name: 'scale', tags: 3 });
  const text = await readFile(file, 'utf8');
  assert.ok(
    text.includes(
      `- name: scale_port\n      type: serial\n      port: ${cable.ours}\n      baud: 9600\n      data_bits: 7\n      parity: even\n`,
    ),
    text,
  );
  assert.match(
    text,
    / {6}frame: \{type: delimiter, end: "\\r\\n", max: 64\}\n {6}decode:\n {8}type: regex\n {8}pattern: .*\n {8}fields:\n {10}- \{name: weight, unit: kg\}\n/,
  );
  await waitFor(async () => {
    await writeFile(cable.theirs, 'ST,GS,+0012.34kg\r\n');
    const { weight, state } = await values('scale');
    return weight === 12.34 && state === 'ST';
  });
  // A line has one instrument.
  const second = await visitor.json<NewDevicePreview>(200, 'POST', '/instruments/preview', { ...scale, name: 'other', newBus: undefined });
  assert.match(second.errors[0]?.message ?? '', /scale is on bus scale_port already/);
});

test('An instrument behind a serial server is added to a bus of its own', async (t) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const { visitor, values } = await startConsoleGateway(t, PLANT);
  const board = { name: 'board', bus: 'board_port', newBus: { kind: 'host', host: '127.0.0.1', port }, settings: KINDS.csv.settings };
  assert.deepEqual(await visitor.json(201, 'POST', '/instruments', board), { name: 'board', tags: 3 });
  await waitFor(async () => {
    for (const socket of sockets) socket.write('21.5,48,1\n');
    return (await values('board')).temperature === 21.5;
  });
});

test('Settings that are none are refused with their line, and nothing is written', async (t) => {
  const { visitor, file } = await startConsoleGateway(t, PLANT);
  const before = await readFile(file, 'utf8');
  const newBus = { kind: 'line', port: '/dev/ttyUSB9', baud: 9600, data_bits: 8, parity: 'none', stop_bits: 1 };
  const errorsOf = async (settings: string) => {
    const body = { name: 'x', bus: 'x_port', newBus, settings };
    const { errors, tags } = await visitor.json<NewDevicePreview>(200, 'POST', '/instruments/preview', body);
    await visitor.refused(422, 'POST', '/instruments', body);
    assert.equal(tags, null);
    return errors;
  };
  const [syntax] = await errorsOf('decode:\n  type: [csv\n');
  assert.deepEqual([syntax?.code, syntax?.where?.file], ['FER_CONFIG_SYNTAX', 'settings']);
  assert.match((await errorsOf('stale_after: 5s\n'))[0]?.message ?? '', /no decode/);
  assert.match((await errorsOf('- a\n'))[0]?.message ?? '', /no keys/);
  assert.match((await errorsOf('decode: {type: csv, fields: []}\nother: 1\n')).map(({ message }) => message).join(' '), /other/);
  assert.match((await errorsOf(KINDS.scale.settings.replace('(?<weight>', '(?<mass>')))[0]?.message ?? '', /weight/);
  assert.equal(await readFile(file, 'utf8'), before);
});

test('Every kind that the console offers is accepted as it is', async (t) => {
  const { visitor } = await startConsoleGateway(t, PLANT);
  for (const kind of INSTRUMENT_KINDS) {
    const { baud, dataBits, parity, settings } = KINDS[kind];
    const newBus = { kind: 'line', port: '/dev/ttyUSB9', baud: Number(baud), data_bits: Number(dataBits), parity, stop_bits: 1 };
    const preview = await visitor.json<NewDevicePreview>(200, 'POST', '/instruments/preview', { name: kind, bus: 'p', newBus, settings });
    assert.deepEqual([preview.errors, preview.warnings], [[], []], kind);
    assert.equal(preview.tags === 0, kind === 'raw');
  }
});
