import type { Fault } from '../fault.js';
import type { Link } from '../link/link.js';
import type { FrameTap } from '../tap.js';
import type { ModbusAnswer, ModbusRequest, ReadRequest } from './pdu.js';

/**
 * `proof`: the answer may turn out to be another request's, and is not given before this is resolved with true. It needs no
 * room on the line meanwhile.
 */
export type TransportAnswer = ModbusAnswer & { readonly proof?: Promise<boolean> };

/** Carries requests over a link and gives each the answer that is its own, or a Fault. */
export interface Transport {
  /** Exchanges that may be under way at once. */
  readonly maxInflight: number;
  attach(link: Link): void;
  /** The link is gone: what is under way is rejected with this fault. */
  detach(fault: Fault): void;
  receive(chunk: Buffer): void;
  /** For a while one exchange at a time is under way, so that it shows whose does harm. Absent: it always is. */
  oneByOne?(): void;
  /** ms until the unit may be asked (this, where it is known what): it may still be answering an earlier request. 0: now. */
  waitFor(unit: number, request: ModbusRequest | null): number;
  /** `onSent`: the request itself goes out, now; without it nothing of it did, whatever the outcome. */
  exchange(request: ModbusRequest, onSent?: () => void): Promise<TransportAnswer>;
}

/** What a transport notices beside answers. */
export interface TransportEvents {
  /** Is told of every frame, while somebody watches. */
  readonly tap?: FrameTap;
  /** Whether something may be read that nobody asked for. Absent: anything. */
  mayRead?(read: ReadRequest): boolean;
  crcError(unit: number): void;
  /** An answer came after its timeout of `timeoutMs`, by `byMs`. */
  late(unit: number, byMs: number, timeoutMs: number): void;
  /** The peer broke the protocol: this connection can't be trusted any more. */
  violation(fault: Fault): void;
}
