import type { Clock, Timer } from '../../clock.js';
import type { Logger } from '../../log.js';
import { Fault } from '../fault.js';
import { Connection } from '../link/connection.js';
import type { LinkOpener } from '../link/link.js';
import type { PartState } from '../ports.js';
import type { BusUnits } from './bus-units.js';
import { HangUps } from './hang-ups.js';
import { SilenceWatch } from './silence.js';
import type { Transport } from './transport.js';

/** ms that reads wait at least for the connection that follows a reset of ours: the peer is there. */
const RESET_PATIENCE_MS = 1_000;

export interface BusConnectionOptions {
  /** Of the bus. */
  name: string;
  clock: Clock;
  log: Logger;
  opener: LinkOpener;
  transport: Transport;
  units: BusUnits;
  /** ms that reads wait for a connection that is being made again: as long as for an answer. */
  patienceMs: number;
  /** A connection on which nothing answers is replaced (TCP). */
  resetWhenSilent: boolean;
}

/** The bus, as its connection sees it. */
export interface ConnectionUser {
  /** There is a connection. */
  up(): void;
  /** It is lost; another one is being made. What is under way is rejected after that. */
  lost(fault: Fault): void;
  /** There is none for now. */
  down(fault: Fault): void;
  /** Units that are being asked. */
  asked(): ReadonlySet<number>;
  /** Units that are asked next. */
  waiting(): Iterable<number>;
  /** Has one of these asked something. false: nothing can be. */
  ask(units: readonly number[]): boolean;
}

/**
 * The connection of a bus. When it is thrown away though the peer has not closed it (silence.ts, a breach of the protocol, a
 * better address), what a peer that closes it means by that (hang-ups.ts), and how long reads wait for its return.
 */
export class BusConnection {
  readonly #options: BusConnectionOptions;
  readonly #user: ConnectionUser;
  readonly #connection: Connection;
  readonly #silence: SilenceWatch;
  readonly #hangUps = new HangUps();
  #isUp = false;
  /** The first try to connect, or to connect again, is under way: reads wait for it. */
  #isReturning = false;
  #patience: Timer | null = null;
  #isResetting = false;
  /** The last connection was thrown away by us: what is known of the units still holds. */
  #wasReset = false;
  #blamed: number | null = null;

  constructor(options: BusConnectionOptions, user: ConnectionUser) {
    this.#options = options;
    this.#user = user;
    const { opener, clock, log, name, transport, units } = options;
    this.#silence = new SilenceWatch((unit) => units.isDown(unit));
    this.#connection = new Connection(opener, clock, log.child({ bus: name }), {
      up: (link) => {
        transport.attach(link);
        this.#isUp = true;
        this.#endReturn();
        this.#silence.begin();
        this.#hangUps.begin();
        this.#blamed = null;
        if (!this.#wasReset) units.probeSoon((unit) => !this.#hangUps.isSuspect(unit));
        user.up();
      },
      data: (chunk) => transport.receive(chunk),
      lost: (error) => this.#onLost(error),
      down: (error) => this.#onDown(new Fault('bus_down', error.message)),
    });
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** There is one, or reads wait for it. */
  get isExpected(): boolean {
    return this.#isUp || this.#isReturning;
  }

  /** The peer closed the last one because this unit was asked; null: for another reason. */
  get blamed(): number | null {
    return this.#blamed;
  }

  /** Another one would be better than this. */
  get hasBetter(): boolean {
    return this.#connection.hasBetter;
  }

  get status(): { endpoint: string; state: PartState; lastError: string | null } {
    const { endpoint, state, error } = this.#connection;
    return { endpoint, state, lastError: error };
  }

  /** Why nothing can be asked. */
  get fault(): Fault {
    return new Fault('bus_down', this.#connection.error ?? `bus ${this.#options.name} has no connection`);
  }

  start(): void {
    // Reads wait for the outcome of the first try, as they do after a loss.
    if (this.#connection.state === 'stopped') this.#awaitReturn();
    this.#connection.start();
  }

  /** It is of no use any more: what is under way is rejected. stop() follows. */
  abandon(fault: Fault): void {
    this.#isUp = false;
    this.#endReturn();
    this.#options.transport.detach(fault);
  }

  async stop(): Promise<void> {
    await this.#connection.stop();
  }

  /** Throws it away and makes another one. */
  reset(error: Error): void {
    this.#isResetting = true;
    this.#connection.reset(error);
    this.#isResetting = false;
  }

  /** An answer came in time: of this unit, or (`isOfGateway`) of what is in between. */
  answered(unit: number, isOfGateway: boolean): void {
    this.#silence.heard(isOfGateway ? null : unit);
    this.#hangUps.heard(unit);
    this.#connection.proven();
  }

  /** Something came that is no answer in time: a late one of this unit, or (null) nobody knows whose. */
  heard(unit: number | null): void {
    this.#silence.heard(unit);
  }

  /** A request had no answer. `wasAside`: its unit was known not to answer. */
  timedOut(unit: number, wasAside: boolean): void {
    if (!this.#options.resetWhenSilent) return;
    const verdict = this.#silence.timedOut(unit, wasAside, this.#user.waiting());
    if (verdict === 'nothing' || (verdict !== 'dead' && this.#user.ask(verdict.ask))) return;
    const { silent } = this.#silence;
    // It was not they that did not answer.
    this.#options.units.probeSoon((unit) => silent.includes(unit));
    const which = silent.length === 1 ? `unit ${silent[0]}` : `units ${silent.join(', ')}`;
    this.reset(new Error(`requests to ${which} had no answer, and nothing else came`));
  }

  /** Returns whether the peer itself is well, and takes the next connection. */
  #onLost(error: Error): boolean {
    const { transport } = this.#options;
    const asked = this.#user.asked();
    const hangUp = this.#isResetting ? 'no' : this.#hangUps.lost(asked);
    // Whichever of them it was, it shows then.
    if (asked.size > 1 && !this.#isResetting) transport.oneByOne?.();
    this.#blamed = typeof hangUp === 'object' ? hangUp.because : null;
    this.#isUp = false;
    this.#wasReset = this.#isResetting;
    this.#awaitReturn(this.#wasReset || hangUp !== 'no');
    const fault = new Fault('bus_down', this.#blamed === null ? error.message : `the peer hangs up when unit ${this.#blamed} is asked`);
    this.#user.lost(fault);
    transport.detach(fault);
    return hangUp !== 'no';
  }

  #onDown(fault: Fault): void {
    this.#isUp = false;
    this.#endReturn();
    this.#user.down(fault);
  }

  /** A connection that takes longer than an answer may (no route, a cable pulled) is as good as none. */
  #awaitReturn(isPeerWell = false): void {
    this.#endReturn();
    this.#isReturning = true;
    const { clock, patienceMs } = this.#options;
    this.#patience = clock.setTimeout(
      () => {
        const { error, endpoint } = this.#connection;
        this.#onDown(new Fault('bus_down', error ?? `no connection to ${endpoint} so far`));
      },
      Math.max(patienceMs, isPeerWell ? RESET_PATIENCE_MS : 0),
    );
  }

  #endReturn(): void {
    this.#isReturning = false;
    this.#patience?.cancel();
    this.#patience = null;
  }
}
