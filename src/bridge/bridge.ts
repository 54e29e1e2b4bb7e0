import type { Clock, Timer } from '../clock.js';
import type { FerruleError } from '../errors.js';
import type { Logger } from '../log.js';
import { Backoff } from './backoff.js';
import { type Endpoint, parseEndpoint, tlsOptions } from './endpoint.js';
import { handshakeTimeout, qosZeroOnly, spoolFault } from './faults.js';
import { INBOUND_WINDOW, Incoming } from './incoming.js';
import { EMPTY_COUNTERS, LedgerCheck, ledgerOf } from './ledger.js';
import { UpstreamLink } from './link.js';
import { fillVariables, TopicMapping } from './mapping.js';
import { Outgoing } from './outgoing.js';
import type { BridgePorts, Spool, SpoolOptions } from './ports.js';
import { type Capabilities, capabilitiesOf } from './presets.js';
import type { BridgeConfig } from './schema.js';
import { Upstream } from './sender.js';
import type { BridgeStatus, PartState } from './status.js';
import { Subscriptions } from './subscriptions.js';
import { Uplink } from './uplink.js';

export interface BridgeContext {
  /** Id of the gateway, for {gateway}. */
  gateway: string;
  ports: BridgePorts;
  clock: Clock;
  log: Logger;
}

/** What is made anew when the configuration changes. */
interface Plan {
  config: BridgeConfig;
  capabilities: Capabilities;
  out: TopicMapping[];
  in: TopicMapping[];
  uplink: Uplink;
  subscriptions: Subscriptions;
  incoming: Incoming;
}

const LEDGER_EVERY_MS = 60_000;
/** At a planned end, what is in flight gets this long to be acknowledged: each of these would come twice. */
const QUIESCE_MS = 500;

/** Client id of a bridge's spool and of what it publishes locally. */
export function spoolClientId(name: string): string {
  return `$bridge:${name}`;
}

/** One link to an upstream with its spool. start and stop come in turns; Bridges sees to that. */
export class Bridge {
  readonly name: string;
  readonly #context: BridgeContext;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #check: LedgerCheck;
  #state: 'stopped' | 'running' | 'stopping' = 'stopped';
  #paused: boolean = false;
  #plan: Plan;
  #spool: Spool | null = null;
  #outgoing: Outgoing | null = null;
  #spoolFault: FerruleError | null = null;
  #spoolBackoff: Backoff;
  #spoolRetry: Timer | null = null;
  #opening: Promise<void> | null = null;
  #tick: Timer | null = null;

  /** Throws a FerruleError for a configuration that checkBridges refuses. */
  constructor(config: BridgeConfig, context: BridgeContext) {
    this.name = config.name;
    this.#context = context;
    this.#clock = context.clock;
    this.#log = context.log.child({ bridge: config.name });
    this.#check = new LedgerCheck(config.name, this.#log);
    this.#spoolBackoff = new Backoff(config.reconnect.min, config.reconnect.max);
    this.#plan = this.#planFor(config);
  }

  get config(): BridgeConfig {
    return this.#plan.config;
  }

