import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Bridges } from './bridge/bridges.js';
import { Broker } from './broker/broker.js';
import { Listener } from './broker/listeners/listener.js';
import { BrokerMonitor } from './broker/monitor.js';
import type { ListenerConfig } from './broker/schema.js';
import { Spool } from './broker/spool.js';
import { SysTopics } from './broker/sys.js';
import { type Clock, systemClock } from './clock.js';
import type { LoadOptions } from './config/load.js';
import type { Config } from './config/schema.js';
import { Console } from './console/console.js';
import { LOCAL_SOCKET } from './console/local-socket.js';
import type { ConsolePorts, GatewayPort, MessagingPort } from './console/ports.js';
import { FerruleError } from './errors.js';
import { Field } from './field/field.js';
import { ConfigEdits } from './gateway/config-edits.js';
import { DeviceSetup } from './gateway/device-setup.js';
import { fieldConfigOf } from './gateway/field-config.js';
import { limitsOf } from './gateway/limits.js';
import { type Notice, noticesOf } from './gateway/notices.js';
import { busPart, modbusServerPart, rulesPart } from './gateway/part-views.js';
import { PartsMonitor } from './gateway/parts-monitor.js';
import { Removals } from './gateway/removals.js';
import { type PartStatus, SupervisedPart } from './gateway/supervisor.js';
import { TagLists } from './gateway/tag-lists.js';
import { VERSION } from './gateway/version.js';
import { Loggers } from './log.js';
import { Metrics } from './metrics/metrics.js';
import { packageRoot } from './paths.js';
import { Rules } from './rules/rules.js';
import { StorageMonitor } from './store/monitor.js';
import { SqliteStore } from './store/store.js';

export { ConfigErrors } from './config/errors.js';
export { configFrom, type LoadedConfig, loadConfig, parseConfig } from './config/load.js';
export { FerruleError } from './errors.js';
export { type Logger, Loggers } from './log.js';
export type { Broker, Clock, Config, Notice, PartStatus };

export interface GatewayOptions {
  /** As the configuration loader gives it: defaults filled in, durations in ms, sizes in bytes. */
  config: Config;
  /** Where `config` is from, and how it was loaded: what is changed in the console is written there. Default: from no file. */
  configFile?: { file: string; load: LoadOptions };
  /** Where state.db and the console's certificate are kept; made where it is missing. */
  dataDir: string;
  /** Shown in the console: the values are simulated. */
  demo?: boolean;
  loggers?: Loggers;
  clock?: Clock;
  /** The built web console; default: dist/ui of this package. */
  uiDir?: string;
  /** Called at each start of a gateway that nobody has claimed yet. */
  onSetupCode?: (code: string, url: string) => void;
  /** The store can't go on: stop, and start again into recovery. */
  onFatal?: (error: FerruleError) => void;
}

export interface Gateway {
  /** The broker: an Aedes, with its hooks, events and in-process publish and subscribe. */
  readonly broker: Broker;
  /**
   * Resolves when every part runs or has failed its first attempt (it is tried again; see parts()).
   * Rejects only where the store can't be opened: FER_STORE_NEWER, FER_STORE_LOCKED, FER_STORE_IO, ...
   */
  start(): Promise<void>;
  /** Sessions, queues and wills are on disk when it resolves. Bounded; safe to call twice. */
  stop(): Promise<void>;
  /** Takes over another configuration; only what differs restarts. */
  reload(config: Config): Promise<void>;
  /** true: the writer thread answers. */
  alive(): Promise<boolean>;
  parts(): PartStatus[];
  notices(): Notice[];
  addresses(): { mqtt: { type: string; host: string; port: number }[]; console: string | null };
}

/** A gateway of the given configuration; nothing happens before start(). */
export function createGateway(options: GatewayOptions): Gateway {
  return new FerruleGateway(options);
}

interface RunningListener {
  config: ListenerConfig;
  listener: Listener;
  part: SupervisedPart;
}

