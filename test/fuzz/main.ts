/**
 * The long fuzz run; `npm run test:fuzz` builds and starts it. Without a word: the layers one after the other. With one:
 * `reader`, `broker` or `wire`. Options: --seed N (which run), --from N (where in it), --rounds N / --clients N (how much),
 * --round N (one round of the reader), --slice N (bad clients between two looks at what is left), --minutes N (at most).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BrokerFuzz } from './broker-fuzz.js';
import { Finding } from './finding.js';
import { ReaderFuzz } from './reader-fuzz.js';
import { heapInUse } from './watch.js';
import { WireFuzz } from './wire-fuzz.js';

/** What the long run does of each. */
const ROUNDS = 10_000_000;
const CLIENTS = 650_000;
const SOCKETS = 30_000;
/** Bad clients of a slice: one broker's life. */
const SLICE = 20_000;
const REPORT_EVERY_MS = 30_000;
/** Rounds of the reader between two looks at the heap. */
const HEAP_EVERY = 500_000;
/** MiB that the heap may be larger at the end than after the first setups. */
const GROWTH = 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries(
    ['seed', 'from', 'rounds', 'round', 'clients', 'slice', 'minutes'].map((name) => [name, { type: 'string' as const }]),
  ),
});

function option(name: string, otherwise: number): number {
  const given = values[name];
  if (given === undefined) return otherwise;
  const number = Number(given);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} is not a number: ${String(given)}`);
  return number;
}

const seed = option('seed', Date.now() >>> 0);
const from = option('from', 0);
const deadline = performance.now() + option('minutes', 1440) * 60_000;
let reportedAt = performance.now();

function say(what: string): void {
  process.stdout.write(`${new Date().toISOString()} ${what}\n`);
}

function sayNowAndThen(what: () => string): void {
  if (performance.now() - reportedAt < REPORT_EVERY_MS) return;
  reportedAt = performance.now();
  say(what());
}

async function inFolder(run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'ferrule-fuzz-'));
  try {
    await run(dir);
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function reader(): Promise<void> {
  const fuzz = new ReaderFuzz(seed);
  const first = option('round', from);
  const end = values.round === undefined ? first + option('rounds', ROUNDS) : first + 1;
  const heap: number[] = [];
  for (let round = first; round < end && performance.now() < deadline; round++) {
    fuzz.round(round);
    if (round % 10_000 !== 0) continue;
    await turn();
    if (round % HEAP_EVERY === 0) heap.push(heapInUse());
    sayNowAndThen(() => `reader, seed ${seed}: ${JSON.stringify(fuzz.tally)}`);
  }
  say(`reader, seed ${seed}, done: ${JSON.stringify({ ...fuzz.tally, heap })}`);
  checkHeap('reader', heap);
}

function broker(): Promise<void> {
  return inFolder(async (dir) => {
    const end = from + option('clients', CLIENTS);
    const fuzz = new BrokerFuzz({ dir, seed, from, slice: option('slice', SLICE), to: end });
    while (fuzz.next < end && performance.now() < deadline) {
      await fuzz.slice(deadline);
      sayNowAndThen(() => `broker, seed ${seed}: ${JSON.stringify(fuzz.tally)}`);
    }
    say(`broker, seed ${seed}, done: ${JSON.stringify(fuzz.tally)}`);
    checkHeap('broker', fuzz.tally.heap);
  });
}

/** The first looks at it have seen all that stays in memory. */
function checkHeap(layer: string, heap: readonly number[]): void {
  if (heap.length < 15) return;
  const early = Math.max(...heap.slice(0, 10));
  const late = Math.min(...heap.slice(-5));
  if (late > early + GROWTH) throw new Finding(`the heap grew from ${early} to ${late} MiB`, `${layer} --seed ${seed}`);
}

function wire(): Promise<void> {
  return inFolder(async (dir) => {
    const fuzz = new WireFuzz({ dir, seed, from });
    await fuzz.start();
    try {
      const end = from + option('clients', SOCKETS);
      while (fuzz.next < end && performance.now() < deadline) {
        await fuzz.run(Math.min(1000, end - fuzz.next), deadline);
        sayNowAndThen(() => `wire, seed ${seed}: ${JSON.stringify(fuzz.tally)}`);
      }
      say(`wire, seed ${seed}, done: ${JSON.stringify(fuzz.tally)}`);
    } finally {
      await fuzz.stop();
    }
  });
}

const layers: Record<string, () => Promise<void>> = { reader, broker, wire };

try {
  for (const name of positionals.length === 0 ? Object.keys(layers) : positionals) {
    const run = layers[name];
    if (run === undefined) throw new Error(`there is no ${name}: ${Object.keys(layers).join(', ')}`);
    await run();
  }
} catch (error) {
  say(error instanceof Finding ? `FOUND: ${error.message}` : String(error instanceof Error ? error.stack : error));
  process.exitCode = 1;
}
