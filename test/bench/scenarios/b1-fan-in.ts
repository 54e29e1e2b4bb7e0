import { Latency } from '../load/latency.js';
import { Qos0Publisher } from '../load/publisher.js';
import { PacedPump, Qos0Pump } from '../load/qos0-pump.js';
import { Subscriber } from '../load/subscriber.js';
import type { Figure, Scenario, ScenarioContext } from '../scenario.js';
import { compare, measure, sleep, snapshot } from '../window.js';

const PUBLISHERS = 50;
/** Messages under way at full load: some 400 KB, less than any candidate drops at. */
const WINDOW = 5000;
/** Messages that a publisher writes at once. */
const BATCH = 50;
/** The load at which latency is read, as a share of a capacity. */
const SHARE = 0.8;
/** Less than this of what was sent meanwhile came through: there is a growing queue, and its latency means nothing. */
const SUSTAINED = 0.95;

const CAPACITY = 'messages';

export const scenarios: Scenario[] = [{ id: 'B1', title: `fan-in, ${PUBLISHERS} publishers to 1 subscriber, QoS 0, 64 B`, run: fanIn }];

async function fanIn(context: ScenarioContext): Promise<Figure[]> {
  const { broker, seconds, reference } = context;
  const { port } = broker;
  const publishers = Array.from({ length: PUBLISHERS }, (_, i) => {
    return new Qos0Publisher({ port, clientId: `pub-${i}`, topic: `bench/fan-in/${i}`, ring: 1000 });
  });
  const pump = new Qos0Pump({ publishers, fanOut: 1, window: WINDOW, batch: BATCH });
  const received = { count: 0 };
  const latency = new Latency();
  const subscriber = new Subscriber({ port, clientId: 'sub', received, latency, onMessages: pump.delivered });
  try {
    await Promise.all([subscriber, ...publishers].map((client) => client.connect()));
    await subscriber.subscribe('bench/fan-in/+', 0);
    pump.start();
    const { rate, cpuPerCount, load } = await measure(broker, seconds, () => received.count);
    pump.stop();
    await pump.settle();
    const figures: Figure[] = [
      { name: CAPACITY, unit: '/s', better: 'higher', value: rate, load, ...pump.note() },
      { name: 'CPU per message', unit: 'µs', better: 'lower', value: cpuPerCount, load },
    ];
    const ofReference = reference.get(CAPACITY);
    const own = await paced('80 % of its own capacity', rate * SHARE);
    figures.push(...own);
    if (ofReference === undefined) {
      figures.push(...own.map((figure) => ({ ...figure, name: figure.name.replace('its own', "the reference's") })));
    } else {
      figures.push(...(await paced("80 % of the reference's capacity", ofReference * SHARE)));
    }
    return figures;
  } finally {
    pump.stop();
    for (const client of [subscriber, ...publishers]) client.close();
  }

  async function paced(name: string, rate: number): Promise<Figure[]> {
    const load = new PacedPump(publishers, rate, BATCH);
    const figure = (share: number): Omit<Figure, 'value'> => {
      return { name: `p${share * 100} at ${name}`, unit: 'ms', better: 'lower' };
    };
    load.start();
    await sleep(0.5);
    latency.begin();
    const before = snapshot(broker, () => received.count);
    const sentBefore = load.sent;
    await sleep(seconds);
    const measured = compare(
      before,
      snapshot(broker, () => received.count),
    );
    const sent = load.sent - sentBefore;
    latency.end();
    load.stop();
    await sleep(0.1);
    if (measured.count < sent * SUSTAINED) {
      await emptied(received);
      return [0.5, 0.99].map((share) => ({ ...figure(share), value: null, load: measured.load, note: 'cannot sustain it' }));
    }
    return [0.5, 0.99].map((share) => ({ ...figure(share), value: latency.percentile(share), load: measured.load }));
  }
}

/** Waits until nothing comes any more. */
async function emptied(received: { count: number }): Promise<void> {
  for (let before = -1; before !== received.count; ) {
    before = received.count;
    await sleep(0.3);
  }
}
