import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { Field } from '../../../src/field/field.js';
import { waitFor } from '../../support/wait-for.js';
import { message } from '../scripted-device.js';
import { type Running, startField } from '../support.js';

export interface Serving extends Running {
  /** Of the (first) server. */
  port: number;
}

/** A field with a server `s` on a free port of the loopback; waits until the tags named (`device/tag`) are good. */
export async function startServing(
  t: TestContext,
  field: Record<string, unknown>,
  server: Record<string, unknown>,
  good: string[] = [],
): Promise<Serving> {
  const running = await startField(t, { ...field, modbus_servers: [{ name: 's', port: 0, ...server }] });
  for (const name of good) await running.messages.until(`field/${name}`, ({ q }) => q === 'good');
  return { ...running, port: portOf(running.field) };
}

export function portOf(field: Field, index = 0): number {
  return field.modbusServers()[index]?.port ?? 0;
}

export function counters(field: Field) {
  return field.modbusServers()[0]!.counters;
}

/** Waits until a device's tags have this quality. */
export async function untilQuality(field: Field, device: string, tag: string, quality: string): Promise<void> {
  await waitFor(() => field.device(device)?.tags.find(({ name }) => name === tag)?.quality === quality, {
    message: () => `${device}/${tag} to be ${quality}; it is ${JSON.stringify(field.device(device)?.tags)}`,
  });
}

/** A master in the test's hand: what it sends is exact, what it gets is kept. */
export class RawMaster {
  readonly answers: { id: number; unit: number; pdu: Buffer }[] = [];
  isClosed = false;
  readonly socket: Socket;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
    socket.on('data', (chunk: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      while (this.#rest.length >= 7 && this.#rest.length >= 6 + this.#rest.readUInt16BE(4)) {
        const end = 6 + this.#rest.readUInt16BE(4);
        this.answers.push({ id: this.#rest.readUInt16BE(0), unit: this.#rest.readUInt8(6), pdu: this.#rest.subarray(7, end) });
        this.#rest = this.#rest.subarray(end);
      }
    });
  }

  static async connect(t: TestContext, port: number): Promise<RawMaster> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const master = new RawMaster(socket);
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    return master;
  }

  send(id: number, unit: number, ...pdu: number[]): void {
    this.socket.write(message(id, unit, Buffer.from(pdu)));
  }

  read(id: number, unit: number, address: number, count = 1): void {
    this.send(id, unit, 3, address >> 8, address & 0xff, 0, count);
  }

  write(id: number, unit: number, address: number, value: number): void {
    this.send(id, unit, 6, address >> 8, address & 0xff, value >> 8, value & 0xff);
  }

  async untilAnswers(count: number, timeout = 10_000): Promise<RawMaster['answers']> {
    await waitFor(() => this.answers.length >= count, { timeout, message: () => `${count} answers (there are ${this.answers.length})` });
    return this.answers;
  }

  async untilClosed(): Promise<void> {
    await waitFor(() => this.isClosed, { message: 'the connection to be closed' });
  }
}
