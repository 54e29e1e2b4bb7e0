import { settled, WindowedPublisher } from '../load/publisher.js';
import { Subscriber } from '../load/subscriber.js';
import type { Figure, Scenario, ScenarioContext } from '../scenario.js';
import { compare, measure, sleep, snapshot } from '../window.js';

const PUBLISHERS = 20;
/** Unacknowledged messages of one publisher. */
const WINDOW = 100;
const FILTER = 'bench/durable/+';
/** A drain is cut off after so many measurement times; the rate is then that of its beginning. */
const DRAIN_WINDOWS = 2;
/** ms without a message after which a drain is over. */
const QUIET_MS = 2000;

export const scenarios: Scenario[] = [
  { id: 'B4.offline', title: `durable, ${PUBLISHERS} publishers QoS 1 to an offline persistent session, then it connects`, run: offline },
  { id: 'B4.online', title: `durable, ${PUBLISHERS} publishers QoS 1 to an online persistent session`, run: online },
];

async function offline({ broker, seconds }: ScenarioContext): Promise<Figure[]> {
  const { port } = broker;
  const received = { count: 0 };
  const session = (): Subscriber => new Subscriber({ port, clientId: 'keeper', clean: false, received });
  const before = session();
  await before.connect();
  await before.subscribe(FILTER, 1);
  before.close();
  await sleep(0.2);

  const acknowledged = { count: 0 };
  const publishers = makePublishers(port, acknowledged);
  let accepted: Figure;
  try {
    await Promise.all(publishers.map((publisher) => publisher.connect()));
    for (const publisher of publishers) publisher.start();
    const { rate, load } = await measure(broker, seconds, () => acknowledged.count);
    accepted = { name: 'acknowledged', unit: '/s', better: 'higher', value: rate, load };
    for (const publisher of publishers) publisher.stop();
    await settled(publishers);
  } finally {
    for (const publisher of publishers) publisher.close();
  }

  const reader = session();
  try {
    const started = snapshot(broker, () => received.count);
    await reader.connect();
    const deadline = performance.now() + DRAIN_WINDOWS * seconds * 1000;
    let latest = started;
    let quietSince = performance.now();
    while (received.count < acknowledged.count && performance.now() < deadline && performance.now() - quietSince < QUIET_MS) {
      await sleep(0.02);
      const now = snapshot(broker, () => received.count);
      if (now.count === latest.count) continue;
      latest = now;
      quietSince = performance.now();
    }
    const { rate, load } = compare(started, latest);
    const lost = performance.now() >= deadline ? 0 : Math.max(0, acknowledged.count - received.count);
    const note = lost === 0 ? {} : { note: `${lost} acknowledged messages were not there after ${QUIET_MS / 1000} s of silence` };
    return [accepted, { name: 'drained', unit: '/s', better: 'higher', value: rate, load, ...note }];
  } finally {
    reader.close();
  }
}

async function online({ broker, seconds }: ScenarioContext): Promise<Figure[]> {
  const { port } = broker;
  const received = { count: 0 };
  const acknowledged = { count: 0 };
  const reader = new Subscriber({ port, clientId: 'keeper', clean: false, received });
  const publishers = makePublishers(port, acknowledged);
  try {
    await Promise.all([reader, ...publishers].map((client) => client.connect()));
    await reader.subscribe(FILTER, 1);
    for (const publisher of publishers) publisher.start();
    let receivedBefore = 0;
    const { count, rate, load } = await measure(
      broker,
      seconds,
      () => acknowledged.count,
      () => {
        receivedBefore = received.count;
      },
    );
    // In the time that it really took: timers are late on a busy machine.
    const delivered = ((received.count - receivedBefore) * rate) / count;
    return [
      { name: 'acknowledged', unit: '/s', better: 'higher', value: rate, load },
      { name: 'delivered meanwhile', unit: '/s', better: 'higher', value: delivered, load },
    ];
  } finally {
    for (const publisher of publishers) publisher.stop();
    for (const client of [reader, ...publishers]) client.close();
  }
}

function makePublishers(port: number, acknowledged: { count: number }): WindowedPublisher[] {
  return Array.from({ length: PUBLISHERS }, (_, i) => {
    return new WindowedPublisher({ port, clientId: `pub-${i}`, topic: `bench/durable/${i}`, qos: 1, window: WINDOW, acknowledged });
  });
}
