import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FerruleError, messageOf } from '../errors.js';
import type { DeviceConfig, ModbusDeviceConfig } from '../field/schema.js';
import type { Separator } from '../field/tags-file/csv.js';
import type { Imported, Selection } from '../field/tags-file/import/imported.js';
import type { Arguments, Command, Io } from './command.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { CONFIG_OPTION, configFile } from './places.js';
import { reportRefusal } from './start.js';

const FORMATS = ['csv', 'neuron', 'telegraf'] as const;
type Format = (typeof FORMATS)[number];

/** Tags that were read, and what there is to say of them. */
interface Read {
  tags: ModbusDeviceConfig['tags'];
  errors: readonly FerruleError[];
  warnings: readonly FerruleError[];
  notes: readonly string[];
}

export const tags: Command = {
  usage: 'export DEVICE | import FILE | check FILE [--from csv|neuron|telegraf] [options]',
  help: `Lists of tags: CSV whose columns are the keys of a tag, as \`tags_file\` of a device takes them.

  export DEVICE  the tags of a device of the configuration, as a list
  import FILE    a list made of that of another program: a table of Neuron (saved as CSV) or its JSON, the
                 [[inputs.modbus]] of a Telegraf configuration. What can be meant in two ways is refused, with the reason
  check FILE     everything that is wrong with a list, with row and column

Examples:
  ferrule tags import neuron-tags.csv --from neuron --unit 1 --out meter1.csv
  ferrule tags export meter1 --config ferrule.yaml --separator ";" --bom --out meter1-all.csv
  ferrule tags check meter1.csv`,
  options: {
    config: { ...CONFIG_OPTION, help: 'Configuration to export from. Default: as for start.' },
    from: { type: 'string', value: 'FORMAT', help: 'What FILE is: csv, neuron or telegraf. Default: csv for check.' },
    unit: { type: 'string', value: 'N', help: 'Only tags of this unit: a list is of one device.' },
    node: { type: 'string', value: 'NAME', help: 'Only tags of this node (Neuron) or plugin (Telegraf).' },
    groups: {
      type: 'string',
      value: 'HOW',
      help: 'Groups (Neuron) and measurements (Telegraf): ignore, prefix (GROUP_NAME) or scan (a scan class). Default: ignore.',
    },
    start: {
      type: 'string',
      value: 'N',
      help: 'The "start address" of the Neuron node: 1 (400001 is the first register) or 0. Default: 1.',
    },
    out: { type: 'string', short: 'o', value: 'FILE', help: 'Write the list there. Default: standard output.' },
    separator: { type: 'string', value: 'CHAR', help: 'Between the columns: , or ; or tab. Default: a comma.' },
    bom: { type: 'boolean', help: 'Begin with a byte order mark, by which spreadsheets know UTF-8.' },
    json: { type: 'boolean', help: 'check: as JSON: {"ok", "tags", "errors", "warnings", "notes"}.' },
  },
  words: { min: 2, max: 2 },
  async run(args, io) {
    const [verb, name = ''] = args.words;
    try {
      switch (verb) {
        case 'export':
          return await exportTags(name, args, io);
        case 'import':
          return await importTags(name, args, io);
        case 'check':
          return await checkTags(name, args, io);
        default:
          throw usage(`There is export DEVICE, import FILE and check FILE, not ${verb}.`);
      }
    } catch (error) {
      return reportRefusal(error, io);
    }
  },
};

async function exportTags(name: string, args: Arguments, io: Io): Promise<ExitCode> {
  const { loadConfig } = await import('../config/load.js');
  const { config } = await loadConfig(resolve(configFile(args.text('config'), io.env)));
  refuseListInUse(args.text('out'), config.field.devices);
  const device = config.field.devices.find((each) => each.name === name);
  if (device === undefined || !('tags' in device)) {
    const names = config.field.devices.flatMap((each) => ('tags' in each ? [each.name] : []));
    throw new FerruleError('FER_FIELD_UNKNOWN_TAG', `There is no Modbus device ${name}.`, { hint: `There are: ${names.join(', ')}.` });
  }
  await write(device.tags, args, io);
  return EXIT.OK;
}

