import { FerruleError } from '../errors.js';
import type { Logger } from '../log.js';
import type { SpoolCounters } from './ports.js';
import type { LedgerStatus } from './status.js';
import type { Tally } from './tally.js';

export const EMPTY_COUNTERS: SpoolCounters = {
  accepted: 0,
  delivered: 0,
  waiting: 0,
  waitingBytes: 0,
  droppedFull: 0,
  droppedExpired: 0,
  droppedOther: 0,
  oldestAt: null,
};

/** accepted - delivered - dropped - waiting: 0, or something was lost or counted twice. */
export function differenceOf(counters: SpoolCounters): number {
  const { accepted, delivered, waiting, droppedFull, droppedExpired, droppedOther } = counters;
  return accepted - delivered - droppedFull - droppedExpired - droppedOther - waiting;
}

/**
 * The ledger as people read it. The counters are persistent; `reasons` tells the `droppedOther` of this run apart, the
 * rest of them stays under `other`.
 */
export function ledgerOf(counters: SpoolCounters, reasons: Tally | null, now: number): LedgerStatus {
  const dropped: Record<string, number> = { full: counters.droppedFull, expired: counters.droppedExpired };
  let told = 0;
  for (const [reason, count] of Object.entries(reasons?.toRecord() ?? {})) {
    const counted = Math.min(count, counters.droppedOther - told);
    dropped[reason] = (dropped[reason] ?? 0) + counted;
    told += counted;
  }
  dropped.other = counters.droppedOther - told;
  return {
    accepted: counters.accepted,
    delivered: counters.delivered,
    waiting: counters.waiting,
    waitingBytes: counters.waitingBytes,
    dropped,
    difference: differenceOf(counters),
    oldestAgeMs: counters.oldestAt === null ? null : Math.max(0, now - counters.oldestAt),
  };
}

/** Looks whether the ledger balances, and reports a difference once. */
export class LedgerCheck {
  /** null: it balanced when it was last looked at. */
  fault: FerruleError | null = null;
  readonly #name: string;
  readonly #log: Logger;

  constructor(name: string, log: Logger) {
    this.#name = name;
    this.#log = log;
  }

  check(counters: SpoolCounters): void {
    const difference = differenceOf(counters);
    if (difference === 0) {
      if (this.fault !== null) this.#log.info({ ...counters }, 'the ledger balances again');
      this.fault = null;
      return;
    }
    const known = this.fault !== null;
    const what =
      difference > 0
        ? `${difference} accepted messages are neither delivered, dropped nor waiting`
        : `${-difference} messages are counted twice`;
    this.fault = new FerruleError('FER_BRIDGE_LEDGER', `The ledger of bridge ${this.#name} does not balance: ${what}.`, {
      hint: 'Please report this with the log of the gateway.',
    });
    if (!known) this.#log.error({ code: this.fault.code, difference, ...counters }, this.fault.message);
  }
}
