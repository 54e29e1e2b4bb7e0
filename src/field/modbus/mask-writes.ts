import type { Clock } from '../../clock.js';
import { functionOf, type ModbusRequest } from './pdu.js';

const MASK_WRITE = 22;

/** What is known of one unit. */
interface Knowledge {
  /** It has answered FC 22, and not with exception 1. */
  isKnown: boolean;
  isRefused: boolean;
  /** FC 22 was sent and not answered; what the unit does next tells whether that was FC 22 or the unit. */
  isInDoubt: boolean;
  /** So often in a row it said nothing to FC 22, but answered what was asked next. */
  ignored: number;
  /** Monotonic ms until which it is not asked. */
  restsUntil: number;
}

/** A unit that has answered FC 22 before ignores it only after so many; one that never has, after the first. */
const IGNORED_THOUGH_KNOWN = 3;
/** A unit that ignores FC 22 is given it again after this; each further time it is left alone for six times as long. */
const FIRST_REST_MS = 10 * 60_000;
const LONGEST_REST_MS = 24 * 3_600_000;

/**
 * Which units of a bus can be written with FC 22 (mask write). Not all have it; most of those say so (exception 1), some say
 * nothing. An answer that was lost looks the same: such a unit is tried again later.
 */
export class MaskWrites {
  readonly #clock: Clock;
  readonly #units = new Map<number, Knowledge>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether a write may use FC 22. */
  canUse(unit: number): boolean {
    const known = this.#units.get(unit);
    return known === undefined || !(known.isRefused || known.isInDoubt || this.#clock.mono() < known.restsUntil);
  }

  /** FC 22 was answered, also with an exception other than 1. */
  answered(unit: number): void {
    this.#units.set(unit, { isKnown: true, isRefused: false, isInDoubt: false, ignored: 0, restsUntil: 0 });
  }

  /** Exception 1: the unit does not have it. */
  refused(unit: number): void {
    this.#of(unit).isRefused = true;
  }

  /** FC 22 was sent, and nothing came from the unit. */
  unanswered(unit: number): void {
    this.#of(unit).isInDoubt = true;
  }

  /** A request was answered by its unit, or not. */
  heard(request: ModbusRequest, isAnswered: boolean): void {
    const known = this.#units.get(request.unit);
    if (known === undefined || !known.isInDoubt || functionOf(request) === MASK_WRITE) return;
    known.isInDoubt = false;
    // It says nothing at all: that tells nothing about FC 22.
    if (!isAnswered) return;
    known.ignored++;
    const beyond = known.ignored - (known.isKnown ? IGNORED_THOUGH_KNOWN : 1);
    if (beyond >= 0) known.restsUntil = this.#clock.mono() + Math.min(FIRST_REST_MS * 6 ** beyond, LONGEST_REST_MS);
  }

  #of(unit: number): Knowledge {
    const known = this.#units.get(unit) ?? { isKnown: false, isRefused: false, isInDoubt: false, ignored: 0, restsUntil: 0 };
    this.#units.set(unit, known);
    return known;
  }
}
