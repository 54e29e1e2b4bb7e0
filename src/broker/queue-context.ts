import type { Clock } from '../clock.js';
import type { QueueCounters, Store } from '../store/types.js';
import type { WindowBudget } from './entry-deque.js';
import type { BrokerCounters, BrokerLimits } from './limits.js';

export interface QueueLimits {
  maxMessages: number;
  maxBytes: number;
  /** ms; 0: none. */
  maxAgeMs: number;
  whenFull: BrokerLimits['whenQueueFull'];
}

/** accepted = delivered + dropped + waiting. */
export type QueueTally = Omit<QueueCounters, 'waiting' | 'waitingBytes'>;

/** What the queue needs of the broker around it. */
export interface QueueContext {
  readonly store: Store;
  readonly limits: BrokerLimits;
  readonly counters: BrokerCounters;
  readonly clock: Clock;
  readonly windows: WindowBudget;
}
