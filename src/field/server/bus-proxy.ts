import type { Clock } from '../../clock.js';
import type { ModbusBus } from '../modbus/bus.js';
import { isRead, type ModbusAnswer, type ReadRequest } from '../modbus/pdu.js';
import type { Guest } from '../modbus/queue.js';
import type { ModbusProxyStatus } from '../ports.js';
import { ReadCache } from './cache.js';
import { Code, exceptionTo, Refusal } from './exceptions.js';
import { readAnswer } from './request.js';
import type { Master } from './unit.js';

/** A request of masters on its way to a device. */
interface Passed {
  guest: Guest;
  answer: Promise<Buffer>;
  /** Masters that wait for it. */
  wanted: number;
}

/**
 * The way of other masters to the devices of one bus. Equal reads at a time are one request on the line; what was read may
 * be given out again for as long as a master allows; a write is passed on once, and what is known of its unit is forgotten.
 */
export class BusProxy {
  readonly counters: Omit<ModbusProxyStatus, 'bus'> = { cached: 0, shared: 0, passed: 0 };
  readonly #bus: ModbusBus;
  readonly #clock: Clock;
  readonly #cache = new ReadCache();
  /** Units whose answers are worth keeping. */
  readonly #kept = new Set<number>();
  readonly #reads = new Map<string, Passed>();
  readonly #unlisten: () => void;

  constructor(bus: ModbusBus, clock: Clock) {
    this.#bus = bus;
    this.#clock = clock;
    this.#unlisten = bus.listen({
      up: () => this.#cache.clear(),
      down: () => this.#cache.clear(),
      revived: () => {},
      // Writes of the gateway itself count as well.
      sent: (request) => {
        if (isRead(request)) return;
        // Unit 0 may be all of them.
        if (request.unit === 0) this.#cache.clear();
        else this.#cache.forget(request.unit);
      },
      answered: (request, answer, sentAt) => {
        if (answer.kind === 'data' && isRead(request) && this.#kept.has(request.unit)) this.#cache.put(request, answer.data, sentAt);
      },
    });
  }

  close(): void {
    this.#unlisten();
    this.#cache.clear();
  }

  /** The PDU that answers a read; exceptions are answers. `maxAge` and `patience`: ms. Rejects with a Fault or Refusal. */
  async read(request: ReadRequest, maxAge: number, patience: number, master: Master): Promise<Buffer> {
    if (maxAge > 0) {
      this.#kept.add(request.unit);
      const data = this.#cache.get(request, this.#clock.mono() - maxAge);
      if (data !== null) {
        this.counters.cached++;
        return readAnswer(request.fn, data);
      }
    }
    const key = `${request.unit}:${request.fn}:${request.address}:${request.count}`;
    const pending = this.#reads.get(key);
    if (pending !== undefined) {
      this.counters.shared++;
      return this.#await(pending, patience, master);
    }
    const guest: Guest = { lane: master.lane };
    this.counters.passed++;
    const answer = this.#bus.read(request, () => {}, { guest }).then((given) => pduOf(request.fn, given));
    const created: Passed = { guest, answer, wanted: 0 };
    this.#reads.set(key, created);
    const done = () => {
      if (this.#reads.get(key) === created) this.#reads.delete(key);
    };
    answer.then(done, done);
    return this.#await(created, patience, master);
  }

  /** Passes on a request that is no plain read: once, and never again. The PDU that answers it. */
  async pass(unit: number, pdu: Buffer, patience: number, master: Master): Promise<Buffer> {
    const guest: Guest = { lane: master.lane };
    this.counters.passed++;
    const request = { fn: 'raw' as const, unit, pdu };
    const answer = this.#bus.write(unit, (send) => send(request), guest, request).then((given) => pduOf(pdu[0] ?? 0, given, pdu));
    return this.#await({ guest, answer, wanted: 0 }, patience, master);
  }

  /**
   * The answer for one master, or that the request was not started within its patience. What nobody waits for any more is
   * taken back; where others do, it goes on.
   */
  #await(passed: Passed, patience: number, master: Master): Promise<Buffer> {
    passed.wanted++;
    let isWaiting = true;
    const leave = () => {
      if (!isWaiting) return;
      isWaiting = false;
      if (--passed.wanted === 0) this.#bus.withdraw(passed.guest);
    };
    return new Promise((resolve, reject) => {
      const forget = master.onGone(leave);
      const timer = this.#clock.setTimeout(() => {
        if (!this.#bus.isQueued(passed.guest)) return;
        forget();
        reject(new Refusal(Code.busy, `the bus was not free within ${patience} ms`));
        leave();
      }, patience);
      void passed.answer.then(resolve, reject).finally(() => {
        timer.cancel();
        forget();
      });
    });
  }
}

function pduOf(fn: number, answer: ModbusAnswer, request: Buffer = Buffer.alloc(0)): Buffer {
  switch (answer.kind) {
    case 'data':
      return fn <= 4 ? readAnswer(fn, answer.data) : answer.data;
    case 'done':
      return request;
    case 'exception':
      return exceptionTo(Buffer.from([fn]), answer.code);
  }
}
