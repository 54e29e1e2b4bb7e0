import { systemClock } from '../clock.js';
import type { LoadedProfile } from '../config/profiles.js';
import { FerruleError, messageOf } from '../errors.js';
import type { Profile } from '../field/profiles/schema.js';
import type { Fingerprint } from '../field/simulator/fixed-places.js';
import type { Identity } from '../field/simulator/identification.js';
import type { SimulatedTag } from '../field/simulator/profile-device.js';
import type { SimulatedUnit, SimulationOptions } from '../field/simulator/simulation.js';
import { withoutSubject } from '../field/tools/say-once.js';
import type { Arguments, Command, Io } from './command.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { hostAndPort, integer, numbers, oneOf, usage as wrongUsage } from './field/options.js';
import { CONFIG_OPTION, DATA_OPTION } from './places.js';
import { findProfile, openLibrary } from './profiles.js';
import { reportRefusal } from './start.js';

const DEFAULT_LISTEN = '127.0.0.1:5020';
const DEFAULT_TCP_PORT = 5020;
const MAX_PROFILES = 64;

export const simulate: Command = {
  usage: 'PROFILE[:UNITS]... [--listen HOST:PORT | --port FILE] [--seed N]',
  help: `Plays devices: serves profiles on Modbus TCP or on a serial line, with values that move as in a plant, until Ctrl-C.

UNITS are unit ids: 1, 1-4, 1-4,7. Without them the profiles have one unit each, counting from 1. Registers that a profile does not
map answer with exception 2, too many at once with exception 3; tags that may be written keep what is written. A device says what it
is (function 43/14), and holds what its profile is recognised by: 'ferrule profiles identify' and, where the profile is one of SunSpec,
'ferrule modbus sunspec' know it.

Examples:
  ferrule simulate eastron-sdm630
  ferrule simulate eastron-sdm630:1-3 omron-e5cc:10 --listen 127.0.0.1:5020
  ferrule simulate abb-b23 --port /dev/ttyUSB1 --baud 19200 --parity even`,
  options: {
    listen: { type: 'string', value: 'HOST:PORT', help: `Modbus TCP: where to listen (port 0: a free one). Default: ${DEFAULT_LISTEN}` },
    port: { type: 'string', short: 'p', value: 'FILE', help: 'Serial port to answer on, instead of TCP.' },
    baud: { type: 'string', short: 'b', value: 'N', help: 'Bits per second. Default: 9600.' },
    parity: { type: 'string', value: 'P', help: 'none, even or odd. Default: none.' },
    'stop-bits': { type: 'string', value: 'N', help: '1 or 2. Default: 1.' },
    seed: { type: 'string', value: 'N', help: 'Same seed, same values. Default: 1.' },
    config: { ...CONFIG_OPTION, help: 'Configuration beside which profiles are looked for. Default: as for start.' },
    data: { ...DATA_OPTION, help: 'Data folder in which profiles are looked for. Default: as for start.' },
  },
  words: { min: 1, max: MAX_PROFILES },
  async run(args, io) {
    try {
      const units = await unitsOf(args, io);
      return await serve({ units, where: whereOf(args), clock: systemClock, seed: integer(args, 'seed', 0, 1_000_000, 1) }, io);
    } catch (error) {
      return reportRefusal(error, io);
    }
  },
};

async function serve(options: Omit<SimulationOptions, 'onLost'>, io: Io): Promise<ExitCode> {
  const { Simulation } = await import('../field/simulator/simulation.js');
  const { where } = options;
  let end: (code: ExitCode) => void = () => undefined;
  const ended = new Promise<ExitCode>((resolve) => {
    end = resolve;
  });
  const onLost = (error: Error): void => {
    io.err(`The port is gone: ${messageOf(error)} [FER_FIELD_BUS]\n`);
    end(EXIT.FAULT);
  };
  const simulation = new Simulation({ ...options, onLost });
  const onSignal = (): void => end(EXIT.OK);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  try {
    const place = await simulation.start().catch((error: unknown) => {
      const subject = where.kind === 'tcp' ? `${where.host}:${where.port}` : where.port;
      throw new FerruleError('FER_FIELD_BUS', `${subject} can't be opened: ${withoutSubject(messageOf(error), subject)}.`, {
        hint: 'Name another one, or end the program that uses it.',
        cause: error,
      });
    });
    io.out(`listening ${place}, units ${options.units.map(({ unit }) => unit).join(', ')}\n`);
    return await ended;
  } finally {
    await simulation.stop();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
  }
}

