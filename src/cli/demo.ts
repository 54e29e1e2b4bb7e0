import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, relative, resolve } from 'node:path';
import { systemClock } from '../clock.js';
import type { LoadedConfig } from '../config/load.js';
import { FerruleError, messageOf } from '../errors.js';
import type { Plant, PlantDeviceName } from '../field/simulator/demo-plant.js';
import type { Gateway } from '../gateway.js';
import { Loggers } from '../log.js';
import type { Arguments, Command, Io } from './command.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { leanHeap } from './lean-heap.js';
import { sparingStart } from './sparing-start.js';
import { makeDirectory, reportRefusal } from './start.js';

const HOST = '127.0.0.1';
/** Below the ports that the system hands out by itself, so that they are free again at the next run. */
const PLANT_PORTS: Readonly<Record<PlantDeviceName, number>> = { meter: 15_020, oven: 15_040, drive: 15_060, scale: 15_080 };

export const demo: Command = {
  usage: '[--data DIR] [--mqtt PORT] [--console PORT]',
  help: `Runs a gateway with a simulated plant: three Modbus TCP devices (one of which misbehaves now and then) and a scale,
a rule, the web console and MQTT, on this machine only. What to try next is printed once it runs.

The first run writes DIR/ferrule.yaml and DIR/rules; change them while it runs and see what happens. Remove DIR to begin
anew. Logs go to DIR/demo.log.`,
  options: {
    data: { type: 'string', short: 'd', value: 'DIR', help: 'Folder for everything that the demo keeps. Default: ./data' },
    mqtt: { type: 'string', value: 'PORT', help: 'MQTT port of the first run. Default: 1883, or the next one that is free.' },
    console: { type: 'string', value: 'PORT', help: 'Console port of the first run. Default: 8080, or the next one that is free.' },
  },
  async run(args, io) {
    leanHeap();
    const started = sparingStart();
    const dataDir = resolve(args.text('data') ?? 'data');
    const file = join(dataDir, 'ferrule.yaml');
    let plant: Plant | null = null;
    try {
      await makeDirectory(dataDir);
      const loggers = new Loggers({ level: 'info' }, createWriteStream(join(dataDir, 'demo.log'), { mode: 0o600 }));
      const { loadConfig } = await import('../config/load.js');
      const known = existsSync(file) ? await loadConfig(file) : null;
      plant = await startSimulation(loggers, known);
      if (known === null) await writeFiles(dataDir, file, plant, args);
      const loaded = known ?? (await loadConfig(file));
      loggers.configure(loaded.config.log);
      return await runDemo({ loaded, dataDir, plant, loggers, io, started });
    } catch (error) {
      return reportRefusal(error, io);
    } finally {
      await plant?.stop();
    }
  },
};

/** The simulated devices, on the ports where the configuration of an earlier run looks for them. */
async function startSimulation(loggers: Loggers, known: LoadedConfig | null): Promise<Plant> {
  const ports: Partial<Record<PlantDeviceName, number>> = {};
  for (const [name, usual] of Object.entries(PLANT_PORTS) as [PlantDeviceName, number][]) {
    ports[name] = (known === null ? undefined : portOf(known, name)) ?? (await freePort(usual));
  }
  const { startPlant } = await import('../field/simulator/demo-plant.js');
  try {
    return await startPlant({ host: HOST, clock: systemClock, log: loggers.for('plant'), ports });
  } catch (error) {
    throw new FerruleError('FER_CLI_START', `The simulated plant can't start: ${messageOf(error)}.`, {
      hint: 'Is another demo running? Stop it, or use another folder: --data DIR.',
      cause: error,
    });
  }
}

function portOf({ config }: LoadedConfig, name: PlantDeviceName): number | undefined {
  const device = config.field.devices.find((other) => other.name === name);
  const bus = config.field.buses.find((other) => other.name === device?.bus);
  return bus !== undefined && 'host' in bus && bus.host === HOST ? bus.port : undefined;
}

