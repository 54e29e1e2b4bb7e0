import { FerruleError } from '../../errors.js';
import { Fault } from '../fault.js';
import type { TagJson } from '../ports.js';
import type { ModbusDeviceConfig, TagConfig } from '../schema.js';
import type { Reading } from '../value.js';
import type { ModbusBus } from './bus.js';
import { decodeBit, decodeRegisters } from './decode.js';
import { type Encoded, encodeValue } from './encode.js';
import { EXCEPTION_TEXT, isOfGateway, type ModbusAnswer, type WriteRequest } from './pdu.js';
import { isBitArea, type Point } from './point.js';
import type { Send } from './queue.js';

const ILLEGAL_FUNCTION = 1;

export interface Written {
  /** What was read back where asked, else what was written. */
  written: TagJson;
  /** null: not read back. */
  reading: Reading | null;
  /** ms since it was read back. */
  ageMs: number;
}

/** What a write needs to know of its tag and its device. */
export interface WriteTarget {
  bus: ModbusBus;
  device: Pick<ModbusDeviceConfig, 'name' | 'unit' | 'mask_write'>;
  config: TagConfig;
  point: Point;
}

/** What is known of the write while it is carried out. */
class Progress {
  /** It went out: from then on only the device can say whether it was carried out. */
  isSent = false;
  readonly onSent = () => {
    this.isSent = true;
  };
}

/**
 * Writes one tag under the bus lock: bits with a mask where the device knows FC 22, else by reading and writing their
 * register; then reads back where the tag asks for it. A write without a confirmation is reported as such and never sent
 * again.
 */
export async function writePoint(target: WriteTarget, value: TagJson): Promise<Written> {
  const { bus, device, config, point } = target;
  const subject = `${device.name}/${config.name}`;
  if (config.access !== 'read_write') {
    const hint = 'Set access: read_write on the tag to allow it.';
    throw new FerruleError('FER_FIELD_READ_ONLY', `${subject} may not be written.`, { where: { subject }, hint });
  }
  const encoded = encodeValue(point, value, config);
  const progress = new Progress();
  try {
    const run = async (send: Send): Promise<Written> => {
      const isMasked = encoded.kind === 'masked' && device.mask_write && (await writeMasked(send, target, encoded, subject, progress));
      if (!isMasked) {
        const request = await requestFor(send, target, encoded, subject);
        confirm(await send(request, progress.onSent), subject);
      }
      if (!config.write.read_back) return { written: value, reading: null, ageMs: 0 };
      return readBack(send, target, encoded, value, subject);
    };
    const { single } = config.write;
    return await bus.write(device.unit, run, null, encoded.kind === 'masked' ? undefined : writeOf(encoded, point, device.unit, single));
  } catch (thrown) {
    if (thrown instanceof Fault) throw explain(thrown, progress.isSent, subject);
    throw thrown;
  }
}

/** Sets the bits with FC 22; false: the unit does not know it, and nothing was written. */
async function writeMasked(
  send: Send,
  { bus, device: { unit }, point: { address } }: WriteTarget,
  { mask, bits }: { mask: number; bits: number },
  subject: string,
  progress: Progress,
): Promise<boolean> {
  if (!bus.maskWrites.canUse(unit)) return false;
  let answer: ModbusAnswer;
  try {
    answer = await send({ fn: 22, unit, address, and: ~mask & 0xffff, or: bits }, progress.onSent);
  } catch (thrown) {
    // This write stays unconfirmed; the next one may go the other way.
    if (progress.isSent && thrown instanceof Fault && thrown.kind === 'timeout') bus.maskWrites.unanswered(unit);
    throw thrown;
  }
  if (answer.kind === 'exception' && answer.code === ILLEGAL_FUNCTION) {
    bus.maskWrites.refused(unit);
    progress.isSent = false;
    return false;
  }
  if (isOfGateway(answer)) bus.maskWrites.unanswered(unit);
  else bus.maskWrites.answered(unit);
  confirm(answer, subject);
  return true;
}

