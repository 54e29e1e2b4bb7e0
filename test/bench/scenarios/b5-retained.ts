import { settled, WindowedPublisher } from '../load/publisher.js';
import { Subscriber } from '../load/subscriber.js';
import type { Figure, Scenario, ScenarioContext } from '../scenario.js';
import { formatNumber } from '../table.js';
import { compare, sleep, snapshot } from '../window.js';

const MESSAGES = 100_000;
const PUBLISHERS = 20;
/** Unacknowledged messages of one publisher. */
const WINDOW = 100;
/** ms without a message after which no more is expected. */
const QUIET_MS = 2000;

export const scenarios: Scenario[] = [
  { id: 'B5.retained', title: `${formatNumber(MESSAGES)} retained messages, QoS 1, 64 B, then a subscriber of #`, run: retained },
];

async function retained({ broker }: ScenarioContext): Promise<Figure[]> {
  const { port } = broker;
  const acknowledged = { count: 0 };
  const each = MESSAGES / PUBLISHERS;
  const publishers = Array.from({ length: PUBLISHERS }, (_, publisher) => {
    const topic = (i: number): string => `bench/area-${String(publisher).padStart(2, '0')}/device-${String(i).padStart(6, '0')}/value`;
    const options = { port, clientId: `pub-${publisher}`, topic, ring: each, window: WINDOW };
    return new WindowedPublisher({ ...options, qos: 1, retain: true, acknowledged });
  });
  let kept: Figure[];
  try {
    await Promise.all(publishers.map((publisher) => publisher.connect()));
    await sleep(2);
    const before = broker.memory;
    const started = snapshot(broker, () => 0);
    for (const publisher of publishers) publisher.send(each, performance.now());
    await settled(publishers);
    const stored = compare(
      started,
      snapshot(broker, () => MESSAGES),
    );
    await sleep(2);
    kept = [
      { name: 'memory of a retained message', unit: 'B', better: 'lower', value: (broker.memory - before) / MESSAGES },
      { name: 'acknowledged', unit: '/s', better: 'higher', value: stored.rate, load: stored.load },
    ];
  } finally {
    for (const publisher of publishers) publisher.close();
  }
  return [...kept, ...(await deliver(broker, 0)), ...(await deliver(broker, 1))];
}

async function deliver(broker: ScenarioContext['broker'], qos: 0 | 1): Promise<Figure[]> {
  const received = { count: 0 };
  const subscriber = new Subscriber({ port: broker.port, clientId: `sub-${qos}`, received });
  try {
    await subscriber.connect();
    const started = snapshot(broker, () => received.count);
    let latest = started;
    await subscriber.subscribe('#', qos);
    while (received.count < MESSAGES && performance.now() / 1000 - latest.at < QUIET_MS / 1000) {
      await sleep(0.005);
      if (received.count !== latest.count) latest = snapshot(broker, () => received.count);
    }
    const { load } = compare(started, latest);
    const note = received.count >= MESSAGES ? {} : { note: `only ${received.count} of them came` };
    return [
      {
        name: `all of them to a new subscriber, QoS ${qos}`,
        unit: 'ms',
        better: 'lower',
        value: (latest.at - started.at) * 1000,
        load,
        ...note,
      },
    ];
  } finally {
    subscriber.close();
  }
}
