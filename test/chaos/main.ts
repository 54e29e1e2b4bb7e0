import { parseArgs } from 'node:util';
import { chaos } from './run.js';

/** npm run test:chaos -- [--seed N] [--requests N] [--minutes N]: exit code 1 where something that must not be was seen. */
const { values } = parseArgs({
  options: { seed: { type: 'string' }, requests: { type: 'string', default: '100000' }, minutes: { type: 'string', default: '20' } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
const requests = Number(values.requests);
const say = (text: string) => process.stdout.write(`${text}\n`);

say(`seed ${seed}: ${requests} requests through delays, drops, corruption, cuts, copies and reordering`);
const result = await chaos({
  seed,
  requests,
  limit: Number(values.minutes) * 60_000,
  width: { tcp: 4, rtuOverTcp: 10, rtuPty: 4, asciiOverTcp: 6, asciiPty: 4 },
  progress: say,
});
const { wrong, traces, lostWrites, doubledWrites, notRecovered, faults, ...figures } = result;
say(JSON.stringify(figures));
say(`faults: ${JSON.stringify(faults)}`);
for (const [what, list] of Object.entries({ wrong, lostWrites, doubledWrites, notRecovered })) {
  say(`${what}: ${list.length}`);
  for (const entry of list.slice(0, 20)) say(`  ${entry}`);
}
for (const trace of traces.slice(0, 5)) say(`\n${trace}`);
const isShort = result.requests < requests;
if (isShort) say(`the time was over before ${requests} requests were sent`);
if (wrong.length + lostWrites.length + doubledWrites.length + notRecovered.length > 0 || isShort) {
  say(`repeat with: npm run test:chaos -- --seed ${seed}`);
  process.exitCode = 1;
}
