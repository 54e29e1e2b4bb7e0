import assert from 'node:assert/strict';
import { it } from 'node:test';
import { systemClock } from '../../../src/clock.js';
import { parseConfig } from '../../../src/config/load.js';
import { Field } from '../../../src/field/field.js';
import { silentLogger } from '../../../src/log.js';
import { PymodbusServer } from '../../peers/modbus.js';
import { needs } from '../../support/needs.js';
import { Messages } from '../support.js';

it('A device with a profile is read from a pymodbus server as the profile says', {
  skip: needs('python3-pymodbus', 'python3-serial-asyncio'),
}, async (t) => {
  const server = await PymodbusServer.start(t, 0);
  // Of the EM340: 32 bits low word first, tenths of volts and of kWh.
  await server.set(1, 'input', 0, 2314, 0);
  await server.set(1, 'input', 40, 0x10000 - 500, 0xffff);
  await server.set(1, 'input', 52, 1, 2);
  const written = {
    field: {
      buses: [{ name: 'hall', type: 'modbus_tcp', host: '127.0.0.1', port: server.port, timeout: '5s' }],
      devices: [{ name: 'meter', bus: 'hall', profile: 'carlo-gavazzi-em340', scan: { fast: '50ms', slow: '50ms' } }],
    },
  };
  const { config } = await parseConfig(JSON.stringify(written), '/ferrule.yaml', { files: 'ignore' });
  const messages = new Messages();
  const field = new Field({ config: config.field, messaging: messages, clock: systemClock, log: silentLogger });
  t.after(() => field.stop());
  await field.start();
  await messages.until('field/meter/voltage_l1', ({ v, q }) => v === 231.4 && q === 'good');
  await messages.until('field/meter/power', ({ v, q }) => v === -50 && q === 'good');
  await messages.until('field/meter/energy_import', ({ v, q }) => v === (2 * 65_536 + 1) / 10 && q === 'good');
  assert.equal(field.devices()[0]?.state, 'online');
});
