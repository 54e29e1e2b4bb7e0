import { dirname, join, resolve } from 'node:path';
import type { LoadedProfile, ProfileLibrary } from '../config/profiles.js';
import { FerruleError } from '../errors.js';
import type { Profile } from '../field/profiles/schema.js';
import type { Arguments, Command, Io } from './command.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { ask } from './field/ask.js';
import { GATEWAY_OPTIONS } from './field/gateway-client.js';
import { integer, TARGET_OPTIONS } from './field/options.js';
import { reportFailure } from './field/report.js';
import { CONFIG_OPTION, configFile, DATA_OPTION, dataDirectory } from './places.js';
import { reportRefusal } from './start.js';

export const profiles: Command = {
  usage:
    'list | show NAME | check FILE | identify (--host HOST[:PORT] | --port FILE | --bus NAME) [--unit N]  [--config FILE] [--data DIR] [--json]',
  help: `Device profiles: register maps that \`profile: NAME\` puts into a device of the configuration.

  list         what there is: those that came with Ferrule, those in profiles/ beside the configuration and in
               profiles/ of the data folder (a profile of yours wins over one of the same name that came with it)
  show NAME    its tags, where the facts come from, how the device is connected
  check FILE   everything that is wrong with a profile, with line and column
  identify     asks a device and names the profiles that fit it, of those that say how their model is recognised; what the gateway
               that runs here has as a bus it asks through it (--bus NAME), for the profiles that the gateway has

Examples:
  ferrule profiles show eastron-sdm630
  ferrule profiles check profiles/my-meter.yaml
  ferrule profiles identify --host 192.168.1.60 --unit 1`,
  options: {
    config: { ...CONFIG_OPTION, help: 'Configuration beside which profiles are looked for. Default: as for start.' },
    ...TARGET_OPTIONS,
    ...GATEWAY_OPTIONS,
    data: { ...DATA_OPTION, help: 'Data folder, of the gateway and of profiles. Default: as for start.' },
    unit: { type: 'string', short: 'u', value: 'N', help: 'Unit id. Default: 1.' },
    json: { type: 'boolean', help: 'As JSON.' },
  },
  words: { min: 1, max: 2 },
  async run(args, io) {
    const [verb, name] = args.words;
    if (verb === 'identify' && name === undefined) return identify(args, io).catch((error: unknown) => reportFailure(error, io));
    try {
      if (verb === 'list' && name === undefined) return await list(args, io);
      if (verb === 'show' && name !== undefined) return await show(name, args, io);
      if (verb === 'check' && name !== undefined) return await check(name, args, io);
      const hint = 'See ferrule profiles --help.';
      throw new FerruleError('FER_CLI_USAGE', `There is list, show NAME, check FILE and identify, not ${args.words.join(' ')}.`, { hint });
    } catch (error) {
      return reportRefusal(error, io);
    }
  },
};

/** The profiles that a gateway with these folders has. */
export async function openLibrary(args: Arguments, io: Io): Promise<ProfileLibrary> {
  const [{ PROFILES_FOLDER }, { ProfileLibrary }] = await Promise.all([import('../config/load.js'), import('../config/profiles.js')]);
  const beside = join(dirname(resolve(configFile(args.text('config'), io.env))), PROFILES_FOLDER);
  return new ProfileLibrary([beside, join(resolve(dataDirectory(args.text('data'), io.env)), PROFILES_FOLDER)]);
}

/** Of the library; throws where there is none of this name. */
export async function findProfile(name: string, library: ProfileLibrary): Promise<LoadedProfile> {
  const found = await library.get(name);
  if (found !== null) return found;
  const { nearest } = await import('../config/distance.js');
  const near = nearest(
    name,
    (await library.list()).map((place) => place.name),
  );
  throw new FerruleError('FER_FIELD_PROFILE', `There is no profile ${JSON.stringify(name)}.`, {
    hint: near === null ? 'ferrule profiles list shows what there is.' : `Did you mean ${near}?`,
  });
}

async function list(args: Arguments, io: Io): Promise<ExitCode> {
  const library = await openLibrary(args, io);
  const rows: { name: string; kind: string; device: string; tags: number; file: string; shipped: boolean; error: string | null }[] = [];
  for (const { name, file, shipped } of await library.list()) {
    try {
      const { profile } = await findProfile(name, library);
      const { kind, vendor, model, tags } = profile;
      rows.push({ name, kind, device: `${vendor} ${model}`, tags: tags.length, file, shipped, error: null });
    } catch (error) {
      const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      rows.push({ name, kind: 'not valid', device: reason, tags: 0, file, shipped, error: reason });
    }
  }
  if (args.flag('json')) io.out(`${JSON.stringify(rows)}\n`);
  else io.out(table(rows.map((row) => [row.name, row.kind, row.device, `${row.tags} tags${row.shipped ? '' : `, ${row.file}`}`])));
  return rows.some((row) => row.error !== null) ? EXIT.INVALID_CONFIG : EXIT.OK;
}

