import { type RunningProcess, startProcess } from '../../support/process.js';
import { compile } from './programs.js';

/** What a group of devices was asked since the last count. */
export interface ScanCount {
  /** The longest time between two scans of one device, ms; a scan is a read from address 0 on. */
  longestGapMs: number;
  requests: number;
  /** By the device's number. */
  scans: number[];
}

/** Devices of libmodbus; see modbus_devices.c. */
export class ModbusDevices {
  readonly #process: RunningProcess;
  /** Of the devices on TCP, from device 1 on. */
  readonly ports: readonly number[];

  private constructor(process: RunningProcess) {
    this.#process = process;
    this.ports = (process.lines[0] ?? '').split(' ').slice(1).map(Number);
  }

  /** @param changing every so many registers one counts scans; 0: none does */
  static async tcp(folder: string, count: number, changing: number): Promise<ModbusDevices> {
    return ModbusDevices.#start(folder, ['tcp', String(count), String(changing)]);
  }

  /** A line, 8E1. @param dead the unit that does not answer; 0: there is none */
  static async rtu(folder: string, line: { path: string; baud: number; changing: number; dead: number }): Promise<ModbusDevices> {
    return ModbusDevices.#start(folder, ['rtu', line.path, String(line.baud), String(line.changing), String(line.dead)]);
  }

  static async #start(folder: string, args: string[]): Promise<ModbusDevices> {
    return new ModbusDevices(await startProcess(await compile('modbus_devices', folder), args, { ready: /^listening.*\n/ }));
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Counts from here on. */
  async count(): Promise<ScanCount> {
    const lines = this.#process.lines.length + 1;
    this.#process.write('\n');
    const [, gap = Number.NaN, requests = Number.NaN, ...scans] = ((await this.#process.untilLines(lines)).at(-1) ?? '')
      .split(' ')
      .map(Number);
    return { longestGapMs: gap / 1000, requests, scans: [Number.NaN, ...scans] };
  }

  async close(): Promise<void> {
    await this.#process.kill();
  }
}