/** It would get the tags that the configuration and the profile bring, and the device would have them twice. */
function refuseListInUse(out: string | undefined, devices: readonly DeviceConfig[]): void {
  const user = out === undefined ? undefined : devices.find((each) => 'tags_file' in each && each.tags_file === resolve(out));
  if (user === undefined) return;
  throw new FerruleError('FER_FIELD_TAGS_FILE', `This is the list of ${user.name} in the configuration, and is left alone.`, {
    where: { file: resolve(out ?? '') },
    hint: 'Name another file.',
  });
}

async function importTags(name: string, args: Arguments, io: Io): Promise<ExitCode> {
  const from = formatOf(args);
  if (from === null) throw usage('Say what the file is: --from neuron, --from telegraf or --from csv.');
  const read = await readList(name, from, args);
  for (const note of read.notes) io.err(`note: ${note}\n`);
  for (const warning of read.warnings) io.err(`warning: ${warning.toLine()}\n`);
  for (const error of read.errors) io.err(`${error.toLine()}\n`);
  if (read.errors.length > 0) {
    io.err(`${read.errors.length} ${read.errors.length === 1 ? 'fault' : 'faults'}; nothing was written.\n`);
    return EXIT.INVALID_CONFIG;
  }
  await write(read.tags, args, io);
  return EXIT.OK;
}

async function checkTags(name: string, args: Arguments, io: Io): Promise<ExitCode> {
  const { tags: found, errors, warnings, notes } = await readList(name, formatOf(args) ?? 'csv', args);
  const ok = errors.length === 0;
  if (args.flag('json')) {
    const plain = (error: FerruleError) => ({ code: error.code, message: error.message, hint: error.hint ?? null, ...error.where });
    io.out(`${JSON.stringify({ ok, tags: found.length, errors: errors.map(plain), warnings: warnings.map(plain), notes })}\n`);
  } else {
    for (const note of notes) io.err(`note: ${note}\n`);
    for (const warning of warnings) io.err(`warning: ${warning.toLine()}\n`);
    for (const error of errors) io.err(`${error.toLine()}\n`);
    if (ok) io.out(`${resolve(name)}: correct. ${found.length} tags.\n`);
    else io.err(`${errors.length} ${errors.length === 1 ? 'fault' : 'faults'}.\n`);
  }
  return ok ? EXIT.OK : EXIT.INVALID_CONFIG;
}

async function readList(name: string, from: Format, args: Arguments): Promise<Read> {
  const file = resolve(name);
  const content = await readBounded(file);
  if (from === 'csv') return validated(content, file, null);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    throw new FerruleError('FER_FIELD_TAGS_FILE', 'The list is not UTF-8 text.', { where: { file }, hint: 'Save it as UTF-8.' });
  }
  const [{ select }, { importList }] = await Promise.all([
    import('../field/tags-file/import/imported.js'),
    import('../field/tags-file/import/convert.js'),
  ]);
  const imported = select(await importList(text, file, from, startOf(args)), selectionOf(args));
  if (imported.faults.length > 0) return { tags: [], errors: imported.faults, warnings: [], notes: imported.notes };
  const { writeTagTable } = await import('../field/tags-file/write.js');
  const read = await validated(Buffer.from(writeTagTable(imported.tags.map(({ tag }) => tag))), file, imported);
  return { ...read, notes: imported.notes };
}

