import type { Figure, Scenario, ScenarioContext } from '../scenario.js';
import { compare, sleep, snapshot } from '../window.js';

/** Seconds after the start at which memory is read: what only the start needed is gone. */
const IDLE_SECONDS = 2;

export const scenarios: Scenario[] = [{ id: 'B6', title: 'start on an empty data folder, and idle', run: idle }];

/** The peak of memory under load is read in every other scenario. */
async function idle({ broker }: ScenarioContext): Promise<Figure[]> {
  const before = snapshot(broker, () => 0);
  await sleep(IDLE_SECONDS);
  const { load } = compare(
    before,
    snapshot(broker, () => 0),
  );
  return [
    { name: 'start to first CONNACK', unit: 'ms', better: 'lower', value: broker.startMs, load },
    { name: 'memory when idle', unit: 'MB', better: 'lower', value: broker.memory / 1e6, load },
  ];
}
