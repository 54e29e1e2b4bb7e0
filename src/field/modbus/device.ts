import type { Timer } from '../../clock.js';
import type { Device, DeviceContext, TagPlan } from '../device.js';
import { DeviceRecord } from '../device.js';
import { asFault, Fault } from '../fault.js';
import { freshFor } from '../freshness.js';
import type { DeviceStatus, ScanPlan, TagJson, WriteResult } from '../ports.js';
import { ScanScheduler } from '../scheduler.js';
import type { ModbusDeviceConfig, TagConfig } from '../schema.js';
import type { Tag } from '../tag.js';
import type { Sample } from '../topics.js';
import { type Area, READ_FUNCTION } from './address.js';
import type { ModbusBus } from './bus.js';
import { decodeBit, decodePoint } from './decode.js';
import { Holes } from './holes.js';
import type { ModbusAnswer } from './pdu.js';
import { type Block, blockOf, type Cost, costOf, type PlanItem, plan, unusedOf } from './plan.js';
import { isBitArea, type Point, resolvePoint } from './point.js';
import { ReadAfterWrite } from './read-after-write.js';
import { spanOf } from './scale-register.js';
import { scanClassOf } from './scan-class.js';
import { vary } from './vary.js';
import { writePoint } from './write.js';

/** Exceptions that speak of the addresses: the block may span one that does not exist, or be too long. */
const ADDRESS_EXCEPTIONS = new Set([2, 3]);

/** A tag with its place; what the planner plans and the decoder decodes. */
interface Entry extends PlanItem {
  tag: Tag;
  config: TagConfig;
  point: Point;
  /** Of its scan class. */
  periodMs: number;
}

interface ScanBlock {
  area: Area;
  block: Block<Entry>;
}

type DataAnswer = Extract<ModbusAnswer, { kind: 'data' }>;

/** One scan of a class, while it runs. */
interface Scan {
  /** Blocks without an answer so far. */
  open: Set<Entry>;
  answered: boolean;
  changed: Set<string>;
}

export interface ModbusDeviceOptions {
  config: ModbusDeviceConfig;
  kind: string;
  bus: ModbusBus;
  /** Of the bus: what the plan is optimal for. */
  cost: Cost;
  /** ms that an answer may take, with all retries. */
  answerMs: number;
  context: DeviceContext;
}

/** A Modbus device: plans its reads, scans, decodes, writes. */
export class ModbusDevice implements Device {
  readonly record: DeviceRecord;
  readonly #options: ModbusDeviceOptions;
  readonly #config: ModbusDeviceConfig;
  readonly #scheduler: ScanScheduler;
  readonly #entries = new Map<string, Entry>();
  /** By scan class and area. */
  readonly #plans = new Map<string, ScanBlock[]>();
  readonly #holes: Holes;
  /** First addresses of blocks that did not answer last time: read last, so that they hold up nobody. */
  readonly #unanswered = new Set<string>();
  readonly #afterWrites: ReadAfterWrite<Entry>;
  #isRunning = false;
  #unlisten: (() => void) | null = null;
  #probe: Timer | null = null;

