import { answerLength, EXCEPTION_PDU_LENGTH, MAX_PDU_LENGTH, type ModbusRequest } from './pdu.js';

/** Transaction, protocol, length, unit. */
export const HEADER_LENGTH = 7;
/** Function and byte count of a read's answer: where they fit, what stands there is not another answer's header. */
const CHECKED_LENGTH = HEADER_LENGTH + 2;
/** Answers that are remembered, for copies of them. */
const MAX_GIVEN = 32;

/** An answer that was given already. */
interface Given {
  unit: number;
  /** As in its header. */
  length: number;
}

/** The request of a transaction id whose answer may still come on this connection: it is under way, or was given up. */
export type Unanswered = (id: number) => ModbusRequest | undefined;

/** What can come over one Modbus TCP connection, told by headers: answers that are waited for, and copies of those that were given. */
export class KnownAnswers {
  readonly #unanswered: Unanswered;
  readonly #given = new Map<number, Given>();

  constructor(unanswered: Unanswered) {
    this.#unanswered = unanswered;
  }

  clear(): void {
    this.#given.clear();
  }

  /** This message has answered its request. */
  give(message: Buffer): void {
    const id = message.readUInt16BE(0);
    this.#given.delete(id);
    this.#given.set(id, { unit: message.readUInt8(6), length: message.readUInt16BE(4) });
    if (this.#given.size <= MAX_GIVEN) return;
    for (const oldest of this.#given.keys()) {
      this.#given.delete(oldest);
      return;
    }
  }

  wasGiven(id: number): boolean {
    return this.#given.has(id);
  }

  /** Whether this message is an answer that was given before: something on the way, or the device, sends twice. */
  isCopy(message: Buffer): boolean {
    const given = this.#given.get(message.readUInt16BE(0));
    return given !== undefined && given.unit === message.readUInt8(6) && given.length === message.readUInt16BE(4);
  }

  /** What is wrong with a header, as far as it is there. */
  headerProblem(header: Buffer): string | null {
    if (header.length < 2) return null;
    const id = header.readUInt16BE(0);
    const isWaitedFor = this.#unanswered(id) !== undefined;
    const given = isWaitedFor ? undefined : this.#given.get(id);
    if (!isWaitedFor && given === undefined) return `an answer has transaction id ${id}, which was not asked`;
    if (header.length < 4) return null;
    const protocol = header.readUInt16BE(2);
    if (protocol !== 0) return `an answer has protocol id ${protocol} instead of 0`;
    if (header.length < 6) return null;
    const length = header.readUInt16BE(4);
    if (length < 3 || length > MAX_PDU_LENGTH + 1) return `an answer says that it is ${length} bytes long`;
    return given === undefined || given.length === length ? null : `an answer has transaction id ${id}, which was answered already`;
  }

  /** Whether the header of another answer is in this one, which then filled up what was missing. Data look like that once in 2^48. */
  holdsAnother(message: Buffer): boolean {
    for (let at = HEADER_LENGTH; at + HEADER_LENGTH <= message.length; at++) {
      if (message[at + 2] !== 0 || message[at + 3] !== 0) continue;
      if (this.#isHeader(message.readUInt16BE(at), message, at)) return true;
    }
    return false;
  }

  /**
   * Whether this message, which arrived in pieces that begin at `bounds`, ends with a piece that looks like the beginning of
   * another answer's header, too short for holdsAnother().
   */
  endsWithAnother(message: Buffer, bounds: readonly number[]): boolean {
    for (const at of bounds) {
      const left = message.length - at;
      if (at < CHECKED_LENGTH || left < 2 || left >= HEADER_LENGTH) continue;
      if (!message.subarray(at + 2, at + Math.min(left, 5)).every((byte) => byte === 0)) continue;
      const other = message.readUInt16BE(at);
      if (other !== message.readUInt16BE(0) && this.#unanswered(other) !== undefined) return true;
    }
    return false;
  }

  #isHeader(id: number, message: Buffer, at: number): boolean {
    if (id === message.readUInt16BE(0)) return false;
    const unit = message.readUInt8(at + 6);
    const length = message.readUInt16BE(at + 4);
    const request = this.#unanswered(id);
    if (request === undefined) {
      const given = this.#given.get(id);
      return given !== undefined && given.unit === unit && given.length === length;
    }
    return unit === request.unit && (length === EXCEPTION_PDU_LENGTH + 1 || length === answerLength(request) + 1);
  }
}
