import type { Clock } from '../clock.js';
import { FerruleError } from '../errors.js';
import type { Logger } from '../log.js';
import type { FieldBus } from './build.js';
import { ClockWatch } from './clock-watch.js';
import { Commands } from './commands/commands.js';
import type { Device, DeviceContext } from './device.js';
import type { HomeAssistantDiscovery } from './home-assistant/discovery.js';
import { announcementTopic } from './home-assistant/names.js';
import { definitionOf, type Inventory, inventoryOf, type Plant, sourceOf, tagsOf } from './inventory.js';
import { type LedgerContent, ledgerContent, mergedContent, RetainedLedger } from './ledger.js';
import { OwnTopics } from './own-topics.js';
import type {
  BusStatus,
  DeviceStatus,
  DocumentPort,
  MessagingPort,
  ModbusProxyStatus,
  ModbusServerStatus,
  TagJson,
  TrendPoint,
  WriteResult,
} from './ports.js';
import { Publisher } from './publisher.js';
import { type EarlierValue, type EarlierValues, takeOverRetained } from './restore.js';
import type { BusConfig, DeviceConfig, FieldConfig } from './schema.js';
import type { ModbusServers } from './server/servers.js';
import { SetTopics } from './set-topics.js';
import { FieldTools } from './tools/tools.js';
import { Topics } from './topics.js';
import { trendCapacity } from './trend.js';
import { logged } from './write-log.js';

export interface FieldOptions {
  /** Validated (FieldSchema and checkField), with its defaults filled in. */
  config: FieldConfig;
  messaging: MessagingPort;
  /** Where it is remembered what was left retained; without it what was configured no more at a start is not cleared. */
  documents?: DocumentPort;
  /** Who announces devices to Home Assistant. */
  gateway?: { id: string; version: string };
  clock: Clock;
  log: Logger;
}

interface RunningBus {
  config: BusConfig;
  bus: FieldBus;
}
interface RunningDevice {
  config: DeviceConfig;
  device: Device;
}

/** What may be waited for at stop. */
const SETTLE_MS = 2000;

