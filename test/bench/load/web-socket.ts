import { randomBytes } from 'node:crypto';

const BINARY = 0x82;
const MASKED = 0x80;
/** Of a frame that carries no data: close, ping, pong. */
const CONTROL = 0x08;
const END_OF_HEADERS = '\r\n\r\n';

/**
 * The client's side of a WebSocket, as little of it as a load needs. Its mask is zero, which is legal and leaves the bytes
 * as they are: what masking costs a client is not what is measured; the broker unmasks all the same.
 */
export class WebSocketFraming {
  readonly #onOpen: (error: Error | null) => void;
  readonly #onBytes: (bytes: Buffer) => void;
  #open = false;
  /** The beginning of something whose end has not come yet: the answer to the handshake, or a frame's header. */
  #rest: Buffer | null = null;
  /** Bytes of the frame under way that are still to come. */
  #left = 0;

  constructor(onOpen: (error: Error | null) => void, onBytes: (bytes: Buffer) => void) {
    this.#onOpen = onOpen;
    this.#onBytes = onBytes;
  }

  /** What a client says first. */
  static handshake(host: string, path: string): string {
    return [
      `GET ${path} HTTP/1.1`,
      `Host: ${host}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Protocol: mqtt${END_OF_HEADERS}`,
    ].join('\r\n');
  }

  /** The bytes as one binary frame. */
  static frame(bytes: Buffer): Buffer {
    const { length } = bytes;
    const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
    const framed = Buffer.allocUnsafe(2 + extended + 4 + length);
    framed[0] = BINARY;
    framed[1] = MASKED | (extended === 0 ? length : extended === 2 ? 126 : 127);
    if (extended === 2) framed.writeUInt16BE(length, 2);
    else if (extended === 8) framed.writeBigUInt64BE(BigInt(length), 2);
    framed.writeUInt32BE(0, 2 + extended);
    bytes.copy(framed, 2 + extended + 4);
    return framed;
  }

  /** The next bytes of the stream; they may be overwritten after the call. */
  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#rest !== null) {
      bytes = Buffer.concat([this.#rest, chunk]);
      this.#rest = null;
    }
    let at = this.#open ? 0 : this.#takeHandshake(bytes);
    while (at < bytes.length) {
      if (this.#left === 0) {
        const payloadAt = this.#takeHeader(bytes, at);
        if (payloadAt === -1) break;
        at = payloadAt;
        continue;
      }
      const end = Math.min(bytes.length, at + this.#left);
      this.#left -= end - at;
      this.#onBytes(bytes.subarray(at, end));
      at = end;
    }
    if (at < bytes.length) this.#rest = Buffer.from(bytes.subarray(at));
  }

  /** Where the frames begin. */
  #takeHandshake(bytes: Buffer): number {
    const end = bytes.indexOf(END_OF_HEADERS);
    if (end === -1) return 0;
    this.#open = true;
    const status = bytes.toString('latin1', 0, bytes.indexOf('\r\n'));
    this.#onOpen(status.startsWith('HTTP/1.1 101') ? null : new Error(`no WebSocket: ${status}`));
    return end + END_OF_HEADERS.length;
  }

  /** Where the payload begins; -1: the header is not all there. */
  #takeHeader(bytes: Buffer, at: number): number {
    if (!this.#open || bytes.length - at < 2) return -1;
    const length = bytes[at + 1]!;
    // Its payload is at most 125 bytes. A load answers no ping; the end of the connection follows a close anyway.
    if ((bytes[at]! & CONTROL) !== 0) return bytes.length - at < 2 + length ? -1 : at + 2 + length;
    const extended = length < 126 ? 0 : length === 126 ? 2 : 8;
    if (bytes.length - at < 2 + extended) return -1;
    this.#left = extended === 0 ? length : extended === 2 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    return at + 2 + extended;
  }
}
