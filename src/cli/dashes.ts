import { parseArgs } from 'node:util';
import { type Option, parseOptions } from './command.js';

/** Words and values that begin with a dash, and so look like options: how they are written. */

/** What was meant, where it can be told. `name`: of the command; `args`: what stands behind it. */
export interface Line {
  name: string;
  options: Record<string, Option>;
  args: readonly string[];
}

/** The first argument that is no option, as it was written: `-5`; null: all are. */
export function unknownOption({ options, args }: Line): string | null {
  const at = unknownAt(options, args);
  return at === null ? null : (args[at] ?? null);
}

/** The command line in which the first argument that is no option is a word. */
export function asWord({ name, options, args }: Line): string {
  const at = unknownAt(options, args) ?? args.length;
  const tokens = tokensOf(options, args);
  const later = new Set(tokens.filter(({ kind, index }) => kind === 'positional' && index > at).map(({ index }) => index));
  const terminator = tokens.find(({ kind }) => kind === 'option-terminator')?.index;
  const before = args.filter((_, index) => index !== at && index !== terminator && !later.has(index));
  const words = args.filter((_, index) => index === at || later.has(index));
  return ['ferrule', name, ...before, '--', ...words].map(quoted).join(' ');
}

/** The first option whose value begins with a dash; null: there is none. `isOption`: it is one itself, so the value is missing. */
export function dashedValue({ name, options, args }: Line): { option: string; value: string; isOption: boolean; line: string } | null {
  for (const token of tokensOf(options, args)) {
    if (token.kind !== 'option' || token.inlineValue !== false || !/^-./.test(token.value)) continue;
    const { index, value } = token;
    const option = `--${token.name}`;
    const known = Object.entries(options).flatMap(([each, { short }]) => [`--${each}`, ...(short === undefined ? [] : [`-${short}`])]);
    const fixed = [...args.slice(0, index), `${option}=${value}`, ...args.slice(index + 2)];
    return { option, value, isOption: known.includes(value), line: ['ferrule', name, ...fixed].map(quoted).join(' ') };
  }
  return null;
}

export function isNegative(text: string): boolean {
  return /^-\.?[0-9]/.test(text);
}

function unknownAt(options: Record<string, Option>, args: readonly string[]): number | null {
  const unknown = tokensOf(options, args).find((token) => token.kind === 'option' && options[token.name] === undefined);
  return unknown?.index ?? null;
}

function tokensOf(options: Record<string, Option>, args: readonly string[]) {
  return parseArgs({ args: [...args], options: parseOptions(options), strict: false, allowPositionals: true, tokens: true }).tokens;
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w./:,=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
