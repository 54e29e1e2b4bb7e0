import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';
import { Fault } from '../fault.js';
import type { LinkOpener } from '../link/link.js';
import type { BusStatus, UnitStatistics } from '../ports.js';
import { FrameTap } from '../tap.js';
import { BusConnection } from './bus-connection.js';
import { BusJobs } from './bus-jobs.js';
import type { BusListener } from './bus-listener.js';
import { BusRequests } from './bus-requests.js';
import { BusUnits, type UnitStatus } from './bus-units.js';
import { ForbiddenRanges } from './forbidden.js';
import { MaskWrites } from './mask-writes.js';
import type { ModbusAnswer, ModbusRequest, RawRequest, ReadRequest } from './pdu.js';
import type { Guest, Reader, Send } from './queue.js';
import type { Transport, TransportEvents } from './transport.js';

/** Writes that may wait on one bus; more are refused. */
const MAX_QUEUED_WRITES = 256;

export interface ModbusBusOptions {
  name: string;
  type: string;
  /** Further tries of a read that failed. */
  retries: number;
  /** ms that reads wait for a connection that is being made again: as long as for an answer. */
  patienceMs: number;
  clock: Clock;
  log: Logger;
  opener: LinkOpener;
  transport: (events: TransportEvents) => Transport;
  /** A connection on which nothing answers is replaced (TCP). */
  resetWhenSilent: boolean;
}

/**
 * One bus: its connection, its queue, its units. Writes go before reads and have the bus for themselves; identical reads
 * that wait are one; a unit that does not answer is put aside (breaker) and costs the others nothing.
 */
export class ModbusBus {
  readonly name: string;
  readonly tap: FrameTap;
  readonly maskWrites: MaskWrites;
  /** What nothing that we read on our own account may touch. */
  readonly forbidden = new ForbiddenRanges();
  readonly #options: ModbusBusOptions;
  readonly #units: BusUnits;
  readonly #transport: Transport;
  readonly #connection: BusConnection;
  readonly #requests: BusRequests;
  readonly #jobs: BusJobs;
  readonly #listeners = new Set<BusListener>();
  /** The lane of what the tools ask. */
  readonly #tools = {};

