import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../clock.js';
import { codeOf, exceptionTo } from './exceptions.js';
import type { Framing, RequestFrame } from './framing.js';
import type { RequestRate } from './rate.js';
import { type MasterRequest, parseRequest } from './request.js';
import type { Master, ServedUnit } from './unit.js';

/** Answers that wait for the socket of a slow reader; requests are taken again when they are gone. */
const MAX_UNSENT = 64 * 1024;
/** Requests that are taken at a time before other connections have their turn. */
const MAX_AT_A_TIME = 32;

export interface ConnectionCounters {
  requests: number;
  exceptions: number;
}

export interface ConnectionOptions {
  socket: Socket;
  address: string;
  framing: Framing;
  maxPending: number;
  rate: RequestRate;
  clock: Clock;
  counters: ConnectionCounters;
  /** The unit of an id; throws a Refusal where there is none. */
  unit(id: number): ServedUnit;
  /** A request was answered with an exception. */
  refused(frame: RequestFrame, thrown: unknown): void;
  /** What arrived is no Modbus. */
  violated(problem: string): void;
}

interface Slot {
  frame: RequestFrame;
  request: MasterRequest | { kind: 'wrong'; thrown: unknown };
  isStarted: boolean;
  answer: Buffer | null;
}

/**
 * One master's connection. Requests are answered in the order they came; reads are worked on side by side, anything else
 * alone: a master that writes and reads without waiting reads what it wrote. What is not Modbus ends the connection.
 */
export class MasterConnection implements Master {
  readonly lane: object = this;
  readonly address: string;
  /** Monotonic ms of the last request or answer. */
  lastActive: number;
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #maxPending: number;
  readonly #slots: Slot[] = [];
  readonly #goneCallbacks = new Set<() => void>();
  #buffer: Buffer = Buffer.alloc(0);
  #waiting: Timer | null = null;
  #isGone = false;
  #isTurnPlanned = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.address = options.address;
    this.#socket = options.socket;
    this.#maxPending = Math.min(options.maxPending, options.framing.mostPending);
    this.lastActive = options.clock.mono();
    const { socket } = options;
    socket.on('data', (chunk: Buffer) => {
      this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
      this.#take();
    });
    socket.on('drain', () => this.#take());
    socket.on('close', () => this.#onGone());
    // A master that resets its connection is no fault of ours; `close` follows.
    socket.on('error', () => {});
  }

  get isWorking(): boolean {
    return this.#slots.length > 0 && this.#socket.writableLength <= MAX_UNSENT;
  }

  close(): void {
    this.#socket.destroy();
    this.#onGone();
  }

  onGone(callback: () => void): () => void {
    this.#goneCallbacks.add(callback);
    return () => this.#goneCallbacks.delete(callback);
  }

  /** Takes what is there, as long as there is room for it. */
  #take(): void {
    for (let taken = 0; !this.#isGone; taken++) {
      if (this.#slots.length >= this.#maxPending || this.#socket.writableLength > MAX_UNSENT || this.#waiting !== null) break;
      if (taken >= MAX_AT_A_TIME) {
        this.#planTurn();
        break;
      }
      const framed = this.#options.framing.next(this.#buffer);
      if ('violation' in framed) {
        this.#options.violated(framed.violation);
        this.close();
        return;
      }
      if ('need' in framed) {
        this.#socket.resume();
        return;
      }
      const wait = this.#options.rate.take();
      if (wait > 0) {
        this.#waiting = this.#options.clock.setTimeout(() => {
          this.#waiting = null;
          this.#take();
        }, wait);
        break;
      }
      this.#accept(framed.frame);
    }
    this.#socket.pause();
  }

  #planTurn(): void {
    if (this.#isTurnPlanned) return;
    this.#isTurnPlanned = true;
    setImmediate(() => {
      this.#isTurnPlanned = false;
      this.#take();
    });
  }

  #accept(frame: RequestFrame): void {
    this.#buffer = this.#buffer.subarray(frame.size);
    this.lastActive = this.#options.clock.mono();
    this.#options.counters.requests++;
    this.#slots.push({ frame, request: parsed(frame.pdu), isStarted: false, answer: null });
    this.#startWhatMay();
    this.#flush();
  }

  /** A read waits for what was written before it, anything else for all that was asked before it. */
  #startWhatMay(): void {
    let isFirst = true;
    for (const slot of [...this.#slots]) {
      const isRead = slot.request.kind === 'read' || slot.request.kind === 'wrong';
      if (!slot.isStarted) {
        if (!isRead && !isFirst) return;
        this.#start(slot);
      }
      if (slot.answer !== null) continue;
      if (!isRead) return;
      isFirst = false;
    }
  }

  #start(slot: Slot): void {
    slot.isStarted = true;
    const { request, frame } = slot;
    try {
      if (request.kind === 'wrong') throw request.thrown;
      const answer = this.#options.unit(frame.unit).handle(request, frame.pdu, this);
      if (Buffer.isBuffer(answer)) {
        slot.answer = answer;
        return;
      }
      answer.then(
        (pdu) => this.#onAnswer(slot, pdu),
        (thrown: unknown) => this.#onAnswer(slot, this.#refuse(frame, thrown)),
      );
    } catch (thrown) {
      slot.answer = this.#refuse(frame, thrown);
    }
  }

  #refuse(frame: RequestFrame, thrown: unknown): Buffer {
    this.#options.refused(frame, thrown);
    return exceptionTo(frame.pdu, codeOf(thrown));
  }

  #onAnswer(slot: Slot, pdu: Buffer): void {
    slot.answer = pdu;
    if (this.#isGone) return;
    this.#startWhatMay();
    this.#flush();
    this.#take();
  }

  #flush(): void {
    if (this.#isGone) return;
    const messages: Buffer[] = [];
    for (let slot = this.#slots[0]; slot !== undefined && slot.answer !== null; slot = this.#slots[0]) {
      this.#slots.shift();
      if (((slot.answer[0] ?? 0) & 0x80) !== 0) this.#options.counters.exceptions++;
      messages.push(this.#options.framing.answer(slot.frame, slot.answer));
    }
    if (messages.length === 0) return;
    this.lastActive = this.#options.clock.mono();
    this.#socket.write(messages.length === 1 ? messages[0]! : Buffer.concat(messages));
  }

  #onGone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#waiting?.cancel();
    this.#waiting = null;
    this.#buffer = Buffer.alloc(0);
    for (const callback of [...this.#goneCallbacks]) callback();
    this.#goneCallbacks.clear();
  }
}

function parsed(pdu: Buffer): Slot['request'] {
  try {
    return parseRequest(pdu);
  } catch (thrown) {
    return { kind: 'wrong', thrown };
  }
}
