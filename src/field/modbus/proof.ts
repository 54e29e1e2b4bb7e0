import type { Clock, Timer } from '../../clock.js';

/** An answer that is good where no further one follows it. */
interface Held {
  crc: number;
  settle(isGood: boolean): void;
}

interface Unit {
  /**
   * By shape (outstanding.ts), then by the read that it was (spacing.ts; empty: any): until when an answer may come that
   * belongs to an earlier request. Monotonic ms.
   */
  risks: Map<string, Map<string, number>>;
  /** Answers of one shape, the oldest first. */
  held: Held[];
  shape: string;
  timer: Timer | null;
  /** Monotonic ms at which the timer fires. */
  due: number;
}

/** What the line looks like to an answer that waits for the ones that may follow it. */
export interface LineState {
  /** `ms` since the last byte. */
  silence(): number;
  /** Bytes that are there and are no frame so far. */
  rest(): number;
}

/** Answers of one unit that wait; then it is left alone until they are proven. */
const MAX_HELD = 32;
/** As long as the shortest frame; less is what a line without bias picks up between two frames. */
const LEAST_FRAME = 5;
/** Where noise does not end for so many times as long as an answer takes, nothing is proven. */
const MAX_NOISY = 5;

/**
 * On a line nothing but its place tells which request an answer belongs to. Where a way doubles requests, or lets one answer
 * overtake another, the next one of that shape gets the answer before it, and so do all behind it: each looks perfect. Then
 * there is one answer too many in the end. So an answer that may belong to an earlier request of its shape is given when it is
 * proven: the unit has answered something else since, or nothing more has come. Meanwhile the line goes on.
 */
export class Proof {
  readonly #clock: Clock;
  readonly #line: LineState;
  readonly #units = new Map<number, Unit>();

  constructor(clock: Clock, line: LineState) {
    this.#clock = clock;
    this.#line = line;
  }

  /** An answer of this shape that comes within `ms` may belong to a request that was made before now: to this read, or to any. */
  warn(unit: number, shape: string, ms: number, read = ''): void {
    const { risks } = this.#unit(unit);
    const now = this.#clock.mono();
    const reads = risks.get(shape) ?? new Map<string, number>();
    for (const [other, until] of reads) if (until < now) reads.delete(other);
    reads.set(read, Math.max(reads.get(read) ?? 0, now + ms));
    risks.set(shape, reads);
  }

  /** Something of a unit (0: of all) is written: an answer to the same read, asked for earlier, is not true any more. */
  written(id: number): void {
    const units = id === 0 ? this.#units.values() : [this.#unit(id)];
    for (const { risks } of units) {
      for (const reads of risks.values()) {
        const until = Math.max(...reads.values());
        reads.clear();
        reads.set('', until);
      }
    }
  }

  /** Whether the answer to this read needs a proof: one to the same read, asked for earlier, is true for it, too. */
  isRisky(id: number, shape: string, read: string): boolean {
    const unit = this.#units.get(id);
    if (unit === undefined) return false;
    if (unit.held.length > 0 && unit.shape === shape) return true;
    const now = this.#clock.mono();
    for (const [other, until] of unit.risks.get(shape) ?? []) if (until >= now && (other === '' || other !== read)) return true;
    return false;
  }

  /** The unit is asked for an answer of this shape: those that wait for the end of such answers wait for this one, too. */
  asked(id: number, shape: string): void {
    const unit = this.#units.get(id);
    if (unit?.shape === shape) unit.timer?.cancel();
  }

  /** The unit gave no answer of this shape, and is not waited for any more. */
  failed(id: number, shape: string, quietMs: number): void {
    const unit = this.#units.get(id);
    if (unit !== undefined && unit.shape === shape && unit.held.length > 0) this.#arm(unit, quietMs);
  }

  /** The unit answered in the order it was asked: nothing of another shape is missing. */
  answered(id: number, shape: string): void {
    const unit = this.#units.get(id);
    if (unit !== undefined && unit.shape !== shape) settle(unit, true);
  }

  /** Resolves when it is known whether the answer that came now is good. */
  hold(id: number, shape: string, crc: number, quietMs: number): Promise<boolean> {
    const unit = this.#unit(id);
    unit.shape = shape;
    return new Promise((resolve) => {
      unit.held.push({ crc, settle: resolve });
      this.#arm(unit, quietMs);
    });
  }

  /** A frame of this shape came that nobody had asked for: those that wait may each belong to the request before. */
  surplus(id: number, shape: string, crc: number): void {
    const unit = this.#units.get(id);
    if (unit === undefined || unit.shape !== shape) return;
    // Whichever of the two is the answer, it says the same.
    if (unit.held.length === 1 && unit.held[0]?.crc === crc) return;
    settle(unit, false);
  }

  /** What came looks like a copy: what it is a copy of may be too many. */
  doubt(id: number): void {
    const unit = this.#units.get(id);
    if (unit !== undefined) settle(unit, false);
  }

  /** So many bytes came that are no frame: they may have been the answer that is too many. */
  noise(bytes: number): void {
    if (bytes >= LEAST_FRAME) this.end();
  }

  /** Nothing is known any more of what would still have come. */
  end(): void {
    for (const unit of this.#units.values()) settle(unit, false);
  }

  /** ms until the unit may be asked again. */
  waitFor(id: number): number {
    const unit = this.#units.get(id);
    return unit === undefined || unit.held.length < MAX_HELD ? 0 : Math.max(1, unit.due - this.#clock.mono());
  }

  #arm(unit: Unit, quietMs: number, noisySince: number | null = null): void {
    unit.timer?.cancel();
    const now = this.#clock.mono();
    unit.due = now + quietMs;
    unit.timer = this.#clock.setTimeout(() => {
      const rest = this.#line.rest();
      const isNoisy = rest > 0 && this.#line.silence() < quietMs;
      // The other bytes of a frame may still come.
      if (!isNoisy) settle(unit, rest < LEAST_FRAME);
      else if (now - (noisySince ?? now) < MAX_NOISY * quietMs) this.#arm(unit, quietMs, noisySince ?? now);
      else settle(unit, false);
    }, Math.ceil(quietMs));
  }

  #unit(id: number): Unit {
    let unit = this.#units.get(id);
    if (unit === undefined) {
      unit = { risks: new Map(), held: [], shape: '', timer: null, due: 0 };
      this.#units.set(id, unit);
    }
    return unit;
  }
}

function settle(unit: Unit, isGood: boolean): void {
  unit.timer?.cancel();
  unit.timer = null;
  for (const { settle } of unit.held.splice(0)) settle(isGood);
}
