import type { Broker } from './candidates/candidate.js';
import type { Latency } from './load/latency.js';
import { type Paced, PacedPump } from './load/qos0-pump.js';
import type { Figure, ScenarioContext } from './scenario.js';
import { compare, sleep, snapshot } from './window.js';

/** The load at which latency is read, as a share of a capacity. */
const SHARE = 0.8;
/** Less than this of what was sent meanwhile came through: there is a growing queue, and its latency means nothing. */
const SUSTAINED = 0.95;

export interface PacedLoad {
  publishers: readonly Paced[];
  /** Messages that one publisher writes at once. */
  batch: number;
  received: { count: number };
  latency: Latency;
}

/**
 * Latency at 80 % of the candidate's own capacity and at 80 % of the reference's.
 *
 * @param capacity messages per second of the candidate; the reference's is the figure of the name `capacityName`
 */
export async function latencyUnderLoad(
  { broker, seconds, reference }: ScenarioContext,
  load: PacedLoad,
  capacity: number,
  capacityName: string,
): Promise<Figure[]> {
  const ofReference = reference.get(capacityName);
  const own = await pacedLatency(broker, seconds, load, 'its own capacity', capacity * SHARE);
  if (ofReference === undefined)
    return [...own, ...own.map((figure) => ({ ...figure, name: figure.name.replace('its own', "the reference's") }))];
  return [...own, ...(await pacedLatency(broker, seconds, load, "the reference's capacity", ofReference * SHARE))];
}

async function pacedLatency(
  broker: Broker,
  seconds: number,
  { publishers, batch, received, latency }: PacedLoad,
  of: string,
  rate: number,
): Promise<Figure[]> {
  const pump = new PacedPump(publishers, rate, batch);
  pump.start();
  await sleep(0.5);
  latency.begin();
  const before = snapshot(broker, () => received.count);
  const sentBefore = pump.sent;
  await sleep(seconds);
  const measured = compare(
    before,
    snapshot(broker, () => received.count),
  );
  const sent = pump.sent - sentBefore;
  latency.end();
  pump.stop();
  await sleep(0.1);
  const sustained = measured.count >= sent * SUSTAINED;
  if (!sustained) await emptied(received);
  return [0.5, 0.99].map((share) => ({
    name: `p${share * 100} at ${SHARE * 100} % of ${of}`,
    unit: 'ms',
    better: 'lower' as const,
    load: measured.load,
    ...(sustained ? { value: latency.percentile(share) } : { value: null, note: 'cannot sustain it' }),
  }));
}

/** Waits until nothing comes any more. */
async function emptied(received: { count: number }): Promise<void> {
  for (let before = -1; before !== received.count; ) {
    before = received.count;
    await sleep(0.3);
  }
}
