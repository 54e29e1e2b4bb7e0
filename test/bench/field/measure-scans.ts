import type { Figure, ScenarioContext } from '../scenario.js';
import { compare, sleep, snapshot } from '../window.js';
import { FieldSubscriber } from './field-subscriber.js';
import { type Plant, pidsOf } from './plant.js';

/** Seconds until every tag must have had its first value. */
const FIRST_VALUES_SECONDS = 60;
/**
 * Seconds until code that runs a hundred times a second is compiled and what the start left behind is cleared away: after
 * five a gateway still takes half as much again as ever after.
 */
const WARM_UP_SECONDS = 30;
/** Shorter, and one scan more or less by chance would count. */
const LEAST_SECONDS = 10;

export interface ScanExpectations {
  /** ms; null: as fast as it goes. */
  period: number | null;
  /** Default: 30. */
  warmUpSeconds?: number;
  /** Further figures. @param requests each second */
  further?: (requests: number) => Figure[];
}

/** A gateway reads the plant and publishes; a subscriber looks at every value. */
export async function measureScans({ broker, seconds, plant }: ScenarioContext, expectations: ScanExpectations): Promise<Figure[]> {
  if (plant === null) throw new Error('there are no devices');
  const { period, further, warmUpSeconds = WARM_UP_SECONDS } = expectations;
  const subscriber = new FieldSubscriber(broker.port);
  try {
    await subscriber.start();
    await firstValues(subscriber, plant);
    await sleep(warmUpSeconds);
    const helpers = [...pidsOf(plant), ...(broker.besidePid === null ? [] : [broker.besidePid])];
    for (const devices of plant.devices) await devices.count();
    const { values, wrong, notGood } = subscriber;
    const before = snapshot(broker, () => 0, helpers);
    await sleep(Math.max(seconds, LEAST_SECONDS));
    const after = snapshot(broker, () => 0, helpers);
    const counts = await Promise.all(plant.devices.map((devices) => devices.count()));
    const { load } = compare(before, after);
    const duration = after.at - before.at;
    const requests = counts.reduce((sum, count) => sum + count.requests, 0) / duration;
    const gap = Math.max(...counts.map(({ longestGapMs }) => longestGapMs));
    const amiss = noteOf(subscriber.wrong - wrong, subscriber.notGood - notGood);
    return [
      { name: 'values published', unit: '/s', better: 'higher', value: (subscriber.values - values) / duration, load, ...amiss },
      ...(further?.(requests) ?? []).map((figure) => ({ ...figure, load })),
      { name: 'CPU, of one core', unit: '%', better: 'lower', value: load.candidate * 100, load },
      { name: 'CPU per request', unit: 'µs', better: 'lower', value: (load.candidate * 1e6) / requests, load },
      ...(period === null
        ? []
        : [{ name: `longest time between two scans (${period} ms asked for)`, unit: 'ms', better: 'lower' as const, value: gap, load }]),
      { name: 'memory', unit: 'MB', better: 'lower', value: broker.memory / 1e6 },
    ];
  } finally {
    subscriber.close();
  }
}

async function firstValues(subscriber: FieldSubscriber, { job }: Plant): Promise<void> {
  const tags = job.buses.flatMap(({ devices }) => devices).reduce((sum, { addresses }) => sum + addresses.length, 0);
  const deadline = performance.now() + FIRST_VALUES_SECONDS * 1000;
  while (subscriber.seen.size < tags) {
    if (performance.now() > deadline)
      throw new Error(`only ${subscriber.seen.size} of ${tags} tags had a value after ${FIRST_VALUES_SECONDS} s`);
    await Promise.race([sleep(0.1), subscriber.failed]);
  }
}

function noteOf(wrong: number, notGood: number): { note?: string } {
  const parts = [...(wrong > 0 ? [`${wrong} WRONG values`] : []), ...(notGood > 0 ? [`${notGood} values were not good`] : [])];
  return parts.length === 0 ? {} : { note: parts.join(', ') };
}
