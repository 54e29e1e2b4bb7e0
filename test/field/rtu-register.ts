import { createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { crc16 } from '../../src/field/modbus/crc.js';

export interface RtuRequest {
  fn: number;
  address: number;
  /** Registers of a read; the value of FC 6. */
  count: number;
}

/** RTU frames through TCP: a unit whose holding registers are all the same one. It knows FC 3, 4, 6 and 22, and can fall silent. */
export class RtuRegister {
  readonly asked: RtuRequest[] = [];
  /** Whether a request stays without an answer, and without effect. */
  loses: (request: RtuRequest) => boolean = () => false;
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
    return this.asked.map(({ fn }) => fn).filter((fn) => fn > 4);
  }

  #onRequest(socket: Socket, frame: Buffer): void {
    const request = { fn: frame.readUInt8(1), address: frame.readUInt16BE(2), count: frame.readUInt16BE(4) };
    this.asked.push(request);
    if (this.loses(request)) return;
    const { fn } = request;
    if (fn === 22) this.#value = (this.#value & frame.readUInt16BE(4)) | (frame.readUInt16BE(6) & ~frame.readUInt16BE(4));
    if (fn === 6) this.#value = frame.readUInt16BE(4);
    socket.write(fn <= 4 ? this.#registers(frame.readUInt8(0), request) : frame);
  }

  #registers(unit: number, { fn, count }: RtuRequest): Buffer {
    const frame = Buffer.alloc(5 + 2 * count);
    frame.set([unit, fn, 2 * count]);
    for (let i = 0; i < count; i++) frame.writeUInt16BE(this.#value, 3 + 2 * i);
    frame.writeUInt16LE(crc16(frame, 0, frame.length - 2), frame.length - 2);
    return frame;
  }
}