/** The field side of the gateway: buses, devices, their tags as topics, and writes to them. */
export class Field {
  /** For finding things out on site. */
  readonly tools: FieldTools;
  readonly #messaging: MessagingPort;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #publisher: Publisher;
  readonly #commands: Commands;
  readonly #sets: SetTopics;
  readonly #ledger: RetainedLedger;
  readonly #clockWatch: ClockWatch;
  readonly #gateway: { id: string; version: string | null };
  #homeAssistant: HomeAssistantDiscovery | null = null;
  readonly #listeners = new Set<(device: string, tags: string[]) => void>();
  #config: FieldConfig;
  #topics: Topics;
  #buses = new Map<string, RunningBus>();
  #devices = new Map<string, RunningDevice>();
  #servers: ModbusServers | null = null;
  #isRunning = false;
  /** stop() was called: nothing is started before it had its turn. */
  #isStopping = false;
  /** Values of before; null: what was left retained was not taken over yet. */
  #earlier: EarlierValues | null = null;
  /** Starting, stopping and reconfiguring happen one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: FieldOptions) {
    this.#config = options.config;
    this.#messaging = options.messaging;
    this.#clock = options.clock;
    this.#log = options.log;
    this.tools = new FieldTools(
      { buses: () => this.#buses, devices: () => this.#devices, suspend: (bus) => this.#suspend(bus) },
      options.clock,
      options.log,
    );
    this.#topics = new Topics(options.config.topics);
    this.#publisher = new Publisher(options.messaging, options.clock, options.log);
    this.#gateway = options.gateway ?? { id: 'ferrule', version: null };
    this.#ledger = new RetainedLedger(options.documents ?? null, options.log);
    this.#clockWatch = new ClockWatch(options.clock, (byMs) => this.#onClockStep(byMs));
    this.#commands = new Commands(this.#publisher, options.documents ?? null, options.clock, options.log);
    this.#sets = new SetTopics(options.messaging, this.#commands, options.log, (device, tag, value, by) =>
      this.write(device, tag, value, by),
    );
  }

  /**
   * Marks what an earlier run left retained as stale. To be called when messages can be published and before anybody can
   * read them; start() does it where it was not done.
   */
  prepare(): Promise<void> {
    return this.#inTurn(() => this.#prepare());
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#isRunning) return;
      this.#isRunning = true;
      await this.#prepare();
      this.#clockWatch.start();
      const earlier = this.#earlier ?? new Map();
      this.#earlier = new Map();
      await this.#launch(this.#config.buses, this.#config.devices, earlier);
      await this.#configureServers();
      await this.#announce();
    });
  }

  /** What was good becomes stale; resolves when that is published, within a few seconds. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    // Before its turn: nobody waits for a device behind a change of the configuration.
    const stopped = this.#stopAll([...this.#devices.keys()], [...this.#buses.keys()]);
    await this.tools.stop();
    await stopped;
    return this.#inTurn(async () => {
      this.#isStopping = false;
      if (!this.#isRunning) return;
      this.#isRunning = false;
      this.#sets.close();
      this.#clockWatch.stop();
      await this.#servers?.stop();
      this.#homeAssistant?.stop();
      this.#homeAssistant = null;
      await this.#halt([...this.#devices.keys()], [...this.#buses.keys()]);
      await this.#publisher.settled(SETTLE_MS);
      this.#publisher.stop();
      this.#earlier = null;
    });
  }

  /** Takes over another configuration; only buses and devices that differ are restarted. */
  reconfigure(next: FieldConfig): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#config;
      const left = this.#retains();
      this.#config = next;
      if (!this.#isRunning) {
        this.#topics = new Topics(next.topics);
        this.#earlier = null;
        return;
      }
      const everything = !isSame([before.topics, before.payload], [next.topics, next.payload]);
      const buses = next.buses.filter((bus) => everything || !isSame(this.#buses.get(bus.name)?.config, bus));
      const keptBuses = new Set(next.buses.filter((bus) => !buses.includes(bus)).map((bus) => bus.name));
      const devices = next.devices.filter(
        (device) => !keptBuses.has(device.bus) || !isSame(this.#devices.get(device.name)?.config, device),
      );
      const keptDevices = new Set(next.devices.filter((device) => !devices.includes(device)).map((device) => device.name));
      const ending = [...this.#devices.keys()].filter((name) => !keptDevices.has(name));
      const old = new Map(ending.map((name) => [name, this.#devices.get(name)!.device]));
      await this.#halt(
        ending,
        [...this.#buses.keys()].filter((name) => !keptBuses.has(name)),
      );
      this.#topics = new Topics(next.topics);
      this.#ledger.write(mergedContent(this.#retains(), left));
      await this.#launch(buses, devices, lastValues(old.values(), before, next));
      this.#clearRemoved(old);
      await this.#announce();
      this.#ledger.write(this.#retains());
      await this.#configureServers();
    });
  }

  modbusServers(): ModbusServerStatus[] {
    return this.#servers?.statuses() ?? [];
  }

  /** What masters of the servers got from each bus. */
  modbusProxies(): ModbusProxyStatus[] {
    return this.#servers?.proxies() ?? [];
  }

  buses(): BusStatus[] {
    return [...this.#buses.values()].map(({ bus }) => bus.status());
  }

  devices(): DeviceStatus[] {
    return [...this.#devices.values()].map(({ device }) => device.status());
  }

  device(name: string): DeviceStatus | null {
    return this.#devices.get(name)?.device.status() ?? null;
  }

  /** Recent samples of a numeric tag, oldest first, thinned to at most `points`. Empty where there is no such tag. */
  trend(device: string, tag: string, fromMs: number, toMs: number, points: number): TrendPoint[] {
    return this.#devices.get(device)?.device.record.tags.get(tag)?.trend?.read(fromMs, toMs, points) ?? [];
  }

  /** Resolves with what was written (read back where asked); rejects with a FerruleError. `by`: who asks for it, for the log. */
  write(device: string, tag: string, value: TagJson, by = 'the program'): Promise<WriteResult> {
    return logged(this.#log, { by, device, tag, value }, () => this.#carryOut(device, tag, value));
  }

  onChange(listener: (device: string, tags: string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #carryOut(device: string, tag: string, value: TagJson): Promise<WriteResult> {
    const running = this.#devices.get(device);
    if (running === undefined) {
      throw new FerruleError('FER_FIELD_UNKNOWN_TAG', `There is no device ${device}.`, { where: { subject: `${device}/${tag}` } });
    }
    return running.device.write(tag, value);
  }

  async #prepare(): Promise<void> {
    if (this.#earlier !== null) return;
    await this.#commands.load();
    const ledger = await this.#ledger.read();
    const inventory = this.#inventory();
    // Written first: what is published from here on is known to be ours at the next start, too.
    this.#ledger.write(this.#retains());
    this.#earlier = takeOverRetained({
      messaging: this.#messaging,
      publisher: this.#publisher,
      topics: this.#topics,
      payload: this.#config.payload,
      inventory,
      announcements: new Set(this.#announcements()),
      ledger,
      now: this.#clock.now(),
    });
  }

  #inventory(): Inventory {
    return inventoryOf(this.#config, this.#topics, this.#config.payload);
  }

  /** What this configuration leaves retained. */
  #retains(): LedgerContent {
    return ledgerContent(this.#inventory(), this.#announcements());
  }

  /** Topics of discovery messages. */
  #announcements(): string[] {
    const { enabled, prefix } = this.#config.home_assistant;
    return enabled ? this.#config.devices.map(({ name }) => announcementTopic({ gateway: this.#gateway.id, prefix }, name)) : [];
  }

  async #announce(): Promise<void> {
    const { home_assistant, devices, payload } = this.#config;
    if (!home_assistant.enabled) {
      this.#homeAssistant?.withdraw();
      this.#homeAssistant = null;
      return;
    }
    const { HomeAssistantDiscovery } = await import('./home-assistant/discovery.js');
    this.#homeAssistant ??= new HomeAssistantDiscovery({
      messaging: this.#messaging,
      publisher: this.#publisher,
      clock: this.#clock,
      log: this.#log,
    });
    const { id: gateway, version } = this.#gateway;
    const { prefix, birth_topic } = home_assistant;
    this.#homeAssistant.announce(devices, { gateway, version, prefix, topics: this.#topics, payload }, birth_topic);
  }

  #onClockStep(byMs: number): void {
    this.#log.warn(
      { byMs },
      `the clock was set ${byMs < 0 ? 'back' : 'forward'} by ${Math.abs(byMs)} ms; values are published anew when they are read`,
    );
    for (const { device } of this.#devices.values()) device.record.clockStepped(byMs);
  }

  async #launch(buses: readonly BusConfig[], devices: readonly DeviceConfig[], earlier: EarlierValues): Promise<void> {
    const created = await this.#create(buses, devices);
    if (this.#isStopping) return;
    for (const { record } of created) record.restore(earlier.get(record.name) ?? new Map());
    const own = new OwnTopics(this.#topics, this.#config.devices);
    this.#commands.keepOff((topic) => own.has(topic));
    this.tools.busesChanged();
    for (const { name } of buses) this.#buses.get(name)?.bus.start();
    for (const device of created) {
      device.record.announce();
      device.start();
    }
    this.#sets.open(
      this.#topics,
      this.#config.devices.flatMap((device) => tagsOf(device).map((tag) => ({ device: device.name, tag: tag.name }))),
    );
  }

  async #create(buses: readonly BusConfig[], devices: readonly DeviceConfig[]): Promise<Device[]> {
    if (buses.length + devices.length === 0) return [];
    // Loaded only now: a gateway without devices does not need what speaks to them.
    const { createBus, createDevice, forbid } = await import('./build.js');
    const context: DeviceContext = {
      clock: this.#clock,
      publisher: this.#publisher,
      messaging: this.#messaging,
      commands: this.#commands,
      topics: this.#topics,
      payload: this.#config.payload,
      trendCapacity: trendCapacity(countTags(this.#config.devices)),
      changed: (device, tags) => {
        for (const listener of this.#listeners) listener(device, tags);
      },
    };
    for (const config of buses) this.#buses.set(config.name, { config, bus: createBus(config, this.#clock, this.#log) });
    for (const [name, { bus }] of this.#buses) forbid(bus, name, this.#config.devices);
    return devices.map((config) => {
      const running = this.#buses.get(config.bus);
      if (running === undefined) throw new Error(`device ${config.name} is on bus ${config.bus}, which does not exist`);
      const device = createDevice(config, running.bus, running.config, context, this.#log);
      this.#devices.set(config.name, { config, device });
      return device;
    });
  }

  async #configureServers(): Promise<void> {
    if (this.#servers === null && this.#config.modbus_servers.length === 0) return;
    const { ModbusServers } = await import('./server/servers.js');
    this.#servers ??= new ModbusServers(
      {
        sample: (device, tag) => {
          const found = this.#devices.get(device)?.device;
          return found?.sampleAfterWrites?.(tag) ?? found?.record.tags.get(tag)?.sample ?? null;
        },
        write: (device, tag, value, by) => this.write(device, tag, value, by),
        untilRead: async (device, tag) => this.#devices.get(device)?.device.untilRead?.(tag),
        bus: (name) => this.#buses.get(name)?.bus ?? null,
      },
      this.#clock,
      this.#log,
    );
    await this.#servers.configure(this.#config);
  }

  async #stopAll(devices: readonly string[], buses: readonly string[]): Promise<void> {
    await Promise.all([
      ...devices.map((name) => this.#devices.get(name)?.device.stop()),
      ...buses.map((name) => this.#buses.get(name)?.bus.stop()),
    ]);
  }

  async #halt(devices: readonly string[], buses: readonly string[]): Promise<void> {
    await this.#stopAll(devices, buses);
    for (const name of devices) this.#devices.delete(name);
    for (const name of buses) this.#buses.delete(name);
  }

  /** Devices and tags that are configured no more leave nothing retained. */
  #clearRemoved(old: ReadonlyMap<string, Device>): void {
    const inUse = new Set<string>();
    for (const { device } of this.#devices.values()) for (const topic of device.record.retainedTopics) inUse.add(topic);
    for (const device of old.values()) device.record.forget(inUse);
  }

  /** Stops a bus; its devices read as if it were lost. The returned function starts it again, if it is still there. */
  async #suspend(name: string): Promise<() => Promise<void>> {
    const bus = this.#buses.get(name)?.bus;
    await this.#inTurn(async () => bus?.stop());
    return () =>
      this.#inTurn(() => {
        if (this.#isRunning && !this.#isStopping && bus !== undefined && this.#buses.get(name)?.bus === bus) bus.start();
        return Promise.resolve();
      });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

function countTags(devices: readonly DeviceConfig[]): number {
  return devices.reduce((sum, device) => sum + tagsOf(device).length, 0);
}

/** What devices that are restarted read last, but for tags that mean something else now. */
function lastValues(old: Iterable<Device>, before: Plant, after: Plant): EarlierValues {
  const values = new Map<string, ReadonlyMap<string, EarlierValue>>();
  for (const { record } of old) {
    const [was, is] = [before, after].map(({ devices }) => devices.find(({ name }) => name === record.name));
    if (was === undefined || is === undefined) continue;
    const kept = new Map<string, EarlierValue>();
    const [from, to] = [sourceOf(was, before.buses), sourceOf(is, after.buses)];
    for (const tag of tagsOf(is)) {
      const same = tagsOf(was).find(({ name }) => name === tag.name);
      if (same === undefined || definitionOf(from, same) !== definitionOf(to, tag)) continue;
      const { value, ts } = record.tag(tag.name).sample;
      if (ts !== null) kept.set(tag.name, { value, ts });
    }
    values.set(record.name, kept);
  }
  return values;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
