/** The other parts of the gateway as plain objects: the console is tested through its port, HTTP, with these behind it. */

import type {
  BridgeStatus,
  ClientDetails,
  ClientStatus,
  ConsolePorts,
  DeviceStatus,
  DocumentsPort,
  MessagingPort,
  MqttUsersPort,
  PartStatus,
  RuleStatus,
  TagStatus,
  TraceListener,
} from '../../src/console/ports.js';
import { FerruleError } from '../../src/errors.js';
import type { Message } from '../../src/mqtt/message.js';
import { matches } from '../../src/mqtt/topics.js';
import { MemoryDeviceSetup, MemoryTagLists } from '../support/memory-device-setup.js';
import { MemoryFieldTools } from '../support/memory-field-tools.js';
import { MODBUS_PROXIES, MODBUS_SERVERS } from '../support/memory-modbus-servers.js';
import { MemoryRemovals } from '../support/memory-removals.js';

export class MemoryDocuments implements DocumentsPort {
  readonly collections = new Map<string, Map<string, string>>();

  async get<T>(collection: string, key: string): Promise<T | null> {
    const text = this.collections.get(collection)?.get(key);
    return text === undefined ? null : (JSON.parse(text) as T);
  }

  async list<T>(collection: string): Promise<{ key: string; value: T }[]> {
    return [...(this.collections.get(collection) ?? [])].map(([key, text]) => ({ key, value: JSON.parse(text) as T }));
  }

  async put(collection: string, key: string, value: unknown): Promise<void> {
    const documents = this.collections.get(collection) ?? new Map<string, string>();
    this.collections.set(collection, documents);
    documents.set(key, JSON.stringify(value));
  }

  async delete(collection: string, key: string): Promise<void> {
    this.collections.get(collection)?.delete(key);
  }
}

export class MemoryMessaging implements MessagingPort {
  readonly published: Message[] = [];
  readonly kept = new Map<string, Message>();
  readonly #handlers = new Map<(message: Message) => void, string>();

  get subscriptions(): number {
    return this.#handlers.size;
  }

  async publish(message: Message): Promise<void> {
    this.published.push(message);
    this.deliver(message);
  }

  deliver(message: Message): void {
    if (message.retain) this.kept.set(message.topic, message);
    for (const [handler, filter] of this.#handlers) if (matches(filter, message.topic)) handler(message);
  }

  subscribe(filter: string, handler: (message: Message) => void): () => void {
    const own = (message: Message) => handler(message);
    this.#handlers.set(own, filter);
    for (const message of this.retained(filter)) own(message);
    return () => this.#handlers.delete(own);
  }

  retained(filter: string): Message[] {
    return [...this.kept.values()].filter((message) => matches(filter, message.topic));
  }
}

export class MemoryMqttUsers implements MqttUsersPort {
  readonly users = new Map<string, string>();

  async list(): Promise<{ name: string; createdAt: number }[]> {
    return [...this.users.keys()].map((name) => ({ name, createdAt: 1 }));
  }

  async put(name: string, password: string): Promise<void> {
    this.users.set(name, password);
  }

  async delete(name: string): Promise<boolean> {
    return this.users.delete(name);
  }
}

export function tag(name: string, value: TagStatus['value'], over: Partial<TagStatus> = {}): TagStatus {
  const base = { name, value, ts: 1000, quality: 'good' as const, reason: null, unit: 'V', description: null, type: 'float32' };
  return { ...base, writable: false, precision: 1, topic: `field/meter1/${name}`, ...over };
}

export function device(name: string, tags: TagStatus[]): DeviceStatus {
  const counters = { requests: 10, answers: 10, timeouts: 0, exceptions: 0, crcErrors: 0, late: 0 };
  const head = { name, bus: 'hall', kind: 'modbus_tcp', unit: 1, state: 'online' as const, since: 1, lastError: null, latency: 3.5 };
  return { ...head, counters, scans: [{ name: 'fast', periodMs: 1000, lastMs: 12, overruns: 0 }], tags };
}

export function client(clientId: string): ClientStatus {
  const counts = { inflight: 0, queued: 0, queuedBytes: 0, messagesIn: 0, messagesOut: 0, dropped: 0 };
  const link = { connected: true, address: '192.0.2.1:50000', protocol: '3.1.1', listener: 'tcp:1883', keepAlive: 60 };
  const times = { connectedAt: 1, disconnectedAt: null, cleanSession: false };
  return { clientId, username: null, ...link, ...times, subscriptions: [{ filter: 'a/#', qos: 1 }], ...counts, lastError: null };
}

/** The status of a client with all that its page shows. */
export function detailsOf(status: ClientStatus): ClientDetails {
  const options = { noLocal: false, retainAsPublished: false, retainHandling: 0, subscriptionId: null };
  const counts = { bytesIn: 1, bytesOut: 2, sendBuffer: 0, inflightIn: 0, maxInflight: 100, messagesInRate: null, messagesOutRate: 1.5 };
  return {
    ...status,
    ...counts,
    subscriptionOptions: status.subscriptions.map((subscription) => ({ ...subscription, ...options })),
    sessionExpiry: null,
    lastSeenAt: 5,
    will: { topic: 'gone', qos: 1, retain: true, size: 3 },
    capabilities: { receiveMaximum: 10, maximumPacketSize: null, topicAliasMaximum: 0, wantsProblemInformation: true },
    queue: { accepted: 3, delivered: 2, droppedFull: 1, droppedExpired: 0, droppedOther: 0, rejected: 0, maxMessages: 10, maxBytes: 100 },
  };
}

export function bridge(name: string): BridgeStatus {
  const ledger = { accepted: 5, delivered: 3, waiting: 2, waitingBytes: 64, dropped: { full: 0 }, difference: 0, oldestAgeMs: 700 };
  const rates = { latency: 20, outRate: 1, inRate: 0, received: 0, inflight: 0 };
  const link = {
    state: 'running' as const,
    link: 'connected' as const,
    url: 'mqtt://upstream',
    since: 1,
    nextAttemptAt: null,
    lastError: null,
  };
  return { name, ...link, ...rates, ledger, mappings: [{ direction: 'out', topic: 'field/#', to: 'plants/{topic}', qos: 1 }] };
}

export function rule(name: string): RuleStatus {
  const counts = { matched: 4, fired: 2, failed: 0, timeMs: 1.5 };
  return { name, file: 'rules/a.yaml', line: 3, state: 'running', error: null, ...counts, lastError: null, lastFiredAt: 5 };
}

/** A small plant: one device with two tags, one client, one bridge, one rule. Tests change it as they like. */
export class FakePlant {
  readonly documents = new MemoryDocuments();
  readonly messaging = new MemoryMessaging();
  readonly mqttUsers = new MemoryMqttUsers();
  readonly tools = new MemoryFieldTools();
  readonly tagLists = new MemoryTagLists('meter1');
  readonly deviceSetup = new MemoryDeviceSetup();
  readonly removals = new MemoryRemovals(() => this.devices, 'served');
  parts: PartStatus[] = [
    { name: 'store', state: 'running', since: 1, error: null },
    { name: 'listener tcp:1883', state: 'running', since: 1, error: null },
  ];
  devices = [device('meter1', [tag('voltage', 230.5), tag('setpoint', 1, { writable: true })])];
  clients = [client('panel')];
  bridges = [bridge('cloud')];
  rules = [rule('high voltage')];
  paused = new Set<string>();
  discarded: string[] = [];
  bans: ReturnType<ConsolePorts['broker']['bans']> = [];
  redirect: ReturnType<ConsolePorts['broker']['redirect']> = null;
  readonly traces = new Set<TraceListener>();
  metrics: ConsolePorts['metrics'] = { metricsText: async () => 'ferrule_up 1\n', eventLoopDelayMs: () => 1 };
  readonly #listeners = new Set<(device: string, tags: string[]) => void>();