/** A list as a device would take it. `imported`: what its rows come from, for the places of faults. */
async function validated(list: Buffer, file: string, imported: Imported | null): Promise<Read> {
  const [{ parseConfig }, { ConfigErrors }, { TagTable }, { atSource }] = await Promise.all([
    import('../config/load.js'),
    import('../config/errors.js'),
    import('../field/tags-file/table.js'),
    import('../field/tags-file/import/convert.js'),
  ]);
  const scans = new TagTable(list, file).tags.flatMap(({ scan }) => (typeof scan === 'string' ? [scan] : []));
  const device = {
    name: 'device',
    bus: 'bus',
    tags_file: file,
    // Whether a device has these classes is for `ferrule check`.
    ...(scans.length > 0 ? { scan: Object.fromEntries(scans.map((scan) => [scan, '1s'])) } : {}),
  };
  const settings = { field: { buses: [{ name: 'bus', type: 'modbus_tcp', host: 'localhost' }], devices: [device] } };
  const sourceOf = (error: FerruleError) => (imported === null ? error : atSource(error, imported));
  try {
    const text = JSON.stringify(settings);
    const { config, warnings } = await parseConfig(text, `${file}.settings`, { tagLists: new Map([[file, list]]) });
    const [made] = config.field.devices;
    return { tags: (made as ModbusDeviceConfig).tags, errors: [], warnings: warnings.map(sourceOf), notes: [] };
  } catch (error) {
    if (!(error instanceof ConfigErrors)) throw error;
    return { tags: [], errors: error.errors.map(sourceOf), warnings: [], notes: [] };
  }
}

async function write(list: ModbusDeviceConfig['tags'], args: Arguments, io: Io): Promise<void> {
  const { writeTagTable } = await import('../field/tags-file/write.js');
  const text = writeTagTable(list, { separator: separatorOf(args), bom: args.flag('bom') });
  const out = args.text('out');
  if (out === undefined) {
    io.out(text);
    return;
  }
  const { writeFileAtomically } = await import('../config/edit.js');
  await writeFileAtomically(resolve(out), text);
  io.err(`${resolve(out)}: ${list.length} tags.\n`);
}

async function readBounded(file: string): Promise<Buffer> {
  const { MAX_TABLE_BYTES } = await import('../field/tags-file/limits.js');
  const refuse = (message: string, hint: string, cause?: unknown) =>
    new FerruleError('FER_FIELD_TAGS_FILE', message, { where: { file }, hint, cause });
  try {
    const found = await stat(file);
    if (!found.isFile()) throw refuse('It is not a regular file.', 'Name a file.');
    if (found.size > MAX_TABLE_BYTES) throw refuse(`The file has ${found.size} bytes, more than ${MAX_TABLE_BYTES}.`, 'Split it.');
    return await readFile(file);
  } catch (error) {
    if (error instanceof FerruleError) throw error;
    throw refuse(`The file can't be read: ${messageOf(error)}.`, 'Check its name and its permissions.', error);
  }
}

function selectionOf(args: Arguments): Selection {
  const unit = args.text('unit');
  const node = args.text('node');
  const groups = args.text('groups') ?? 'ignore';
  if (unit !== undefined && !/^[0-9]{1,3}$/.test(unit)) throw usage('--unit is a number from 0 to 255.');
  if (groups !== 'ignore' && groups !== 'prefix' && groups !== 'scan') throw usage('--groups is ignore, prefix or scan.');
  return { groups, ...(unit === undefined ? {} : { unit: Number(unit) }), ...(node === undefined ? {} : { node }) };
}

function startOf(args: Arguments): 0 | 1 {
  const start = args.text('start') ?? '1';
  if (start !== '0' && start !== '1') throw usage('--start is 0 or 1.');
  return start === '0' ? 0 : 1;
}

function formatOf(args: Arguments): Format | null {
  const from = args.text('from');
  if (from === undefined) return null;
  const found = FORMATS.find((format) => format === from);
  if (found === undefined) throw usage(`--from is ${FORMATS.join(', ')}, not ${from}.`);
  return found;
}

function separatorOf(args: Arguments): Separator {
  const separator = args.text('separator') ?? ',';
  if (separator === 'tab') return '\t';
  if (separator !== ',' && separator !== ';' && separator !== '\t') throw usage('--separator is , or ; or tab.');
  return separator;
}

function usage(message: string): FerruleError {
  return new FerruleError('FER_CLI_USAGE', message, { hint: 'See ferrule tags --help.' });
}
