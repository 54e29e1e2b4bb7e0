import { systemClock } from '../../clock.js';
import type { SunSpecDevice } from '../../field/sunspec/discover.js';
import { silentLogger } from '../../log.js';
import type { Arguments, Io, Option } from '../command.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { integer, targetOf } from '../field/options.js';

const TIMEOUT_MS = 2000;

export const SUNSPEC_OPTIONS: Record<string, Option> = {
  all: { type: 'boolean', help: 'sunspec: also values that the device says it does not have (now; it may by day).' },
  yaml: { type: 'boolean', help: 'sunspec: the device as it goes into the configuration.' },
};

/** What SunSpec models a device has, and its tags with what they say now. */
export async function sunspec(args: Arguments, io: Io): Promise<ExitCode> {
  const target = targetOf(args);
  const unit = integer(args, 'unit', 0, 255, 1);
  const [{ openOwnBus }, { discoverSunSpec }] = await Promise.all([
    import('../../field/tools/own-bus.js'),
    import('../../field/sunspec/discover.js'),
  ]);
  const bus = await openOwnBus(target, TIMEOUT_MS, systemClock, silentLogger);
  try {
    const device = await discoverSunSpec(bus, unit);
    if (!args.flag('all')) device.tags = device.tags.filter((tag) => tag.isImplemented);
    if (args.flag('json')) io.out(`${JSON.stringify(device)}\n`);
    else if (args.flag('yaml')) io.out(await yamlOf(device));
    else io.out(textOf(device));
    for (const problem of device.problems) io.err(`warning: ${problem}\n`);
    return EXIT.OK;
  } finally {
    await bus.stop();
  }
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

async function yamlOf({ unit, manufacturer, model, tags }: SunSpecDevice): Promise<string> {
  const [{ stringify }, { SCAN }] = await Promise.all([import('yaml'), import('../../field/sunspec/tags.js')]);
  const name = `${manufacturer ?? 'sunspec'}-${model ?? unit}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const lines = tags.map(({ tag }) => `    - ${stringify(tag, { collectionStyle: 'flow', lineWidth: 0 }).trim()}\n`);
  return `- name: ${name}\n  bus: hall\n  unit: ${unit}\n  scan: {fast: ${SCAN.fast}, slow: ${SCAN.slow}}\n  tags:\n${lines.join('')}`;
}
