import type {
  Explored,
  FieldToolsPort,
  MonitorFrame,
  ReadPlan,
  RegisterWrite,
  ScanRequest,
  ScanStatus,
  SerialPortInfo,
  SunSpecFound,
  UnitStatistics,
} from '../../src/console/field-tools.js';
import { FerruleError } from '../../src/errors.js';
import { interpret } from '../../src/field/tools/explore.js';
import { sunSpecFound } from './memory-device-setup.js';

const frame = (facts: Partial<MonitorFrame>): MonitorFrame => ({
  ...{ at: Date.now(), direction: 'in', bytes: '', error: null, unit: 3, fn: 3, name: 'read holding registers' },
  ...{ range: null, values: null, exception: null, tookMs: null },
  ...facts,
});

/** Frames as a line with three devices gives them: answers, an exception, a timeout, noise. */
export function sampleFrames(): MonitorFrame[] {
  const range = { area: 'holding', address: 100, count: 4 };
  return [
    frame({ direction: 'out', bytes: '030300640004' + '05f4', range }),
    frame({ bytes: '03030800e600e700e5138a9c42', range, values: [230, 231, 229, 5002], tookMs: 18.4 }),
    frame({
      direction: 'out',
      unit: 7,
      fn: 4,
      name: 'read input registers',
      bytes: '0704000a000211af',
      range: { area: 'input', address: 10, count: 2 },
    }),
    frame({
      ...{
        unit: 7,
        fn: 4,
        name: 'read input registers',
        bytes: '078402e302',
        range: { area: 'input', address: 10, count: 2 },
        tookMs: 12.1,
      },
      exception: { code: 2, text: 'illegal data address' },
    }),
    frame({ direction: 'out', unit: 9, bytes: '0903000000018542', range: { area: 'holding', address: 0, count: 1 } }),
    frame({ unit: 9, error: 'timeout', range: { area: 'holding', address: 0, count: 1 }, tookMs: 500 }),
    frame({ unit: null, fn: null, name: null, error: 'unexpected', bytes: 'ff00fe' }),
    frame({
      direction: 'out',
      fn: 6,
      name: 'write register',
      bytes: '0306001000648806',
      range: { area: 'holding', address: 16, count: 1 },
      values: [100],
    }),
  ];
}

/** The tools on site as plain objects, for consoles without a field. */
export class MemoryFieldTools implements FieldToolsPort {
  readonly watchers = new Map<string, Set<Parameters<FieldToolsPort['monitor']>[1]>>();
  readonly sent: { bus: string; data: Buffer }[] = [];
  readonly asked: ScanRequest[] = [];
  found: ScanStatus[] = [];
  buses = ['hall', 'line1', 'scale_port'];

  async ports(): Promise<SerialPortInfo[]> {
    const usb = { vendorId: '0403', productId: '6001', serial: 'A50285BI', manufacturer: 'FTDI', product: 'FT232R USB UART' };
    const rest = { byId: [], byPath: [], isConsole: false, isAllowed: true };
    const name = '/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0';
    return [
      { ...rest, path: '/dev/ttyS0', name: '/dev/ttyS0', usb: null, driver: '8250', isConsole: true, users: [] },
      { ...rest, path: '/dev/ttyUSB0', name, usb, driver: 'ftdi_sio', users: [{ pid: 812, program: 'ferrule' }] },
    ];
  }

  monitor(bus: string, listener: Parameters<FieldToolsPort['monitor']>[1]): () => void {
    this.#check(bus);
    const watchers = this.watchers.get(bus) ?? new Set();
    this.watchers.set(bus, watchers);
    watchers.add(listener);
    return () => watchers.delete(listener);
  }

  /** As if it had been seen on the bus. */
  see(bus: string, ...frames: MonitorFrame[]): void {
    for (const listener of this.watchers.get(bus) ?? []) for (const each of frames) listener.frame(each);
  }

  units(bus: string): UnitStatistics[] {
    this.#check(bus);
    const buckets = [
      { upTo: 12.5, count: 180 },
      { upTo: 15.6, count: 640 },
      { upTo: 19.5, count: 310 },
      { upTo: 24.4, count: 60 },
      { upTo: 119.2, count: 4 },
    ];
    const none = { measured: 0, smoothed: null, p50: null, p90: null, p99: null, max: null, buckets: [] };
    const some = { measured: 1194, smoothed: 15.2, p50: 15.6, p90: 19.5, p99: 24.4, max: 118.3, buckets };
    return [
      {
        unit: 3,
        isDown: false,
        counters: { requests: 1201, answers: 1192, timeouts: 5, exceptions: 2, crcErrors: 1, late: 1 },
        latency: some,
      },
      { unit: 9, isDown: true, counters: { requests: 14, answers: 0, timeouts: 14, exceptions: 0, crcErrors: 0, late: 0 }, latency: none },
    ];
  }

