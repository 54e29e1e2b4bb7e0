import { setImmediate as turn } from 'node:timers/promises';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerCounters, BrokerLimits } from '../../src/broker/limits.js';
import { systemClock } from '../../src/clock.js';
import { SqliteStore } from '../../src/store/store.js';
import { BadClient, type Outcome } from './bad-client.js';
import { Finding } from './finding.js';
import { GoodClients, memoryWire } from './good-client.js';
import { HarnessClock } from './harness-clock.js';
import { scriptOf } from './script.js';
import { heapInUse, Watch } from './watch.js';

/** Bad clients that are connected at once. */
const CROWD = 200;
export interface BrokerTally {
  connections: number;
  packets: number;
  mutated: number;
  goodRounds: number;
  slowestGoodRound: number;
  outcomes: Record<Outcome, number>;
  logLines: number;
  /** Heap in MiB after each slice, garbage collected. */
  heap: number[];
}

/** How the broker is set up; the slices take turns. */
interface Setup {
  name: string;
  limits: Partial<BrokerLimits>;
  hooks: 'builtin' | 'slow';
  rules: boolean;
  traced: boolean;
}

const TIGHT: Partial<BrokerLimits> = {
  maxPacketSize: 600,
  maxInflight: 2,
  maxInbound: 4,
  topicAliasMaximum: 2,
  maxQueuedMessages: 6,
  maxQueuedBytes: 4000,
  windowMessages: 4,
  windowBytes: 2000,
  maxTopicLevels: 5,
};

const SETUPS: readonly Setup[] = [
  { name: 'as it comes', limits: { maxQueuedMessages: 500 }, hooks: 'builtin', rules: false, traced: false },
  { name: 'tight limits', limits: TIGHT, hooks: 'builtin', rules: false, traced: false },
  { name: 'slow hooks', limits: { ...TIGHT, whenQueueFull: 'reject' }, hooks: 'slow', rules: false, traced: false },
  {
    name: 'rules and rates',
    limits: { maxPacketSize: 20_000, byteRate: 2000, whenQueueFull: 'drop_newest' },
    hooks: 'builtin',
    rules: true,
    traced: false,
  },
  { name: 'traced', limits: { ...TIGHT, clientBuffer: 64 * 1024 }, hooks: 'builtin', rules: false, traced: true },
];

export interface BrokerFuzzOptions {
  /** A folder for the store. */
  dir: string;
  seed: number;
  /** Number of the first bad client. */
  from: number;
  /** Bad clients of each slice. */
  slice: number;
  /** The number behind the last one; missing: none. */
  to?: number;
}

/**
 * Fuzzes the connection layer: a real broker on a real store, bad clients in memory before and after a CONNECT, good
 * clients beside them. After each slice everything has to be as it was before.
 */
export class BrokerFuzz {
  readonly tally: BrokerTally = {
    connections: 0,
    packets: 0,
    mutated: 0,
    goodRounds: 0,
    slowestGoodRound: 0,
    outcomes: { fault: 0, 'taken over': 0, goodbye: 0, left: 0 },
    logLines: 0,
    heap: [],
  };
  readonly #options: BrokerFuzzOptions;
  /** Number of the next bad client. */
  next: number;

  constructor(options: BrokerFuzzOptions) {
    this.#options = options;
    this.next = options.from;
  }

