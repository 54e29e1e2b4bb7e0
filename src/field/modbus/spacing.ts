import { shapeOf } from './outstanding.js';
import { addressOf, functionOf, isRead, type ModbusRequest } from './pdu.js';

const ADDRESSED = new Set([5, 6, 15, 16, 22]);

interface Asked {
  /** See readOf. */
  read: string;
  /** Monotonic ms. */
  until: number;
}

/**
 * Where a way sends a request twice and then loses the answer to the next one, the answer to the copy stands in its place, and
 * there is not even one too many. Only time tells them apart: what would be answered with the same frame is not asked before
 * a copy would have come. The same read may be: such an answer is true for it, too.
 */
export class Spacing {
  readonly #units = new Map<number, Map<string, Asked>>();

  /** This request has ended: `until` a copy of it may be answered. Monotonic ms. */
  ended(request: ModbusRequest, now: number, until: number): void {
    let unit = this.#units.get(request.unit);
    if (unit === undefined) {
      unit = new Map();
      this.#units.set(request.unit, unit);
    }
    for (const [key, asked] of unit) if (asked.until <= now) unit.delete(key);
    unit.set(answerOf(request), { read: readOf(request), until });
  }

  /** ms until this may be asked. */
  waitFor(request: ModbusRequest, now: number): number {
    const unit = this.#units.get(request.unit);
    if (unit === undefined || unit.size === 0) return 0;
    const asked = unit.get(answerOf(request));
    if (asked === undefined || (asked.read !== '' && asked.read === readOf(request))) return 0;
    return Math.max(0, asked.until - now);
  }
}

/** What its answer has in common with those it could be taken for: that to a write repeats the address. */
function answerOf(request: ModbusRequest): string {
  const fn = functionOf(request);
  return ADDRESSED.has(fn) ? `${fn}@${addressOf(request)}` : shapeOf(request);
}

/** Which read of its unit a request is, where answers of its shape are told apart; empty: it is no read. */
export function readOf(request: ModbusRequest): string {
  return isRead(request) ? `${request.address}+${request.count}` : '';
}