  plan(device: string): ReadPlan[] | null {
    if (device === 'scale') return null;
    const block = (address: number, count: number, unused: number, ...tags: string[]) =>
      ({ area: 'holding', address, count, unused, costMs: 21.7 + count * 1.1, tags }) as const;
    const blocks = [block(0, 14, 2, 'voltage_l1', 'voltage_l2', 'voltage_l3'), block(80, 4, 0, 'energy')];
    return [
      {
        scan: 'fast',
        periodMs: 1000,
        costMs: 63.2,
        lastMs: 58.4,
        overruns: 0,
        blocks,
        avoided: [{ area: 'holding', from: 40, to: 41, why: 'refused' }],
      },
      { scan: 'slow', periodMs: 10_000, costMs: 26.1, lastMs: null, overruns: 3, blocks: [block(200, 4, 0, 'serial_number')], avoided: [] },
    ];
  }

  readonly writes: RegisterWrite[] = [];
  async writeRegister(bus: string, request: RegisterWrite): Promise<RegisterWrite['value']> {
    this.#check(bus);
    this.writes.push(request);
    return request.value;
  }

  async busOf(where: Parameters<FieldToolsPort['busOf']>[0]): Promise<string | null> {
    if (where.kind === 'line') return where.port === '/dev/ttyUSB0' ? 'hall' : null;
    return where.host === '192.0.2.9' && where.port === 502 ? 'hall' : null;
  }

  async explore(bus: string, request: Parameters<FieldToolsPort['explore']>[1]): Promise<Explored> {
    this.#check(bus);
    if (request.address > 9000) {
      throw new FerruleError('FER_FIELD_READ', `${bus}: the device answers with exception 2 (illegal data address).`, {
        hint: 'There is nothing at this address.',
      });
    }
    const data = Buffer.alloc(Math.max(2, request.count * 2));
    for (let index = 0; index < request.count; index++)
      data.writeUInt16BE([0x41a8, 0xcccd, 0x00e6, 0xffff, 0x4f4b, 0x2121][index % 6]!, index * 2);
    return interpret(request, data, Date.now());
  }

  async sunspec(where: Parameters<FieldToolsPort['sunspec']>[0], unit: number): Promise<SunSpecFound> {
    if (where.kind === 'bus') this.#check(where.bus);
    if (unit === 1) throw new FerruleError('FER_FIELD_SUNSPEC', 'Unit 1 has no SunSpec map.', { hint: 'Its unit id may be another.' });
    return sunSpecFound(unit);
  }

  async scan(request: ScanRequest): Promise<ScanStatus> {
    this.asked.push(request);
    const { where } = request;
    const target = where.kind === 'bus' ? where.bus : where.kind === 'line' ? where.port : `${where.host}:${where.port}`;
    const status: ScanStatus = {
      ...{ id: `scan-${this.asked.length}`, target, state: 'running', error: null, startedAt: Date.now(), endedAt: null },
      ...{ done: 3, total: request.units.length, line: where.kind === 'host' ? null : '9600 8N1', unit: request.units[3] ?? null },
      found: [
        {
          unit: 1,
          line: '9600 8N1',
          outcome: 'answers',
          detail: null,
          identification: { vendor: 'Test Works', product: 'PM-1', revision: '3.0' },
        },
        { unit: 3, line: '9600 8N1', outcome: 'exception', detail: 'exception 2 (illegal data address)', identification: null },
      ],
    };
    this.found = [status, ...this.found];
    return status;
  }

  async scans(): Promise<ScanStatus[]> {
    return this.found;
  }

  async cancelScan(id: string): Promise<boolean> {
    const scan = this.found.find((each) => each.id === id);
    if (scan === undefined) return false;
    scan.state = 'cancelled';
    scan.endedAt = Date.now();
    return true;
  }

  send(bus: string, data: Buffer): void {
    this.#check(bus);
    this.sent.push({ bus, data });
  }

  #check(bus: string): void {
    if (!this.buses.includes(bus)) throw new FerruleError('FER_FIELD_UNKNOWN_BUS', `There is no bus ${bus}.`, { where: { subject: bus } });
  }
}
