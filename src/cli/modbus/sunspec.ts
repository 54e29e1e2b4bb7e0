import { discoverSunSpec, type SunSpecDevice } from '../../field/sunspec/discover.js';
import type { Arguments, Io, Option } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { ask } from '../field/ask.js';
import { integer } from '../field/options.js';

const TIMEOUT_MS = 2000;

export const SUNSPEC_OPTIONS: Record<string, Option> = {
  all: { type: 'boolean', help: 'sunspec: also values that the device says it does not have (now; it may by day).' },
  yaml: { type: 'boolean', help: 'sunspec: the device as it goes into the configuration.' },
};

/** What SunSpec models a device has, and its tags with what they say now. */
export async function sunspec(args: Arguments, io: Io): Promise<ExitCode> {
  const unit = integer(args, 'unit', 0, 255, 1);
  const device = await ask<SunSpecDevice>(
    {
      own: (bus) => discoverSunSpec(bus, unit),
      gateway: (client, _path, bus) => client.post('/sunspec', { where: { kind: 'bus', bus }, unit }),
    },
    args,
    io,
    integer(args, 'timeout', 20, 60_000, TIMEOUT_MS),
  );
  if (!args.flag('all')) device.tags = device.tags.filter((tag) => tag.isImplemented);
  if (args.flag('json')) io.out(`${JSON.stringify(device)}\n`);
  else if (args.flag('yaml')) io.out(await yamlOf(device, args.text('bus') ?? 'hall'));
  else io.out(textOf(device));
  for (const problem of device.problems) io.err(`warning: ${problem}\n`);
  return EXIT.OK;
}

function textOf({ base, manufacturer, model, version, serialNumber, models, tags }: SunSpecDevice): string {
  const width = Math.max(0, ...tags.map(({ tag }) => tag.name.length));
  return [
    `${manufacturer ?? '?'} ${model ?? '?'}, version ${version ?? '?'}, serial number ${serialNumber ?? '?'}; map at ${base}`,
    ...models.map(({ id, name, address, length }) => `model ${id} at ${address}, ${length} registers: ${name ?? 'not known here'}`),
    '',
    ...tags.map(({ tag, value }) =>
      `${tag.name.padEnd(width)}  ${value ?? 'no value'}${value === null ? '' : ` ${tag.unit ?? ''}`}`.trimEnd(),
    ),
    '',
  ].join('\n');
}

async function yamlOf({ unit, manufacturer, model, tags }: SunSpecDevice, bus: string): Promise<string> {
  const [{ stringify }, { SCAN }] = await Promise.all([import('yaml'), import('../../field/sunspec/tags.js')]);
  const name = `${manufacturer ?? 'sunspec'}-${model ?? unit}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const lines = tags.map(({ tag }) => `    - ${stringify(tag, { collectionStyle: 'flow', lineWidth: 0 }).trim()}\n`);
  return `- name: ${name}\n  bus: ${bus}\n  unit: ${unit}\n  scan: {fast: ${SCAN.fast}, slow: ${SCAN.slow}}\n  tags:\n${lines.join('')}`;
}
