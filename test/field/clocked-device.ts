import type { Link, LinkHandlers, LinkOpener } from '../../src/field/link/link.js';
import { AsciiFraming } from '../../src/field/modbus/ascii.js';
import { crc16 } from '../../src/field/modbus/crc.js';
import type { ManualClock } from '../support/manual-clock.js';

export type Framing = 'rtu' | 'ascii' | 'tcp';

/** A request as it reached the device, and the true answer to it. */
export interface Heard {
  unit: number;
  pdu: Buffer;
  /** Transaction id; 0 on a line. */
  id: number;
  /** PDU. */
  truth: Buffer;
  /** The request as it came. */
  raw: Buffer;
  device: ClockedDevice;
}

/** What a register holds: it tells the unit, the address and when it was read. */
export function registerAt(unit: number, address: number, generation: number): number {
  return (unit * 4099 + address * 37 + generation * 1009) & 0xffff;
}

/** ms that a generation of values lasts. */
export const GENERATION_MS = 200;

/**
 * Units behind one link, on the clock of the test. They work through what they are asked one after the other, as devices
 * do. How an answer goes out is the test's: `respond` gets every request.
 */
export class ClockedDevice implements LinkOpener {
  readonly endpoint = 'clocked device';
  readonly heard: Heard[] = [];
  opened = 0;
  #handlers: LinkHandlers | null = null;
  #busyUntil = 0;

  constructor(
    readonly clock: ManualClock,
    readonly framing: Framing,
    public respond: (heard: Heard) => void = (heard) => heard.device.answer(heard, 5),
  ) {}

  get generation(): number {
    return Math.floor(this.clock.mono() / GENERATION_MS);
  }

  open(handlers: LinkHandlers): Promise<Link> {
    this.#handlers = handlers;
    this.opened++;
    const link: Link = {
      write: (data) => this.#onRequest(Buffer.from(data)),
      close: () => {
        if (this.#handlers === handlers) this.#handlers = null;
        return Promise.resolve();
      },
    };
    return Promise.resolve(link);
  }

  /** Cuts the connection. */
  reset(): void {
    const handlers = this.#handlers;
    this.#handlers = null;
    handlers?.closed(new Error('reset'));
  }

  /** Bytes on their way to us after `ms`; lost where the connection is another one by then, unless it is a line. */
  send(bytes: Buffer, ms: number): void {
    const handlers = this.#handlers;
    this.clock.setTimeout(() => {
      if (this.#handlers === handlers || this.framing !== 'tcp') this.#handlers?.data(bytes);
    }, ms);
  }

  /** The true answer, as it is when the device gets to it, after `ms` of work. */
  answer(heard: Heard, ms: number, change: (frame: Buffer) => Buffer[] = (frame) => [frame]): void {
    const startAt = Math.max(this.clock.mono(), this.#busyUntil);
    this.#busyUntil = startAt + ms;
    const handlers = this.#handlers;
    this.clock.setTimeout(() => {
      if (this.#handlers !== handlers && this.framing === 'tcp') return;
      for (const part of change(this.frame(heard.id, heard.unit, this.#truthOf(heard.unit, heard.pdu)))) this.#handlers?.data(part);
    }, this.#busyUntil - this.clock.mono());
  }

  frame(id: number, unit: number, pdu: Buffer): Buffer {
    if (this.framing === 'tcp') {
      const header = Buffer.alloc(7);
      header.writeUInt16BE(id, 0);
      header.writeUInt16BE(pdu.length + 1, 4);
      header.writeUInt8(unit, 6);
      return Buffer.concat([header, pdu]);
    }
    const frame = Buffer.concat([Buffer.from([unit]), pdu, Buffer.alloc(2)]);
    frame.writeUInt16LE(crc16(frame, 0, frame.length - 2), frame.length - 2);
    return this.framing === 'ascii' ? new AsciiFraming().encode(frame) : frame;
  }

  #onRequest(sent: Buffer): void {
    const raw = this.framing === 'ascii' ? new AsciiFraming().decode(sent) : sent;
    const id = this.framing === 'tcp' ? raw.readUInt16BE(0) : 0;
    const unit = raw.readUInt8(this.framing === 'tcp' ? 6 : 0);
    const pdu = this.framing === 'tcp' ? raw.subarray(7) : raw.subarray(1, -2);
    const heard = { id, unit, pdu, raw: sent, truth: this.#truthOf(unit, pdu), device: this };
    this.heard.push(heard);
    this.respond(heard);
  }

  #truthOf(unit: number, pdu: Buffer): Buffer {
    const fn = pdu.readUInt8(0);
    if (fn > 4) return fn === 22 ? pdu : pdu.subarray(0, 5);
    const address = pdu.readUInt16BE(1);
    const count = pdu.readUInt16BE(3);
    const data = Buffer.alloc(count * 2);
    for (let i = 0; i < count; i++) data.writeUInt16BE(registerAt(unit, address + i, this.generation), i * 2);
    return Buffer.concat([Buffer.from([fn, data.length]), data]);
  }
}