  /** Resolves when the spool takes messages, or when the first attempt to open it failed; the link is set up behind. */
  async start(): Promise<void> {
    if (this.#state !== 'stopped') return;
    this.#state = 'running';
    await this.#open();
  }

  /** The spool stays on disk. */
  async stop(): Promise<void> {
    if (this.#state !== 'running') return;
    this.#state = 'stopping';
    this.#spoolRetry?.cancel();
    this.#spoolRetry = null;
    this.#tick?.cancel();
    this.#tick = null;
    await this.#opening;
    await this.#plan.uplink.stop('stopped');
    const spool = this.#spool;
    this.#spool = null;
    this.#outgoing = null;
    try {
      await spool?.close();
    } finally {
      this.#state = 'stopped';
    }
  }

  pause(): void {
    this.#paused = true;
    void this.#plan.uplink.stop('paused');
  }

  resume(): void {
    this.#paused = false;
    if (this.#spool !== null && this.#state === 'running') this.#plan.uplink.start();
  }

  /** A changed configuration of the same name: the link is renewed, what waits stays. */
  async reconfigure(config: BridgeConfig): Promise<void> {
    const plan = this.#planFor(config);
    await this.#plan.uplink.stop('stopped');
    plan.subscriptions.inherit(this.#plan.subscriptions);
    this.#plan = plan;
    this.#spoolBackoff = new Backoff(config.reconnect.min, config.reconnect.max);
    const spool = this.#spool;
    if (spool === null) return;
    try {
      const { clientId: _, ...options } = spoolOptions(plan);
      await spool.update(options);
    } finally {
      this.#begin(spool);
    }
  }

  /** No longer configured: takes nothing more, and keeps what waits on disk. Says what waits. */
  async retire(): Promise<{ waiting: number; waitingBytes: number }> {
    await this.#plan.uplink.stop('stopped');
    const spool = this.#spool;
    if (spool !== null) {
      const { clientId: _, ...options } = spoolOptions(this.#plan);
      await spool.update({ ...options, filters: [] });
    }
    const { waiting, waitingBytes } = spool?.counters() ?? EMPTY_COUNTERS;
    await this.stop();
    return { waiting, waitingBytes };
  }

  status(): BridgeStatus {
    const { uplink, incoming, capabilities, out } = this.#plan;
    const outgoing = this.#outgoing;
    return {
      name: this.name,
      state: this.#partState(),
      link: uplink.state,
      url: uplink.url,
      since: uplink.since,
      nextAttemptAt: uplink.nextAttemptAt,
      lastError: this.fault?.toLine() ?? null,
      latency: outgoing?.latency ?? null,
      outRate: outgoing?.rate.perSecond() ?? 0,
      inRate: incoming.rate.perSecond(),
      received: incoming.received,
      inflight: outgoing?.inflight ?? 0,
      ledger: ledgerOf(this.#spool?.counters() ?? EMPTY_COUNTERS, outgoing?.dropped ?? null, this.#clock.now()),
      mappings: [
        ...out.map(({ filter, template, qos }) => ({
          direction: 'out' as const,
          topic: filter,
          to: template,
          qos: Math.min(qos, capabilities.maxQos),
        })),
        ...this.#plan.in.map(({ filter, template, qos }) => ({ direction: 'in' as const, topic: filter, to: template, qos })),
      ],
      ignored: { ...outgoing?.ignored.toRecord(), ...incoming.ignored.toRecord() },
    };
  }

  /** What is wrong at present, the gravest first; null: nothing. */
  get fault(): FerruleError | null {
    const { uplink, incoming, subscriptions } = this.#plan;
    return this.#spoolFault ?? this.#check.fault ?? uplink.fault ?? this.#outgoing?.problem ?? incoming.problem ?? subscriptions.problem;
  }

  #partState(): PartState {
    if (this.#state !== 'running') return this.#state;
    if (this.fault !== null || this.#paused) return 'degraded';
    return this.#plan.uplink.state === 'connected' ? 'running' : 'starting';
  }

  #open(): Promise<void> {
    this.#opening = this.#openSpool().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #openSpool(): Promise<void> {
    try {
      const spool = await this.#context.ports.openSpool(spoolOptions(this.#plan));
      if (this.#state !== 'running') {
        await spool.close();
        return;
      }
      this.#spool = spool;
      this.#spoolFault = null;
      this.#spoolBackoff.reset();
      this.#tick = this.#clock.setInterval(() => this.#everyMinute(), LEDGER_EVERY_MS);
      this.#begin(spool);
    } catch (error) {
      if (this.#state !== 'running') return;
      this.#spoolFault = spoolFault(this.name, error);
      this.#log.error({ code: this.#spoolFault.code, hint: this.#spoolFault.hint }, this.#spoolFault.message);
      this.#spoolRetry = this.#clock.setTimeout(() => void this.#open(), this.#spoolBackoff.next());
    }
  }

  #begin(spool: Spool): void {
    const { config, out, capabilities, uplink } = this.#plan;
    this.#outgoing = new Outgoing(
      spool,
      {
        mappings: out,
        capabilities,
        maxInflight: config.drain.max_inflight,
        rate: config.drain.rate ?? null,
        ackTimeoutMs: config.drain.ack_timeout,
        maxAgeMs: config.spool.max_age,
      },
      this.#clock,
      this.#log,
    );
    this.#check.check(spool.counters());
    if (!this.#paused) uplink.start();
    else void uplink.stop('paused');
  }

  #everyMinute(): void {
    if (this.#spool !== null) this.#check.check(this.#spool.counters());
    this.#plan.subscriptions.retry();
  }

  #planFor(config: BridgeConfig): Plan {
    const variables = { gateway: this.#context.gateway, bridge: config.name };
    const compile = (mappings: readonly { topic: string; to: string; qos: 0 | 1 | 2 }[]): TopicMapping[] =>
      mappings.map(({ topic, to, qos }) => new TopicMapping(topic, to, qos, variables));
    const [inbound, outbound] = [compile(config.in), compile(config.out)];
    const clientId = fillVariables(config.client_id, variables);
    const capabilities = capabilitiesOf(config);
    const localId = spoolClientId(config.name);
    return {
      config,
      capabilities,
      out: outbound,
      in: inbound,
      subscriptions: new Subscriptions(inbound, this.#log),
      incoming: new Incoming(
        inbound,
        new Upstream(localId, inbound, outbound),
        (message) => this.#context.ports.publish(message, localId),
        this.#clock,
        this.#log,
      ),
      uplink: new Uplink({
        endpoints: config.urls.map(parseEndpoint),
        connect: (endpoint, signal) => this.#connect(config, capabilities, clientId, endpoint, signal),
        serve: (link, signal) => this.#serve(link, signal),
        backoff: new Backoff(config.reconnect.min, config.reconnect.max),
        clock: this.#clock,
        log: this.#log,
      }),
    };
  }

  async #connect(
    config: BridgeConfig,
    capabilities: Capabilities,
    clientId: string,
    endpoint: Endpoint,
    signal: AbortSignal,
  ): Promise<UpstreamLink> {
    return await UpstreamLink.connect(
      {
        endpoint,
        tls: endpoint.tls ? await tlsOptions(config.tls, endpoint) : {},
        version: capabilities.version,
        clientId,
        username: config.username ?? null,
        password: config.password ?? null,
        keepAliveMs: config.keep_alive,
        connectTimeoutMs: config.connect_timeout,
        sessionExpiryMs: config.session_expiry,
        receiveMaximum: INBOUND_WINDOW,
        maxPacketSize: config.max_packet_size,
        bridgeBit: capabilities.bridgeBit,
      },
      this.#clock,
      signal,
    );
  }

  async #serve(link: UpstreamLink, signal: AbortSignal): Promise<FerruleError | null> {
    const { incoming, subscriptions, config } = this.#plan;
    const outgoing = this.#outgoing;
    const spool = this.#spool;
    if (link.maximumQos === 0 || outgoing === null || spool === null) {
      await link.end();
      return qosZeroOnly(link.url);
    }
    this.#check.check(spool.counters());
    const ended = new Promise<FerruleError>((resolve) => {
      incoming.attach(link);
      link.listen({
        publish: (packet) => incoming.onPublish(packet),
        ack: (packet) => (packet.type === 'pubrel' ? incoming.onRelease(packet) : outgoing.onAck(packet)),
        drained: () => outgoing.pump(),
        closed: resolve,
      });
    });
    try {
      outgoing.attach(link);
      const timer = this.#clock.setTimeout(() => link.fail(handshakeTimeout(link.url, config.connect_timeout)), config.connect_timeout);
      // Where it fails the link has ended, which is told by `ended`.
      subscriptions.attach(link).then(
        () => timer.cancel(),
        () => timer.cancel(),
      );
      const fault = await firstOf(ended, signal);
      if (fault === null) await this.#atMost(QUIESCE_MS, Promise.all([outgoing.quiesce(), incoming.quiesce()]));
      return fault;
    } finally {
      outgoing.detach();
      incoming.detach();
      subscriptions.detach();
      await link.end();
    }
  }

  async #atMost(ms: number, work: Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimeout(resolve, ms);
      void work.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }
}

function spoolOptions({ config, out, capabilities }: Plan): SpoolOptions {
  return {
    clientId: spoolClientId(config.name),
    filters: out.map(({ filter, qos }) => ({ filter, qos: qos === 2 ? capabilities.maxQos : qos })),
    maxMessages: config.spool.max_messages,
    maxBytes: config.spool.max_bytes,
    maxAgeMs: config.spool.max_age,
    whenFull: config.spool.when_full,
  };
}

/** What `ended` gives, or null as soon as `signal` is aborted. */
function firstOf<T>(ended: Promise<T>, signal: AbortSignal): Promise<T | null> {
  return new Promise((resolve) => {
    const abort = (): void => resolve(null);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) resolve(null);
    void ended.then((value) => {
      signal.removeEventListener('abort', abort);
      resolve(value);
    });
  });
}