  constructor(options: ModbusBusOptions) {
    const { name, clock, log } = options;
    this.name = name;
    this.#options = options;
    this.tap = new FrameTap(clock);
    this.maskWrites = new MaskWrites(clock);
    const units = new BusUnits(name, clock, log);
    const transport = options.transport({
      tap: this.tap,
      mayRead: (read) => this.forbidden.allow(read),
      crcError: (unit) => {
        units.of(unit).counters.crcErrors++;
      },
      late: (unit, byMs, timeoutMs) => {
        this.#connection.heard(unit);
        units.late(unit, byMs, timeoutMs);
      },
      violation: (fault) => {
        log.warn({ bus: name, error: fault.message }, 'protocol violation, connecting anew');
        this.#connection.reset(fault);
      },
    });
    this.#units = units;
    this.#transport = transport;
    const connection = new BusConnection(
      { ...options, transport, units },
      {
        up: () => {
          for (const listener of this.#listeners) listener.up();
          this.#jobs.pump();
        },
        // Nothing that was to be written before the loss is written after the return.
        lost: (fault) => this.#jobs.reject('writes', fault),
        down: (fault) => {
          this.#jobs.reject('all', fault);
          for (const listener of this.#listeners) listener.down(fault);
        },
        asked: () => this.#requests.asked,
        waiting: () => this.#jobs.waiting(),
        ask: (units) => units.some((unit) => [...this.#listeners].some((listener) => listener.ask?.(unit) === true)),
      },
    );
    this.#connection = connection;
    const requests = new BusRequests({ clock, transport, connection, units, maskWrites: this.maskWrites, listeners: this.#listeners });
    this.#requests = requests;
    this.#jobs = new BusJobs({ clock, retries: options.retries, transport, connection, requests, units });
  }

  start(): void {
    this.#connection.start();
  }

  async stop(): Promise<void> {
    this.#jobs.pause();
    const fault = new Fault('stopped', `bus ${this.name} was stopped`);
    this.#connection.abandon(fault);
    this.#jobs.reject('all', fault);
    await this.#connection.stop();
  }

  listen(listener: BusListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  status(): BusStatus {
    return { name: this.name, type: this.#options.type, ...this.#connection.status, queued: this.#jobs.length };
  }

  unitStatus(unit: number): UnitStatus {
    return this.#units.status(unit);
  }

  /** The units that were spoken to, by number. */
  units(): UnitStatistics[] {
    return this.#units.statistics();
  }

  /** ms until a unit that does not answer is asked again; 0: it may be asked now. */
  probeIn(unit: number): number {
    return this.#units.probeIn(unit);
  }

  /**
   * Reads; exceptions are answers. Rejects with a Fault. `failedTry` hears of each try that failed, the last included.
   */
  read(request: ReadRequest, failedTry: (fault: Fault) => void, { guest, owner }: Reader = {}): Promise<ModbusAnswer> {
    if (!this.#connection.isExpected) return this.#refuse(failedTry);
    return new Promise((resolve, reject) => {
      this.#jobs.addRead(request, { owner: owner ?? null, resolve, reject, failedTry }, guest ?? null);
    });
  }

  /**
   * A question of a tool: one try when it is its turn, for which the unit's statistics and standing do not change.
   * Exceptions are answers. Rejects with a Fault.
   */
  probe(request: ReadRequest | RawRequest): Promise<ModbusAnswer> {
    if (!this.#connection.isUp) return Promise.reject(this.#connection.fault);
    return new Promise((resolve, reject) => {
      this.#jobs.addWrite({
        kind: 'write',
        unit: request.unit,
        first: request,
        isProbe: true,
        run: async () => this.#requests.proven(await this.#transport.exchange(request)),
        resolve: (answer) => resolve(answer as ModbusAnswer),
        reject,
        guest: { lane: this.#tools },
      });
    });
  }

  /** Rejects the reads of an owner that is stopped, at once: they are not sent any more, nor is one that is under way waited for. */
  withdrawReads(owner: object): void {
    this.#jobs.withdrawReads(owner);
  }

  /** A guest's request was not started, or waits to be tried again. */
  isQueued(guest: Guest): boolean {
    return this.#jobs.holds(guest);
  }

  /** Takes back a guest's request that was not started, and rejects it. false: it is under way or done. */
  withdraw(guest: Guest): boolean {
    return this.#jobs.withdraw(guest);
  }

  /**
   * Runs a write, all its requests without another job in between. Never tried again; refused at once where the unit is
   * known not to answer. A `guest` waits for its turn. `first`: what it asks first, where that is known.
   */
  write<T>(unit: number, run: (send: Send) => Promise<T>, guest: Guest | null = null, first?: ModbusRequest): Promise<T> {
    if (!this.#connection.isUp) return Promise.reject(this.#connection.fault);
    if (guest === null && this.#units.isDown(unit)) return Promise.reject(this.#units.downFault(unit));
    if (guest === null && this.#jobs.writes >= MAX_QUEUED_WRITES) {
      return Promise.reject(new Fault('timeout', `${MAX_QUEUED_WRITES} writes already wait on bus ${this.name}`));
    }
    return new Promise<T>((resolve, reject) => {
      const job = { kind: 'write' as const, unit, run, resolve: resolve as (value: unknown) => void, reject, guest };
      this.#jobs.addWrite(first === undefined ? job : { ...job, first });
    });
  }

  #refuse(failedTry: (fault: Fault) => void): Promise<never> {
    const fault = this.#connection.fault;
    failedTry(fault);
    return Promise.reject(fault);
  }
}
