import { isRead, type ModbusRequest, type ReadRequest } from './pdu.js';

interface Remembered {
  request: ReadRequest;
  /** Of the whole answer: two answers that differ are taken for equal once in 65536 times, which costs a barrier. */
  crc: number;
  length: number;
}

/** Reads that are remembered of one unit. */
const MAX_READS = 64;

/**
 * What each read of a unit was answered last. A line has no transaction ids: a copy of an earlier answer (a radio modem
 * that sends twice, a request that was doubled on its way) looks like the answer to the next request of the same length.
 * Its bytes give it away.
 */
export class AnswerMemory {
  readonly #units = new Map<number, Map<string, Remembered>>();
  readonly #last = new Map<number, ModbusRequest>();

  /** What the unit answered last, whatever it was; null: nothing so far. */
  last(unit: number): ModbusRequest | null {
    return this.#last.get(unit) ?? null;
  }

  /** Reads that the unit is known to answer, the shortest first. */
  reads(unit: number): ReadRequest[] {
    return [...(this.#units.get(unit)?.values() ?? [])].map(({ request }) => request).sort((a, b) => a.count - b.count);
  }

  /** Whether this answer may be a copy of that to another read: it has its bytes, and is not what this read gave before. */
  isRepeated(request: ModbusRequest, frame: Buffer): boolean {
    const reads = this.#units.get(request.unit);
    if (reads === undefined || !isRead(request)) return false;
    const crc = crcOf(frame);
    const own = keyOf(request);
    const before = reads.get(own);
    if (before?.crc === crc && before.length === frame.length) return false;
    for (const [key, other] of reads) if (key !== own && other.crc === crc && other.length === frame.length) return true;
    return false;
  }

  answered(request: ModbusRequest, frame: Buffer): void {
    this.#last.set(request.unit, request);
    if (!isRead(request)) return;
    let reads = this.#units.get(request.unit);
    if (reads === undefined) {
      reads = new Map();
      this.#units.set(request.unit, reads);
    }
    const key = keyOf(request);
    reads.delete(key);
    reads.set(key, { request, crc: crcOf(frame), length: frame.length });
    if (reads.size > MAX_READS) reads.delete(reads.keys().next().value ?? key);
  }
}

function crcOf(frame: Buffer): number {
  return frame.readUInt16LE(frame.length - 2);
}

function keyOf({ fn, address, count }: ReadRequest): string {
  return `${fn}:${address}:${count}`;
}
