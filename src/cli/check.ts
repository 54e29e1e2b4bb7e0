import { join, resolve } from 'node:path';
import type { FerruleError } from '../errors.js';
import type { Command, Io } from './command.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { CONFIG_OPTION, configFile, DATA_OPTION, dataDirectory } from './places.js';

export const check: Command = {
  usage: '[--config FILE] [--data DIR] [--json]',
  help: `Reads a configuration, its rules and the files that it names, and prints everything that is wrong,
each fault with file, line and column and what to do about it. Nothing is started or changed.
Where a key or a value can't be read, what goes together is checked once that is corrected.

Example:
  ferrule check --config ferrule.yaml && systemctl reload ferrule

Warnings name keys that are accepted and have no effect yet; they do not fail the check.`,
  options: {
    config: CONFIG_OPTION,
    data: { ...DATA_OPTION, help: 'Data folder, in which profiles may be. Default: as for start.' },
    json: {
      type: 'boolean',
      help: 'As JSON: {"ok", "file", "errors": [{"code", "message", "hint", "file", "line", "column", "subject"}], "warnings"}.',
    },
  },
  async run(args, io) {
    const { loadConfig, PROFILES_FOLDER } = await import('../config/load.js');
    const { ConfigErrors } = await import('../config/errors.js');
    const file = resolve(configFile(args.text('config'), io.env));
    const profiles = join(resolve(dataDirectory(args.text('data'), io.env)), PROFILES_FOLDER);
    try {
      const { config, warnings } = await loadConfig(file, { files: 'error', profiles });
      const { checkRules } = await import('../rules/load.js');
      const faults = await checkRules(config.rules.directory);
      return report(io, args.flag('json'), file, faults, warnings, summary(config));
    } catch (error) {
      if (!(error instanceof ConfigErrors)) throw error;
      const result = report(io, args.flag('json'), file, error.errors, [], '');
      if (!error.isComplete && !args.flag('json')) io.err(`${NOT_COMPLETE}\n`);
      return result;
    }
  },
};

const NOT_COMPLETE = 'References, addresses and topics were not checked yet: correct these first, then check again.';

function report(
  io: Io,
  json: boolean,
  file: string,
  errors: readonly FerruleError[],
  warnings: readonly FerruleError[],
  facts: string,
): ExitCode {
  const ok = errors.length === 0;
  if (json) {
    io.out(`${JSON.stringify({ ok, file, errors: errors.map(plain), warnings: warnings.map(plain) })}\n`);
  } else {
    for (const warning of warnings) io.err(`warning: ${warning.toLine()}\n`);
    for (const error of errors) io.err(`${error.toLine()}\n`);
    if (ok) io.out(`${file}: correct. ${facts}\n`);
    else io.err(`${errors.length} ${errors.length === 1 ? 'fault' : 'faults'}.\n`);
  }
  return ok ? EXIT.OK : EXIT.INVALID_CONFIG;
}

function plain(error: FerruleError): Record<string, unknown> {
  return { code: error.code, message: error.message, hint: error.hint ?? null, ...error.where };
}

function summary(config: import('../config/schema.js').Config): string {
  const listeners = config.broker.listeners.map(({ type, port }) => `${type}:${port}`).join(', ');
  const { buses, devices } = config.field;
  const counts = [`${buses.length} buses`, `${devices.length} devices`, `${config.bridges.length} bridges`];
  return `Gateway ${config.gateway.id}: MQTT on ${listeners || 'no listener'}, ${counts.join(', ')}.`;
}