async function show(name: string, args: Arguments, io: Io): Promise<ExitCode> {
  const { profile, file } = await findProfile(name, await openLibrary(args, io));
  io.out(args.flag('json') ? `${JSON.stringify({ ...profile, file })}\n` : description(profile, file));
  return EXIT.OK;
}

async function check(file: string, args: Arguments, io: Io): Promise<ExitCode> {
  const { loadProfile } = await import('../config/profiles.js');
  const { ConfigErrors } = await import('../config/errors.js');
  try {
    const { profile } = await loadProfile(file);
    if (args.flag('json')) io.out(`${JSON.stringify({ ok: true, file: resolve(file), errors: [] })}\n`);
    else io.out(`${file}: correct. ${profile.vendor} ${profile.model}, ${profile.tags.length} tags.\n`);
    return EXIT.OK;
  } catch (error) {
    if (!(error instanceof ConfigErrors) || !args.flag('json')) throw error;
    const errors = error.errors.map((fault) => ({ code: fault.code, message: fault.message, hint: fault.hint ?? null, ...fault.where }));
    io.out(`${JSON.stringify({ ok: false, file: resolve(file), errors })}\n`);
    return EXIT.INVALID_CONFIG;
  }
}

interface Named {
  name: string;
  vendor: string;
  model: string;
}

async function identify(args: Arguments, io: Io): Promise<ExitCode> {
  const unit = integer(args, 'unit', 0, 255, 1);
  const fitting = await ask<Named[]>(
    {
      own: async (bus) => {
        const [{ recognise }, profiles] = await Promise.all([import('../field/profiles/recognise.js'), allProfiles(args, io)]);
        return (await recognise(bus, unit, profiles)).map(({ name, vendor, model }) => ({ name, vendor, model }));
      },
      gateway: async (client, _path, bus) => {
        const { profiles: names } = await client.post<{ profiles: string[] }>('/identify', { where: { kind: 'bus', bus }, unit });
        const { profiles } = await client.get<{ profiles: Named[] }>('/profiles');
        return names.flatMap((name) =>
          profiles.filter((profile) => profile.name === name).map(({ vendor, model }) => ({ name, vendor, model })),
        );
      },
    },
    args,
    io,
  );
  if (args.flag('json')) io.out(`${JSON.stringify(fitting)}\n`);
  else if (fitting.length > 0) io.out(table(fitting.map(({ name, vendor, model }) => [name, `${vendor} ${model}`])));
  else io.out('No profile says that it fits.\n');
  return EXIT.OK;
}

async function allProfiles(args: Arguments, io: Io): Promise<Profile[]> {
  const library = await openLibrary(args, io);
  const profiles: Profile[] = [];
  for (const { name } of await library.list()) {
    // One that is not valid is the matter of list and check.
    const loaded = await library.get(name).catch(() => null);
    if (loaded !== null) profiles.push(loaded.profile);
  }
  return profiles;
}

function description(profile: Profile, file: string): string {
  const { serial, tcp } = profile.connection ?? {};
  const lines = [`${profile.vendor} ${profile.model} (${profile.kind.replaceAll('_', ' ')})`];
  if (profile.description !== undefined) lines.push('', profile.description);
  lines.push('', `file          ${file}`);
  if (serial !== undefined) lines.push(`line          ${serial.baud} ${serial.parity} ${serial.stop_bits}, as delivered`);
  if (tcp !== undefined) lines.push(`Modbus TCP    port ${tcp.port}`);
  for (const [key, value] of Object.entries(profile.defaults ?? {})) lines.push(`${key.padEnd(14)}${String(value)}`);
  for (const [name, period] of Object.entries(profile.scan ?? {})) lines.push(`scan          ${name}: ${period / 1000} s`);
  for (const { title, section, url } of profile.source) lines.push(`source        ${[title, section, url].filter(Boolean).join(', ')}`);
  const rows = profile.tags.map((tag) => {
    const place = tag.area === undefined ? String(tag.address) : `${tag.area} ${tag.address}`;
    const kind = `${tag.type ?? ''}${tag.scale === undefined ? '' : ` x ${tag.scale}`}`;
    return [tag.name, place, kind, tag.unit ?? '', tag.access === 'read_write' ? 'read, write' : 'read', tag.description ?? ''];
  });
  return `${lines.join('\n')}\n\n${table(rows)}`;
}

function table(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
    .map((row) => `${row}\n`)
    .join('');
}
