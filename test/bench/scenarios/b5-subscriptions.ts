import { connectAll, IdleClient } from '../load/idle-client.js';
import { Qos0Publisher } from '../load/publisher.js';
import { Qos0Pump } from '../load/qos0-pump.js';
import { Subscriber } from '../load/subscriber.js';
import type { Figure, Scenario, ScenarioContext } from '../scenario.js';
import { formatNumber } from '../table.js';
import { type Measured, measure, sleep } from '../window.js';

/** Clients that hold the subscriptions which do not match. */
const HOLDERS = 100;
/** Filters in one SUBSCRIBE. */
const FILTERS = 100;
const SIZES = [10_000, 100_000, 1_000_000];
/** Seconds before memory is read and matching begins: what only subscribing needed is gone. */
const SETTLE_SECONDS = 3;
/** Of fewer the memory is lost in what the heap breathes in and out. */
const WEIGHED = 100_000;

const PUBLISHERS = 20;
/** Topics in all, more than any candidate remembers routes of: each message has to be matched. */
const TOPICS = 100_000;
const WINDOW = 5000;
const BATCH = 50;

/** Levels of the deep topics, before the last one. */
const DEEP_LEVELS = 10;

export const scenarios: Scenario[] = [
  {
    id: 'B5.subscriptions',
    title: `up to ${formatNumber(SIZES.at(-1)!)} subscriptions that do not match, ${formatNumber(TOPICS)} topics, QoS 0`,
    run: growing,
  },
  {
    id: 'B5.wildcards',
    title: `${2 ** DEEP_LEVELS} filters with + in every combination of ${DEEP_LEVELS} levels, none of which match, ${formatNumber(TOPICS)} topics below them, QoS 0`,
    run: wildcards,
  },
];

async function growing(context: ScenarioContext): Promise<Figure[]> {
  const { broker } = context;
  const holders: IdleClient[] = [];
  // In the same branches as the topics, down to the last level: what is not near costs nothing anyway.
  const load = new MatchLoad(broker.port, (i) => `bench/${branch(i)}/${item(i)}/value`, 'bench/+/+/value');
  try {
    await connectAll(holders, HOLDERS, (i) => new IdleClient({ port: broker.port, clientId: `holder-${i}` }));
    await load.connect();
    const figures = cost('none', await load.measure(context));
    const before = broker.memory;
    let held = 0;
    for (const size of SIZES) {
      const begun = performance.now();
      await hold(holders, held, size, (i) => `bench/${branch(i)}/${item(i)}/state`);
      const rate = ((size - held) * 1000) / (performance.now() - begun);
      held = size;
      await sleep(SETTLE_SECONDS);
      const memory = (broker.memory - before) / size;
      const many = formatNumber(size);
      if (size >= WEIGHED) figures.push({ name: `memory of a subscription, ${many} of them`, unit: 'B', better: 'lower', value: memory });
      figures.push({ name: `subscribing up to ${many}`, unit: '/s', better: 'higher', value: rate });
      figures.push(...cost(many, await load.measure(context)));
    }
    return figures;
  } finally {
    load.close();
    for (const client of holders) client.close();
  }
}

async function wildcards(context: ScenarioContext): Promise<Figure[]> {
  const { broker } = context;
  const holder = new IdleClient({ port: broker.port, clientId: 'holder' });
  const levels = Array.from({ length: DEEP_LEVELS }, (_, level) => `l${level}`);
  const load = new MatchLoad(broker.port, (i) => `${levels.join('/')}/${item(i)}/value`, '#');
  try {
    await holder.connect();
    await load.connect();
    const figures = cost('none', await load.measure(context));
    await hold([holder], 0, 2 ** DEEP_LEVELS, (i) => {
      return [...levels.map((level, bit) => ((i >> bit) % 2 === 0 ? level : '+')), '+', 'state'].join('/');
    });
    return [...figures, ...cost(String(2 ** DEEP_LEVELS), await load.measure(context))];
  } finally {
    load.close();
    holder.close();
  }
}

function cost(others: string, { rate, cpuPerCount, load }: Measured): Figure[] {
  return [
    { name: `CPU per message, others: ${others}`, unit: 'µs', better: 'lower', value: cpuPerCount, load },
    { name: `messages, others: ${others}`, unit: '/s', better: 'higher', value: rate, load },
  ];
}

/** Subscribes to the filters with numbers from `from` to `to`, evenly by all holders. */
async function hold(holders: readonly IdleClient[], from: number, to: number, filterOf: (i: number) => string): Promise<void> {
  const share = Math.ceil((to - from) / holders.length);
  await Promise.all(
    holders.map(async (holder, index) => {
      const end = Math.min(to, from + share * (index + 1));
      for (let at = from + share * index; at < end; at += FILTERS) {
        const filters = Array.from({ length: Math.min(FILTERS, end - at) }, (_, i) => filterOf(at + i));
        await holder.subscribeAll(filters, 0);
      }
    }),
  );
}

function branch(i: number): string {
  return `area-${i % 1000}`.padEnd(8, '-');
}

function item(i: number): string {
  return `device-${String(i).padStart(7, '0')}`;
}

/** Messages of many topics to one subscriber, QoS 0, in a closed loop. */
class MatchLoad {
  readonly #publishers: readonly Qos0Publisher[];
  readonly #pump: Qos0Pump;
  readonly #subscriber: Subscriber;
  readonly #filter: string;
  readonly #received = { count: 0 };

  constructor(port: number, topicOf: (i: number) => string, filter: string) {
    const each = TOPICS / PUBLISHERS;
    this.#publishers = Array.from({ length: PUBLISHERS }, (_, publisher) => {
      const topic = (i: number): string => topicOf(publisher * each + i);
      return new Qos0Publisher({ port, clientId: `pub-${publisher}`, topic, ring: each });
    });
    this.#pump = new Qos0Pump({ publishers: this.#publishers, fanOut: 1, window: WINDOW, batch: BATCH });
    this.#subscriber = new Subscriber({ port, clientId: 'sub', received: this.#received, onMessages: this.#pump.delivered });
    this.#filter = filter;
  }

  async connect(): Promise<void> {
    await Promise.all([this.#subscriber, ...this.#publishers].map((client) => client.connect()));
    await this.#subscriber.subscribe(this.#filter, 0);
  }

  async measure({ broker, seconds }: ScenarioContext): Promise<Measured> {
    this.#pump.start();
    const measured = await measure(broker, seconds, () => this.#received.count);
    this.#pump.stop();
    await this.#pump.settle();
    return measured;
  }

  close(): void {
    this.#pump.stop();
    for (const client of [this.#subscriber, ...this.#publishers]) client.close();
  }
}
