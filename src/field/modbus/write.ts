import { FerruleError } from '../../errors.js';
import { Fault } from '../fault.js';
import type { TagJson } from '../ports.js';
import type { TagConfig } from '../schema.js';
import type { Reading } from '../value.js';
import type { ModbusBus } from './bus.js';
import { decodeBit, decodeRegisters } from './decode.js';
import { type Encoded, encodeValue } from './encode.js';
import { EXCEPTION_TEXT, type ModbusAnswer, type ModbusRequest, type ReadRequest, type WriteRequest } from './pdu.js';
import { isBitArea, type Point } from './point.js';
import type { Send } from './queue.js';

export interface Written {
  /** What was read back where asked, else what was written. */
  written: TagJson;
  /** null: not read back. */
  reading: Reading | null;
}

/**
 * Writes one tag under the bus lock: bits by reading and writing their register, then reads back where the tag asks for
 * it. A write without a confirmation is reported as such and never sent again.
 */
export function writePoint(
  bus: ModbusBus,
  unit: number,
  { config, point }: { config: TagConfig; point: Point },
  value: TagJson,
  device: string,
): Promise<Written> {
  const subject = `${device}/${config.name}`;
  if (config.access !== 'read_write') {
    const hint = 'Set access: read_write on the tag to allow it.';
    return Promise.reject(new FerruleError('FER_FIELD_READ_ONLY', `${subject} may not be written.`, { where: { subject }, hint }));
  }
  return writeEncoded(bus, unit, config, point, value, subject);
}

async function writeEncoded(
  bus: ModbusBus,
  unit: number,
  config: TagConfig,
  point: Point,
  value: TagJson,
  subject: string,
): Promise<Written> {
  const encoded = encodeValue(point, value, config);
  const progress = { sent: false };
  try {
    return await bus.write(unit, async (send) => {
      const request = await requestFor(send, unit, point, encoded, config, subject);
      progress.sent = true;
      confirm(await send(request), subject);
      if (!config.write.read_back) return { written: value, reading: null };
      return readBack(send, unit, point, config, value, subject);
    });
  } catch (thrown) {
    if (thrown instanceof Fault) throw explain(thrown, progress.sent, subject);
    throw thrown;
  }
}

async function requestFor(
  send: Send,
  unit: number,
  point: Point,
  encoded: Encoded,
  config: TagConfig,
  subject: string,
): Promise<WriteRequest> {
  const { address } = point;
  const { single } = config.write;
  switch (encoded.kind) {
    case 'coil':
      return single ? { fn: 5, unit, address, value: encoded.value } : { fn: 15, unit, address, values: [encoded.value] };
    case 'registers': {
      const [first = 0] = encoded.values;
      return single && encoded.values.length === 1
        ? { fn: 6, unit, address, value: first }
        : { fn: 16, unit, address, values: encoded.values };
    }
    case 'masked': {
      const data = dataOf(await send({ fn: 3, unit, address, count: 1 }), subject);
      const next = (data.readUInt16BE(0) & ~encoded.mask & 0xffff) | encoded.bits;
      return single ? { fn: 6, unit, address, value: next } : { fn: 16, unit, address, values: [next] };
    }
  }
}

async function readBack(send: Send, unit: number, point: Point, config: TagConfig, value: TagJson, subject: string): Promise<Written> {
  const request: ReadRequest = { fn: point.area === 'coil' ? 1 : 3, unit, address: point.address, count: point.length };
  let answer: ModbusAnswer;
  try {
    answer = await send(request satisfies ModbusRequest);
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    throw unconfirmed(subject, `it was confirmed, but could not be read back: ${thrown.message}`);
  }
  const data = dataOf(answer, subject);
  const reading = isBitArea(point.area) ? decodeBit(data, 0, config) : decodeRegisters(point, data, config);
  const found = reading.quality === 'bad' ? null : reading.value;
  if (isSame(value, found, config.write.tolerance)) return { written: found, reading };
  throw new FerruleError('FER_FIELD_READ_BACK', `${subject}: ${String(value)} was written, ${String(found)} was read back.`, {
    where: { subject },
    hint: 'The device may limit or convert the value; see its manual.',
  });
}

function isSame(asked: TagJson, found: TagJson, tolerance: number): boolean {
  if (found === null) return false;
  if (asked === found || String(asked) === String(found)) return true;
  if (typeof found === 'boolean') return Number(asked) === Number(found) || String(asked) === String(found);
  const difference = Math.abs(Number(asked) - Number(found));
  // A float32 of the device does not hold every decimal.
  return difference <= tolerance || difference <= Math.abs(Number(asked)) * 1e-6;
}

function dataOf(answer: ModbusAnswer, subject: string): Buffer {
  confirm(answer, subject);
  if (answer.kind !== 'data') throw new Error('a read was answered like a write');
  return answer.data;
}

function confirm(answer: ModbusAnswer, subject: string): void {
  if (answer.kind !== 'exception') return;
  const text = EXCEPTION_TEXT[answer.code] ?? 'unknown';
  throw new FerruleError('FER_FIELD_REFUSED', `${subject}: the device refused the write with exception ${answer.code} (${text}).`, {
    where: { subject },
    hint: "Compare address and allowed values with the device's manual.",
  });
}

function explain(fault: Fault, sent: boolean, subject: string): FerruleError {
  if (sent) return unconfirmed(subject, fault.message);
  return new FerruleError('FER_FIELD_NO_ANSWER', `${subject} was not written: ${fault.message}.`, { where: { subject }, cause: fault });
}

function unconfirmed(subject: string, message: string): FerruleError {
  return new FerruleError('FER_FIELD_WRITE_UNCONFIRMED', `${subject}: the write is not confirmed: ${message}.`, {
    where: { subject },
    hint: 'It may have taken effect; it is not repeated. Look at the value before writing again.',
  });
}
