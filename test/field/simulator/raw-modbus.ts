import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { waitFor } from '../../support/wait-for.js';

/** A Modbus TCP master that sends the bytes it is told and collects what comes back. */
export class RawModbus {
  received = Buffer.alloc(0);
  closed = false;
  readonly #socket: Socket;
  #transaction = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
  }

  static async open(t: TestContext, port: number): Promise<RawModbus> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    t.after(() => socket.destroy());
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawModbus(socket);
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Sends one request and returns the PDU of its answer; null: none within `timeout` ms. */
  async request(pdu: number[], { unit = 1, timeout = 2000 }: { unit?: number; timeout?: number } = {}): Promise<Buffer | null> {
    this.received = Buffer.alloc(0);
    this.#transaction++;
    const header = Buffer.alloc(7);
    header.writeUInt16BE(this.#transaction, 0);
    header.writeUInt16BE(pdu.length + 1, 4);
    header[6] = unit;
    this.send(Buffer.concat([header, Buffer.from(pdu)]));
    try {
      await waitFor(() => this.received.length >= 7 && this.received.length === 6 + this.received.readUInt16BE(4), {
        timeout,
        interval: 1,
      });
    } catch {
      return null;
    }
    if (this.received.readUInt16BE(0) !== this.#transaction || this.received[6] !== unit)
      throw new Error('the answer belongs to another request');
    return this.received.subarray(7);
  }
}
