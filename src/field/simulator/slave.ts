import { Exception, Refused } from './exceptions.js';
import { identification } from './identification.js';
import type { Memory, Table } from './memory.js';

/** Most values in one request, by function code (Modbus application protocol 1.1b3, section 6). */
const LIMITS = { readBits: 2000, readRegisters: 125, writeBits: 1968, writeRegisters: 123, readWriteReads: 125, readWriteWrites: 121 };

/** Carries out one request (function code and data, without addressing and checksum) and gives the answer in the same form. */
export function answer(memory: Memory, request: Buffer): Buffer {
  try {
    return carryOut(memory, request);
  } catch (error) {
    if (error instanceof Refused) return exceptionTo(request, error.exception);
    throw error;
  }
}

export function exceptionTo(request: Buffer, exception: number): Buffer {
  return Buffer.from([(request[0] ?? 0) | 0x80, exception]);
}

function carryOut(memory: Memory, request: Buffer): Buffer {
  switch (request[0]) {
    case 1:
      return readBits(memory.coils, request, memory.maxBits);
    case 2:
      return readBits(memory.discretes, request, memory.maxBits);
    case 3:
      return readRegisters(memory.holding, request, memory.maxRegisters);
    case 4:
      return readRegisters(memory.inputs, request, memory.maxRegisters);
    case 5:
      return writeCoil(memory.coils, request);
    case 6:
      return writeRegister(memory.holding, request);
    case 15:
      return writeCoils(memory.coils, request);
    case 16:
      return writeRegisters(memory.holding, request);
    case 22:
      return maskWrite(memory.holding, request);
    case 23:
      return readWrite(memory.holding, request);
    case 43:
      return identification(memory.identity ?? null, request);
    default:
      throw new Refused(Exception.illegalFunction);
  }
}

function readBits(table: Table, request: Buffer, most = LIMITS.readBits): Buffer {
  const [address, count] = range(table, request, most);
  const response = Buffer.alloc(2 + Math.ceil(count / 8));
  response[0] = request[0] ?? 0;
  response[1] = response.length - 2;
  for (let index = 0; index < count; index++) {
    if (table.get(address + index) !== 0) response[2 + (index >> 3)]! |= 1 << (index & 7);
  }
  return response;
}

function readRegisters(table: Table, request: Buffer, most = LIMITS.readRegisters): Buffer {
  const [address, count] = range(table, request, most);
  return registersOf(table, request, address, count);
}

function registersOf(table: Table, request: Buffer, address: number, count: number): Buffer {
  const response = Buffer.alloc(2 + 2 * count);
  response[0] = request[0] ?? 0;
  response[1] = 2 * count;
  for (let index = 0; index < count; index++) response.writeUInt16BE(table.get(address + index), 2 + 2 * index);
  return response;
}

function writeCoil(table: Table, request: Buffer): Buffer {
  needLength(request, 5);
  const value = request.readUInt16BE(3);
  if (value !== 0 && value !== 0xff00) throw new Refused(Exception.illegalValue);
  write(table, request.readUInt16BE(1), [value === 0 ? 0 : 1]);
  return request;
}

function writeRegister(table: Table, request: Buffer): Buffer {
  needLength(request, 5);
  write(table, request.readUInt16BE(1), [request.readUInt16BE(3)]);
  return request;
}

function writeCoils(table: Table, request: Buffer): Buffer {
  const [address, count] = range(table, request, LIMITS.writeBits);
  needBytes(request, 5, Math.ceil(count / 8));
  write(
    table,
    address,
    Array.from({ length: count }, (_, index) => ((request[6 + (index >> 3)] ?? 0) >> (index & 7)) & 1),
  );
  return request.subarray(0, 5);
}

function writeRegisters(table: Table, request: Buffer): Buffer {
  const [address, count] = range(table, request, LIMITS.writeRegisters);
  needBytes(request, 5, 2 * count);
  write(table, address, registersIn(request, 6, count));
  return request.subarray(0, 5);
}

function maskWrite(table: Table, request: Buffer): Buffer {
  needLength(request, 7);
  const address = request.readUInt16BE(1);
  if (!table.holds(address, 1)) throw new Refused(Exception.illegalAddress);
  const [and, or] = [request.readUInt16BE(3), request.readUInt16BE(5)];
  write(table, address, [(table.get(address) & and) | (or & ~and & 0xffff)]);
  return request;
}

/** Writes first, then reads. */
function readWrite(table: Table, request: Buffer): Buffer {
  const [readAddress, readCount] = range(table, request, LIMITS.readWriteReads);
  const [writeAddress, writeCount] = range(table, request, LIMITS.readWriteWrites, 5);
  needBytes(request, 9, 2 * writeCount);
  write(table, writeAddress, registersIn(request, 10, writeCount));
  return registersOf(table, request, readAddress, readCount);
}

function write(table: Table, address: number, values: number[]): void {
  if (!table.holds(address, values.length)) throw new Refused(Exception.illegalAddress);
  if (!table.accepts(address, values)) throw new Refused(Exception.illegalValue);
  for (const [index, value] of values.entries()) table.set(address + index, value);
}

/** Address and count at `at`, within the limit and the table. */
function range(table: Table, request: Buffer, limit: number, at = 1): [address: number, count: number] {
  if (request.length < at + 4) throw new Refused(Exception.illegalValue);
  const [address, count] = [request.readUInt16BE(at), request.readUInt16BE(at + 2)];
  if (count < 1 || count > limit) throw new Refused(Exception.illegalValue);
  if (!table.holds(address, count)) throw new Refused(Exception.illegalAddress);
  return [address, count];
}

function registersIn(request: Buffer, at: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => request.readUInt16BE(at + 2 * index));
}

function needLength(request: Buffer, length: number): void {
  if (request.length !== length) throw new Refused(Exception.illegalValue);
}

/** The byte count at `at` must be `count`, and so many bytes follow. */
function needBytes(request: Buffer, at: number, count: number): void {
  if (request[at] !== count || request.length !== at + 1 + count) throw new Refused(Exception.illegalValue);
}
