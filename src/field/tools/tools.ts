import type { Clock } from '../../clock.js';
import { FerruleError } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { FieldBus } from '../build.js';
import type { Device } from '../device.js';
import type { SerialPortInfo } from '../link/ports.js';
import type { ModbusBus } from '../modbus/bus.js';
import type { ScanPlan as ReadPlan, TagJson, UnitStatistics } from '../ports.js';
import type { Profile } from '../profiles/schema.js';
import type { BusConfig } from '../schema.js';
import type { SunSpecDevice } from '../sunspec/discover.js';
import type { FrameTap } from '../tap.js';
import type { Explored, ExploreRequest } from './explore.js';
import type { Identification } from './identification.js';
import { type MonitorListener, monitor } from './monitor.js';
import type { Target } from './own-bus.js';
import { aboutEndpoint } from './say-once.js';
import type { ScanPlan } from './scan.js';
import type { ScanJobs, ScanStatus } from './scan-jobs.js';
import type { Place, ScanRequest, ScanWhere } from './scan-request.js';
import type { RegisterWrite } from './write-register.js';

/** Where a unit is that is asked what it is. */
export type UnitWhere = { kind: 'bus'; bus: string } | Target;

export interface Identified {
  identification: Identification | null;
  profiles: string[];
}

const OWN_TIMEOUT_MS = 2000;

interface Monitor {
  bus: string;
  listener: MonitorListener;
  /** null: the bus is gone. */
  tap: FrameTap | null;
  end(): void;
}

/** What of the running field the tools work with. */
export interface FieldAccess {
  buses(): ReadonlyMap<string, { config: BusConfig; bus: FieldBus }>;
  devices(): ReadonlyMap<string, { device: Device }>;
  /** Stops a bus; the returned function starts it again, if it is still configured as it was. */
  suspend(bus: string): Promise<() => Promise<void>>;
}

/**
 * What people find things out with on site: the frames of a bus, its units, what is read and why, which units there are,
 * what registers hold. Everything is loaded when it is used: most gateways are looked at now and then.
 */
export class FieldTools {
  readonly #field: FieldAccess;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #monitors = new Set<Monitor>();
  #jobs: ScanJobs | null = null;

  constructor(field: FieldAccess, clock: Clock, log: Logger) {
    this.#field = field;
    this.#clock = clock;
    this.#log = log;
  }

  /** Ends the scans that run. */
  async stop(): Promise<void> {
    await this.#jobs?.stop();
  }

  /** Follows the frames of a bus until the returned function is called. Throws FER_FIELD_WATCH, FER_FIELD_UNKNOWN_BUS. */
  monitor(bus: string, listener: MonitorListener): () => void {
    const own: Monitor = { bus, listener, tap: null, end: () => {} };
    this.#attach(own, this.#bus(bus).bus.tap);
    this.#monitors.add(own);
    return () => {
      this.#monitors.delete(own);
      own.end();
    };
  }

