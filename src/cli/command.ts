import type { ParseArgsConfig } from 'node:util';
import type { ExitCode } from './exit-codes.js';

export interface Option {
  type: 'string' | 'boolean';
  /** What stands for the value in the help: FILE, DIR, PORT. */
  value?: string;
  short?: string;
  help: string;
}

export interface Io {
  out(text: string): void;
  err(text: string): void;
  env: NodeJS.ProcessEnv;
}

/** What the command line holds, checked against the command's options. */
export interface Arguments {
  text(name: string): string | undefined;
  flag(name: string): boolean;
  /** What stands there without an option: subcommands, names, files. */
  words: readonly string[];
}

export interface Command {
  /** After `ferrule <command>`. */
  usage: string;
  /** What it does, in a few lines, with what to try. */
  help: string;
  options: Record<string, Option>;
  /** How many words it takes beside its options (`profiles show NAME` takes two). Default: none. */
  words?: { min: number; max: number };
  run(args: Arguments, io: Io): Promise<ExitCode>;
}

export interface CommandEntry {
  name: string;
  /** One line in the list of commands. */
  summary: string;
  /** Loaded when it is run, so that small commands start fast. */
  load(): Promise<Command>;
}

export function parseOptions(options: Record<string, Option>): NonNullable<ParseArgsConfig['options']> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { type, short }]) => [name, short === undefined ? { type } : { type, short }]),
  );
}
