import { rawAddress, rawAnswerLength, rawMismatch } from './raw.js';

/** Requests and answers as the bus core sees them, and the checks that an answer belongs to a request. */

export type ReadFunction = 1 | 2 | 3 | 4;

export interface ReadRequest {
  fn: ReadFunction;
  unit: number;
  /** 0-based. */
  address: number;
  /** Registers (3, 4) or bits (1, 2). */
  count: number;
}

export type WriteRequest =
  | { fn: 5; unit: number; address: number; value: boolean }
  | { fn: 6; unit: number; address: number; value: number }
  | { fn: 15; unit: number; address: number; values: boolean[] }
  | { fn: 16; unit: number; address: number; values: number[] }
  /** Mask write: register = (register & and) | (or & ~and). */
  | { fn: 22; unit: number; address: number; and: number; or: number }
  /** Writes `values` from `writeAddress` on, then reads `count` registers from `address` on. */
  | { fn: 23; unit: number; address: number; count: number; writeAddress: number; values: number[] };

/** A request that is passed on as it is: function code (5 or above) and data. Its answer's data are the whole PDU. */
export interface RawRequest {
  fn: 'raw';
  unit: number;
  pdu: Buffer;
}

export type ModbusRequest = ReadRequest | WriteRequest | RawRequest;

export type ModbusAnswer =
  /** Registers as the device sent them (big-endian pairs), or packed bits. `ageMs`: since they came; 0 where it is missing. */
  | { kind: 'data'; data: Buffer; ageMs?: number }
  /** A write was confirmed. */
  | { kind: 'done' }
  | { kind: 'exception'; code: number };

/** Exception codes of the Modbus application protocol, 7. */
export const EXCEPTION_TEXT: Record<number, string> = {
  1: 'illegal function',
  2: 'illegal data address',
  3: 'illegal data value',
  4: 'device failure',
  5: 'acknowledge, still working',
  6: 'device busy',
  8: 'memory parity error',
  10: 'gateway path unavailable',
  11: 'gateway target did not answer',
};

/** Exceptions 10 and 11 come from a gateway in between, which had no answer from the unit. */
export function isOfGateway(answer: ModbusAnswer): boolean {
  return answer.kind === 'exception' && (answer.code === 10 || answer.code === 11);
}

export const EXCEPTION_BIT = 0x80;
/** Function code and exception code. */
export const EXCEPTION_PDU_LENGTH = 2;
/** Modbus application protocol, 4.1: a PDU is at most 253 bytes. */
export const MAX_PDU_LENGTH = 253;
const NOTHING: Buffer = Buffer.alloc(0);
/** Writes of one coil or register, diagnostics, mask write. */
const ECHOED = new Set([5, 6, 8, 22]);

export function isRead(request: ModbusRequest): request is ReadRequest {
  return request.fn !== 'raw' && request.fn <= 4;
}

/** The function code that goes over the wire. */
export function functionOf(request: ModbusRequest): number {
  return request.fn === 'raw' ? (request.pdu[0] ?? 0) : request.fn;
}

/** The first address that is asked for or written; 0 where the function has none. */
export function addressOf(request: ModbusRequest): number {
  return request.fn === 'raw' ? rawAddress(request.pdu) : request.address;
}

/** Data bytes of the answer to a read. */
export function dataBytes(request: ReadRequest): number {
  return request.fn <= 2 ? Math.ceil(request.count / 8) : request.count * 2;
}

/** Length of the PDU that answers a request, when it is no exception; the largest where only the answer itself says it. */
export function answerLength(request: ModbusRequest): number {
  if (request.fn === 'raw') return rawAnswerLength(request.pdu, NOTHING) ?? MAX_PDU_LENGTH;
  if (isRead(request)) return 2 + dataBytes(request);
  if (request.fn === 23) return 2 + request.count * 2;
  return request.fn === 22 ? 7 : 5;
}

/** Whether the answer to a request repeats it byte for byte: on a line that echoes only a second copy is the answer. */
export function isEchoed(request: ModbusRequest): boolean {
  return ECHOED.has(functionOf(request));
}

/**
 * Whether these bytes can be the (whole) PDU of the answer: function, byte count, echoed address and value.
 * Returns null, or what does not fit. An exception of the same function fits.
 */
export function mismatch(request: ModbusRequest, pdu: Buffer): string | null {
  const fn = pdu[0];
  const asked = functionOf(request);
  if (fn === (asked | EXCEPTION_BIT)) {
    return pdu.length === EXCEPTION_PDU_LENGTH ? null : `an exception of ${pdu.length} bytes instead of ${EXCEPTION_PDU_LENGTH}`;
  }
  if (fn !== asked) return `function ${fn} instead of ${asked}`;
  if (request.fn === 'raw') return rawMismatch(request.pdu, pdu);
  const length = answerLength(request);
  if (isRead(request) || request.fn === 23) {
    if (pdu[1] !== length - 2) return `byte count ${pdu[1]} instead of ${length - 2}`;
    return pdu.length === length ? null : `${pdu.length} bytes instead of ${length}`;
  }
  if (pdu.length !== length) return `${pdu.length} bytes instead of ${length}`;
  const address = pdu.readUInt16BE(1);
  if (address !== request.address) return `address ${address} instead of ${request.address}`;
  const echoed = pdu.readUIntBE(3, length - 3);
  const expected = echoOf(request);
  return echoed === expected ? null : `echo ${echoed} instead of ${expected}`;
}

/** What a write's answer repeats: the value (5, 6), the quantity (15, 16) or the masks (22). */
function echoOf(request: Exclude<WriteRequest, { fn: 23 }>): number {
  switch (request.fn) {
    case 22:
      return request.and * 0x10000 + request.or;
    case 5:
      return request.value ? 0xff00 : 0;
    case 6:
      return request.value;
    case 15:
    case 16:
      return request.values.length;
  }
}

/** For logs and errors: `unit 3, holding registers 100-109`. */
export function describe(request: ModbusRequest): string {
  if (request.fn === 'raw') return `unit ${request.unit}, ${TABLES[functionOf(request)] ?? `function ${functionOf(request)}`} (passed on)`;
  const count = 'count' in request ? request.count : 'values' in request ? request.values.length : 1;
  const last = request.address + count - 1;
  const range = last > request.address ? `${request.address}-${last}` : `${request.address}`;
  return `unit ${request.unit}, ${TABLES[request.fn] ?? `function ${request.fn}`} ${range}`;
}

const TABLES: Record<number, string> = {
  1: 'coils',
  2: 'discrete inputs',
  3: 'holding registers',
  4: 'input registers',
  5: 'write of coil',
  6: 'write of register',
  15: 'write of coils',
  16: 'write of registers',
  22: 'mask write of register',
  23: 'write and read of registers',
};
