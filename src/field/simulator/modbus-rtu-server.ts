import { access } from 'node:fs/promises';
import type { SerialPort } from 'serialport';
import type { Clock, Timer } from '../../clock.js';
import type { Memory } from './memory.js';
import { answer } from './slave.js';

export interface LineSettings {
  port: string;
  baud: number;
  parity: 'none' | 'even' | 'odd';
  stopBits: 1 | 2;
}

export interface ModbusRtuServerOptions {
  /** By unit id; for another one the line stays silent. */
  units: ReadonlyMap<number, Memory>;
  line: LineSettings;
  clock: Clock;
  /** The port is gone. */
  onLost(error: Error): void;
}

/** ms between two looks whether the port is still there: a port that vanishes is not always reported. */
const LOOK_MS = 500;
/** ms of silence after which what has come is no frame: longer than an adapter holds bytes back. */
const SILENCE_MS = 50;
const BROADCAST = 0;
/** Unit, function and check sum. */
const SHORTEST = 4;
const LONGEST = 256;

/** Modbus devices on a serial line. */
export class ModbusRtuServer {
  readonly #options: ModbusRtuServerOptions;
  #port: SerialPort | null = null;
  #pending: Buffer = Buffer.alloc(0);
  #silence: Timer | null = null;
  #look: Timer | null = null;

  constructor(options: ModbusRtuServerOptions) {
    this.#options = options;
  }

  /** Rejects where the port can't be opened. */
  async start(): Promise<void> {
    const { SerialPort } = await import('serialport');
    const { port: path, baud: baudRate, parity, stopBits } = this.#options.line;
    const port = new SerialPort({ path, baudRate, parity, stopBits, dataBits: 8, autoOpen: false });
    await new Promise<void>((resolve, reject) => {
      port.open((error) => (error ? reject(error) : resolve()));
    });
    this.#port = port;
    port.on('data', (chunk: Buffer) => this.#receive(chunk));
    port.on('error', (error) => this.#lose(error));
    port.on('close', (error: Error | null) => {
      if (error) this.#lose(error);
    });
    this.#look = this.#options.clock.setInterval(() => {
      access(path).catch(() => this.#lose(new Error(`${path} is not there any more`)));
    }, LOOK_MS);
  }

  async stop(): Promise<void> {
    this.#cancelTimers();
    const port = this.#port;
    this.#port = null;
    if (port?.isOpen === true) await new Promise<void>((done) => port.close(() => done()));
  }

  #lose(error: Error): void {
    const port = this.#port;
    if (port === null) return;
    this.#port = null;
    this.#cancelTimers();
    if (port.isOpen) port.close(() => undefined);
    this.#options.onLost(error);
  }

  #cancelTimers(): void {
    this.#silence?.cancel();
    this.#look?.cancel();
    this.#silence = null;
    this.#look = null;
  }

  #receive(chunk: Buffer): void {
    this.#silence?.cancel();
    this.#pending = Buffer.concat([this.#pending, chunk]);
    const length = requestLength(this.#pending);
    if (length !== null && this.#pending.length >= length && checkSum(this.#pending.subarray(0, length)) === 0) {
      const frame = this.#pending.subarray(0, length);
      this.#pending = Buffer.alloc(0);
      this.#handle(frame);
      return;
    }
    if (this.#pending.length > LONGEST) this.#pending = Buffer.alloc(0);
    this.#silence = this.#options.clock.setTimeout(() => {
      this.#pending = Buffer.alloc(0);
    }, SILENCE_MS);
  }

  #handle(frame: Buffer): void {
    const request = frame.subarray(1, -2);
    const unit = frame.readUInt8(0);
    if (unit === BROADCAST) {
      for (const memory of this.#options.units.values()) answer(memory, request);
      return;
    }
    const memory = this.#options.units.get(unit);
    if (memory === undefined) return;
    const response = Buffer.concat([Buffer.from([unit]), answer(memory, request), Buffer.alloc(2)]);
    response.writeUInt16LE(checkSum(response.subarray(0, -2)), response.length - 2);
    this.#port?.write(response);
  }
}

/** Of the frame that begins here, with check sum; null: it can't be told yet. */
function requestLength(frame: Buffer): number | null {
  switch (frame[1]) {
    case 15:
    case 16:
      return frame.length < 7 ? null : 9 + frame.readUInt8(6);
    case 22:
      return 10;
    case 23:
      return frame.length < 11 ? null : 13 + frame.readUInt8(10);
    case 43:
      return 7;
    case 7:
    case 11:
    case 12:
    case 17:
      return SHORTEST;
    default:
      return 8;
  }
}

/** CRC-16 of Modbus; 0 over a frame that carries its own. */
function checkSum(bytes: Buffer): number {
  let sum = 0xffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >> 1) ^ 0xa001 : sum >> 1;
  }
  return sum;
}