  /** As if the device had answered with another value. */
  setTag(deviceName: string, tagName: string, value: TagStatus['value']): void {
    const found = this.devices.find((each) => each.name === deviceName)?.tags.find((each) => each.name === tagName);
    if (found === undefined) throw new Error(`no tag ${deviceName}/${tagName}`);
    found.value = value;
    for (const listener of this.#listeners) listener(deviceName, [tagName]);
  }

  get fieldListeners(): number {
    return this.#listeners.size;
  }

  ports(): ConsolePorts {
    const { documents, messaging, mqttUsers, metrics } = this;
    return {
      gateway: { id: 'gw', name: 'Press hall', version: '0.1.0', startedAt: 1, demo: false, parts: () => this.parts, notices: () => [] },
      messaging,
      documents,
      mqttUsers,
      metrics,
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
          connections: 1,
          sessions: 1,
          subscriptions: 1,
          retained: 0,
          messagesInRate: 0,
          messagesOutRate: 0,
          messagesIn: 0,
          messagesOut: 0,
          dropped: 0,
          queued: 0,
          queuedBytes: 0,
        }),
        clients: () => this.clients,
        client: (id) => {
          const found = this.clients.find((each) => each.clientId === id);
          return found === undefined ? null : detailsOf(found);
        },
        trace: (request, listener) => {
          if (request.client === undefined && request.topic === undefined) throw new FerruleError('FER_BROKER_TRACE', 'Nothing to trace.');
          this.traces.add(listener);
          return () => this.traces.delete(listener);
        },
        disconnect: (id) => this.clients.some((each) => each.clientId === id),
        discardSession: async (id) => {
          if (!this.clients.some((each) => each.clientId === id)) return false;
          this.discarded.push(id);
          return true;
        },
      },
      field: {
        tools: this.tools,
        modbusServers: () => MODBUS_SERVERS,
        modbusProxies: () => MODBUS_PROXIES,
        buses: () => [{ name: 'hall', type: 'modbus_tcp', endpoint: '192.0.2.9:502', state: 'running', lastError: null, queued: 0 }],
        devices: () => this.devices,
        device: (name) => this.devices.find((each) => each.name === name) ?? null,
        trend: (_device, _tag, from, to, points) => [
          { ts: from, value: 1, quality: 'good' },
          { ts: to, value: points, quality: 'good' },
        ],
        write: async (deviceName, tagName, value) => {
          if (value === 99) {
            throw new FerruleError('FER_STOPPED', 'The bus is stopped.', {
              where: { subject: `${deviceName}/${tagName}` },
              hint: 'Start it.',
            });
          }
          return { value };
        },
        onChange: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      tagLists: this.tagLists,
      deviceSetup: this.deviceSetup,
      removals: this.removals,
      bridges: {
        bridges: () => this.bridges,
        pause: (name) => Promise.resolve(this.bridges.some((each) => each.name === name) && this.paused.add(name) !== undefined),
        resume: (name) => Promise.resolve(this.paused.delete(name)),
      },
      rules: { rules: () => this.rules },
      storage: {
        status: () => ({
          state: 'running',
          durability: 'strict',
          databaseBytes: 4096,
          freeBytes: null,
          bytesWrittenToday: 0,
          lastCommitMs: 2,
          commits: 1,
        }),
      },
    };
  }
}
