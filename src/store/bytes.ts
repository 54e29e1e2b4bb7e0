/**
 * Reading and writing the store's binary forms. Little endian; lengths and small numbers as LEB128 varints (1 byte up
 * to 127), times as 6-byte integers, sequence numbers and session ids as float64 (exact to 2^53).
 */
const MAX_U48 = 2 ** 48 - 1;

/** Appends to a buffer that grows. `buffer.buffer` is an ArrayBuffer of its own (never Node's pool), so it can be transferred. */
export class ByteWriter {
  buffer: Buffer<ArrayBuffer>;
  length = 0;

  constructor(size: number | ArrayBuffer) {
    this.buffer = Buffer.from(typeof size === 'number' ? new ArrayBuffer(size) : size);
  }

  /** Room for `bytes` more; each method below calls it for itself. */
  ensure(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.buffer.length) return;
    const grown = Buffer.from(new ArrayBuffer(Math.max(needed, this.buffer.length * 2)));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }

  u8(value: number): void {
    this.ensure(1);
    this.buffer[this.length++] = value;
  }

  f64(value: number): void {
    this.ensure(8);
    this.length = this.buffer.writeDoubleLE(value, this.length);
  }

  /** Milliseconds: rounded down, kept within 0 .. 2^48-1. */
  time(value: number): void {
    this.ensure(6);
    const whole = value > 0 ? Math.min(Math.floor(value), MAX_U48) : 0;
    this.length = this.buffer.writeUIntLE(whole, this.length, 6);
  }

  varint(value: number): void {
    this.ensure(8);
    let rest = value;
    while (rest > 127) {
      this.buffer[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.length++] = rest;
  }

  text(value: string): void {
    const chars = value.length;
    if (chars < 64) {
      // Short ASCII (nearly every topic and client id) is faster by hand than through the native encoder.
      this.ensure(chars + 8);
      const buffer = this.buffer;
      const start = this.length + 1;
      let i = 0;
      for (; i < chars; i++) {
        const code = value.charCodeAt(i);
        if (code > 127) break;
        buffer[start + i] = code;
      }
      if (i === chars) {
        buffer[this.length] = chars;
        this.length = start + chars;
        return;
      }
    }
    const bytes = Buffer.byteLength(value);
    this.varint(bytes);
    this.ensure(bytes);
    this.length += this.buffer.write(value, this.length, 'utf8');
  }

  raw(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Length and bytes. */
  blob(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Four bytes to be filled in later with `setU32`, for lengths that are not known yet. */
  reserveU32(): number {
    this.ensure(4);
    const at = this.length;
    this.length += 4;
    return at;
  }

  setU32(at: number, value: number): void {
    this.buffer.writeUInt32LE(value, at);
  }
}

/** Reads what ByteWriter wrote. Throws a RangeError past the end. */
export class ByteReader {
  readonly buffer: Buffer;
  at: number;
  readonly end: number;

  constructor(buffer: Buffer, at = 0, end = buffer.length) {
    this.buffer = buffer;
    this.at = at;
    this.end = end;
  }

  get more(): boolean {
    return this.at < this.end;
  }

  u8(): number {
    return this.buffer.readUInt8(this.#take(1));
  }

  u32(): number {
    return this.buffer.readUInt32LE(this.#take(4));
  }

  f64(): number {
    return this.buffer.readDoubleLE(this.#take(8));
  }

  time(): number {
    return this.buffer.readUIntLE(this.#take(6), 6);
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
    throw new RangeError('varint longer than 8 bytes');
  }

  text(): string {
    const length = this.varint();
    const start = this.#take(length);
    return this.buffer.toString('utf8', start, start + length);
  }

  /** A view, not a copy. */
  raw(length: number): Buffer {
    const start = this.#take(length);
    return this.buffer.subarray(start, start + length);
  }

  blob(): Buffer {
    return this.raw(this.varint());
  }

  #take(bytes: number): number {
    const at = this.at;
    if (at + bytes > this.end) throw new RangeError(`${bytes} bytes wanted at ${at}, ${this.end - at} left`);
    this.at = at + bytes;
    return at;
  }
}
