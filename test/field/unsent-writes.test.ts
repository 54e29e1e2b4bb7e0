import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { crc16 } from '../../src/field/modbus/crc.js';
import { waitFor } from '../support/wait-for.js';
import { startField } from './support.js';

/** RTU frames through TCP: one register, which knows FC 3, 6 and 22, and can fall silent. */
class RtuRegister {
  readonly asked: number[] = [];
  isSilent = false;
  port = 0;
  #value = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (frame: Buffer) => this.#onRequest(socket, frame));
  });

  static async start(t: TestContext): Promise<RtuRegister> {
    const register = new RtuRegister();
    await new Promise<void>((done) => register.#server.listen(0, '127.0.0.1', done));
    const address = register.#server.address();
    register.port = typeof address === 'object' && address !== null ? address.port : 0;
    t.after(async () => {
      for (const socket of register.#sockets) socket.destroy();
      await new Promise((done) => register.#server.close(done));
    });
    return register;
  }

  writes(): number[] {
    return this.asked.filter((fn) => fn > 4);
  }

  #onRequest(socket: Socket, frame: Buffer): void {
    const fn = frame.readUInt8(1);
    this.asked.push(fn);
    if (this.isSilent) return;
    if (fn === 22) this.#value = (this.#value & frame.readUInt16BE(4)) | (frame.readUInt16BE(6) & ~frame.readUInt16BE(4));
    if (fn === 6) this.#value = frame.readUInt16BE(4);
    socket.write(fn === 3 ? this.#registers(frame) : frame);
  }

  #registers(request: Buffer): Buffer {
    const count = request.readUInt16BE(4);
    const frame = Buffer.alloc(5 + 2 * count);
    frame.set([request.readUInt8(0), 3, 2 * count]);
    for (let i = 0; i < count; i++) frame.writeUInt16BE(this.#value, 3 + 2 * i);
    frame.writeUInt16LE(crc16(frame, 0, frame.length - 2), frame.length - 2);
    return frame;
  }
}

describe('a write on a line that never went out, because what is asked before it had no answer', () => {
  test('was not carried out, and is when it is sent again with the same id, with FC 22 as before', async (t) => {
    const register = await RtuRegister.start(t);
    const { field, messages } = await startField(t, {
      buses: [{ name: 'b', type: 'modbus_rtu_tcp', host: '127.0.0.1', port: register.port, timeout: '300ms', retries: 0 }],
      devices: [
        {
          name: 'd',
          bus: 'b',
          scan: { fast: '100ms' },
          tags: [{ name: 'bit', area: 'holding', address: 0, bit: 3, access: 'read_write' }],
        },
      ],
    });
    await messages.until('field/d/bit', ({ q }) => q === 'good');
    register.isSilent = true;
    // What had no answer may still be answered: the unit is asked something else first.
    await waitFor(() => field.device('d')?.counters.timeouts === 1);
    messages.send('field/d/bit/set', '{"v":true,"id":"a"}');
    const refused = await messages.until('field/d/bit/set/result', () => true);
    assert.deepEqual(register.writes(), []);
    assert.deepEqual([refused.code, refused.outcome, refused.id], ['FER_FIELD_NO_ANSWER', 'none', 'a']);
    assert.match(String(refused.error), /was not written: no answer from unit 1, holding registers/);

    register.isSilent = false;
    await messages.until('field/d/bit', ({ q }) => q === 'good');
    messages.send('field/d/bit/set', '{"v":true,"id":"a"}');
    const written = await messages.until('field/d/bit/set/result', ({ ok }) => ok === true);
    assert.deepEqual(written, { ok: true, v: true, id: 'a' });
    assert.deepEqual(register.writes(), [22]);
  });
});
