import type { Clock } from '../../clock.js';
import { FerruleError } from '../../errors.js';
import type { Logger } from '../../log.js';
import { ModbusBus } from '../modbus/bus.js';
import type { ModbusProxyStatus, ModbusServerStatus, TagJson } from '../ports.js';
import type { FieldConfig } from '../schema.js';
import type { Sample } from '../topics.js';
import { mayHaveWritten } from '../write-log.js';
import { BusProxy } from './bus-proxy.js';
import type { ModbusServerConfig } from './schema.js';
import { ModbusServer } from './server.js';
import { unitsOf } from './units.js';

/** What the servers need of the field. */
export interface ServedField {
  /** For a master: what was read before a write that a master waits for is stale. null: there is no such tag. */
  sample(device: string, tag: string): Sample | null;
  /** Resolves when the device has taken it; rejects with a FerruleError. */
  write(device: string, tag: string, value: TagJson, by: string): Promise<unknown>;
  /** After a write: resolves when the tag was read since, or could not be. */
  untilRead(device: string, tag: string): Promise<void>;
  /** A bus as it is now; null: there is none of this name at present. */
  bus(name: string): unknown;
}

/** All Modbus servers of the field, and the ways to its buses that they share. */
export class ModbusServers {
  readonly #field: ServedField;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #proxies = new Map<string, { bus: ModbusBus; proxy: BusProxy }>();
  #servers: ModbusServer[] = [];

  constructor(field: ServedField, clock: Clock, log: Logger) {
    this.#field = field;
    this.#clock = clock;
    this.#log = log;
  }

  /** Takes over a configuration; servers that differ are restarted, the others keep their connections. */
  async configure(field: FieldConfig): Promise<void> {
    const stays = (server: ModbusServer) => field.modbus_servers.some((config) => isSame(config, server.config));
    const leaving = this.#servers.filter((server) => !stays(server));
    const kept = this.#servers.filter(stays);
    await Promise.all(leaving.map((server) => server.stop()));
    this.#servers = field.modbus_servers.map(
      (config) => kept.find((server) => isSame(config, server.config)) ?? new ModbusServer(config, this.#clock, this.#log),
    );
    for (const server of this.#servers) server.serve(this.#unitsOf(server.config, field));
    for (const name of this.#proxies.keys()) if (this.#field.bus(name) === null) this.#drop(name);
    await Promise.all(this.#servers.map((server) => server.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
    for (const name of [...this.#proxies.keys()]) this.#drop(name);
  }

  statuses(): ModbusServerStatus[] {
    return this.#servers.map((server) => server.status());
  }

  /** By bus. */
  proxies(): ModbusProxyStatus[] {
    return [...this.#proxies].map(([bus, { proxy }]) => ({ bus, ...proxy.counters }));
  }

  #unitsOf(config: ModbusServerConfig, field: FieldConfig) {
    return unitsOf(config, field, {
      sample: (device, tag) => this.#field.sample(device, tag),
      write: (device, tag, value, by) => this.#write(device, tag, value, by),
      log: this.#log,
      proxy: (bus) => this.#proxy(bus),
    });
  }

  /** Whoever writes and then reads sees what was written. */
  async #write(device: string, tag: string, value: TagJson, by: string): Promise<void> {
    try {
      await this.#field.write(device, tag, value, by);
    } catch (thrown) {
      // Whoever waits for the answer need not wait for the reading.
      if (mayHaveWritten(thrown instanceof FerruleError ? thrown.code : undefined)) void this.#field.untilRead(device, tag);
      throw thrown;
    }
    await this.#field.untilRead(device, tag);
  }

  /** A bus that was restarted is another one: what was kept of the old one is forgotten. */
  #proxy(name: string): BusProxy | null {
    const bus = this.#field.bus(name);
    if (!(bus instanceof ModbusBus)) return null;
    const known = this.#proxies.get(name);
    if (known?.bus === bus) return known.proxy;
    this.#drop(name);
    const proxy = new BusProxy(bus, this.#clock);
    this.#proxies.set(name, { bus, proxy });
    return proxy;
  }

  #drop(name: string): void {
    this.#proxies.get(name)?.proxy.close();
    this.#proxies.delete(name);
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