/** The composition root: the only place that knows every part by its class. */
class FerruleGateway implements Gateway {
  readonly broker: Broker;
  readonly #options: GatewayOptions;
  readonly #clock: Clock;
  readonly #loggers: Loggers;
  readonly #store: SqliteStore;
  readonly #storage: StorageMonitor;
  readonly #monitor: BrokerMonitor;
  readonly #metrics: Metrics;
  readonly #messaging: MessagingPort;
  readonly #field: Field;
  readonly #bridges: Bridges;
  readonly #storePart: SupervisedPart;
  readonly #partsMonitor: PartsMonitor;
  readonly #notices: Notice[] = [];
  #config: Config;
  #rules: Rules;
  readonly #sys: SysTopics;
  #listeners: RunningListener[] = [];
  readonly #tagLists: TagLists;
  readonly #deviceSetup: DeviceSetup;
  readonly #removals: Removals;
  #console: Console;
  #consolePart: SupervisedPart;
  #startedAt = 0;
  #state: 'stopped' | 'running' = 'stopped';
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: GatewayOptions) {
    const { config, dataDir } = options;
    this.#options = options;
    this.#config = config;
    this.#clock = options.clock ?? systemClock;
    this.#loggers = options.loggers ?? new Loggers(config.log);
    const { durability, commit_interval: interval } = config.broker;
    this.#store = new SqliteStore({
      dir: dataDir,
      durability,
      commitIntervalMs: interval,
      clock: this.#clock,
      log: this.#loggers.for('store'),
    });
    this.#storage = new StorageMonitor(this.#store, dataDir, durability, this.#clock);
    this.broker = new Broker({
      store: this.#store,
      clock: this.#clock,
      log: this.#loggers.for('broker'),
      limits: limitsOf(config.broker),
      persistence: this.#store.persistence(),
    });
    this.#monitor = new BrokerMonitor(this.broker, this.#clock);
    this.#messaging = {
      publish: (message) => this.broker.publishMessage(message),
      subscribe: (filter, handler) => this.broker.subscribeLocal(filter, handler),
      retained: (filter) => this.broker.router.retained.match(filter, this.broker.clock.now()),
    };
    this.#field = new Field({
      config: fieldConfigOf(config),
      messaging: {
        publish: (message, receipt) => this.broker.publishWithReceipt(message, receipt),
        // It acts on what it is sent: who sent it?
        subscribe: (filter, handler) => this.broker.subscribeLocal(filter, handler, true),
      },
      documents: this.#store.documents,
      gateway: { id: config.gateway.id, version: VERSION },
      clock: this.#clock,
      log: this.#loggers.for('field'),
    });
    this.#bridges = new Bridges({
      configs: config.bridges,
      gateway: config.gateway.id,
      ports: {
        documents: this.#store.documents,
        openSpool: (spool) => Spool.open(this.broker, spool),
        publish: (message, publisher) => this.broker.publishMessage(message, publisher),
      },
      // What expires does so by the broker's clock.
      clock: this.broker.clock,
      log: this.#loggers.for('bridge'),
    });
    this.#rules = this.#createRules(config);
    this.#sys = new SysTopics(this.broker, this.#clock, { intervalMs: config.broker.sys_interval, version: VERSION });
    this.#metrics = new Metrics(
      {
        gateway: this.#gatewayPort(),
        broker: this.#monitor,
        field: this.#field,
        bridges: this.#bridges,
        rules: { rules: () => this.#rules.rules() },
        storage: this.#storage,
        console: { status: () => this.#console.status() },
      },
      this.#clock,
    );
    const edits = new ConfigEdits({
      config: () => this.#config,
      source: options.configFile ?? null,
      apply: (next) => this.reload(next),
    });
    this.#tagLists = new TagLists(edits);
    this.#deviceSetup = new DeviceSetup(edits, this.#field.tools);
    this.#removals = new Removals(edits, () => this.#rules.uses());
    this.#console = this.#createConsole(config);
    this.#consolePart = this.#part('console', { start: () => this.#console.start(), stop: () => this.#console.stop() });
    this.#storePart = this.#part('store', { start: () => this.#openStore(), stop: () => this.#store.stop() });
    this.#partsMonitor = new PartsMonitor({
      parts: () => this.#currentParts(),
      onChange: (part) => this.#announcePart(part),
      clock: this.#clock,
      log: this.#loggers.for('main'),
    });
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state === 'running') return;
      this.#startedAt = this.#clock.now();
      await this.#storePart.startOrThrow();
      this.#state = 'running';
      this.#configureBroker(this.#config);
      await this.broker.listen();
      this.#storage.start();
      this.#monitor.start();
      this.#metrics.start();
      this.#sys.start();
      this.#partsMonitor.start();
      // Who stores and acts on messages is there before whoever makes them.
      await this.#bridges.start();
      // Values from before the restart are marked before anybody can take them for fresh, and what is upstream hears it.
      await this.#field.prepare();
      await this.#rules.start();
      await this.#startListeners(this.#config.broker.listeners);
      // Clients need not wait until the console is loaded.
      await this.#consolePart.start();
      await this.#field.start();
      this.#loggers.for('main').info({ version: VERSION, gateway: this.#config.gateway.id }, 'the gateway runs');
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state === 'stopped') return;
      this.#state = 'stopped';
      await Promise.all([this.#consolePart.stop(), this.#field.stop()]);
      await this.#rules.stop();
      await this.#bridges.stop();
      this.#partsMonitor.stop();
      this.#sys.stop();
      this.#metrics.stop();
      this.#monitor.stop();
      this.#storage.stop();
      await new Promise<void>((resolve) => this.broker.close(resolve));
      await Promise.all(this.#listeners.splice(0).map(({ part }) => part.stop()));
      this.#store.off('state', this.#onStoreState);
      await this.#storePart.stop();
    });
  }

  reload(config: Config): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#config;
      this.#config = config;
      if (this.#state === 'stopped') return;
      this.#loggers.configure(config.log);
      this.#configureBroker(config);
      await this.#reloadListeners(config.broker.listeners);
      this.#sys.setInterval(config.broker.sys_interval);
      await this.#bridges.reconfigure(config.bridges);
      if (before.rules.directory !== config.rules.directory) {
        await this.#rules.stop();
        this.#rules = this.#createRules(config);
        await this.#rules.start();
      }
      await this.#field.reconfigure(fieldConfigOf(config));
      if (!isDeepStrictEqual([before.console, before.metrics, before.gateway], [config.console, config.metrics, config.gateway])) {
        await this.#consolePart.stop();
        this.#console = this.#createConsole(config);
        await this.#consolePart.start();
      }
      this.#noteWhatNeedsARestart(before, config);
    });
  }

  async alive(): Promise<boolean> {
    if (this.#store.state === 'failed') return false;
    // Any read goes through the writer thread and back.
    await this.#store.documents.get('gateway', 'alive');
    return true;
  }

  parts(): PartStatus[] {
    return this.#partsMonitor.parts();
  }

  notices(): Notice[] {
    return [...this.#notices];
  }

  addresses(): ReturnType<Gateway['addresses']> {
    const mqtt = this.#listeners.flatMap(({ config, listener }) => {
      return listener.port === null ? [] : [{ type: config.type, host: config.host, port: listener.port }];
    });
    return { mqtt, console: this.#console.url() };
  }

  #currentParts(): PartStatus[] {
    return [
      this.#storePart.status(),
      ...this.#listeners.map(({ part }) => part.status()),
      this.#consolePart.status(),
      ...this.#bridges.parts(),
      ...this.#field.buses().map(busPart),
      ...this.#field.modbusServers().map(modbusServerPart),
      rulesPart(this.#rules.rules()),
    ];
  }

  /** Retained while the gateway runs, under a name of its own beside Mosquitto's. */
  #announcePart({ name, state, error }: PartStatus): void {
    if (this.#state === 'stopped') return;
    const payload = Buffer.from(JSON.stringify({ state, ...(error === null ? {} : { error }) }));
    this.broker.publishVolatile({ topic: `$SYS/gateway/part/${name.replaceAll(/[/+#]/g, '_')}`, payload });
  }

  async #openStore(): Promise<void> {
    const report = await this.#store.start();
    this.#store.on('state', this.#onStoreState);
    this.#notices.push(...noticesOf(report, this.#clock.now()));
    for (const notice of this.#notices) this.#loggers.for('store').warn({ hint: notice.hint }, notice.message);
  }

  readonly #onStoreState = (state: string, error: Error | null): void => {
    const shown = error instanceof FerruleError ? error : error === null ? null : new FerruleError('FER_INTERNAL', error.message);
    this.#storePart.report(state === 'running' ? null : shown);
    if (state === 'failed' && shown !== null && this.#state === 'running') this.#options.onFatal?.(shown);
  };

  /** What the broker takes over while it runs. */
  #configureBroker({ access, broker }: Config): void {
    this.broker.access.configure(access, broker.allow_anonymous);
    this.broker.redirects.configure(broker.redirect ?? null);
    this.broker.presence.enabled = broker.presence;
    this.broker.router.groups.strategy = broker.shared_subscriptions.strategy;
    Object.assign(this.broker.limits, limitsOf(broker));
    this.broker.sessions.followLimits();
  }

  #startListeners(configs: readonly ListenerConfig[]): Promise<unknown> {
    const started = configs.map((config) => {
      const listener = new Listener(config, this.broker, this.#loggers.for('broker'));
      const part = this.#part(`listener ${config.type}:${config.port}`, listener);
      this.#listeners.push({ config, listener, part });
      return part.start();
    });
    return Promise.all(started);
  }

  async #reloadListeners(configs: readonly ListenerConfig[]): Promise<void> {
    const stays = ({ config }: RunningListener): boolean => configs.some((other) => isDeepStrictEqual(other, config));
    const leaving = this.#listeners.filter((running) => !stays(running));
    const added = configs.filter((config) => !this.#listeners.some((running) => isDeepStrictEqual(running.config, config)));
    this.#listeners = this.#listeners.filter(stays);
    await Promise.all(leaving.map(({ part }) => part.stop()));
    await this.#startListeners(added);
  }

  #noteWhatNeedsARestart(before: Config, after: Config): void {
    const keys = (['durability', 'commit_interval'] as const).filter((key) => before.broker[key] !== after.broker[key]);
    if (before.gateway.id !== after.gateway.id)
      this.#note('warning', 'gateway.id takes effect in bridges at the next start of the gateway.');
    for (const key of keys) this.#note('warning', `broker.${key} takes effect at the next start of the gateway.`);
  }

  #note(level: Notice['level'], message: string): void {
    this.#notices.push({ at: this.#clock.now(), level, message });
    this.#loggers.for('main').warn(message);
  }

  #createRules(config: Config): Rules {
    const { directory } = config.rules;
    return new Rules({ directory, port: this.#messaging, field: this.#field, clock: this.#clock, logger: this.#loggers.for('rules') });
  }

  #createConsole(config: Config): Console {
    const { users } = this.broker.access;
    const ports: ConsolePorts = {
      gateway: this.#gatewayPort(),
      messaging: this.#messaging,
      broker: this.#monitor,
      field: this.#field,
      tagLists: this.#tagLists,
      deviceSetup: this.#deviceSetup,
      removals: this.#removals,
      bridges: this.#bridges,
      rules: { rules: () => this.#rules.rules() },
      storage: this.#storage,
      documents: this.#store.documents,
      mqttUsers: {
        list: () => Promise.resolve(users.list()),
        put: (name, password) => users.put(name, password, this.#clock.now()),
        delete: (name) => users.delete(name),
      },
      metrics: config.metrics.enabled ? this.#metrics : null,
    };
    return new Console({
      settings: config.console,
      ports,
      uiDir: this.#options.uiDir ?? join(packageRoot(), 'dist', 'ui'),
      tlsDir: join(this.#options.dataDir, 'tls'),
      localSocket: join(this.#options.dataDir, LOCAL_SOCKET),
      clock: this.#clock,
      log: this.#loggers.for('console'),
      ...(this.#options.onSetupCode === undefined ? {} : { onSetupCode: this.#options.onSetupCode }),
    });
  }

  #gatewayPort(): GatewayPort {
    const gateway = this;
    return {
      get id() {
        return gateway.#config.gateway.id;
      },
      get name() {
        return gateway.#config.gateway.name;
      },
      version: VERSION,
      get startedAt() {
        return gateway.#startedAt;
      },
      demo: this.#options.demo ?? false,
      parts: () => this.parts(),
      notices: () => this.notices(),
    };
  }

  #part(name: string, actions: ConstructorParameters<typeof SupervisedPart>[1]): SupervisedPart {
    return new SupervisedPart(name, actions, this.#clock, this.#loggers.for('main'));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}
