import type { Timer } from '../../clock.js';
import type { Fault } from '../fault.js';
import type { ModbusRequest } from './pdu.js';
import type { TransportAnswer } from './transport.js';

/** The answer may be a copy of an earlier one. */
export interface Doubt {
  kind: 'doubt';
  crc: number;
}

/** The request that is under way on a line. */
export interface Pending {
  readonly request: ModbusRequest;
  /** As it went out; a line with local echo gives it back. Empty where it has come back. */
  sent: Buffer;
  /** An answer with this CRC is taken though it looks like a copy: it came before, too. */
  readonly doubted: number | null;
  /** An answer that looks like a copy is held back; another one is the true one. */
  isHeldBack: boolean;
  /** Its answer needs a proof (proof.ts). */
  readonly isRisky: boolean;
  /** Monotonic ms. */
  readonly sentAt: number;
  readonly dueAt: number;
  /** Until its timeout, or until the answer that is held back is taken. */
  timer: Timer;
  /** Runs where what has come can't become an answer any more. */
  garbled: Timer | null;
  resolve(answer: TransportAnswer | Doubt): void;
  reject(fault: Fault): void;
}
