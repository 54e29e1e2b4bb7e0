import { MqttError } from './mqtt-error.js';
import { ReasonCode } from './reason-codes.js';
import { isPlainAscii, utf8Fault } from './utf8.js';

const EMPTY = Buffer.alloc(0);

/** Reads the fields of one packet, one after the other, each checked against the packet's end. */
export class Cursor {
  bytes: Buffer = EMPTY;
  at = 0;
  end = 0;
  /** The packet's name, for messages. */
  packet = '';

  open(bytes: Buffer, at: number, end: number, packet: string): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.packet = packet;
  }

  /** Lets go of the chunk. */
  close(): void {
    this.bytes = EMPTY;
    this.at = 0;
    this.end = 0;
  }

  get atEnd(): boolean {
    return this.at === this.end;
  }

  u8(what: string): number {
    this.need(1, what);
    return this.bytes[this.at++]!;
  }

  u16(what: string): number {
    this.need(2, what);
    const at = this.at;
    this.at = at + 2;
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!;
  }

  u32(what: string): number {
    this.need(4, what);
    const value = this.bytes.readUInt32BE(this.at);
    this.at += 4;
    return value;
  }

  variableByteInteger(what: string): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.u8(what);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw this.malformed('[MQTT-1.5.5-1]', `${what} is not encoded in the fewest bytes`);
        return value;
      }
    }
    throw this.malformed('§1.5.5', `${what} is longer than four bytes`);
  }

  string(what: string): string {
    const length = this.u16(what);
    this.need(length, what);
    const start = this.at;
    const end = start + length;
    this.at = end;
    if (isPlainAscii(this.bytes, start, end)) return this.bytes.toString('latin1', start, end);
    const fault = utf8Fault(this.bytes, start, end);
    if (fault !== null) throw this.malformed(fault.clause, `${what} ${fault.cause}`);
    return this.bytes.toString('utf8', start, end);
  }

  /** A copy: these are small fields that outlive the chunk. */
  binary(what: string): Buffer {
    const length = this.u16(what);
    this.need(length, what);
    const start = this.at;
    this.at = start + length;
    return Buffer.from(this.bytes.subarray(start, start + length));
  }

  packetId(): number {
    const id = this.u16('packet identifier');
    // [MQTT-2.2.1-3] [MQTT-2.2.1-4]
    if (id === 0) throw this.protocolError('[MQTT-2.2.1-3]', 'packet identifier 0');
    return id;
  }

  finish(): void {
    if (this.at !== this.end) {
      throw this.malformed('§2.1.4', `${this.end - this.at} bytes after the last field`);
    }
  }

  malformed(clause: string, cause: string): MqttError {
    return new MqttError(ReasonCode.MalformedPacket, clause, `${this.packet}: ${cause}`);
  }

  protocolError(clause: string, cause: string): MqttError {
    return new MqttError(ReasonCode.ProtocolError, clause, `${this.packet}: ${cause}`);
  }

  private need(length: number, what: string): void {
    if (this.at + length > this.end) throw this.malformed('§2.1.4', `${what} runs past the end of the packet`);
  }
}
