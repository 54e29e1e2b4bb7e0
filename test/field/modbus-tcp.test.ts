import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PymodbusServer } from '../peers/modbus.js';
import { needs } from '../support/needs.js';
import { startField } from './support.js';

const skip = needs('python3-pymodbus');

test('values of a pymodbus server become topics', { skip }, async (t) => {
  const server = await PymodbusServer.start(t, 0);
  await server.set(1, 'holding', 0, 215);
  const { messages } = await startField(t, {
    buses: [{ name: 'hall', type: 'modbus_tcp', host: '127.0.0.1', port: server.port }],
    devices: [
      {
        name: 'meter',
        bus: 'hall',
        scan: { fast: '100ms' },
        tags: [{ name: 'temp', area: 'holding', address: 0, type: 'int16', scale: 0.1 }],
      },
    ],
  });
  const value = await messages.until('field/meter/temp', ({ q }) => q === 'good');
  assert.equal(value.v, 21.5);
  await server.set(1, 'holding', 0, 220);
  await messages.until('field/meter/temp', ({ v }) => v === 22);
  await messages.until('field/meter/$state', ({ state }) => state === 'online');
});
