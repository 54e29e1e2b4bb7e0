import { parseArgs } from 'node:util';
import { nearest } from '../config/distance.js';
import { type Arguments, type Command, type CommandEntry, type Io, type Option, parseOptions } from './command.js';
import { COMMANDS } from './commands.js';
import { asWord, dashedValue, isNegative, type Line, unknownOption } from './dashes.js';
import { EXIT, EXIT_MEANINGS, type ExitCode } from './exit-codes.js';

const HELP: Option = { type: 'boolean', short: 'h', help: 'Show this help.' };

/** Finds the command, checks its options and runs it. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  const [first, ...rest] = argv;
  if (first === undefined) {
    io.err(overview());
    return EXIT.USAGE;
  }
  if (first === '--version' || first === '-V') return run(['version'], io);
  if (first === '--help' || first === '-h' || first === 'help') return help(rest[0], io);
  const entry = COMMANDS.find((command) => command.name === first);
  if (entry === undefined) return unknownCommand(first, io);
  const command = await entry.load();
  const args = readArguments(entry, command, rest, io);
  if (args === null) return EXIT.USAGE;
  if (args.flag('help')) {
    io.out(helpOf(entry, command));
    return EXIT.OK;
  }
  return command.run(args, io);
}

async function help(name: string | undefined, io: Io): Promise<ExitCode> {
  if (name === undefined) {
    io.out(overview());
    return EXIT.OK;
  }
  const entry = COMMANDS.find((command) => command.name === name);
  if (entry === undefined) return unknownCommand(name, io);
  io.out(helpOf(entry, await entry.load()));
  return EXIT.OK;
}

function unknownCommand(name: string, io: Io): ExitCode {
  const names = COMMANDS.map((command) => command.name);
  const near = nearest(name, names);
  io.err(
    `ferrule: there is no command "${name}". ${near === null ? `Commands: ${names.join(', ')}.` : `Did you mean "${near}"?`} [FER_CLI_USAGE]\n`,
  );
  io.err("See 'ferrule --help'.\n");
  return EXIT.USAGE;
}

function readArguments(entry: CommandEntry, command: Command, rest: string[], io: Io): Arguments | null {
  const options = { ...command.options, help: HELP };
  try {
    const { min, max } = command.words ?? { min: 0, max: 0 };
    const { values, positionals } = parseArgs({ args: rest, options: parseOptions(options), strict: true, allowPositionals: max > 0 });
    const surplus = positionals[max];
    if (surplus !== undefined) return refuse(entry, command, `'${surplus}' is not expected here.`, io);
    if (positionals.length < min && values.help !== true) return refuse(entry, command, 'something is missing.', io);
    return {
      words: positionals,
      text: (name) => (typeof values[name] === 'string' ? values[name] : undefined),
      flag: (name) => values[name] === true,
    };
  } catch (error) {
    return refuse(entry, command, explain(error, { name: entry.name, options, args: rest }, (command.words?.max ?? 0) > 0), io);
  }
}

function refuse(entry: CommandEntry, command: Command, reason: string, io: Io): null {
  io.err(`ferrule ${entry.name}: ${reason} [FER_CLI_USAGE]\n`);
  io.err(`usage: ferrule ${entry.name} ${command.usage}\nSee 'ferrule ${entry.name} --help'.\n`);
  return null;
}

function explain(error: unknown, line: Line, takesWords: boolean): string {
  if (!(error instanceof Error)) throw error;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ERR_PARSE_ARGS_UNKNOWN_OPTION': {
      const name = /'--?([^']+)'/.exec(error.message)?.[1] ?? '';
      const written = unknownOption(line) ?? '';
      if (takesWords && isNegative(written)) {
        return `${written} begins with a dash and is taken for an option. Write it last, behind --: ${asWord(line)}`;
      }
      const near = nearest(name, Object.keys(line.options));
      const dashes = line.args.some((arg) => arg.startsWith(`--${name}`)) ? '--' : '-';
      const unknown = `there is no option ${dashes}${name}.`;
      if (near !== null) return `${unknown} Did you mean --${near}?`;
      return takesWords ? `${unknown} If ${written} is none, write it last, behind --: ${asWord(line)}` : unknown;
    }
    case 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL':
      return `${/'([^']*)'/.exec(error.message)?.[0] ?? 'an argument'} is not expected here.`;
    case 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE': {
      const dashed = dashedValue(line);
      if (dashed?.isOption === true) return `the value of ${dashed.option} is missing.`;
      if (dashed !== null) {
        return `what follows ${dashed.option} begins with a dash and is taken for an option. If it is its value: ${dashed.line}`;
      }
      return `${error.message.split('\n')[0]?.replace(/\.$/, '')}.`;
    }
    default:
      throw error;
  }
}

function overview(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length));
  const commands = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n');
  const codes = Object.entries(EXIT_MEANINGS)
    .map(([code, meaning]) => `  ${code}  ${meaning}`)
    .join('\n');
  return `Ferrule, an edge gateway: MQTT broker, Modbus and serial buses, rules, uplink and web console.

usage: ferrule COMMAND [options]

commands:
${commands}

'ferrule COMMAND --help' explains a command.

exit codes:
${codes}
`;
}

function helpOf(entry: CommandEntry, command: Command): string {
  const rows = Object.entries({ ...command.options, help: HELP }).map(([name, option]) => {
    const short = option.short === undefined ? '    ' : `-${option.short}, `;
    return { left: `  ${short}--${name}${option.value === undefined ? '' : ` ${option.value}`}`, right: option.help };
  });
  const width = Math.max(...rows.map((row) => row.left.length));
  return `ferrule ${entry.name}: ${entry.summary}

usage: ferrule ${entry.name} ${command.usage}

${command.help}

options:
${rows.map((row) => `${row.left.padEnd(width)}  ${row.right}`).join('\n')}
`;
}
