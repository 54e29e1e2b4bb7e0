import type { Clock } from '../../clock.js';
import { asFault, Fault } from '../fault.js';
import type { BusConnection } from './bus-connection.js';
import type { BusListener } from './bus-listener.js';
import type { BusUnits } from './bus-units.js';
import type { MaskWrites } from './mask-writes.js';
import { EXCEPTION_TEXT, isOfGateway, type ModbusAnswer, type ModbusRequest } from './pdu.js';
import type { Transport, TransportAnswer } from './transport.js';

export interface BusRequestsOptions {
  clock: Clock;
  transport: Transport;
  connection: BusConnection;
  units: BusUnits;
  maskWrites: MaskWrites;
  listeners: ReadonlySet<BusListener>;
}

/** Puts requests to the units of a bus, and tells everybody whom it concerns what became of them. */
export class BusRequests {
  readonly #options: BusRequestsOptions;
  /** Under way. */
  readonly #asked = new Set<ModbusRequest>();

  constructor(options: BusRequestsOptions) {
    this.#options = options;
  }

  /** Units that are being asked. */
  get asked(): ReadonlySet<number> {
    return new Set([...this.#asked].map(({ unit }) => unit));
  }

  /** Exceptions are answers. Rejects with a Fault. */
  async send(request: ModbusRequest, onSent?: () => void): Promise<TransportAnswer> {
    const { clock, transport, units, maskWrites, listeners } = this.#options;
    units.of(request.unit).counters.requests++;
    const sentAt = clock.mono();
    for (const listener of listeners) listener.sent?.(request);
    this.#asked.add(request);
    try {
      const answer = await transport.exchange(request, onSent);
      maskWrites.heard(request, !isOfGateway(answer));
      if (answer.proof === undefined) for (const listener of listeners) listener.answered?.(request, answer, sentAt);
      this.#onAnswer(request.unit, answer, clock.mono() - sentAt);
      return answer;
    } catch (thrown) {
      maskWrites.heard(request, false);
      this.#onNoAnswer(request.unit, asFault(thrown));
      throw thrown;
    } finally {
      this.#asked.delete(request);
    }
  }

  /** The answer, once it is sure that it is one to this request. */
  async proven({ proof, ...answer }: TransportAnswer): Promise<ModbusAnswer> {
    if (proof === undefined) return answer;
    const { clock, connection } = this.#options;
    const since = clock.mono();
    if (!(await proof)) {
      throw connection.isUp ? new Fault('protocol', 'more answers came than were asked for') : connection.fault;
    }
    return answer.kind === 'data' ? { ...answer, ageMs: clock.mono() - since } : answer;
  }

  #onAnswer(id: number, answer: ModbusAnswer, tookMs: number): void {
    const { connection, units, listeners } = this.#options;
    const { counters } = units.of(id);
    // The gateway in between answered, not the device.
    const isGateway = isOfGateway(answer);
    connection.answered(id, isGateway);
    if (answer.kind === 'exception') {
      counters.exceptions++;
      if (isGateway) {
        units.failed(id, EXCEPTION_TEXT[answer.code] ?? '');
        return;
      }
    } else counters.answers++;
    if (units.answered(id, tookMs)) for (const listener of listeners) listener.revived(id);
  }

  #onNoAnswer(id: number, fault: Fault): void {
    const { connection, units } = this.#options;
    const { breaker, counters } = units.of(id);
    const wasAside = breaker.isOpen;
    switch (fault.kind) {
      case 'timeout':
        counters.timeouts++;
        units.failed(id, fault.message);
        connection.timedOut(id, wasAside);
        return;
      case 'crc':
      case 'protocol':
        connection.heard(null);
        units.failed(id, fault.message);
        return;
      case 'bus_down':
        if (id === connection.blamed) units.failed(id, fault.message);
        else breaker.undecided();
        return;
      case 'unit_down':
      case 'stopped':
        breaker.undecided();
    }
  }
}
