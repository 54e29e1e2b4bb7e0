import type { Area } from '../modbus/address.js';
import type { ReadFunction } from '../modbus/pdu.js';
import { Code, Refusal } from './exceptions.js';

/** What a master asks for, checked as far as the protocol goes. */
export type MasterRequest =
  | { kind: 'read'; fn: ReadFunction; area: Area; address: number; count: number }
  | { kind: 'write_bits'; address: number; values: boolean[] }
  /** `data`: two bytes per register. */
  | { kind: 'write_registers'; address: number; data: Buffer }
  | { kind: 'mask'; address: number; and: number; or: number }
  /** Writes first, then reads. */
  | { kind: 'write_read'; address: number; data: Buffer; readAddress: number; readCount: number }
  | { kind: 'other'; fn: number };

/** Most values in one request (Modbus application protocol 1.1b3, section 6). */
const MOST = { readBits: 2000, readRegisters: 125, writeBits: 1968, writeRegisters: 123, exchangeRegisters: 121 };
const AREA: Record<ReadFunction, Area> = { 1: 'coil', 2: 'discrete', 3: 'holding', 4: 'input' };

/** `pdu`: function code and data, at least one byte. Throws a Refusal. */
export function parseRequest(pdu: Buffer): MasterRequest {
  const fn = pdu.readUInt8(0);
  switch (fn) {
    case 1:
    case 2:
    case 3:
    case 4: {
      needLength(pdu, 5);
      const [address, count] = range(pdu, 1, fn <= 2 ? MOST.readBits : MOST.readRegisters);
      return { kind: 'read', fn, area: AREA[fn], address, count };
    }
    case 5: {
      needLength(pdu, 5);
      const value = pdu.readUInt16BE(3);
      if (value !== 0 && value !== 0xff00) throw new Refusal(Code.illegalValue, `a coil can't be ${value}`);
      return { kind: 'write_bits', address: pdu.readUInt16BE(1), values: [value !== 0] };
    }
    case 6:
      needLength(pdu, 5);
      return { kind: 'write_registers', address: pdu.readUInt16BE(1), data: pdu.subarray(3, 5) };
    case 15: {
      const [address, count] = range(pdu, 1, MOST.writeBits);
      needBytes(pdu, 5, Math.ceil(count / 8));
      const values = Array.from({ length: count }, (_, index) => ((pdu.readUInt8(6 + (index >> 3)) >> (index & 7)) & 1) === 1);
      return { kind: 'write_bits', address, values };
    }
    case 16: {
      const [address, count] = range(pdu, 1, MOST.writeRegisters);
      needBytes(pdu, 5, count * 2);
      return { kind: 'write_registers', address, data: pdu.subarray(6) };
    }
    case 22:
      needLength(pdu, 7);
      return { kind: 'mask', address: pdu.readUInt16BE(1), and: pdu.readUInt16BE(3), or: pdu.readUInt16BE(5) };
    case 23: {
      const [readAddress, readCount] = range(pdu, 1, MOST.readRegisters);
      const [address, count] = range(pdu, 5, MOST.exchangeRegisters);
      needBytes(pdu, 9, count * 2);
      return { kind: 'write_read', address, data: pdu.subarray(10), readAddress, readCount };
    }
    default:
      return { kind: 'other', fn };
  }
}

/** The answer to a read. `data`: registers, or packed bits. */
export function readAnswer(fn: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([fn, data.length]), data]);
}

/** The answer to a write that was done: it repeats the request, or its head. */
export function writeAnswer(pdu: Buffer): Buffer {
  return pdu[0] === 15 || pdu[0] === 16 ? pdu.subarray(0, 5) : pdu;
}

function range(pdu: Buffer, at: number, most: number): [address: number, count: number] {
  if (pdu.length < at + 4) throw new Refusal(Code.illegalValue, `a request of ${pdu.length} bytes is too short`);
  const [address, count] = [pdu.readUInt16BE(at), pdu.readUInt16BE(at + 2)];
  if (count < 1 || count > most) throw new Refusal(Code.illegalValue, `1 to ${most} values, not ${count}`);
  if (address + count > 65536) throw new Refusal(Code.illegalAddress, `${count} values from ${address} end behind 65535`);
  return [address, count];
}

function needLength(pdu: Buffer, length: number): void {
  if (pdu.length !== length) throw new Refusal(Code.illegalValue, `a request of ${pdu.length} bytes instead of ${length}`);
}

/** The byte count at `at` must be `count`, and so many bytes follow. */
function needBytes(pdu: Buffer, at: number, count: number): void {
  if (pdu[at] !== count) throw new Refusal(Code.illegalValue, `byte count ${pdu[at]} instead of ${count}`);
  needLength(pdu, at + 1 + count);
}
