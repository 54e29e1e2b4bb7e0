import type { FrameError, FrameTap } from '../tap.js';
import type { Line } from './line.js';
import { noiseIn } from './outstanding.js';
import type { ModbusRequest } from './pdu.js';

const MAX_BUFFER = 2048;

/** What has come from a line and belongs to nothing so far. The tap is told of each byte once: as part of a frame, or as noise. */
export class LineBuffer {
  readonly #line: Line;
  readonly #tap: FrameTap | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  /** Bytes at its beginning that the tap has been told of. */
  #told = 0;

  constructor(line: Line, tap: FrameTap | undefined) {
    this.#line = line;
    this.#tap = tap;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Bytes that have come and are no frame so far. */
  get rest(): number {
    return noiseIn(this.#bytes) + this.#line.pendingBytes;
  }

  append(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    if (this.#bytes.length <= MAX_BUFFER) return;
    this.#bytes = this.#bytes.subarray(-MAX_BUFFER);
    this.#told = 0;
  }

  /** Takes a frame out, with all that is before it. */
  take(at: number, length: number): Buffer {
    const frame = this.#bytes.subarray(at, at + length);
    this.#bytes = this.#bytes.subarray(at + length);
    this.#told = 0;
    return frame;
  }

  clear(): void {
    this.#bytes = Buffer.alloc(0);
    this.#told = 0;
  }

  tell(direction: 'in' | 'out', frame: Buffer, request: ModbusRequest, error: FrameError | null): void {
    if (!this.#tap?.isWatched) return;
    this.#tap.tell({ direction, bytes: this.#line.wire(frame), pdu: frame.subarray(1, -2), unit: request.unit, request, error });
  }

  tellNoise(error: FrameError, bytes: Buffer, request: ModbusRequest | null): void {
    if (this.#tap?.isWatched) this.#tap.tell({ direction: 'in', bytes, pdu: null, unit: request?.unit ?? null, request, error });
  }

  /** What is there up to `end` was not asked for. */
  tellUnexpected(end = this.#bytes.length): void {
    if (end > this.#told) this.tellNoise('unexpected', this.#bytes.subarray(this.#told, end), null);
    this.#told = end;
  }

  /** They stay: the rest of a late answer may follow. */
  tellGarbled(request: ModbusRequest): void {
    this.tellNoise('crc', this.#bytes, request);
    this.#told = this.#bytes.length;
  }
}