async function writeFiles(dataDir: string, file: string, plant: Plant, args: Arguments): Promise<void> {
  const { DEMO_RULE, DEMO_RULE_FILE, demoConfig } = await import('./demo-config.js');
  const mqtt = await choosePort('mqtt', args.text('mqtt'), 1883);
  const webConsole = await choosePort('console', args.text('console'), 8080);
  await mkdir(join(dataDir, 'rules'), { recursive: true });
  const rule = join(dataDir, 'rules', DEMO_RULE_FILE);
  if (!existsSync(rule)) await writeFile(rule, DEMO_RULE);
  // Last: a configuration that is there means that the first run got this far.
  await writeFile(file, demoConfig({ plant: plant.ports, mqtt, console: webConsole }));
}

/** The port that was asked for, or the first free one from the usual one on. */
async function choosePort(option: string, asked: string | undefined, usual: number): Promise<number> {
  if (asked !== undefined) {
    const port = Number(asked);
    if (/^[0-9]+$/.test(asked) && port <= 65535) return port;
    throw new FerruleError('FER_CLI_USAGE', `--${option} ${asked} is not a port.`, {
      hint: 'Ports are numbers from 1 to 65535; 0 takes a free one.',
    });
  }
  return freePort(usual);
}

/** The usual port or one soon after it; the usual one where none is free, so that what fails says why. */
async function freePort(usual: number): Promise<number> {
  for (let port = usual; port < usual + 20; port++) if (await isFree(port)) return port;
  return usual;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const server = createServer();
    server.once('error', () => settle(false));
    server.listen({ host: HOST, port }, () => server.close(() => settle(true)));
  });
}

interface DemoRun {
  loaded: LoadedConfig;
  dataDir: string;
  plant: Plant;
  loggers: Loggers;
  io: Io;
  /** Called once it runs. */
  started(): void;
}

async function runDemo({ loaded, dataDir, plant, loggers, io, started }: DemoRun): Promise<ExitCode> {
  const [{ createGateway }, { runGateway }] = await Promise.all([import('../gateway.js'), import('./run-gateway.js')]);
  let setup: { code: string; url: string } | null = null;
  const code = await runGateway({
    loaded,
    io,
    loggers,
    create: ({ clock, onFatal }) =>
      createGateway({
        config: loaded.config,
        configFile: { file: loaded.file, load: {} },
        dataDir,
        demo: true,
        loggers,
        clock,
        onFatal,
        onSetupCode: (setupCode, url) => {
          setup = { code: setupCode, url };
        },
      }),
    onRunning: (gateway) => {
      started();
      io.out(welcome(gateway, plant, dataDir, setup));
    },
  });
  if (code === EXIT.OK) io.out('The demo has stopped.\n');
  return code;
}

/** What runs where, and what to try next. */
function welcome(gateway: Gateway, plant: Plant, dataDir: string, setup: { code: string; url: string } | null): string {
  const { mqtt, console: consoleUrl } = gateway.addresses();
  const folder = relative(process.cwd(), dataDir) || '.';
  const tcp = mqtt.find((listener) => listener.type === 'tcp');
  const at = `-h ${HOST}${tcp === undefined || tcp.port === 1883 ? '' : ` -p ${tcp.port}`}`;
  const wrong = gateway.parts().filter((part) => part.error !== null);
  return `
Ferrule runs, with a simulated plant.

  console  ${consoleUrl ?? 'does not run'}
${setup === null ? '' : `           claim it with the setup code ${setup.code}\n`}  MQTT     ${tcp === undefined ? 'does not run' : `${HOST}:${tcp.port}, no password`}
${plant.devices.map(({ name, port, description }) => `  ${name.padEnd(8)} ${HOST}:${port}, ${description}`).join('\n')}
  files    ${folder}/ferrule.yaml, ${folder}/rules, ${folder}/demo.log
${wrong.map((part) => `\n  ! ${part.name}: ${part.error?.message}${part.error?.hint === undefined ? '' : ` ${part.error.hint}`}\n`).join('')}
Try next:

  mosquitto_sub ${at} -v -t 'field/#'                        every value, as it changes
  mosquitto_sub ${at} -v -t 'alarms/#'                       what the rule says
  mosquitto_pub ${at} -t field/oven/setpoint/set -m 210      heat the oven, until the rule speaks
  edit ${folder}/rules/oven.yaml or ${folder}/ferrule.yaml: changes take effect at once

Ctrl-C stops it.
`;
}
