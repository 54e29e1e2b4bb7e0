import { frameOf } from '../modbus/codec.js';
import { crcFits } from '../modbus/crc.js';
import { MAX_PDU_LENGTH } from '../modbus/pdu.js';

/** One request as a master sent it. */
export interface RequestFrame {
  /** What goes back in front of the answer. */
  transaction: number;
  unit: number;
  /** Function code and data. */
  pdu: Buffer;
  /** Bytes that it took. */
  size: number;
}

export type Framed = { frame: RequestFrame } | { need: 'more' } | { violation: string };

/** How requests and answers are cut out of a stream of bytes. */
export interface Framing {
  /** Requests of one connection that may be worked on at once, at most. */
  readonly mostPending: number;
  /** What the buffer begins with. */
  next(buffer: Buffer): Framed;
  answer(frame: RequestFrame, pdu: Buffer): Buffer;
}

const HEADER_LENGTH = 7;
const MORE: Framed = { need: 'more' };

/** Modbus TCP: every field of the header is checked as soon as it is there. */
export const tcpFraming: Framing = {
  mostPending: Number.POSITIVE_INFINITY,

  next(buffer) {
    if (buffer.length < 4) return MORE;
    const protocol = buffer.readUInt16BE(2);
    if (protocol !== 0) return { violation: `protocol id ${protocol} instead of 0` };
    if (buffer.length < 6) return MORE;
    const length = buffer.readUInt16BE(4);
    if (length < 2 || length > MAX_PDU_LENGTH + 1) return { violation: `a request says that it is ${length} bytes long` };
    if (buffer.length < 6 + length) return MORE;
    const pdu = buffer.subarray(HEADER_LENGTH, 6 + length);
    return { frame: { transaction: buffer.readUInt16BE(0), unit: buffer.readUInt8(6), pdu, size: 6 + length } };
  },

  answer({ transaction, unit }, pdu) {
    const message = Buffer.allocUnsafe(HEADER_LENGTH + pdu.length);
    message.writeUInt16BE(transaction, 0);
    message.writeUInt16BE(0, 2);
    message.writeUInt16BE(pdu.length + 1, 4);
    message.writeUInt8(unit, 6);
    pdu.copy(message, HEADER_LENGTH);
    return message;
  },
};

/** RTU frames over TCP: one request at a time, its length told by its function, its check sum must fit. */
export const rtuFraming: Framing = {
  mostPending: 1,

  next(buffer) {
    if (buffer.length < 2) return MORE;
    const length = requestLength(buffer);
    if (length === null) return MORE;
    if (length === 0 || length > MAX_PDU_LENGTH + 3) return { violation: `no request of function ${buffer[1]} looks like that` };
    if (buffer.length < length) return MORE;
    if (!crcFits(buffer, 0, length)) return { violation: 'a check sum does not fit' };
    return { frame: { transaction: 0, unit: buffer.readUInt8(0), pdu: buffer.subarray(1, length - 2), size: length } };
  },

  answer({ unit }, pdu) {
    return frameOf(unit, pdu);
  },
};

/** Length of the RTU request that begins here; null: more bytes must tell; 0: not known for this function. */
function requestLength(buffer: Buffer): number | null {
  const counted = (at: number) => (buffer.length <= at ? null : at + 1 + buffer.readUInt8(at) + 2);
  switch (buffer[1]) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 8:
      return 8;
    case 7:
    case 11:
    case 12:
    case 17:
      return 4;
    case 15:
    case 16:
      return counted(6);
    case 20:
    case 21:
      return counted(2);
    case 22:
      return 10;
    case 23:
      return counted(10);
    case 24:
      return 6;
    case 43:
      return 7;
    default:
      return 0;
  }
}