  /** The configuration changed: who watched a bus watches the one that has its name now. */
  busesChanged(): void {
    for (const own of this.#monitors) this.#attach(own, this.#field.buses().get(own.bus)?.bus.tap ?? null);
  }

  /** The units of a Modbus bus that were spoken to; empty for a serial one. */
  units(bus: string): UnitStatistics[] {
    const { bus: found } = this.#bus(bus);
    return 'units' in found ? found.units() : [];
  }

  /** null: there is no such device, or it is an instrument. */
  plan(device: string): ReadPlan[] | null {
    return this.#field.devices().get(device)?.device.plan?.() ?? null;
  }

  /** Reads a range once and says all that it could mean. Rejects with FER_FIELD_READ and others. */
  async explore(bus: string, request: ExploreRequest): Promise<Explored> {
    const found = this.#modbus(bus);
    const { explore } = await import('./explore.js');
    return explore(found, request, () => this.#clock.now());
  }

  /**
   * Writes one value where there is no tag, and reads it back: resolves with what was read. Rejects with FER_FIELD_BAD_VALUE and
   * as writes of tags do.
   */
  async writeRegister(bus: string, request: RegisterWrite): Promise<TagJson> {
    const found = this.#modbus(bus);
    const { writeRegister } = await import('./write-register.js');
    return writeRegister(found, request);
  }

  /**
   * Finds the SunSpec models of a unit, and the tags that they are, with the scan classes of these. Rejects with
   * FER_FIELD_SUNSPEC, FER_FIELD_READ, FER_FIELD_BUS.
   */
  async sunspec(where: UnitWhere, unit: number): Promise<SunSpecDevice & { scan: Record<string, string> }> {
    const [{ discoverSunSpec }, { SCAN }] = await Promise.all([import('../sunspec/discover.js'), import('../sunspec/tags.js')]);
    return this.#at(where, async (bus) => ({ ...(await discoverSunSpec(bus, unit)), scan: SCAN }));
  }

  /**
   * What a unit says that it is (null: nothing), and the names of those profiles that fit it. Rejects with FER_FIELD_READ where
   * it does not answer, FER_FIELD_BUS.
   */
  async identify(where: UnitWhere, unit: number, profiles: readonly Profile[]): Promise<Identified> {
    const [{ identify }, { recognise }] = await Promise.all([import('./identification.js'), import('../profiles/recognise.js')]);
    return this.#at(where, async (bus) => {
      const identification = await identify(bus, unit);
      const fitting = await recognise(bus, unit, profiles, identification);
      return { identification, profiles: fitting.map(({ name }) => name) };
    });
  }

