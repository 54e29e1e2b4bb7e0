/** What `npm run bench` runs on core 1, after building. See docs/benchmarks.md. */
import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { cpus, release } from 'node:os';
import { join, resolve } from 'node:path';
import { makeCertificate } from '../../src/console/make-certificate.js';
import { packageRoot } from '../../src/paths.js';
import { freePort } from '../support/free-port.js';
import { Broker, type Candidate, type CandidateCommand, type ExtraListener } from './candidates/candidate.js';
import { candidates, PEERS, REFERENCE } from './candidates/index.js';
import { closePlant, type Plant } from './field/plant.js';
import { type BenchOptions, isWanted, parseOptions, USAGE } from './options.js';
import { Results, summarize } from './results.js';
import { type FieldScenario, type Figure, isDisturbed, othersOf, type Scenario } from './scenario.js';
import { formatResults } from './table.js';
import { Unavailable } from './unavailable.js';

/** What statfs() says of a file system in memory. */
const TMPFS = 0x0102_1994;

/** How often one candidate goes through a scenario in one round, where other programs disturb. */
const MAX_ATTEMPTS = 3;

const LEGEND = `Medians over the rounds, ± half of their range, x: the median of the ratios round by round, to ${REFERENCE}, in B7 to the
first candidate. busy: shares of a core that the candidate, the load generator and all other programs on the two cores took;
with others above 15 % in most rounds (~) a figure is worth little. !: the load generator was the limit, the candidate was not.
`;

const code = await main(process.argv.slice(2));
process.exit(code === 0 ? process.exitCode : code);

async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions;
  try {
    options = parseOptions(args, PEERS);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  const scenarios = (await loadScenarios()).filter(({ id }) => isWanted(id, options.only));
  if (scenarios.length === 0) {
    process.stderr.write(`No scenario is called ${options.only.join(' or ')}.\n`);
    return 2;
  }
  const nodeArgs = options.cpuProf === null ? [] : profilingArgs(options.cpuProf);
  const running = candidates([...options.against, ...(options.product ? ['ferrule'] : [])], nodeArgs);
  const folder = await workFolder();
  process.stdout.write(`${describe(running, options)}\n`);
  const results = await runAll(scenarios, running, options, folder);
  const names = running.map(({ name }) => name);
  // Brokers and gateways have little in common: a table for each.
  for (const inField of [false, true]) {
    const part = results.part((scenario) => (scenario.reference !== null) === inField);
    const measured = names.filter((name) => part.scenarios().some(({ rows }) => rows.some(({ series }) => series.has(name))));
    if (measured.length > 0) process.stdout.write(`\n${formatResults(part, measured, REFERENCE, options.rounds)}\n`);
  }
  process.stdout.write(`\n${LEGEND}`);
  if (options.json !== null) await writeFile(options.json, `${JSON.stringify(toJson(results, running, options), null, 2)}\n`);
  return 0;
}

/** Every file of scenarios/ brings its own. */
async function loadScenarios(): Promise<Scenario[]> {
  const folder = new URL('scenarios/', import.meta.url);
  const files = (await readdir(folder)).filter((name) => name.endsWith('.js')).sort();
  const modules = await Promise.all(files.map((name) => import(new URL(name, folder).href) as Promise<{ scenarios: Scenario[] }>));
  return modules.flatMap(({ scenarios }) => scenarios);
}

