import type { Broker } from './candidates/candidate.js';
import { coresBusy, cpuSecondsOf } from './proc.js';
import type { Load } from './scenario.js';

/** Seconds that a load runs before it is measured: code gets compiled, buffers grow. */
const WARM_UP_SECONDS = 1;

export interface Measured {
  count: number;
  /** Of the counter, each second. */
  rate: number;
  /** µs of the candidate's processor time for each count. */
  cpuPerCount: number;
  load: Load;
}

/** Counts while a load runs; `begin` is called when the measurement proper begins. */
export async function measure(broker: Broker, seconds: number, counter: () => number, begin?: () => void): Promise<Measured> {
  await sleep(WARM_UP_SECONDS);
  begin?.();
  const before = snapshot(broker, counter);
  await sleep(seconds);
  const after = snapshot(broker, counter);
  return compare(before, after);
}

export interface Snapshot {
  count: number;
  at: number;
  candidateCpu: number;
  generatorCpu: number;
  allCpu: number;
}

/** @param helpers processes whose time is the load's */
export function snapshot(broker: Broker, counter: () => number, helpers: readonly number[] = []): Snapshot {
  const { user, system } = process.cpuUsage();
  return {
    count: counter(),
    at: performance.now() / 1000,
    candidateCpu: broker.cpuSeconds,
    generatorCpu: (user + system) / 1e6 + helpers.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0),
    allCpu: coresBusy(),
  };
}

export function compare(before: Snapshot, after: Snapshot): Measured {
  const seconds = after.at - before.at;
  const count = after.count - before.count;
  const candidateCpu = after.candidateCpu - before.candidateCpu;
  const generatorCpu = after.generatorCpu - before.generatorCpu;
  return {
    count,
    rate: count / seconds,
    cpuPerCount: (candidateCpu * 1e6) / count,
    load: {
      candidate: candidateCpu / seconds,
      generator: generatorCpu / seconds,
      // The kernel counts the three at moments of its own: small differences may come out below 0.
      others: Math.max(0, (after.allCpu - before.allCpu - candidateCpu - generatorCpu) / seconds),
    },
  };
}

export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
