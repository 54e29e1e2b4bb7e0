import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { systemClock } from '../../src/clock.js';
import { Field } from '../../src/field/field.js';
import { waitFor } from '../support/wait-for.js';
import { type Asked, honest, message, ScriptedDevice } from './scripted-device.js';
import { fieldConfig, Messages } from './support.js';

type Line = Record<string, unknown>;

async function started(
  t: TestContext,
  respond: (asked: Asked) => void,
): Promise<{ field: Field; messages: Messages; writes: () => Line[] }> {
  const lines: Line[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
  const device = await ScriptedDevice.start(t, (asked) => ((asked.pdu[0] ?? 0) > 4 ? respond(asked) : honest(asked)));
  const messages = new Messages();
  const config = await fieldConfig({
    buses: [{ name: 'bus', type: 'modbus_tcp', host: '127.0.0.1', port: device.port, timeout: '100ms' }],
    devices: [{ name: 'd', bus: 'bus', scan: { s: '1h' }, tags: [{ name: 'a', area: 'holding', address: 0, access: 'read_write' }] }],
  });
  const field = new Field({ config, messaging: messages, clock: systemClock, log });
  t.after(() => field.stop());
  await field.start();
  await messages.until('field/d/$state', ({ state }) => state === 'online');
  const writes = () =>
    lines.filter(({ by }) => by !== undefined).map(({ by, device: name, tag, value, code, msg }) => ({ by, name, tag, value, code, msg }));
  return { field, messages, writes };
}

const WHAT = { name: 'd', tag: 'a', value: 7 };

test('Every write is in the log, with who asked for it', async (t) => {
  const { field, messages, writes } = await started(t, ({ id, unit, pdu, socket }) => socket.write(message(id, unit, pdu)));
  await field.write('d', 'a', 7, 'console user anna');
  const sender = { clientId: 'plc', username: 'hall', packetId: 0, isDup: false, connection: { heardUntil: null }, mayPublish: () => true };
  await messages.publish({ topic: 'field/d/a/set', payload: Buffer.from('7'), qos: 0, retain: false, properties: null, sender });
  await waitFor(() => writes().length === 2);
  assert.deepEqual(writes(), [
    { by: 'console user anna', ...WHAT, code: undefined, msg: 'written' },
    { by: 'MQTT client plc (hall)', ...WHAT, code: undefined, msg: 'written' },
  ]);
});

test('So is one that failed, and whether it may have taken effect', async (t) => {
  const { field, writes } = await started(t, ({ id, unit, pdu, socket }) => {
    if (pdu.readUInt16BE(3) === 7) socket.write(message(id, unit, Buffer.from([0x86, 3])));
  });
  await assert.rejects(field.write('d', 'a', 7, 'console user anna'));
  await assert.rejects(field.write('d', 'a', 8, 'console user anna'));
  assert.deepEqual(
    writes().map(({ value, msg }) => [value, msg]),
    [
      [7, 'not written'],
      [8, 'written, perhaps'],
    ],
  );
});
