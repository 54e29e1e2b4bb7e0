import { shapeOf } from './outstanding.js';
import { addressOf, functionOf, isEchoed, isRead, type ModbusRequest } from './pdu.js';

/** Answers to these repeat the address, and not the values. */
const ADDRESSED = new Set([15, 16]);

interface Asked {
  /** See readOf; empty, too, where something was written since. */
  read: string;
  /** Monotonic ms. */
  until: number;
  /** Another read waits for it: it is not asked again before that one. */
  isWanted: boolean;
}

/**
 * Where a way sends a request twice and then loses the answer to the next one, the answer to the copy stands in its place, and
 * there is not even one too many. Only time tells them apart: what would be answered with the same frame is not asked before
 * a copy would have come. The same read may be: such an answer is true for it, too, unless something was written since.
 */
export class Spacing {
  readonly #units = new Map<number, Map<string, Asked>>();

  /** This request has ended: `until` a copy of it may be answered. Monotonic ms. */
  ended(request: ModbusRequest, now: number, until: number): void {
    if (isEchoed(request)) return;
    let unit = this.#units.get(request.unit);
    if (unit === undefined) {
      unit = new Map();
      this.#units.set(request.unit, unit);
    }
    for (const [key, asked] of unit) if (asked.until <= now) unit.delete(key);
    if (until > now) unit.set(answerOf(request), { read: readOf(request), until, isWanted: false });
  }

  /** Something of a unit (0: of all) is written: what it was asked before may be answered with what was there before. */
  written(unit: number): void {
    const units = unit === 0 ? this.#units.values() : [this.#units.get(unit) ?? new Map<string, Asked>()];
    for (const known of units) for (const asked of known.values()) asked.read = '';
  }

  /** ms until this may be asked. */
  waitFor(request: ModbusRequest, now: number): number {
    const unit = this.#units.get(request.unit);
    if (unit === undefined || unit.size === 0 || isEchoed(request)) return 0;
    const asked = unit.get(answerOf(request));
    if (asked === undefined || asked.until <= now) return 0;
    if (asked.read !== '' && asked.read === readOf(request)) return asked.isWanted ? asked.until - now : 0;
    asked.isWanted = true;
    return asked.until - now;
  }
}

/** What its answer has in common with those it could be taken for. */
function answerOf(request: ModbusRequest): string {
  const fn = functionOf(request);
  return ADDRESSED.has(fn) ? `${fn}@${addressOf(request)}` : shapeOf(request);
}

/** Which read of its unit a request is, where answers of its shape are told apart; empty: it is no read. */
export function readOf(request: ModbusRequest): string {
  return isRead(request) ? `${request.address}+${request.count}` : '';
}
