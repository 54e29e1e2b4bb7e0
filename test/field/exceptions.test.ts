import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { lineTiming } from '../../src/field/modbus/line.js';
import { type Asked, honest, message, ScriptedDevice } from './scripted-device.js';
import { startField } from './support.js';

const exception = ({ id, unit, pdu, socket }: Asked, code: number) =>
  socket.write(message(id, unit, Buffer.from([(pdu[0] ?? 0) | 0x80, code])));

function started(t: TestContext, device: ScriptedDevice, retries: number) {
  return startField(t, {
    buses: [{ name: 'bus', type: 'modbus_tcp', host: '127.0.0.1', port: device.port, timeout: '500ms', retries }],
    devices: [{ name: 'd', bus: 'bus', scan: { s: '1h' }, tags: [{ name: 'a', area: 'holding', address: 7 }] }],
  });
}

describe('exceptions that are no refusal', () => {
  for (const [code, name] of [
    [5, 'acknowledge: it is still at it'],
    [6, 'busy'],
  ] as const) {
    test(`${code} (${name}): it is asked again after a while, and its answer is good`, async (t) => {
      const device = await ScriptedDevice.start(t, (asked) => (device.asked.length === 1 ? exception(asked, code) : honest(asked)));
      const { messages } = await started(t, device, 1);
      const { v } = await messages.until('field/d/a', ({ q }) => q === 'good');
      assert.equal(v, 7);
      const reasons = messages.json('field/d/a').map(({ reason }) => reason);
      assert.ok(!reasons.includes(`exception:${code}`), reasons.join(', '));
    });
  }

  for (const code of [10, 11]) {
    test(`${code}: a gateway says that nobody is there, again and again: the unit is left alone as one that is silent`, async (t) => {
      const device = await ScriptedDevice.start(t, (asked) => exception(asked, code));
      const { messages } = await startField(t, {
        buses: [{ name: 'bus', type: 'modbus_tcp', host: '127.0.0.1', port: device.port, timeout: '500ms' }],
        devices: [{ name: 'd', bus: 'bus', scan: { s: '50ms' }, tags: [{ name: 'a', area: 'holding', address: 7 }] }],
      });
      const { error } = await messages.until('field/d/$state', ({ state }) => state === 'offline');
      assert.match(String(error), /unit 1 does not answer/);
    });
  }
});

test('Silence between frames is 3.5 characters, and never under 1.75 ms', () => {
  assert.ok(Math.abs(lineTiming(9600, 11).silence - 4.0104) < 0.0001);
  for (const baud of [38_400, 115_200, 4_000_000]) assert.equal(lineTiming(baud, 11).silence, 1.75);
});