/** Candidates write to a real disk: a commit into memory costs nothing. The folder is gone when we are. */
async function workFolder(): Promise<string> {
  const parent = join(packageRoot(), 'build');
  await mkdir(parent, { recursive: true });
  if ((await statfs(parent)).type === TMPFS) {
    process.stdout.write(`Mind: ${parent} is in memory, so that what B4 says of durability is void.\n`);
  }
  const folder = await mkdtemp(join(parent, 'bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function describe(running: readonly Candidate[], { rounds, seconds }: BenchOptions): string {
  const lines = running.map(({ name, settings }) => `  ${name.padEnd(15)} ${settings}`);
  return [`${machine()}; ${rounds} rounds of ${seconds} s; candidate on core 0, load on core 1`, ...lines].join('\n');
}

function profilingArgs(folder: string): string[] {
  return ['--cpu-prof', `--cpu-prof-dir=${resolve(folder)}`, `--import=${join(packageRoot(), 'scripts/lib/profile-workers.mjs')}`];
}

function machine(): string {
  return `${cpus().length} cores ${cpus()[0]?.model.trim() ?? ''}, Linux ${release()}, Node ${process.versions.node}`;
}

/** Interleaved: what disturbs the machine for a while disturbs every candidate alike. */
async function runAll(
  scenarios: readonly Scenario[],
  running: readonly Candidate[],
  { rounds, seconds, patience }: BenchOptions,
  folder: string,
): Promise<Results> {
  let patienceMs = patience * 1000;
  const results = new Results();
  for (let round = 0; round < rounds; round++) {
    for (const scenario of scenarios) {
      const reference = new Map<string, number>();
      for (const candidate of running) {
        if (!takesPart(candidate, scenario)) continue;
        process.stdout.write(`round ${round + 1}: ${scenario.id} ${candidate.name} ... `);
        let figures: Figure[];
        try {
          figures = await runOne(scenario, candidate, { seconds, reference, folder });
          for (let attempt = 1; attempt < MAX_ATTEMPTS && isDisturbed(figures) && patienceMs > 0; attempt++) {
            const begun = performance.now();
            process.stdout.write('disturbed, again ... ');
            const again = await runOne(scenario, candidate, { seconds, reference, folder });
            // Chosen by what others took, never by what came out.
            if (othersOf(again) < othersOf(figures)) figures = again;
            patienceMs -= performance.now() - begun;
          }
        } catch (error) {
          if (error instanceof Unavailable) {
            process.stdout.write(`skipped: ${error.message}\n`);
            continue;
          }
          // What was measured before is worth keeping.
          process.exitCode = 1;
          process.stdout.write(`failed: ${(error as Error).message}\n`);
          continue;
        }
        process.stdout.write(`${figures[0]?.value?.toFixed(0) ?? '-'} ${figures[0]?.unit ?? ''}\n`);
        results.add(scenario, candidate.name, round, figures);
        if (candidate.name !== REFERENCE) continue;
        for (const { name, value } of figures) if (value !== null) reference.set(name, value);
      }
    }
  }
  return results;
}

function takesPart({ name, only, transports, command }: Candidate, { id, transport, field }: Scenario): boolean {
  if (field !== undefined) return field.candidates.includes(name);
  if (command === undefined) return false;
  return (only === undefined || isWanted(id, only)) && (transport === undefined || transports.includes(transport));
}

/** One candidate, freshly started, through one scenario. */
async function runOne(
  scenario: Scenario,
  candidate: Candidate,
  { seconds, reference, folder }: { seconds: number; reference: ReadonlyMap<string, number>; folder: string },
): Promise<Figure[]> {
  const own = await mkdtemp(join(folder, 'candidate-'));
  const { transport } = scenario;
  const extra = transport === undefined ? null : { transport, port: await freePort(), ...(await certificateIn(folder)) };
  const plant = scenario.field === undefined ? null : await buildPlant(scenario.field, own);
  let broker: Broker | null = null;
  try {
    const port = await freePort();
    broker = await Broker.start(await commandOf(candidate, { port, own, extra, plant }), port, own, extra);
    const ended = broker.ended();
    ended.catch(() => {});
    const figures = await Promise.race([scenario.run({ broker, seconds, reference, plant }), ended]);
    return [...figures, { name: 'memory at its peak', unit: 'MB', better: 'lower', value: broker.peakMemory / 1e6 }];
  } finally {
    await broker?.stop();
    if (plant !== null) await closePlant(plant);
    await rm(own, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function buildPlant({ build }: FieldScenario, own: string): Promise<Plant> {
  const folder = join(own, 'plant');
  await mkdir(folder);
  return build(folder);
}

async function commandOf(
  { name, command, field }: Candidate,
  { port, own, extra, plant }: { port: number; own: string; extra: ExtraListener | null; plant: Plant | null },
): Promise<CandidateCommand> {
  const asked = plant === null ? command?.(port, own, extra) : await field?.(plant.job, port, own);
  if (asked === undefined) throw new Error(`${name} does not do this`);
  return asked;
}

/** One for all candidates. */
async function certificateIn(folder: string): Promise<{ cert: string; key: string }> {
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  if (!existsSync(files.cert)) {
    const { cert, key } = await makeCertificate(Date.now());
    await writeFile(files.key, key);
    await writeFile(files.cert, cert);
  }
  return files;
}

function toJson(results: Results, running: readonly Candidate[], { rounds, seconds }: BenchOptions): unknown {
  return {
    machine: machine(),
    rounds,
    seconds,
    reference: REFERENCE,
    candidates: Object.fromEntries(running.map(({ name, settings }) => [name, settings])),
    scenarios: results.scenarios().map(({ id, title, reference, rows }) => ({
      id,
      title,
      reference: reference ?? REFERENCE,
      figures: rows.map(({ name, unit, better, series }) => ({
        name,
        unit,
        better,
        candidates: Object.fromEntries(
          [...series].map(([candidate, values]) => [
            candidate,
            {
              summary: summarize(values, candidate === (reference ?? REFERENCE) ? null : (series.get(reference ?? REFERENCE) ?? null)),
              ...values,
            },
          ]),
        ),
      })),
    })),
  };
}
