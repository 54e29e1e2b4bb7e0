import { FerruleError } from '../../errors.js';
import { Fault } from '../fault.js';
import type { TagJson } from '../ports.js';
import type { ModbusDeviceConfig, TagConfig } from '../schema.js';
import type { Reading } from '../value.js';
import type { ModbusBus } from './bus.js';
import { decodeBit, decodeRegisters } from './decode.js';
import { type Encoded, encodeValue } from './encode.js';
import { EXCEPTION_TEXT, type ModbusAnswer, type ModbusRequest, type ReadRequest, type WriteRequest } from './pdu.js';
import { isBitArea, type Point } from './point.js';
import type { Send } from './queue.js';

const ILLEGAL_FUNCTION = 1;

export interface Written {
  /** What was read back where asked, else what was written. */
  written: TagJson;
  /** null: not read back. */
  reading: Reading | null;
}

/** What a write needs to know of its device. */
type Target = Pick<ModbusDeviceConfig, 'name' | 'unit' | 'mask_write'>;

/**
 * Writes one tag under the bus lock: bits with a mask where the device knows FC 22, else by reading and writing their register; then reads back where the tag asks for
 * it. A write without a confirmation is reported as such and never sent again.
 */
export function writePoint(
  bus: ModbusBus,
  device: Target,
  { config, point }: { config: TagConfig; point: Point },
  value: TagJson,
): Promise<Written> {
  const subject = `${device.name}/${config.name}`;
  if (config.access !== 'read_write') {
    const hint = 'Set access: read_write on the tag to allow it.';
    return Promise.reject(new FerruleError('FER_FIELD_READ_ONLY', `${subject} may not be written.`, { where: { subject }, hint }));
  }
  return writeEncoded(bus, device, config, point, value, subject);
}

async function writeEncoded(
  bus: ModbusBus,
  device: Target,
  config: TagConfig,
  point: Point,
  value: TagJson,
  subject: string,
): Promise<Written> {
  const { unit } = device;
  const encoded = encodeValue(point, value, config);
  const progress = { sent: false };
  try {
    return await bus.write(unit, async (send) => {
      const isMasked =
        encoded.kind === 'masked' && device.mask_write && (await writeMasked(bus, send, unit, point, encoded, subject, progress));
      if (!isMasked) {
        const request = await requestFor(send, unit, point, encoded, config, subject);
        progress.sent = true;
        confirm(await send(request), subject);
      }
      if (!config.write.read_back) return { written: value, reading: null };
      return readBack(send, unit, point, config, value, subject);
    });
  } catch (thrown) {
    if (thrown instanceof Fault) throw explain(thrown, progress.sent, subject);
    throw thrown;
  }
}

/** Sets the bits with FC 22; false: the unit does not know it, and nothing was written. */
async function writeMasked(
  bus: ModbusBus,
  send: Send,
  unit: number,
  { address }: Point,
  { mask, bits }: { mask: number; bits: number },
  subject: string,
  progress: { sent: boolean },
): Promise<boolean> {
  if (bus.withoutMaskWrite.has(unit)) return false;
  let answer: ModbusAnswer;
  try {
    progress.sent = true;
    answer = await send({ fn: 22, unit, address, and: ~mask & 0xffff, or: bits });
  } catch (thrown) {
    // Some say nothing to a function that they don't know. This write stays unconfirmed, the next one goes the other way.
    if (thrown instanceof Fault && thrown.kind === 'timeout') bus.withoutMaskWrite.add(unit);
    throw thrown;
  }
  if (answer.kind === 'exception' && answer.code === ILLEGAL_FUNCTION) {
    bus.withoutMaskWrite.add(unit);
    progress.sent = false;
    return false;
  }
  confirm(answer, subject);
  return true;
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
