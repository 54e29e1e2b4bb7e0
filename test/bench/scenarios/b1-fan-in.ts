import { BATCH, FanIn, PUBLISHERS } from '../load/fan-in.js';
import { latencyUnderLoad } from '../paced.js';
import type { Figure, Scenario, ScenarioContext } from '../scenario.js';
import { measure } from '../window.js';

const CAPACITY = 'messages';

export const scenarios: Scenario[] = [{ id: 'B1', title: `fan-in, ${PUBLISHERS} publishers to 1 subscriber, QoS 0, 64 B`, run: fanIn }];

async function fanIn(context: ScenarioContext): Promise<Figure[]> {
  const { broker, seconds } = context;
  const load = new FanIn(broker.port);
  const { pump, received } = load;
  try {
    await load.connect();
    pump.start();
    const capacity = await measure(broker, seconds, () => received.count);
    pump.stop();
    await pump.settle();
    return [
      { name: CAPACITY, unit: '/s', better: 'higher', value: capacity.rate, load: capacity.load, ...pump.note() },
      { name: 'CPU per message', unit: 'µs', better: 'lower', value: capacity.cpuPerCount, load: capacity.load },
      ...(await latencyUnderLoad(context, { ...load, batch: BATCH }, capacity.rate, CAPACITY)),
    ];
  } finally {
    load.close();
  }
}
