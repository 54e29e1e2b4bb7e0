import { crc16 } from './crc.js';
import type { Framing } from './line.js';

const START = 0x3a;
const LF = 0x0a;
/** Unit, PDU and LRC of the longest frame, two characters each, and the line's end. */
const MAX_LINE = 2 * (1 + 253 + 1) + 2;
/** Stands for bytes that are no frame: unit 0 answers nothing. */
const NOISE = 0;

/**
 * Modbus ASCII: `:`, unit, PDU and LRC in hexadecimal, CR LF. To the transport these are RTU frames: one that is sound gets
 * the CRC that it would have there, whatever is not becomes noise of about its length.
 */
export class AsciiFraming implements Framing {
  /** A line without its start; null: none has begun. */
  #line: number[] | null = null;

  reset(): void {
    this.#line = null;
  }

  get pending(): number {
    return this.#line === null ? 0 : Math.ceil((1 + this.#line.length) / 2);
  }

  encode(frame: Buffer): Buffer {
    const body = frame.subarray(0, -2);
    const hex = Buffer.concat([body, Buffer.from([lrc(body)])])
      .toString('hex')
      .toUpperCase();
    return Buffer.from(`:${hex}\r\n`, 'latin1');
  }

  decode(chunk: Buffer): Buffer {
    const frames: Buffer[] = [];
    for (const byte of chunk) {
      // A serial server may pass the parity bit on.
      const character = byte & 0x7f;
      if (character === START) {
        if (this.#line !== null) frames.push(noise(this.pending));
        this.#line = [];
      } else if (this.#line === null) {
        if (frames.length === 0) frames.push(noise(1));
      } else if (character === LF) {
        frames.push(frameOfLine(this.#line));
        this.#line = null;
      } else {
        this.#line.push(character);
        if (this.#line.length > MAX_LINE) {
          frames.push(noise(this.pending));
          this.#line = null;
        }
      }
    }
    return Buffer.concat(frames);
  }
}

function frameOfLine(line: readonly number[]): Buffer {
  const text = String.fromCharCode(...line).replace(/\r$/, '');
  // Unit, function, LRC: the least there can be.
  if (!/^([0-9A-Fa-f]{2}){3,}$/.test(text)) return noise(text.length / 2);
  const bytes = Buffer.from(text, 'hex');
  const body = bytes.subarray(0, -1);
  if (bytes[bytes.length - 1] !== lrc(body)) return noise(bytes.length + 1);
  const frame = Buffer.concat([body, Buffer.alloc(2)]);
  frame.writeUInt16LE(crc16(frame, 0, body.length), body.length);
  return frame;
}

function noise(length: number): Buffer {
  return Buffer.alloc(Math.max(1, Math.ceil(length)), NOISE);
}

/** Two's complement of the sum. */
export function lrc(bytes: Buffer): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return -sum & 0xff;
}