function whereOf(args: Arguments): SimulationOptions['where'] {
  const port = args.text('port');
  const listen = args.text('listen');
  if (port === undefined) return { kind: 'tcp', ...listenAt(listen ?? DEFAULT_LISTEN) };
  if (listen !== undefined) throw usage('Either --listen or --port.');
  return {
    kind: 'line',
    port,
    baud: integer(args, 'baud', 50, 4_000_000, 9600),
    parity: oneOf(['none', 'even', 'odd'], args.text('parity') ?? 'none', '--parity'),
    stopBits: oneOf(['1', '2'], args.text('stop-bits') ?? '1', '--stop-bits') === '2' ? 2 : 1,
  };
}

/** Port 0: a free one. */
function listenAt(text: string): { host: string; port: number } {
  if (!text.endsWith(':0')) return hostAndPort(text, DEFAULT_TCP_PORT);
  return { ...hostAndPort(text.slice(0, -2), DEFAULT_TCP_PORT), port: 0 };
}

function usage(message: string): FerruleError {
  return wrongUsage(message, "See 'ferrule simulate --help'.");
}

async function unitsOf(args: Arguments, io: Io): Promise<SimulatedUnit[]> {
  const library = await openLibrary(args, io);
  const units = new Map<number, SimulatedUnit>();
  for (const [index, word] of args.words.entries()) {
    const [name = '', list] = word.split(':', 2);
    const device = await simulated(await findProfile(name, library));
    for (const unit of list === undefined ? [index + 1] : numbers(list, 'Units', 1, 247)) {
      if (units.has(unit)) throw usage(`Unit ${unit} is there twice.`);
      units.set(unit, { ...device, unit });
    }
  }
  return [...units.values()].sort((a, b) => a.unit - b.unit);
}

async function simulated({ profile }: LoadedProfile): Promise<Omit<SimulatedUnit, 'unit'>> {
  const [{ resolvePoint }, { fingerprintTag }, { sunspecFilling }] = await Promise.all([
    import('../field/modbus/point.js'),
    import('../field/profiles/check-config.js'),
    import('../field/simulator/sunspec-filling.js'),
  ]);
  const { order, max_registers = 125, max_bits = 2000 } = profile.defaults ?? {};
  const tags = profile.tags.map((tag): SimulatedTag => {
    const resolved = resolvePoint(tag, profile.defaults ?? {});
    if ('problems' in resolved) throw new Error(`${tag.name}: ${resolved.problems[0]?.message}`);
    const { area, address, length, type, bit, bits, highByte, scaleAddress } = resolved.point;
    return {
      ...{ name: tag.name, area, address, registers: length, type, bit, bits, highByte, scaleAddress },
      order: tag.order ?? order ?? 'ABCD',
      unit: tag.unit ?? null,
      scale: tag.scale ?? 1,
      offset: tag.offset ?? 0,
      writable: tag.access === 'read_write',
      min: tag.write.min ?? null,
      max: tag.write.max ?? null,
      choices: Object.keys(tag.enum ?? {}).map(Number),
      hints: profile.simulate?.[tag.name] ?? {},
    };
  });
  const fingerprints = (profile.identify?.registers ?? []).map((print): Fingerprint => {
    // As it is read when a device is recognised: without the defaults of the profile.
    const resolved = resolvePoint(fingerprintTag(print), {});
    if ('problems' in resolved) throw new Error(`identify, ${print.area} ${print.address}: ${resolved.problems[0]?.message}`);
    const { area, address, length, type, bit, bits, highByte } = resolved.point;
    return { ...{ area, address, registers: length, type, bit, bits, highByte }, order: print.order ?? 'ABCD', values: print.equals };
  });
  const limits = { maxRegisters: max_registers, maxBits: max_bits };
  return { tags, ...limits, identity: identityOf(profile), fingerprints, filling: sunspecFilling(fingerprints) };
}

/** Vendor and model; where the profile is recognised by other words, these. */
function identityOf({ vendor, model, identify }: Profile): Identity {
  const { vendor: maker = '', product = '' } = identify?.device_id ?? {};
  const has = (text: string, part: string) => text.toLowerCase().includes(part.toLowerCase());
  return { vendor: has(vendor, maker) ? vendor : maker, product: has(model, product) ? model : product };
}
