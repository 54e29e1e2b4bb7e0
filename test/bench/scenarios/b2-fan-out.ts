import { Qos0Publisher } from '../load/publisher.js';
import { Qos0Pump } from '../load/qos0-pump.js';
import { Subscriber } from '../load/subscriber.js';
import type { Figure, Scenario, ScenarioContext } from '../scenario.js';
import { measure } from '../window.js';

/** Connections opened at the same time. */
const CONNECTING = 50;

export const scenarios: Scenario[] = [
  { id: 'B2.50', title: 'fan-out, 1 publisher to 50 subscribers, QoS 0, 64 B', run: (context) => fanOut(context, 50, 1000, 100) },
  { id: 'B2.1000', title: 'fan-out, 1 publisher to 1000 subscribers, QoS 0, 64 B', run: (context) => fanOut(context, 1000, 100, 20) },
];

/** @param window messages that not every subscriber has yet */
async function fanOut(context: ScenarioContext, subscriberCount: number, window: number, batch: number): Promise<Figure[]> {
  const { broker, seconds } = context;
  const { port } = broker;
  const publisher = new Qos0Publisher({ port, clientId: 'pub', topic: 'bench/fan-out', ring: 1000 });
  const pump = new Qos0Pump({ publishers: [publisher], fanOut: subscriberCount, window, batch });
  const received = { count: 0 };
  const subscribers: Subscriber[] = [];
  try {
    await publisher.connect();
    while (subscribers.length < subscriberCount) {
      const fresh = Array.from({ length: Math.min(CONNECTING, subscriberCount - subscribers.length) }, (_, i) => {
        return new Subscriber({ port, clientId: `sub-${subscribers.length + i}`, received, onMessages: pump.delivered });
      });
      subscribers.push(...fresh);
      await Promise.all(
        fresh.map(async (subscriber) => {
          await subscriber.connect();
          await subscriber.subscribe('bench/fan-out', 0);
        }),
      );
    }
    pump.start();
    const { rate, load } = await measure(broker, seconds, () => received.count);
    pump.stop();
    await pump.settle();
    return [{ name: 'deliveries', unit: '/s', better: 'higher', value: rate, load, ...pump.note() }];
  } finally {
    pump.stop();
    for (const client of [publisher, ...subscribers]) client.close();
  }
}
