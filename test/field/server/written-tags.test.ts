import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PymodbusServer } from '../../peers/modbus.js';
import { needs } from '../../support/needs.js';
import { waitFor } from '../../support/wait-for.js';
import { RawMaster, startServing } from './support.js';

const skip = needs('python3-pymodbus');

const tags = [
  { name: 'speed', area: 'holding', address: 0, access: 'read_write' },
  { name: 'limit', area: 'holding', address: 1, access: 'read_write', write: { read_back: true } },
  { name: 'total', area: 'holding', address: 2, type: 'uint32' },
  { name: 'run', area: 'coil', address: 5, access: 'read_write' },
  { name: 'far', area: 'holding', address: 100 },
];
const plant = (port: number, scan = '1h') => ({
  buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port }],
  devices: [{ name: 'd', bus: 'b', scan: { slow: scan }, tags }],
});

test('Tags that are seldom scanned show at once what another master wrote through the proxy, each function', { skip }, async (t) => {
  const server = await PymodbusServer.start(t, 0);
  const proxied = { proxy: [{ unit: 1, bus: 'b', access: 'read_write' }], allow: ['127.0.0.1'] };
  const { messages, port, field } = await startServing(t, plant(server.port), proxied, ['d/speed', 'd/run', 'd/far']);
  const master = await RawMaster.connect(t, port);
  const before = messages.on('field/d/far').length;
  const writes: [string, number[], string, unknown][] = [
    ['6', [6, 0, 0, 0, 41], 'speed', 41],
    ['16', [16, 0, 1, 0, 3, 6, 0, 7, 0, 1, 0, 2], 'total', 0x1_0002],
    ['5', [5, 0, 5, 0xff, 0], 'run', true],
    ['15', [15, 0, 4, 0, 4, 1, 0], 'run', false],
    ['22', [22, 0, 0, 0xff, 0, 0, 1], 'speed', 1],
    ['23', [23, 0, 50, 0, 1, 0, 0, 0, 1, 2, 0, 42], 'speed', 42],
  ];
  for (const [fn, pdu, tag, value] of writes) {
    const answered = master.answers.length;
    master.send(answered + 1, 1, ...pdu);
    await waitFor(() => master.answers.length > answered);
    assert.equal(master.answers.at(-1)?.pdu[0], pdu[0], `function ${fn}`);
    await messages.until(`field/d/${tag}`, ({ v, q }) => v === value && q === 'good');
  }
  assert.equal(field.device('d')?.tags.find(({ name }) => name === 'limit')?.value, 7);
  assert.equal(messages.on('field/d/far').length, before);
});
