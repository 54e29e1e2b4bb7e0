import { EXCEPTION_BIT, isRead, type ModbusRequest, type ReadRequest } from './pdu.js';

/** An answer that came: two that differ are taken for equal once in 65536 times. */
interface Seen {
  /** The read that it answered; empty: another request, or none that is known. */
  key: string;
  crc: number;
  length: number;
  /** Monotonic ms. */
  at: number;
}

interface Unit {
  last: ModbusRequest | null;
  /** What each read was answered last, and when. */
  reads: Map<string, Seen & { request: ReadRequest }>;
  /** The latest frames, the oldest first. */
  seen: Seen[];
  /** ms that an answer takes, smoothed. */
  latency: number;
}

/** What an answer may be. `copy` of one to another read, `old`: of an earlier one to the same read. */
export type Suspicion = 'copy' | 'old' | null;

/** Reads and frames that are remembered of one unit. */
const MAX_READS = 64;
const MAX_SEEN = 128;

/**
 * What units answered lately. A line has no transaction ids: a copy of an earlier answer (a radio modem that sends twice)
 * looks like the answer to the next request of the same length. Its bytes give it away.
 */
export class AnswerMemory {
  readonly #units = new Map<number, Unit>();
  readonly #window: number;

  /** `windowMs`: no copy comes later than that. */
  constructor(windowMs: number) {
    this.#window = windowMs;
  }

  /** What the unit answered last, whatever it was; null: nothing so far. */
  last(unit: number): ModbusRequest | null {
    return this.#units.get(unit)?.last ?? null;
  }

  /**
   * Reads that the unit is known to answer with data. First those that were answered neither lately (a copy of that may come)
   * nor longest ago (their turn is next, and a copy of what is answered now may come then).
   */
  reads(unit: number): ReadRequest[] {
    const all = [...(this.#units.get(unit)?.reads.values() ?? [])].map(({ request }) => request);
    const middle = all.length >> 1;
    return [...all.slice(middle), ...all.slice(0, middle)];
  }

  /** ms that an answer of the unit usually takes. */
  latency(unit: number): number {
    return this.#units.get(unit)?.latency ?? 0;
  }

  /** Whether this answer may be a copy of an earlier one: it has its bytes, and is not what this read gave last. */
  suspect(request: ModbusRequest, frame: Buffer, now: number): Suspicion {
    const unit = this.#units.get(request.unit);
    if (unit === undefined || !isRead(request) || isException(frame)) return null;
    const crc = crcOf(frame);
    const own = keyOf(request);
    const before = unit.reads.get(own);
    if (before?.crc === crc && before.length === frame.length) return null;
    let suspicion: Suspicion = null;
    for (const seen of unit.seen) {
      if (seen.crc !== crc || seen.length !== frame.length || now - seen.at > this.#window) continue;
      if (seen.key !== own) return 'copy';
      suspicion = 'old';
    }
    return suspicion;
  }

  answered(request: ModbusRequest, frame: Buffer, tookMs: number, now: number): void {
    const unit = this.#unit(request.unit);
    unit.last = request;
    unit.latency = unit.latency === 0 ? tookMs : unit.latency + (tookMs - unit.latency) / 8;
    // These look alike whatever they answer.
    if (isException(frame)) return;
    const key = isRead(request) ? keyOf(request) : '';
    const seen = this.#keep(unit, key, frame, now);
    if (!isRead(request)) return;
    unit.reads.delete(key);
    unit.reads.set(key, { ...seen, request });
    if (unit.reads.size > MAX_READS) unit.reads.delete(unit.reads.keys().next().value ?? key);
  }

  /** A frame that was no answer to what was asked: late, or a copy. There may be more of it. */
  passed(unit: number, frame: Buffer, now: number): void {
    this.#keep(this.#unit(unit), '', frame, now);
  }

  #keep(unit: Unit, key: string, frame: Buffer, at: number): Seen {
    const seen = { key, crc: crcOf(frame), length: frame.length, at };
    while (unit.seen.length >= MAX_SEEN || (unit.seen[0] !== undefined && at - unit.seen[0].at > this.#window)) unit.seen.shift();
    unit.seen.push(seen);
    return seen;
  }

  #unit(id: number): Unit {
    let unit = this.#units.get(id);
    if (unit === undefined) {
      unit = { last: null, reads: new Map(), seen: [], latency: 0 };
      this.#units.set(id, unit);
    }
    return unit;
  }
}

function isException(frame: Buffer): boolean {
  return ((frame[1] ?? 0) & EXCEPTION_BIT) !== 0;
}

export function crcOf(frame: Buffer): number {
  return frame.readUInt16LE(frame.length - 2);
}

function keyOf({ fn, address, count }: ReadRequest): string {
  return `${fn}:${address}:${count}`;
}
