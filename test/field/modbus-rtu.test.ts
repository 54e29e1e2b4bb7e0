import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PymodbusServer } from '../peers/modbus.js';
import { SerialPair } from '../peers/socat.js';
import { freePort } from '../support/free-port.js';
import { needs } from '../support/needs.js';
import { startProcess } from '../support/process.js';
import { waitFor } from '../support/wait-for.js';
import { startField } from './support.js';

function line(port: string, units: number[]) {
  return {
    buses: [{ name: 'line', type: 'modbus_rtu', port, baud: 19200, parity: 'even', timeout: '200ms', retries: 1 }],
    devices: units.map((unit) => ({
      name: `d${unit}`,
      bus: 'line',
      unit,
      scan: { fast: '150ms' },
      tags: [
        { name: 'power', area: 'input', address: 10, type: 'float32', order: 'CDAB' },
        { name: 'setpoint', area: 'holding', address: 3, access: 'read_write', write: { read_back: true } },
      ],
    })),
  };
}

describe('Modbus RTU over a socat pair, with a pymodbus server', { skip: needs('socat', 'python3-pymodbus') }, () => {
  test('values arrive and a write is read back', async (t) => {
    const cable = await SerialPair.open(t);
    const server = await PymodbusServer.start(t, cable.theirs, [1, 2]);
    await server.set(2, 'input', 10, 0xcccd, 0x41a8);
    const { field, messages } = await startField(t, line(cable.ours, [1, 2]));
    await messages.until('field/d2/power', ({ v, q }) => v === 21.1 && q === 'good');
    await messages.until('field/d1/power', ({ v, q }) => v === 0 && q === 'good');
    assert.deepEqual(await field.write('d2', 'setpoint', 77), { value: 77 });
    assert.deepEqual(await server.get(2, 'holding', 3, 1), [77]);
    assert.deepEqual(await server.get(1, 'holding', 3, 1), [0]);
  });

  test('RTU through a TCP serial server', async (t) => {
    const port = await freePort();
    const listen = `tcp-listen:${port},bind=127.0.0.1,reuseaddr,fork`;
    const cable = await SerialPair.open(t);
    await PymodbusServer.start(t, cable.theirs, [1]).then((server) => server.set(1, 'holding', 3, 99));
    // The serial server: one end of the cable, offered on TCP.
    const server = await startProcess('/usr/bin/socat', [listen, `open:${cable.ours},raw,echo=0`]);
    t.after(() => server.kill());
    const { messages } = await startField(t, {
      buses: [{ name: 'modem', type: 'modbus_rtu_tcp', host: '127.0.0.1', port, timeout: '500ms' }],
      devices: [{ name: 'd', bus: 'modem', tags: [{ name: 'x', area: 'holding', address: 3 }] }],
    });
    await messages.until('field/d/x', ({ v, q }) => v === 99 && q === 'good');
  });

  test('a unit that does not exist costs the others nothing but a probe now and then', async (t) => {
    const cable = await SerialPair.open(t);
    const server = await PymodbusServer.start(t, cable.theirs, [1]);
    const { field, messages } = await startField(t, line(cable.ours, [1, 9]));
    await messages.until('field/d9/power', ({ reason }) => reason === 'timeout');
    await waitFor(() => (field.device('d9')?.counters.timeouts ?? 0) >= 3);
    assert.equal(field.device('d9')?.state, 'offline');
    const { timeouts } = field.device('d9')!.counters;
    const { answers } = field.device('d1')!.counters;
    for (let value = 1; value <= 8; value++) {
      await server.set(1, 'holding', 3, value);
      await messages.until('field/d1/setpoint', ({ v }) => v === value);
    }
    assert.ok(field.device('d1')!.counters.answers - answers >= 8);
    assert.ok(field.device('d9')!.counters.timeouts - timeouts <= 4, 'the breaker holds its requests back');
    assert.equal(field.device('d1')?.state, 'online');
  });

  test('an adapter that is pulled makes the tags bad; nothing written meanwhile is sent when it is back', async (t) => {
    const cable = await SerialPair.open(t);
    await PymodbusServer.start(t, cable.theirs, [1]);
    const { field, messages } = await startField(t, line(cable.ours, [1]));
    await messages.until('field/d1/setpoint', ({ q }) => q === 'good');
    await cable.unplug();
    assert.equal((await messages.until('field/d1/setpoint', ({ q }) => q === 'bad')).reason, 'bus_down');
    await assert.rejects(field.write('d1', 'setpoint', 5), { code: 'FER_FIELD_NO_ANSWER' });
    await waitFor(() => field.buses()[0]?.state === 'degraded');
    await cable.plug();
    const again = await PymodbusServer.start(t, cable.theirs, [1]);
    await messages.until('field/d1/setpoint', ({ q }) => q === 'good', 15_000);
    assert.deepEqual(await again.get(1, 'holding', 3, 1), [0]);
  });
});