  constructor(options: ModbusDeviceOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#holes = new Holes(options.config.forbidden);
    const plans: TagPlan[] = [];
    const points: { config: TagConfig; point: Point }[] = [];
    for (const config of this.#config.tags) {
      const resolved = resolvePoint(config, this.#config);
      if ('problems' in resolved) throw new Error(`${this.#config.name}/${config.name}: ${resolved.problems[0]?.message}`);
      points.push({ config, point: resolved.point });
      const { type } = resolved.point;
      const isNumeric = !['bool', 'bit', 'string', 'raw'].includes(type) && config.enum === undefined;
      const freshForMs = freshFor(this.#periodOf(config), options.answerMs);
      const writable = config.access === 'read_write';
      const isWriteOnly = this.#isBroadcast;
      plans.push({ config, type, writable, isWriteOnly, isNumeric, group: this.#classOf(config), freshForMs });
    }
    this.record = new DeviceRecord(this.#config.name, plans, options.context);
    for (const { config, point } of points) {
      const tag = this.record.tag(config.name);
      this.#entries.set(config.name, { tag, config, point, periodMs: this.#periodOf(config), ...spanOf(point) });
    }
    this.#afterWrites = new ReadAfterWrite(
      options.context.clock,
      () => this.#entries.values(),
      (entries) => this.#readOutOfTurn(entries),
      (names) => this.record.changed(names),
    );
    this.#scheduler = new ScanScheduler(options.context.clock);
    if (this.#isBroadcast) return;
    for (const [name, period] of Object.entries(this.#config.scan)) this.#scheduler.add(name, period, () => this.#scan(name));
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#unlisten = this.#options.bus.listen({
      up: () => {
        if (this.#isBroadcast) this.record.setState('online', null);
        this.#holes.askAgain();
        this.#scheduler.kick();
      },
      down: (fault) => this.#onDown(fault),
      revived: (unit) => {
        if (unit === this.#config.unit) this.#scheduler.kick();
      },
      sent: (request) => {
        // What is for all units is for this one, too.
        const isForIt = request.unit === this.#config.unit || (request.unit === 0 && this.#options.kind !== 'modbus_tcp');
        if (isForIt && !this.#isBroadcast) this.#afterWrites.sent(request);
      },
      ask: (unit) => {
        if (unit !== this.#config.unit || this.#entries.size === 0) return false;
        this.#scheduler.kick();
        return true;
      },
    });
    this.#scheduler.start();
    if (this.#isBroadcast) this.#takeBusState();
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#unlisten?.();
    this.#probe?.cancel();
    this.#probe = null;
    this.#afterWrites.stop();
    this.record.retire('stopped');
    // Else each of them would have its turn first, however long the bus needs for what waits.
    this.#options.bus.withdrawReads(this);
    await this.#scheduler.stop();
  }

  status(): DeviceStatus {
    const { counters, latency } = this.#options.bus.unitStatus(this.#config.unit);
    const { state, since, error } = this.record.state;
    return {
      name: this.#config.name,
      bus: this.#config.bus,
      kind: this.#options.kind,
      unit: this.#config.unit,
      state,
      since,
      lastError: error,
      latency,
      counters,
      scans: this.#scheduler.status,
      tags: [...this.record.tags.values()].map((tag) => tag.status),
    };
  }

  /** What is read for each scan class, as it is planned now (holes that were found are respected), and what it costs. */
  plan(): ScanPlan[] {
    return this.#scheduler.status.map(({ name, periodMs, lastMs, overruns }) => {
      const blocks = this.#blocksOf(name).map(({ area, block }) => ({
        area,
        address: block.address,
        count: block.length,
        unused: unusedOf(block),
        costMs: costOf([block], this.#costIn(area)),
        tags: block.items.map((entry) => entry.tag.name),
      }));
      const costMs = blocks.reduce((sum, block) => sum + block.costMs, 0);
      return { scan: name, periodMs, costMs, lastMs, overruns, blocks, avoided: this.#holes.list() };
    });
  }

  /** All units of a line at once: it is written, nothing is read. */
  get #isBroadcast(): boolean {
    return this.#config.unit === 0 && this.#options.kind !== 'modbus_tcp';
  }

  /** Sixteen bits are as long as a register. */
  #costIn(area: Area): Cost {
    const { perRequest, perUnit } = this.#options.cost;
    return { perRequest, perUnit: isBitArea(area) ? perUnit / 16 : perUnit };
  }

  async write(name: string, value: TagJson): Promise<WriteResult> {
    this.record.tag(name);
    const entry = this.#entries.get(name)!;
    const { written, reading, ageMs } = await this.#afterWrites.during(
      entry,
      () => writePoint({ bus: this.#options.bus, device: this.#config, ...entry }, value),
      (result) => result.reading !== null,
    );
    if (reading === null || !this.#isRunning) return { value: written };
    if (entry.tag.update(reading, this.#options.context.clock.now() - Math.round(ageMs))) this.record.changed([name]);
    return { value: written };
  }

  async untilRead(name: string): Promise<void> {
    const entry = this.#entries.get(name);
    if (entry !== undefined) await this.#afterWrites.untilRead(entry);
  }

  sampleAfterWrites(name: string): Sample | null {
    const entry = this.#entries.get(name);
    return entry === undefined ? null : this.#afterWrites.sample(entry);
  }

  #classOf(config: TagConfig): string {
    return scanClassOf(config, this.#config);
  }

  #periodOf(config: TagConfig): number {
    return this.#config.scan[this.#classOf(config)] ?? 0;
  }

  /** The blocks of a scan class; planned again after a cut. */
  #blocksOf(scanClass: string): ScanBlock[] {
    let blocks = this.#plans.get(scanClass);
    if (blocks !== undefined) return blocks;
    blocks = this.#planned([...this.#entries.values()].filter((entry) => this.#classOf(entry.config) === scanClass));
    this.#plans.set(scanClass, blocks);
    return blocks;
  }

  #planned(entries: readonly Entry[]): ScanBlock[] {
    return (Object.keys(READ_FUNCTION) as Area[]).flatMap((area) => {
      const bits = isBitArea(area);
      const inArea = entries.filter((entry) => entry.point.area === area);
      const limits = {
        cost: this.#costIn(area),
        max: bits ? this.#config.max_bits : this.#config.max_registers,
        noGaps: this.#config.no_gaps,
        cuts: this.#holes.cuts(area),
        walls: this.#holes.walls(area),
      };
      const planned = plan(inArea, limits);
      const blocks = this.#options.kind === 'modbus_tcp' || bits ? planned : vary(planned, limits);
      return blocks.map((block) => ({ area, block }));
    });
  }

  #scan(scanClass: string): Promise<void> {
    const last = ({ area, block }: ScanBlock) => Number(this.#unanswered.has(`${area}:${block.address}`));
    return this.#readBlocks([...this.#blocksOf(scanClass)].sort((a, b) => last(a) - last(b)));
  }

  async #readOutOfTurn(entries: readonly Entry[]): Promise<void> {
    if (this.#isRunning) await this.#readBlocks(this.#planned(entries));
  }

  async #readBlocks(asked: readonly ScanBlock[]): Promise<void> {
    const now = this.#options.context.clock.mono();
    const isResting = ({ area, block }: ScanBlock) => block.items.every((item) => this.#holes.isResting(area, item, now));
    const blocks = asked.filter((block) => !isResting(block));
    if (blocks.length === 0) return;
    const scan: Scan = { open: new Set(blocks.flatMap(({ block }) => block.items)), answered: false, changed: new Set() };
    await Promise.all(blocks.map(({ area, block }) => this.#readBlock(scan, area, block)));
    if (!this.#isRunning) return;
    this.#report(scan);
    if (scan.answered) this.#updateState();
  }

  /** Resolves with whether the device gave all of it in one answer. */
  async #readBlock(scan: Scan, area: Area, block: Block<Entry>): Promise<boolean> {
    const { unit } = this.#config;
    const request = { fn: READ_FUNCTION[area], unit, address: block.address, count: block.length };
    const key = `${area}:${block.address}`;
    let answer: ModbusAnswer;
    try {
      answer = await this.#options.bus.read(request, (fault) => this.#onFailedTry(scan, fault), { owner: this });
    } catch (thrown) {
      this.#unanswered.add(key);
      const fault = asFault(thrown);
      if (fault.kind === 'unit_down') this.#armProbe();
      return false;
    }
    if (!this.#isRunning) return false;
    this.#unanswered.delete(key);
    scan.answered = true;
    switch (answer.kind) {
      case 'data':
        this.#take(scan, block, answer);
        if (block.items.filter((item) => this.#holes.answered(area, item)).length > 0) this.#plans.clear();
        return true;
      case 'exception':
        await this.#onException(scan, area, block, answer.code);
        return false;
      case 'done':
        throw new Error('a read was answered like a write');
    }
  }

  #take(scan: Scan, block: Block<Entry>, { data, ageMs = 0 }: DataAnswer): void {
    const ts = this.#options.context.clock.now() - Math.round(ageMs);
    for (const entry of block.items) {
      const { tag, config, point } = entry;
      const reading = isBitArea(point.area)
        ? decodeBit(data, point.address - block.address, config)
        : decodePoint(point, data, block.address, config);
      scan.open.delete(entry);
      if (tag.update(reading, ts)) scan.changed.add(tag.name);
    }
  }

  /**
   * The device refuses the block: halves are tried until what it refuses is found. That is bad, and is not read over again;
   * where both halves are read alone, it is what lies between them, or the length.
   */
  async #onException(scan: Scan, area: Area, block: Block<Entry>, code: number): Promise<void> {
    if (ADDRESS_EXCEPTIONS.has(code)) {
      if (block.items.length > 1) return this.#bisect(scan, area, block);
      if (this.#holes.refused(area, block.items[0]!, this.#options.context.clock.mono())) this.#plans.clear();
    }
    for (const entry of block.items) {
      scan.open.delete(entry);
      if (entry.tag.fail('bad', `exception:${code}`)) scan.changed.add(entry.tag.name);
    }
  }

  async #bisect(scan: Scan, area: Area, block: Block<Entry>): Promise<void> {
    const sorted = [...block.items].sort((a, b) => a.address - b.address);
    const middle = Math.ceil(sorted.length / 2);
    const halves = [sorted.slice(0, middle), sorted.slice(middle)];
    const read = await Promise.all(halves.map((half) => this.#readBlock(scan, area, blockOf(half))));
    if (read.every((isWhole) => isWhole) && this.#holes.cut(area, sorted[middle]!.address)) this.#plans.clear();
  }

  /** A try had no answer: what this scan has not read yet is bad from now on, not only after the last try. */
  #onFailedTry(scan: Scan, fault: Fault): void {
    if (!this.#isRunning) return;
    const reason = reasonOf(fault);
    if (fault.kind === 'unit_down') {
      // It stopped answering in another scan class, or for another device with this unit: nothing here is known any more.
      this.#failAll(scan.changed, reason);
    } else {
      for (const { tag } of scan.open) if (tag.fail('bad', reason)) scan.changed.add(tag.name);
    }
    if (!scan.answered) {
      if (this.#options.bus.unitStatus(this.#config.unit).isDown) this.#failAll(scan.changed, reason);
      if (fault.kind !== 'unit_down' || this.record.state.state !== 'offline') this.record.setState('offline', fault.message);
    }
    this.#report(scan);
  }

  /** The bus may be up, or down, already. What is read finds that out by reading. */
  #takeBusState(): void {
    const { state, lastError } = this.#options.bus.status();
    if (state === 'running') this.record.setState('online', null);
    else if (state !== 'starting') this.#onDown(new Fault('bus_down', lastError ?? 'there is no connection'));
  }

  #onDown(fault: Fault): void {
    const changed = new Set<string>();
    this.#failAll(changed, reasonOf(fault));
    this.record.setState('offline', fault.message);
    if (changed.size > 0) this.record.changed([...changed]);
  }

  #failAll(changed: Set<string>, reason: string): void {
    if (this.#isBroadcast) return;
    for (const tag of this.record.tags.values()) {
      // A tag that is bad already keeps the reason that it has.
      if (tag.quality !== 'bad' || tag.sample.reason === 'not_read_yet') {
        if (tag.fail('bad', reason)) changed.add(tag.name);
      }
    }
  }

  #updateState(): void {
    const faulty = [...this.record.tags.values()].filter((tag) => tag.quality === 'bad' && tag.sample.reason !== 'not_read_yet');
    const first = faulty[0];
    if (first === undefined) this.record.setState('online', null);
    else
      this.record.setState(
        'degraded',
        `${first.name}: ${first.sample.reason ?? 'bad'}${faulty.length > 1 ? `, and ${faulty.length - 1} more` : ''}`,
      );
  }

  #report(scan: Scan): void {
    if (scan.changed.size === 0) return;
    this.record.changed([...scan.changed]);
    scan.changed.clear();
  }

  /** A unit that is left alone is asked again when it is time, however long its scan classes are. */
  #armProbe(): void {
    if (this.#probe !== null || !this.#isRunning) return;
    this.#probe = this.#options.context.clock.setTimeout(() => {
      this.#probe = null;
      this.#scheduler.kick();
    }, this.#options.bus.probeIn(this.#config.unit) + 1);
  }
}

function reasonOf(fault: Fault): string {
  switch (fault.kind) {
    case 'timeout':
    case 'unit_down':
      return 'timeout';
    case 'crc':
      return 'crc';
    case 'protocol':
      return 'protocol_error';
    case 'bus_down':
    case 'stopped':
      return 'bus_down';
  }
}
