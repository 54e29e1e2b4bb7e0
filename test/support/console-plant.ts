/** A plant as the console sees it, in memory: four devices of which one is away, two bridges, rules, clients, topics. */

import type {
  BridgeStatus,
  ClientStatus,
  ConsolePorts,
  DeviceStatus,
  PartStatus,
  RuleStatus,
  TagJson,
  TagStatus,
  TrendPoint,
} from '../../src/console/ports.js';
import { FerruleError } from '../../src/errors.js';
import { detailsOf, MemoryDocuments, MemoryMessaging, MemoryMqttUsers } from '../console/fakes.js';
import { MemoryDeviceSetup, MemoryTagLists } from './memory-device-setup.js';
import { MemoryFieldTools } from './memory-field-tools.js';
import { MODBUS_PROXIES, MODBUS_SERVERS } from './memory-modbus-servers.js';
import { MemoryRemovals } from './memory-removals.js';

const MINUTE = 60_000;

/** Device, tag, seconds of a period, low, high, and every how many steps of 250 ms it moves. */
const WAVES: [string, string, number, number, number, number][] = [
  ['press2', 'oil_temperature', 700, 52, 57, 1],
  ['press2', 'oil_pressure', 260, 176, 190, 4],
  ['press2', 'ram_position', 120, 20, 640, 1],
  ['meter1', 'power', 340, 60, 96, 1],
  ['meter1', 'voltage_l1', 170, 228, 232, 4],
  ['scale', 'weight', 90, 0, 40, 4],
];

function wave(at: number, seconds: number, low: number, high: number): number {
  const turn = at / 1000 / seconds;
  return low + ((high - low) * (1 + 0.8 * Math.sin(2 * Math.PI * turn) + 0.2 * Math.sin(14 * Math.PI * turn))) / 2;
}

export function plantTag(name: string, value: TagJson, over: Partial<TagStatus> = {}): TagStatus {
  const kind = typeof value === 'number' ? 'float32' : typeof value === 'boolean' ? 'bool' : 'string';
  const base = { name, value, ts: Date.now(), quality: 'good' as const, reason: null, unit: null, description: null, type: kind };
  return { ...base, writable: false, precision: typeof value === 'number' ? 1 : null, topic: `field/device/${name}`, ...over };
}

function plantDevice(name: string, over: Partial<DeviceStatus>): DeviceStatus {
  const counters = { requests: 18_240, answers: 18_236, timeouts: 3, exceptions: 0, crcErrors: 1, late: 0 };
  const base = { name, bus: 'hall', kind: 'modbus_tcp', unit: 1, state: 'online' as const, since: Date.now() - 190 * MINUTE };
  const scans = [
    { name: 'fast', periodMs: 1000, lastMs: 14, overruns: 0 },
    { name: 'slow', periodMs: 30_000, lastMs: 41, overruns: 2 },
  ];
  const device = { ...base, lastError: null, latency: 6.4, counters, scans, tags: [], ...over };
  for (const tag of device.tags) tag.topic = `field/${name}/${tag.name}`;
  return device;
}

function devices(): DeviceStatus[] {
  const press = [
    plantTag('oil_temperature', 54.2, { unit: '°C', description: 'Hydraulic oil, tank' }),
    plantTag('oil_pressure', 182.4, { unit: 'bar', description: 'After the main pump' }),
    plantTag('ram_position', 412.7, { unit: 'mm', precision: 2 }),
    plantTag('cycle_count', 128_402, { type: 'uint32', precision: 0, description: 'Strokes since commissioning' }),
    plantTag('temperature_setpoint', 55, { unit: '°C', writable: true, description: 'Oil temperature to be held' }),
    plantTag('cooling_pump', true, { writable: true }),
    plantTag('mode', 'automatic', { description: 'Operating mode of the press' }),
    plantTag('motor_current', 31.8, { unit: 'A', quality: 'uncertain', reason: 'out_of_range' }),
    plantTag('recipe', null, { ts: null, quality: 'bad', reason: 'exception:2', type: 'uint16' }),
  ];
  const meter = [
    plantTag('voltage_l1', 230.4, { unit: 'V' }),
    plantTag('voltage_l2', 229.8, { unit: 'V' }),
    plantTag('voltage_l3', 231.1, { unit: 'V' }),
    plantTag('power', 84.62, { unit: 'kW', precision: 2 }),
    plantTag('frequency', 50.01, { unit: 'Hz', precision: 2 }),
    plantTag('energy', 184_221.5, { unit: 'kWh' }),
  ];
  const away = { quality: 'bad' as const, reason: 'unit_down', ts: Date.now() - 42 * MINUTE };
  return [
    plantDevice('press2', { tags: press, state: 'degraded', lastError: 'Register 40120 was refused: no such address (exception 2).' }),
    plantDevice('meter1', { bus: 'line1', kind: 'modbus_rtu', unit: 3, latency: 28.1, tags: meter }),
    plantDevice('scale', {
      bus: 'scale_port',
      kind: 'serial',
      unit: null,
      tags: [plantTag('weight', 18.42, { unit: 'kg', precision: 2 })],
    }),
    plantDevice('chiller', {
      unit: 7,
      state: 'offline',
      since: Date.now() - 42 * MINUTE,
      lastError: 'No answer within 1000 ms (3 attempts).',
      latency: null,
      tags: [plantTag('supply', 8.1, { unit: '°C', ...away }), plantTag('return', 13.4, { unit: '°C', ...away })],
    }),
  ];
}

