/** One whole packet: its first byte, and where what follows the remaining length begins and ends in `bytes`. */
export type OnFrame = (header: number, bytes: Buffer, start: number, end: number) => void;

/**
 * Cuts a byte stream into MQTT packets and looks into none of them: fixed header and remaining length only, so that the
 * load generator costs as little as it can.
 */
export class FrameReader {
  readonly #onFrame: OnFrame;
  /** The beginning of a packet whose end has not come yet. */
  #rest: Buffer | null = null;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** The next `length` bytes of the stream; `chunk` may be overwritten after the call. */
  push(chunk: Buffer, length: number): void {
    let bytes = chunk;
    let end = length;
    if (this.#rest !== null) {
      bytes = Buffer.concat([this.#rest, chunk.subarray(0, length)]);
      end = bytes.length;
      this.#rest = null;
    }
    let at = 0;
    while (end - at >= 2) {
      let body = at + 1;
      let byte = bytes[body++]!;
      let remaining = byte & 0x7f;
      for (let shift = 7; byte >= 0x80 && body < end; shift += 7) {
        if (shift > 21) throw new Error('not MQTT: a remaining length of more than four bytes');
        byte = bytes[body++]!;
        remaining |= (byte & 0x7f) << shift;
      }
      if (byte >= 0x80 || body + remaining > end) break;
      this.#onFrame(bytes[at]!, bytes, body, body + remaining);
      at = body + remaining;
    }
    if (at < end) this.#rest = Buffer.from(bytes.subarray(at, end));
  }
}
