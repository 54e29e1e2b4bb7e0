import { createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface Asked {
  id: number;
  unit: number;
  pdu: Buffer;
  socket: Socket;
  /** The true answer: every register holds its own address, every bit the lowest bit of its address. */
  truth: Buffer;
}

/** A Modbus TCP device in the test's hand, for faults that no honest server makes. */
export class ScriptedDevice {
  readonly asked: Asked[] = [];
  readonly sockets = new Set<Socket>();
  connections = 0;
  readonly #server: Server;
  #respond: (asked: Asked) => void;

  private constructor(respond: (asked: Asked) => void) {
    this.#respond = respond;
    this.#server = createServer((socket) => this.#onSocket(socket));
  }

  static async start(t: TestContext, respond: (asked: Asked) => void = honest, port = 0): Promise<ScriptedDevice> {
    const device = new ScriptedDevice(respond);
    await new Promise<void>((done) => device.#server.listen(port, '127.0.0.1', done));
    t.after(() => device.stop());
    return device;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  respond(how: (asked: Asked) => void): void {
    this.#respond = how;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  #onSocket(socket: Socket): void {
    this.connections++;
    this.sockets.add(socket);
    let buffer: Buffer = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk]);
      while (buffer.length >= 6 && buffer.length >= 6 + buffer.readUInt16BE(4)) {
        const length = buffer.readUInt16BE(4);
        const pdu = buffer.subarray(7, 6 + length);
        const asked = { id: buffer.readUInt16BE(0), unit: buffer.readUInt8(6), pdu, socket, truth: truthOf(pdu) };
        buffer = buffer.subarray(6 + length);
        this.asked.push(asked);
        this.#respond(asked);
      }
    });
  }
}

export function message(id: number, unit: number, pdu: Buffer): Buffer {
  const header = Buffer.alloc(7);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(pdu.length + 1, 4);
  header.writeUInt8(unit, 6);
  return Buffer.concat([header, pdu]);
}

export function honest({ id, unit, truth, socket }: Asked): void {
  socket.write(message(id, unit, truth));
}

function truthOf(pdu: Buffer): Buffer {
  const fn = pdu.readUInt8(0);
  const address = pdu.readUInt16BE(1);
  if (fn > 4) return pdu.subarray(0, 5);
  const count = pdu.readUInt16BE(3);
  const data = Buffer.alloc(fn <= 2 ? Math.ceil(count / 8) : count * 2);
  for (let i = 0; i < count; i++) {
    if (fn > 2) data.writeUInt16BE(address + i, i * 2);
    else if ((address + i) & 1) data[i >> 3]! |= 1 << (i & 7);
  }
  return Buffer.concat([Buffer.from([fn, data.length]), data]);
}
