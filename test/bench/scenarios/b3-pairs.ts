import { Latency } from '../load/latency.js';
import { settled, WindowedPublisher } from '../load/publisher.js';
import { Subscriber } from '../load/subscriber.js';
import { latencyUnderLoad } from '../paced.js';
import type { Figure, Scenario, ScenarioContext } from '../scenario.js';
import { measure } from '../window.js';

const PAIRS = 50;
/** Unacknowledged messages of one publisher. */
const WINDOW = 20;
/** Messages that a publisher writes at once in the paced measurements. */
const BATCH = 10;

const CAPACITY = 'messages';

export const scenarios: Scenario[] = ([1, 2] as const).map((qos) => ({
  id: `B3.qos${qos}`,
  title: `${PAIRS} pairs, QoS ${qos}, 64 B, ${WINDOW} under way each`,
  run: (context) => pairs(context, qos),
}));

async function pairs(context: ScenarioContext, qos: 1 | 2): Promise<Figure[]> {
  const { broker, seconds } = context;
  const { port } = broker;
  const received = { count: 0 };
  const acknowledged = { count: 0 };
  const latency = new Latency();
  const subscribers = Array.from({ length: PAIRS }, (_, i) => new Subscriber({ port, clientId: `sub-${i}`, received, latency }));
  const publishers = Array.from({ length: PAIRS }, (_, i) => {
    return new WindowedPublisher({ port, clientId: `pub-${i}`, topic: `bench/pair/${i}`, qos, window: WINDOW, acknowledged });
  });
  try {
    await Promise.all([...subscribers, ...publishers].map((client) => client.connect()));
    await Promise.all(subscribers.map((subscriber, i) => subscriber.subscribe(`bench/pair/${i}`, qos)));
    for (const publisher of publishers) publisher.start();
    const { rate, cpuPerCount, load } = await measure(
      broker,
      seconds,
      () => received.count,
      () => latency.begin(),
    );
    latency.end();
    const atFullLoad = latency.percentile(0.99);
    for (const publisher of publishers) publisher.stop();
    await settled(publishers);
    return [
      { name: CAPACITY, unit: '/s', better: 'higher', value: rate, load },
      { name: 'CPU per message', unit: 'µs', better: 'lower', value: cpuPerCount, load },
      { name: 'p99 at full load', unit: 'ms', better: 'lower', value: atFullLoad, load },
      ...(await latencyUnderLoad(context, { publishers, batch: BATCH, received, latency }, rate, CAPACITY)),
    ];
  } finally {
    for (const publisher of publishers) publisher.stop();
    for (const client of [...subscribers, ...publishers]) client.close();
  }
}