async function requestFor(
  send: Send,
  { device: { unit }, point, config }: WriteTarget,
  encoded: Encoded,
  subject: string,
): Promise<WriteRequest> {
  const { address } = point;
  const { single } = config.write;
  if (encoded.kind !== 'masked') return writeOf(encoded, point, unit, single);
  const answer = await send({ fn: 3, unit, address, count: 1 });
  if (answer.kind === 'exception') {
    const read = `its register can't be read: exception ${answer.code} (${EXCEPTION_TEXT[answer.code] ?? 'unknown'})`;
    throw refusal(subject, `The bit was not written: ${read}.`);
  }
  const next = (dataOf(answer).readUInt16BE(0) & ~encoded.mask & 0xffff) | encoded.bits;
  return single ? { fn: 6, unit, address, value: next } : { fn: 16, unit, address, values: [next] };
}

/** The request that writes all of what is encoded. */
function writeOf(encoded: Exclude<Encoded, { kind: 'masked' }>, { address }: Point, unit: number, single: boolean): WriteRequest {
  if (encoded.kind === 'coil')
    return single ? { fn: 5, unit, address, value: encoded.value } : { fn: 15, unit, address, values: [encoded.value] };
  const [first = 0] = encoded.values;
  return single && encoded.values.length === 1 ? { fn: 6, unit, address, value: first } : { fn: 16, unit, address, values: encoded.values };
}

async function readBack(
  send: Send,
  { device: { unit }, point, config }: WriteTarget,
  encoded: Encoded,
  value: TagJson,
  subject: string,
): Promise<Written> {
  let answer: ModbusAnswer;
  try {
    answer = await send({ fn: point.area === 'coil' ? 1 : 3, unit, address: point.address, count: point.length });
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    throw unconfirmed(subject, `it was confirmed, but could not be read back: ${thrown.message}`);
  }
  if (answer.kind === 'exception') {
    throw unconfirmed(
      subject,
      `it was confirmed, but could not be read back: exception ${answer.code} (${EXCEPTION_TEXT[answer.code] ?? 'unknown'})`,
    );
  }
  const data = dataOf(answer);
  const reading = isBitArea(point.area) ? decodeBit(data, 0, config) : decodeRegisters(point, data, config);
  const found = reading.quality === 'bad' ? null : reading.value;
  if (isThere(encoded, data) || isNear(point, value, found, config.write.tolerance))
    return { written: found ?? value, reading, ageMs: answer.kind === 'data' ? (answer.ageMs ?? 0) : 0 };
  const what = found === null ? `something that is no value (${reading.reason ?? 'bad'})` : String(found);
  throw new FerruleError('FER_FIELD_READ_BACK', `${subject}: ${String(value)} was written, ${what} was read back.`, {
    where: { subject },
    hint: 'The device may limit or convert the value; see its manual.',
  });
}

/** Whether the device holds exactly what was sent. */
function isThere(encoded: Encoded, data: Buffer): boolean {
  switch (encoded.kind) {
    case 'coil':
      return ((data[0] ?? 0) & 1) === Number(encoded.value);
    case 'registers':
      return encoded.values.every((word, index) => data.readUInt16BE(index * 2) === word);
    case 'masked':
      return (data.readUInt16BE(0) & encoded.mask) === encoded.bits;
  }
}

/** Whether what was read back is near enough: the tag's tolerance, and of floats a few of their last bits. */
function isNear(point: Point, asked: TagJson, found: TagJson, tolerance: number): boolean {
  if (found === null) return false;
  if (String(asked) === String(found)) return true;
  const size = Math.abs(Number(asked));
  const difference = Math.abs(Number(asked) - Number(found));
  // 1.6 and 1.5 are 0.1 apart, and a little: binary fractions.
  return difference <= Math.max(tolerance, point.type.startsWith('float') ? size * 1e-6 : 0) + size * 1e-12;
}

function dataOf(answer: ModbusAnswer): Buffer {
  if (answer.kind !== 'data') throw new Error('a read was answered like a write');
  return answer.data;
}

function confirm(answer: ModbusAnswer, subject: string): void {
  if (answer.kind !== 'exception') return;
  const text = `exception ${answer.code} (${EXCEPTION_TEXT[answer.code] ?? 'unknown'})`;
  // The device took it and works on it; the gateway in between knows only that no answer came.
  if (answer.code === 5 || answer.code === 11) throw unconfirmed(subject, text);
  throw refusal(subject, `The device refused the write with ${text}.`);
}

function refusal(subject: string, message: string): FerruleError {
  return new FerruleError('FER_FIELD_REFUSED', `${subject}: ${message}`, {
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