  /** One slice, until `deadline` (performance.now()) at the longest. Throws a Finding. */
  async slice(deadline = Number.POSITIVE_INFINITY): Promise<void> {
    const setup = SETUPS[Math.floor(this.next / this.#options.slice) % SETUPS.length]!;
    const run = new Slice(setup, this.#options, this.next, this.tally);
    try {
      await run.start();
      this.next = await run.crowd(deadline);
      await run.settle();
      this.tally.heap.push(heapInUse());
    } catch (error) {
      throw run.finding(error);
    } finally {
      await run.stop();
    }
  }
}

class Slice {
  readonly #clock = new HarnessClock();
  readonly #store: SqliteStore;
  readonly #broker: Broker;
  readonly #setup: Setup;
  readonly #options: BrokerFuzzOptions;
  readonly #tally: BrokerTally;
  readonly #from: number;
  #next: number;
  readonly #clients = new Set<BadClient>();
  readonly #outcomes: Record<Outcome, number> = { fault: 0, 'taken over': 0, goodbye: 0, left: 0 };
  #good: GoodClients | null = null;
  readonly #watch = new Watch();
  #base: { sessions: number; timers: number; counters: BrokerCounters } | null = null;

  constructor(setup: Setup, options: BrokerFuzzOptions, from: number, tally: BrokerTally) {
    this.#setup = setup;
    this.#options = options;
    this.#from = from;
    this.#next = from;
    this.#tally = tally;
    const { log } = this.#watch;
    this.#store = new SqliteStore({ dir: options.dir, durability: 'relaxed', commitIntervalMs: 1, clock: systemClock, log });
    this.#broker = new Broker({ store: this.#store, clock: this.#clock, log, limits: setup.limits });
  }

  async start(): Promise<void> {
    this.#watch.start();
    await this.#store.start();
    const { rules, hooks, traced } = this.#setup;
    const allowed = ['f/#', 'good/#', 'a', '$f/#'];
    const access = rules
      ? [
          { user: '*', deny: ['publish' as const], topics: ['f/größe', 'f/will'] },
          { user: '*', allow: ['publish' as const, 'subscribe' as const], topics: allowed },
        ]
      : [];
    this.#broker.access.configure({ rules: access }, true);
    if (hooks === 'slow') this.#hook();
    await this.#broker.listen();
    if (traced) {
      const ignore = (): void => undefined;
      this.#broker.tracing.start({ topic: '#', payload: 128 }, { packet: ignore, leftOut: ignore, ended: ignore });
    }
    this.#good = new GoodClients(memoryWire(this.#broker), 'good');
    this.#watch.good = [this.#good];
    this.#good.start();
    await this.#watch.until(
      () => this.#good!.isReady,
      () => 'the good clients to connect',
    );
    const { sessions, counters } = this.#broker;
    this.#base = { sessions: sessions.size, timers: this.#clock.pending, counters: { ...counters } };
  }

  /** Programs that decide by hooks, and take their time. */
  #hook(): void {
    const broker = this.#broker;
    broker.authenticate = (_client, username, _password, done) => setImmediate(() => done(null, username !== 'u' || this.#next % 2 === 0));
    broker.authorizePublish = (client, packet, done) => {
      if (client?.id.startsWith('good') === true) done(null);
      else setImmediate(() => done(packet.topic === 'f/b' ? new Error('no') : null));
    };
    broker.authorizeSubscribe = (_client, subscription, done) =>
      setImmediate(() => done(null, subscription.topic === '#' ? null : subscription));
    broker.authorizeForward = (_client, packet) => (packet.topic === 'f/a/b' ? null : packet);
  }

  /** Lets the bad clients in, so many at once; gives the number of the next one. */
  async crowd(deadline: number): Promise<number> {
    const { slice, to = Number.POSITIVE_INFINITY } = this.#options;
    const end = Math.min(this.#from + slice, to);
    while (this.#next < end && performance.now() < deadline) {
      while (this.#clients.size < CROWD && this.#next < end) this.#admit();
      this.#step();
      await turn();
      this.#watch.check();
    }
    await this.#watch.until(
      () => {
        this.#step();
        return this.#clients.size === 0;
      },
      () => `${this.#clients.size} connections to close (${[...this.#clients].map(({ number }) => number).join(', ')})`,
    );
    return this.#next;
  }

  #admit(): void {
    const number = this.#next++;
    const script = scriptOf(this.#options.seed, number);
    this.#tally.connections++;
    this.#tally.packets += script.packets;
    this.#tally.mutated += script.mutated;
    this.#clients.add(
      new BadClient(this.#broker, number, script, (what) => {
        this.#watch.found(`client ${number}: ${what}`);
      }),
    );
  }

  #step(): void {
    for (const client of this.#clients) {
      if (client.outcome === null) {
        client.step();
        continue;
      }
      this.#outcomes[client.outcome]++;
      this.#clients.delete(client);
    }
    this.#good!.step();
  }

  /** Everything is as it was before the bad clients came. */
  async settle(): Promise<void> {
    const broker = this.#broker;
    const good = this.#good!;
    await this.#watch.until(
      () => good.waiting === 0,
      () => `the good clients' messages: ${good.missing}`,
    );
    this.#tally.goodRounds += good.rounds;
    this.#tally.slowestGoodRound = Math.max(this.#tally.slowestGoodRound, Math.round(good.slowest));
    if (good.rounds === 0) throw new Error('the good clients were not served once');
    // What may be kept is taken away by hand: sessions, retained messages.
    for (const session of [...broker.sessions.all()]) if (!session.clientId.startsWith('good-')) broker.sessions.discard(session);
    await this.#clearRetained();
    this.#clock.runIntervals();
    await this.#watch.until(
      () => good.waiting === 0,
      () => 'the wills of the ended sessions',
    );
    // With rates, a good client that was ahead of its own is held up for a moment, by a timer.
    await this.#watch.until(
      () => [...broker.connections].every(({ throttle }) => !throttle.holds),
      () => 'the rates of the good clients',
    );
    this.#compare();
    this.#countClosings();
    this.#watch.checkLines();
    this.#tally.logLines += this.#watch.lines;
    for (const outcome of Object.keys(this.#outcomes) as Outcome[]) this.#tally.outcomes[outcome] += this.#outcomes[outcome];
    this.#watch.check();
  }

  /** What is retained in memory is what is on disk. */
  async #clearRetained(): Promise<void> {
    const { retained } = this.#broker.router;
    for await (const page of this.#store.loadRetained()) {
      for (const { topic, payload } of page) {
        const inMemory = retained.get(topic);
        if (inMemory?.payload.equals(payload) !== true)
          throw new Error(`retained on disk, and not the same in memory: ${JSON.stringify(topic)}`);
        retained.delete(topic);
        this.#store.putRetained(topic, null);
      }
    }
  }

  #compare(): void {
    const { connections, connectedClients, sessions, router } = this.#broker;
    const expect = (what: string, is: number, was: number): void => {
      if (is !== was) throw new Error(`${what}: ${is}, and ${was} before`);
    };
    expect('connections', connections.size, 3);
    expect('connected clients', connectedClients, 3);
    expect('client ids', Object.keys(this.#broker.clients).length, 3);
    expect('sessions', sessions.size, this.#base!.sessions);
    expect('timers', this.#clock.pending, this.#base!.timers);
    expect('subscriptions', router.subscriptions, 6);
    expect('members of shared groups', router.groups.members, 0);
    expect('retained messages', router.retained.count, 0);
    expect('bytes of retained messages', router.retained.bytes, 0);
  }

  /** Each connection that was closed is counted, as what it was. */
  #countClosings(): void {
    const before = this.#base!.counters;
    const now = this.#broker.counters;
    const admitted = this.#next - this.#from;
    const expect = (what: string, is: number, wanted: number): void => {
      if (is !== wanted) throw new Error(`${what}: counted ${is}, and there were ${wanted}`);
    };
    expect('accepted connections', now.connectionsAccepted - before.connectionsAccepted, admitted);
    const counted = (...names: (keyof BrokerCounters)[]): number => names.reduce((sum, name) => sum + now[name] - before[name], 0);
    const { fault, 'taken over': takenOver } = this.#outcomes;
    expect('errors, refusals and timeouts', counted('protocolErrors', 'connectionsRefused', 'connectTimeouts', 'keepAliveTimeouts'), fault);
    expect('takeovers', counted('takenOver'), takenOver);
    for (const name of Object.keys(now) as (keyof BrokerCounters)[]) {
      if (now[name] < before[name]) throw new Error(`the counter ${name} fell from ${before[name]} to ${now[name]}`);
    }
  }

  async stop(): Promise<void> {
    this.#good?.leave();
    await turn();
    for (const { connection } of this.#clients) connection.conn.destroy();
    await new Promise<void>((resolve) => this.#broker.close(resolve));
    await this.#store.stop();
    this.#watch.stop();
  }

  /** An error as one that says how to repeat it. */
  finding(error: unknown): Finding {
    const { seed, slice } = this.#options;
    const clients = `with ${this.#setup.name}; clients ${Math.max(this.#from, this.#next - CROWD)} to ${this.#next - 1} were there`;
    const repeat = `broker --seed ${seed} --from ${this.#from} --clients ${this.#next - this.#from} --slice ${slice}`;
    return new Finding(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n  ${clients}`, repeat);
  }
}