function clientOf(clientId: string, over: Partial<ClientStatus> = {}): ClientStatus {
  const counts = { inflight: 0, queued: 0, queuedBytes: 0, messagesIn: 5210, messagesOut: 18_840, dropped: 0 };
  const link = { connected: true, address: '192.168.1.31:51422', protocol: '3.1.1', listener: 'tcp:1883', keepAlive: 60 };
  const times = { connectedAt: Date.now() - 75 * MINUTE, disconnectedAt: null, cleanSession: false };
  const subscriptions = [{ filter: 'field/#', qos: 1 }];
  return { clientId, username: 'panel', ...link, ...times, subscriptions, ...counts, lastError: null, ...over };
}

function bridgeOf(name: string, over: Partial<BridgeStatus> = {}): BridgeStatus {
  const ledger = { accepted: 48_211, delivered: 48_209, waiting: 2, waitingBytes: 412, dropped: {}, difference: 0, oldestAgeMs: 180 };
  const rates = { latency: 34, outRate: 11.4, inRate: 0.2, received: 318, inflight: 2 };
  const link = { state: 'running' as const, link: 'connected' as const, url: `mqtts://${name}.example.com:8883` };
  const times = { since: Date.now() - 300 * MINUTE, nextAttemptAt: null, lastError: null };
  const mappings = [
    { direction: 'out' as const, topic: 'field/#', to: 'plants/lyon/{topic}', qos: 1 },
    { direction: 'in' as const, topic: 'plants/lyon/cmd/#', to: 'cmd/{rest}', qos: 1 },
  ];
  return { name, ...link, ...times, ...rates, ledger, mappings, ...over };
}

function ruleOf(name: string, over: Partial<RuleStatus> = {}): RuleStatus {
  const counts = { matched: 8120, fired: 12, failed: 0, timeMs: 96.5, lastError: null, lastFiredAt: Date.now() - 9 * MINUTE };
  return { name, file: 'rules/press.yaml', line: 3, state: 'running', error: null, ...counts, ...over };
}

export class ConsolePlant {
  readonly documents = new MemoryDocuments();
  readonly messaging = new MemoryMessaging();
  readonly traces = new Set<Parameters<ConsolePorts['broker']['trace']>[1]>();
  bans: ReturnType<ConsolePorts['broker']['bans']> = [
    {
      ...{ id: 'b1', kind: 'address', value: '192.168.1.0/28', address: null, reason: 'Scans the port every night', by: 'admin' },
      ...{ createdAt: Date.now() - 7_200_000, expiresAt: null },
    },
    {
      ...{ id: 'b2', kind: 'login', value: 'panel', address: '192.168.1.77', reason: null, by: null },
      ...{ createdAt: null, expiresAt: Date.now() + 540_000 },
    },
  ];
  redirect: ReturnType<ConsolePorts['broker']['redirect']> = null;
  readonly mqttUsers = new MemoryMqttUsers();
  readonly tools = new MemoryFieldTools();
  readonly deviceSetup = new MemoryDeviceSetup();
  /** A Modbus server has registers for meter1. */
  readonly removals = new MemoryRemovals(() => this.devices, 'meter1');
  readonly startedAt = Date.now() - 8 * 3_600_000;
  devices = devices();
  clients = [
    clientOf('panel-hall-2'),
    clientOf('mes-connector', {
      connected: false,
      address: null,
      connectedAt: null,
      disconnectedAt: Date.now() - 25 * MINUTE,
      queued: 1204,
      queuedBytes: 96_320,
      username: 'mes',
      dropped: 3,
    }),
    clientOf('node-red_7f21', { username: null, cleanSession: true, address: '192.168.1.40:40112', subscriptions: [] }),
  ];
  bridges = [
    bridgeOf('cloud'),
    bridgeOf('head-office', {
      link: 'waiting',
      state: 'degraded',
      since: Date.now() - 11 * MINUTE,
      nextAttemptAt: Date.now() + 45_000,
      lastError: 'Nothing listens at head-office.example.com:8883 (connection refused).',
      latency: null,
      outRate: 0,
      inflight: 0,
      ledger: {
        accepted: 20_733,
        delivered: 13_120,
        waiting: 7601,
        waitingBytes: 1_204_331,
        dropped: { expired: 12 },
        difference: 0,
        oldestAgeMs: 11 * MINUTE,
      },
    }),
  ];
  rules = [
    ruleOf('oil too hot'),
    ruleOf('count strokes', { line: 18, matched: 128_402, fired: 128_402, timeMs: 902 }),
    ruleOf('night mode', {
      file: 'rules/night.yaml',
      state: 'error',
      error: { message: 'Unknown function “hours”. Did you mean “hour”?', line: 9, column: 14 },
      fired: 0,
      matched: 0,
      lastFiredAt: null,
    }),
  ];
  /** Fails every write with this, where it is set. */
  writeFault: FerruleError | null = null;
  /** Everything is normal: no part, device, bridge or rule has an error. */
  calm = false;
  broker = { in: 42, out: 118, messages: 901_244 };
  readonly #listeners = new Set<(device: string, tags: string[]) => void>();
  #timer: NodeJS.Timeout | null = null;
  #step = 0;

