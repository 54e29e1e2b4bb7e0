import { FerruleError } from '../errors.js';
import type { Arguments, Command, Io } from './command.js';
import type { ExitCode } from './exit-codes.js';
import { SUNSPEC_OPTIONS, sunspec } from './modbus/sunspec.js';
import { TARGET_OPTIONS, UNIT_OPTION } from './modbus/target.js';
import { reportRefusal } from './start.js';

const VERBS: Record<string, (args: Arguments, io: Io) => Promise<ExitCode>> = { sunspec };

export const modbus: Command = {
  usage: 'sunspec (--host HOST[:PORT] | --port DEVICE) [--unit N] [--json | --yaml]',
  help: `Speaks to a Modbus device, to find out what it is. Nothing is written.

  sunspec  the SunSpec models of an inverter or meter, and the tags that they are

Examples:
  ferrule modbus sunspec --host 192.168.1.60
  ferrule modbus sunspec --host 192.168.1.60 --unit 126 --yaml >> devices.yaml`,
  options: { ...TARGET_OPTIONS, unit: UNIT_OPTION, ...SUNSPEC_OPTIONS, json: { type: 'boolean', help: 'As JSON.' } },
  words: { min: 1, max: 1 },
  async run(args, io) {
    const [verb = ''] = args.words;
    try {
      const run = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
      if (run === undefined) throw new FerruleError('FER_CLI_USAGE', `There is ${Object.keys(VERBS).join(', ')}, not ${verb}.`);
      return await run(args, io);
    } catch (error) {
      return reportRefusal(error, io);
    }
  },
};
