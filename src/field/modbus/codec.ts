import { EventEmitter } from 'node:events';
import ModbusSerial from 'modbus-serial';
import { crc16 } from './crc.js';
import { EXCEPTION_BIT, isRead, type ModbusAnswer, type ModbusRequest } from './pdu.js';

/**
 * modbus-serial as a codec: it encodes requests and decodes answers, through the port object that its constructor takes.
 * The port goes nowhere: what the library writes is caught, what it is given has been matched by our transport before.
 * Both happen within one call, so neither its transaction table nor its timers take part (docs/decisions/0002).
 *
 * One Exchange per request in flight; they are pooled.
 */
type Callback = (error: (Error & { modbusCode?: number }) | null, result?: { buffer?: Buffer }) => void;

interface Client {
  open(callback: (error?: Error | null) => void): void;
  writeFC1(unit: number, address: number, count: number, next: Callback): void;
  writeFC2(unit: number, address: number, count: number, next: Callback): void;
  writeFC3(unit: number, address: number, count: number, next: Callback): void;
  writeFC4(unit: number, address: number, count: number, next: Callback): void;
  writeFC5(unit: number, address: number, value: boolean, next: Callback): void;
  writeFC6(unit: number, address: number, value: number, next: Callback): void;
  writeFC15(unit: number, address: number, values: boolean[], next: Callback): void;
  writeFC16(unit: number, address: number, values: number[], next: Callback): void;
  writeFC22(unit: number, address: number, and: number, or: number, next: Callback): void;
  writeFC23(unit: number, from: number, count: number, to: number, length: number, values: number[], next: Callback): void;
}
// The package's types describe an ES default export; what Node gives is the class itself.
const ClientClass = ModbusSerial as unknown as new (port: EventEmitter) => Client;

type EncodedRequest = Exclude<ModbusRequest, { fn: 'raw' }>;

interface Decoded {
  error: (Error & { modbusCode?: number }) | null;
  buffer: Buffer | undefined;
}

class CodecPort extends EventEmitter {
  readonly isOpen = true;
  written: Buffer | null = null;

  open(callback: (error: null) => void): void {
    callback(null);
  }

  write(data: Buffer): void {
    this.written = data;
  }
}

export class Exchange {
  readonly #port = new CodecPort();
  readonly #client: Client = new ClientClass(this.#port);
  #answer: Decoded | null = null;

  constructor() {
    this.#client.open(() => {});
  }

  /** The request as unit, PDU and CRC (an RTU frame). */
  encode(request: ModbusRequest): Buffer {
    if (request.fn === 'raw') return frameOf(request.unit, request.pdu);
    const next: Callback = (error, result) => {
      this.#answer = { error, buffer: result?.buffer };
    };
    this.#port.written = null;
    this.#answer = null;
    this.#write(request, next);
    const frame = this.#port.written as Buffer | null;
    if (frame === null) throw new Error(`modbus-serial did not encode function ${request.fn}`);
    return frame;
  }

  /** The answer to the request that was encoded last. `frame`: unit, PDU and CRC, already matched with the request. */
  decode(request: ModbusRequest, frame: Buffer): ModbusAnswer {
    if (request.fn === 'raw') return rawAnswer(frame.subarray(1, -2));
    this.#answer = null;
    this.#port.emit('data', frame);
    const answer = this.#answer as Decoded | null;
    if (answer === null) throw new Error('modbus-serial did not decode the answer');
    if (answer.error !== null) {
      const code = answer.error.modbusCode;
      if (code === undefined) throw answer.error;
      return { kind: 'exception', code };
    }
    // modbus-serial gives these as numbers; what the device sent is here, and was matched.
    if (request.fn === 23) return { kind: 'data', data: frame.subarray(3, -2) };
    if (!isRead(request)) return { kind: 'done' };
    if (answer.buffer === undefined) throw new Error('modbus-serial gave no data');
    return { kind: 'data', data: answer.buffer };
  }

  #write(request: EncodedRequest, next: Callback): void {
    const { unit, address } = request;
    switch (request.fn) {
      case 1:
        this.#client.writeFC1(unit, address, request.count, next);
        return;
      case 2:
        this.#client.writeFC2(unit, address, request.count, next);
        return;
      case 3:
        this.#client.writeFC3(unit, address, request.count, next);
        return;
      case 4:
        this.#client.writeFC4(unit, address, request.count, next);
        return;
      case 5:
        this.#client.writeFC5(unit, address, request.value, next);
        return;
      case 6:
        this.#client.writeFC6(unit, address, request.value, next);
        return;
      case 15:
        this.#client.writeFC15(unit, address, request.values, next);
        return;
      case 16:
        this.#client.writeFC16(unit, address, request.values, next);
        return;
      case 22:
        this.#client.writeFC22(unit, address, request.and, request.or, next);
        return;
      case 23:
        this.#client.writeFC23(unit, address, request.count, request.writeAddress, request.values.length, request.values, next);
        return;
    }
  }
}

function rawAnswer(pdu: Buffer): ModbusAnswer {
  if ((pdu.readUInt8(0) & EXCEPTION_BIT) !== 0) return { kind: 'exception', code: pdu.readUInt8(1) };
  return { kind: 'data', data: Buffer.from(pdu) };
}

/** RTU frame of a unit and a PDU. */
export function frameOf(unit: number, pdu: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(pdu.length + 3);
  frame[0] = unit;
  pdu.copy(frame, 1);
  frame.writeUInt16LE(crc16(frame, 0, frame.length - 2), frame.length - 2);
  return frame;
}
