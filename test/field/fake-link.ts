import { Fault } from '../../src/field/fault.js';
import type { Link } from '../../src/field/link/link.js';
import { crc16 } from '../../src/field/modbus/crc.js';
import type { ModbusAnswer } from '../../src/field/modbus/pdu.js';
import type { TransportEvents } from '../../src/field/modbus/transport.js';

/** The edge: bytes that go out are kept, bytes that come in are handed in by the test. */
export class FakeLink implements Link {
  readonly written: Buffer[] = [];
  /** ms, each time that it was left alone. */
  readonly pauses: number[] = [];
  closed = false;

  write(data: Buffer): void {
    this.written.push(data);
  }
  pause(ms: number): void {
    this.pauses.push(ms);
  }
  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
  get last(): Buffer {
    return this.written.at(-1) ?? Buffer.alloc(0);
  }
}

export interface Noticed extends TransportEvents {
  crcErrors: number[];
  lates: { unit: number; byMs: number }[];
  violations: string[];
}

export function noticed(): Noticed {
  const all: Noticed = {
    crcErrors: [],
    lates: [],
    violations: [],
    crcError: (unit) => all.crcErrors.push(unit),
    late: (unit, byMs) => all.lates.push({ unit, byMs }),
    violation: (fault) => all.violations.push(fault.message),
  };
  return all;
}

/** An RTU frame with its CRC. */
export function rtu(...bytes: number[]): Buffer {
  const frame = Buffer.from([...bytes, 0, 0]);
  frame.writeUInt16LE(crc16(frame, 0, bytes.length), bytes.length);
  return frame;
}

/** RTU answer to a read of registers. */
export function registers(unit: number, ...values: number[]): Buffer {
  return rtu(unit, 3, values.length * 2, ...values.flatMap((value) => [value >> 8, value & 0xff]));
}

/** A Modbus TCP message. */
export function tcp(id: number, unit: number, ...pdu: number[]): Buffer {
  const header = Buffer.alloc(7);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(pdu.length + 1, 4);
  header.writeUInt8(unit, 6);
  return Buffer.concat([header, Buffer.from(pdu)]);
}

/** Settles with the registers, `done`, `exception n`, or the fault's kind. */
export async function outcome(answer: Promise<ModbusAnswer>): Promise<string> {
  try {
    const result = await answer;
    if (result.kind === 'exception') return `exception ${result.code}`;
    if (result.kind === 'done') return 'done';
    return [...new Uint16Array(result.data.length / 2).keys()].map((index) => result.data.readUInt16BE(index * 2)).join(' ');
  } catch (thrown) {
    return thrown instanceof Fault ? thrown.kind : String(thrown);
  }
}