  /** Lets values move by themselves, four times a second. */
  start(): void {
    for (const name of ['panel', 'mes']) void this.mqttUsers.put(name, 'secret');
    this.#timer = setInterval(() => this.#move(), 250);
    this.#move();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  tag(device: string, name: string): TagStatus {
    const found = this.devices.find((each) => each.name === device)?.tags.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no tag ${device}/${name}`);
    return found;
  }

  /** As if the device had answered with this value. */
  setTag(device: string, name: string, value: TagJson): void {
    const tag = this.tag(device, name);
    tag.value = value;
    tag.ts = Date.now();
    const payload = Buffer.from(
      JSON.stringify({ value, ts: tag.ts, quality: tag.quality, ...(tag.unit === null ? {} : { unit: tag.unit }) }),
    );
    this.messaging.deliver({ topic: tag.topic, payload, qos: 1, retain: true, properties: null });
    for (const listener of this.#listeners) listener(device, [name]);
  }

  #move(): void {
    const step = ++this.#step;
    for (const [device, tag, period, low, high, every] of WAVES) {
      if (step % every === 0 && this.devices.some((each) => each.name === device)) {
        this.setTag(device, tag, wave(Date.now(), period, low, high));
      }
    }
    if (step % 4 === 0) {
      this.messaging.deliver({ topic: 'sys/heartbeat', payload: Buffer.from(String(step)), qos: 0, retain: false, properties: null });
    }
    this.broker = { in: wave(Date.now(), 30, 30, 60), out: wave(Date.now(), 20, 90, 160), messages: this.broker.messages + 10 };
    const waiting = this.bridges[1]?.ledger;
    if (waiting !== undefined && step % 4 === 0) {
      waiting.accepted += 5;
      waiting.waiting += 5;
    }
  }

  #parts(): PartStatus[] {
    const since = this.startedAt;
    const failing = (error: PartStatus['error']) => (this.calm ? null : error);
    return [
      { name: 'store', state: 'running', since, error: null },
      { name: 'broker', state: 'running', since, error: null },
      { name: 'listener tcp:1883', state: 'running', since, error: null },
      { name: 'bus hall', state: 'running', since, error: null },
      { name: 'bus line1', state: 'running', since, error: null },
      { name: 'bus scale_port', state: 'running', since, error: null },
      { name: 'bridge cloud', state: 'running', since, error: null },
      {
        name: 'bridge head-office',
        state: this.calm ? 'running' : 'degraded',
        since: Date.now() - 11 * MINUTE,
        error: failing({
          code: 'FER_BRIDGE_REFUSED',
          message: 'Nothing listens at head-office.example.com:8883.',
          hint: 'Check the address and that the broker there runs; messages wait on disk meanwhile.',
        }),
      },
      { name: 'rules', state: 'running', since, error: null },
    ];
  }

  /** As the values would have gone: the same waves, with a gap where the device was away. */
  #trend(device: string, name: string, from: number, to: number, points: number): TrendPoint[] {
    const { value } = this.tag(device, name);
    const moving = WAVES.find((each) => each[0] === device && each[1] === name);
    const still = typeof value === 'number' ? value : 0;
    const count = Math.min(points, 600);
    return Array.from({ length: count }, (_, index) => {
      const ts = from + ((to - from) * index) / count;
      const gap = index > count * 0.55 && index < count * 0.6;
      const then = moving === undefined ? still : wave(ts, moving[2], moving[3], moving[4]);
      return { ts, value: gap ? null : then, quality: gap ? 'bad' : 'good' };
    });
  }

  ports(): ConsolePorts {
    const notices = [
      {
        at: this.startedAt,
        level: 'warning' as const,
        message: 'The clock was stepped forward by 4 min 12 s after the start.',
        hint: 'Time stamps before 06:02 are behind; check the battery of the clock.',
      },
      { at: this.startedAt, level: 'info' as const, message: 'The configuration was read without changes.' },
    ];
    return {
      gateway: {
        id: 'press-hall-2',
        name: 'Press hall 2',
        version: '0.1.0',
        startedAt: this.startedAt,
        demo: false,
        parts: () => this.#parts(),
        notices: () => (this.calm ? [] : notices),
      },
      messaging: this.messaging,
      documents: this.documents,
      mqttUsers: this.mqttUsers,
      metrics: null,
      broker: {
        bans: () => this.bans,
        ban: async (request) => {
          const ban = { ...request, id: `ban-${this.bans.length}`, address: null, createdAt: Date.now() };
          this.bans = [ban, ...this.bans];
          return ban;
        },
        liftBan: async (id) => {
          const before = this.bans.length;
          this.bans = this.bans.filter((ban) => ban.id !== id);
          return this.bans.length < before;
        },
        redirect: () => this.redirect,
        setRedirect: async (setting) => {
          this.redirect = setting === null ? null : { ...setting, source: 'api' };
        },
        status: () => ({
          connections: this.clients.filter((client) => client.connected).length,
          sessions: this.clients.length,
          subscriptions: this.clients.reduce((sum, client) => sum + client.subscriptions.length, 0),
          retained: this.messaging.kept.size,
          messagesInRate: this.broker.in,
          messagesOutRate: this.broker.out,
          messagesIn: this.broker.messages,
          messagesOut: this.broker.messages * 3,
          dropped: 3,
          queued: 1204,
          queuedBytes: 96_320,
        }),
        clients: () => this.clients,
        client: (id) => {
          const found = this.clients.find((client) => client.clientId === id);
          return found === undefined ? null : detailsOf(found);
        },
        trace: (_request, listener) => {
          this.traces.add(listener);
          return () => this.traces.delete(listener);
        },
        disconnect: (id) => {
          const found = this.clients.find((client) => client.clientId === id && client.connected);
          if (found !== undefined) found.connected = false;
          return found !== undefined;
        },
        discardSession: async (id) => {
          const before = this.clients.length;
          this.clients = this.clients.filter((client) => client.clientId !== id);
          return this.clients.length < before;
        },
      },
      field: {
        tools: this.tools,
        modbusServers: () => MODBUS_SERVERS,
        modbusProxies: () => MODBUS_PROXIES,
        buses: () => [
          { name: 'hall', type: 'modbus_tcp', endpoint: '192.168.1.50:502', state: 'running', lastError: null, queued: 0 },
          { name: 'line1', type: 'modbus_rtu', endpoint: '/dev/ttyUSB0 19200 8E1', state: 'running', lastError: null, queued: 1 },
          { name: 'scale_port', type: 'serial', endpoint: '/dev/ttyUSB1 9600 8N1', state: 'running', lastError: null, queued: 0 },
        ],
        devices: () => this.devices,
        device: (name) => this.devices.find((each) => each.name === name) ?? null,
        trend: (device, tag, from, to, points) => this.#trend(device, tag, from, to, points),
        write: async (device, tag, value) => {
          if (this.writeFault !== null) throw this.writeFault;
          this.setTag(device, tag, value);
          return { value };
        },
        onChange: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      tagLists: new MemoryTagLists('press2'),
      deviceSetup: this.deviceSetup,
      removals: this.removals,
      bridges: {
        bridges: () => this.bridges,
        pause: (name) => Promise.resolve(this.#switch(name, 'paused')),
        resume: (name) => Promise.resolve(this.#switch(name, 'connected')),
      },
      rules: { rules: () => this.rules },
      storage: {
        status: () => ({
          state: 'running',
          durability: 'strict',
          databaseBytes: 48_234_496,
          freeBytes: 11_811_160_064,
          bytesWrittenToday: 402_653_184,
          lastCommitMs: 2.4 + Math.sin(this.#step / 9),
          commits: 80_212 + this.#step,
        }),
      },
    };
  }

  /** Nothing is wrong anywhere. */
  settle(): void {
    this.calm = true;
    this.devices = this.devices.filter((device) => device.state === 'online');
    this.bridges = this.bridges.filter((bridge) => bridge.link === 'connected');
    this.rules = this.rules.filter((rule) => rule.state === 'running');
  }

  #switch(name: string, link: BridgeStatus['link']): boolean {
    const bridge = this.bridges.find((each) => each.name === name);
    if (bridge === undefined) return false;
    Object.assign(bridge, { link, since: Date.now() });
    return true;
  }
}

export function writeFault(): FerruleError {
  return new FerruleError('FER_FIELD_REFUSED', 'The device refused the write: value not allowed (exception 3).', {
    hint: 'Check the limits of the setpoint in the device.',
  });
}
