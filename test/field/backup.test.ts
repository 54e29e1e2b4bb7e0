import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { freePort } from '../support/free-port.js';
import { waitFor } from '../support/wait-for.js';
import { type Asked, honest, message, ScriptedDevice } from './scripted-device.js';
import { startField } from './support.js';

function plant(first: number, second: number, more: Record<string, unknown> = {}) {
  const backup = { host: '127.0.0.1', port: second, return_after: '200ms' };
  return {
    buses: [{ name: 'b', type: 'modbus_tcp', host: '127.0.0.1', port: first, timeout: '200ms', backup, ...more }],
    devices: [
      {
        name: 'd',
        bus: 'b',
        scan: { fast: '50ms' },
        tags: [{ name: 'x', area: 'holding', address: 7, access: 'read_write', publish: 'every_scan' }],
      },
    ],
  };
}

/** Registers hold 1000 more than their address. */
const other = (asked: Asked) => {
  if (asked.pdu[0] !== 3) return honest(asked);
  const answer = Buffer.from(asked.truth);
  answer.writeUInt16BE(1000 + asked.pdu.readUInt16BE(1), 2);
  asked.socket.write(message(asked.id, asked.unit, answer));
};

describe('a bus with a second address', () => {
  test('takes it where the first does not connect, and comes back when that does', async (t) => {
    const port = await freePort();
    const second = await ScriptedDevice.start(t, other);
    const { field, messages } = await startField(t, plant(port, second.port));
    await messages.until('field/d/x', ({ v, q }) => v === 1007 && q === 'good');
    assert.equal(field.buses()[0]?.endpoint, `127.0.0.1:${second.port} (backup)`);
    const first = await ScriptedDevice.start(t, honest, port);
    await messages.until('field/d/x', ({ v, q }) => v === 7 && q === 'good');
    assert.equal(field.buses()[0]?.endpoint, `127.0.0.1:${port}`);
    await waitFor(() => second.sockets.size === 0);
    assert.ok(first.asked.length > 0);
  });

  test('takes it where the first connects and does not answer', async (t) => {
    const first = await ScriptedDevice.start(t, () => {});
    const second = await ScriptedDevice.start(t, other);
    const { messages } = await startField(t, plant(first.port, second.port));
    await messages.until('field/d/x', ({ v, q }) => v === 1007 && q === 'good');
    // It looks whether the first is back, less and less often: that it connects is not enough.
    first.respond(honest);
    await messages.until('field/d/x', ({ v, q }) => v === 7 && q === 'good');
  });

  test('keeps the first where it breaks off and can be had again', async (t) => {
    const first = await ScriptedDevice.start(t, honest);
    const second = await ScriptedDevice.start(t, other);
    const { messages } = await startField(t, plant(first.port, second.port));
    await messages.until('field/d/x', ({ q }) => q === 'good');
    for (const socket of first.sockets) socket.resetAndDestroy();
    await waitFor(() => first.connections === 2);
    const good = () => messages.json('field/d/x').filter(({ q }) => q === 'good');
    const before = good().length;
    await waitFor(() => good().length > before + 3);
    assert.ok(good().every(({ v }) => v === 7));
    assert.equal(second.connections, 0);
  });

  test('does not come back in the middle of a write', async (t) => {
    const port = await freePort();
    const held: Asked[] = [];
    const second = await ScriptedDevice.start(t, (asked) => (asked.pdu[0] === 6 ? void held.push(asked) : other(asked)));
    const { field, messages } = await startField(t, plant(port, second.port, { timeout: '5s' }));
    await messages.until('field/d/x', ({ v, q }) => v === 1007 && q === 'good');
    const write = field.write('d', 'x', 1);
    await waitFor(() => held.length === 1);
    const first = await ScriptedDevice.start(t, honest, port);
    // The first one was tried while the write was under way.
    await waitFor(() => first.connections > 0);
    await waitFor(() => first.sockets.size === 0);
    honest(held[0]!);
    assert.deepEqual(await write, { value: 1 });
    await messages.until('field/d/x', ({ v, q }) => v === 7 && q === 'good');
  });

  test('says of both why neither can be had', async (t) => {
    const [one, two] = [await freePort(), await freePort()];
    const { field } = await startField(t, plant(one, two));
    await waitFor(() => field.buses()[0]?.lastError);
    assert.match(field.buses()[0]!.lastError!, new RegExp(`${one}.*${two}`));
  });

  test('leaves nothing open when it is stopped on its backup', async (t) => {
    const port = await freePort();
    const second = await ScriptedDevice.start(t, other);
    const { field, messages } = await startField(t, plant(port, second.port));
    await messages.until('field/d/x', ({ q }) => q === 'good');
    await field.stop();
    await waitFor(() => second.sockets.size === 0);
    let connections = 0;
    const watch = createServer(() => connections++);
    t.after(() => new Promise<void>((done) => watch.close(() => done())));
    await new Promise<void>((done) => watch.listen(port, '127.0.0.1', done));
    await new Promise((done) => setTimeout(done, 500));
    assert.equal(connections, 0, 'the first address is not tried any more');
  });
});
