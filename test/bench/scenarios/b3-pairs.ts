import { Latency } from '../load/latency.js';
import { WindowedPublisher } from '../load/publisher.js';
import { Subscriber } from '../load/subscriber.js';
import type { Figure, Scenario, ScenarioContext } from '../scenario.js';
import { measure } from '../window.js';

const PAIRS = 50;
/** Unacknowledged messages of one publisher. */
const WINDOW = 20;

export const scenarios: Scenario[] = ([1, 2] as const).map((qos) => ({
  id: `B3.qos${qos}`,
  title: `${PAIRS} pairs, QoS ${qos}, 64 B, ${WINDOW} under way each`,
  run: (context) => pairs(context, qos),
}));

async function pairs({ broker, seconds }: ScenarioContext, qos: 1 | 2): Promise<Figure[]> {
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
    const { rate, load } = await measure(
      broker,
      seconds,
      () => received.count,
      () => latency.begin(),
    );
    latency.end();
    return [
      { name: 'messages', unit: '/s', better: 'higher', value: rate, load },
      { name: 'p99 at full load', unit: 'ms', better: 'lower', value: latency.percentile(0.99), load },
    ];
  } finally {
    for (const publisher of publishers) publisher.stop();
    for (const client of [...subscribers, ...publishers]) client.close();
  }
}
