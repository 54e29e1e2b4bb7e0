import { type Area, READ_FUNCTION } from './address.js';
import { isRead, type ModbusRequest, type ReadRequest } from './pdu.js';

/** What of a unit a request writes; null: nothing, or what is not known. */
export function writtenBy(request: ModbusRequest): { area: Area; address: number; count: number } | null {
  if (isRead(request)) return null;
  switch (request.fn) {
    case 5:
      return { area: 'coil', address: request.address, count: 1 };
    case 15:
      return { area: 'coil', address: request.address, count: request.values.length };
    case 6:
    case 22:
      return { area: 'holding', address: request.address, count: 1 };
    case 16:
      return { area: 'holding', address: request.address, count: request.values.length };
    case 23:
      return { area: 'holding', address: request.writeAddress, count: request.values.length };
    case 'raw':
      return writtenByPdu(request.pdu);
  }
}

/** Whether a request may change what a read gives; where it is not known what it writes, it may. Unit 0 is every unit. */
export function mayChange(request: ModbusRequest, read: ReadRequest): boolean {
  if (isRead(request) || (request.unit !== read.unit && request.unit !== 0)) return false;
  const range = writtenBy(request);
  if (range === null) return true;
  const { area, address, count } = range;
  return read.fn === READ_FUNCTION[area] && address < read.address + read.count && read.address < address + count;
}

function writtenByPdu(pdu: Buffer): { area: Area; address: number; count: number } | null {
  const fn = pdu[0] ?? 0;
  if (pdu.length < (fn === 23 ? 9 : 5)) return null;
  const word = (at: number) => pdu.readUInt16BE(at);
  switch (fn) {
    case 5:
      return { area: 'coil', address: word(1), count: 1 };
    case 6:
    case 22:
      return { area: 'holding', address: word(1), count: 1 };
    case 15:
      return { area: 'coil', address: word(1), count: word(3) };
    case 16:
      return { area: 'holding', address: word(1), count: word(3) };
    case 23:
      return { area: 'holding', address: word(5), count: word(7) };
    default:
      return null;
  }
}