  /** The bus that has this serial port or host; null: none. */
  async busOf(where: Place): Promise<string | null> {
    return (await this.#userOf(where))?.name ?? null;
  }

  /** The serial ports of this machine. */
  async ports(): Promise<SerialPortInfo[]> {
    const { listSerialPorts } = await import('../link/ports.js');
    return listSerialPorts();
  }

  /** Starts a scan. Rejects with FER_FIELD_SCAN where that can't be. */
  async scan(request: ScanRequest): Promise<ScanStatus> {
    const { checkScan, ownScanPlan } = await import('./scan-request.js');
    checkScan(request);
    const { where } = request;
    const jobs = await this.#scans();
    if (where.kind === 'bus') return this.#scanBus(jobs, request, where);
    await this.#refuseInUse('FER_FIELD_SCAN', where, 'Scan');
    const target = where.kind === 'line' ? where.port : `${where.host}:${where.port}`;
    return jobs.start(
      target,
      () => Promise.resolve(ownScanPlan(request, where, this.#clock, this.#log)),
      () => Promise.resolve(),
    );
  }

  async scans(): Promise<ScanStatus[]> {
    return (await this.#scans()).list();
  }

  /** Resolves when it has ended. false: there is no such scan. */
  async cancelScan(id: string): Promise<boolean> {
    return (await this.#scans()).cancel(id);
  }

  /** Sends bytes on a serial bus by hand; its instrument hears nothing until a while after. Throws FER_FIELD_BUS. */
  send(bus: string, data: Buffer): void {
    const { bus: found } = this.#bus(bus);
    if (!('sendByHand' in found)) {
      throw new FerruleError('FER_FIELD_BUS', `Bus ${bus} is a Modbus bus: bytes can't be sent on it by hand.`, {
        where: { subject: bus },
        hint: 'Read with the register explorer, write tags.',
      });
    }
    if (!found.sendByHand(data)) {
      const { endpoint, lastError } = found.status();
      const reason = lastError === null ? `${endpoint} is not open` : aboutEndpoint(endpoint, 'is not open', lastError);
      throw new FerruleError('FER_FIELD_BUS', `Nothing was sent: ${reason}.`, {
        where: { subject: bus },
      });
    }
  }

  #attach(own: Monitor, tap: FrameTap | null): void {
    if (own.tap === tap) return;
    own.end();
    own.tap = tap;
    own.end = tap === null ? () => {} : monitor(tap, own.listener, this.#clock);
  }

  async #scanBus(jobs: ScanJobs, request: ScanRequest, where: Extract<ScanWhere, { kind: 'bus' }>): Promise<ScanStatus> {
    const { ownScanPlan, refuseDataBits } = await import('./scan-request.js');
    const bus = this.#modbus(where.bus);
    const { config } = this.#bus(where.bus);
    const { units, identifies, isExhaustive } = request;
    if (!where.suspend) {
      const line = { label: null, open: () => Promise.resolve(bus), close: () => Promise.resolve() };
      const plan: ScanPlan = { lines: [line], units, identifies, isExhaustive, isShared: true };
      return jobs.start(
        where.bus,
        () => Promise.resolve(plan),
        () => Promise.resolve(),
      );
    }
    if (config.type !== 'modbus_rtu' && config.type !== 'modbus_ascii') {
      throw new FerruleError('FER_FIELD_SCAN', `Bus ${where.bus} has no serial settings of its own: it is reached over the network.`, {
        hint: 'Scan it without suspending it.',
      });
    }
    const { port, baud, data_bits, parity, stop_bits } = config;
    const framing = config.type === 'modbus_ascii' ? 'ascii' : 'rtu';
    const line = { baud: [baud], parity: [parity], data_bits: [data_bits], stop_bits, ...where.line };
    refuseDataBits(framing, line);
    let resume: (() => Promise<void>) | null = null;
    return jobs.start(
      where.bus,
      async () => {
        resume = await this.#field.suspend(where.bus);
        return ownScanPlan(request, { kind: 'line', port, framing, line }, this.#clock, this.#log);
      },
      async () => resume?.(),
    );
  }

  async #scans(): Promise<ScanJobs> {
    const { ScanJobs } = await import('./scan-jobs.js');
    this.#jobs ??= new ScanJobs(this.#clock);
    return this.#jobs;
  }

  /** With the bus that is there already, or with a connection for this alone. */
  async #at<T>(where: UnitWhere, work: (bus: ModbusBus) => Promise<T>): Promise<T> {
    if (where.kind === 'bus') return work(this.#modbus(where.bus));
    await this.#refuseInUse('FER_FIELD_BUS', where, 'Choose');
    const { openOwnBus } = await import('./own-bus.js');
    const bus = await openOwnBus(where, OWN_TIMEOUT_MS, this.#clock, this.#log);
    try {
      return await work(bus);
    } finally {
      await bus.stop();
    }
  }

  /** `verb`: what is done with a Modbus bus that has it instead. */
  async #refuseInUse(code: 'FER_FIELD_SCAN' | 'FER_FIELD_BUS', where: Place, verb: string): Promise<void> {
    const user = await this.#userOf(where);
    if (user === null) return;
    const { refuseInUse } = await import('./in-use.js');
    throw refuseInUse(code, where, user, verb);
  }

  async #userOf(where: Place): Promise<BusConfig | null> {
    const { busOf } = await import('./scan-request.js');
    return busOf(
      where,
      [...this.#field.buses().values()].map(({ config }) => config),
    );
  }

  #bus(name: string): { config: BusConfig; bus: FieldBus } {
    const found = this.#field.buses().get(name);
    if (found === undefined) throw new FerruleError('FER_FIELD_UNKNOWN_BUS', `There is no bus ${name}.`, { where: { subject: name } });
    return found;
  }

  #modbus(name: string): ModbusBus {
    const { bus } = this.#bus(name);
    if (!('probe' in bus)) {
      throw new FerruleError('FER_FIELD_BUS', `Bus ${name} belongs to a serial instrument: there are no Modbus units to ask.`, {
        where: { subject: name },
        hint: 'Name a Modbus bus. What the instrument says is seen in the terminal: ferrule serial terminal --bus, or the page of the bus.',
      });
    }
    return bus;
  }
}
