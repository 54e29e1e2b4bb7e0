/**
 * node scripts/bench-profile.mjs [--only B1,B3.qos1,...] [--top N] [--seconds N] [--candidate ferrule|aedes]: runs each
 * scenario once with V8's profiler in the candidate and prints where its threads spent their time, by self time.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, buildTests } from './lib/build.mjs';
import { main, Refusal, ROOT, run, say } from './lib/shell.mjs';

/** µs at the beginning that are left out: the program is loaded and clients connect. */
const START = 1_500_000;

await main(async () => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: 'B1,B3.qos1,B4.offline,B4.online' },
      top: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '3' },
      candidate: { type: 'string', default: 'ferrule' },
    },
  });
  await build();
  await buildTests();
  for (const scenario of values.only.split(',')) await profile(scenario, values);
});

async function profile(scenario, { top, seconds, candidate }) {
  const folder = mkdtempSync(join(tmpdir(), 'ferrule-profile-'));
  const who = candidate === 'ferrule' ? ['--against', 'none'] : ['--against', candidate, '--without-product'];
  try {
    const bench = ['build/test/bench/main.js', '--only', scenario, '--rounds', '1', '--seconds', seconds, '--cpu-prof', folder, ...who];
    if ((await run('taskset', ['-c', '1', process.execPath, ...bench])) !== 0) throw new Refusal('The benchmark failed.');
    const profiles = readdirSync(folder)
      .filter((name) => name.endsWith('.cpuprofile'))
      .map((file) => ({ thread: threadOf(file), recorded: JSON.parse(readFileSync(join(folder, file), 'utf8')) }))
      .sort((a, b) => a.recorded.startTime - b.recorded.startTime);
    for (const { thread, recorded } of profiles) print(`${scenario}, ${thread}`, recorded, profiles[0].recorded.startTime, Number(top));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Node names them CPU.date.time.pid.thread.number.cpuprofile. */
function threadOf(file) {
  const thread = Number(file.split('.')[4]);
  return thread === 0 ? 'main thread' : `worker thread ${thread}`;
}

function print(title, { nodes, samples, timeDeltas, startTime }, programStart, top) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const self = new Map();
  let busy = 0;
  // A worker thread begins a while after the program.
  let total = startTime - programStart - START;
  samples.forEach((id, index) => {
    const name = nameOf(byId.get(id).callFrame);
    const time = Math.max(0, timeDeltas[index]);
    total += time;
    if (total < 0) return;
    if (name === '(idle)') return;
    busy += time;
    self.set(name, (self.get(name) ?? 0) + time);
  });
  say(`\n${title}: busy ${(busy / 1e6).toFixed(1)} s of ${(total / 1e6).toFixed(1)} s; self time as a share of the busy time`);
  const sorted = [...self].sort((a, b) => b[1] - a[1]).slice(0, top);
  for (const [name, time] of sorted) say(`  ${((time / busy) * 100).toFixed(1).padStart(5)} %  ${name}`);
}

function nameOf({ functionName, url, lineNumber }) {
  const file = url.replace(/^file:\/\//, '').replace(`${ROOT}/`, '');
  const name = functionName === '' ? '(anonymous)' : functionName;
  return file === '' ? name : `${name}  ${file}:${lineNumber + 1}`;
}
