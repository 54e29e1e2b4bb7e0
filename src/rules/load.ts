import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FerruleError, messageOf } from '../errors.js';
import type { CompiledRule } from './rule.js';
import { ruleError } from './rule-error.js';

/** Bytes of a rule file. */
const MAX_FILE_SIZE = 1024 * 1024;

/** What became of one file. */
export interface LoadedFile {
  file: string;
  /** The text that was read; null: it could not be read. */
  source: string | null;
  /** Compiled rules; empty where there are errors. */
  rules: CompiledRule[];
  errors: FerruleError[];
}

/** Reads and compiles a file; `previous` comes back where it says the same. Never rejects. */
export async function loadFile(file: string, previous: LoadedFile | null): Promise<LoadedFile> {
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_SIZE) throw new Error(`it is larger than ${MAX_FILE_SIZE} bytes`);
    const source = await readFile(file, 'utf8');
    if (source === previous?.source) return previous;
    // Loaded only now: a gateway without rules does not need the language.
    const { compileFile } = await import('./compile-file.js');
    return compileFile(file, source);
  } catch (error) {
    return { file, source: null, rules: [], errors: [cannotRead(file, error)] };
  }
}

/**
 * The rule files of a folder, by name. A folder that does not exist has none.
 * Throws a FerruleError where it cannot be read.
 */
export async function ruleFiles(directory: string): Promise<string[]> {
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'))
      .sort()
      .map((name) => join(directory, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw cannotRead(directory, error);
  }
}

/** Everything that is wrong with the rules of a folder, in the order of files and lines. Never rejects. */
export async function checkRules(directory: string): Promise<FerruleError[]> {
  let files: string[];
  try {
    files = await ruleFiles(directory);
  } catch (error) {
    return [error instanceof FerruleError ? error : cannotRead(directory, error)];
  }
  const loaded = await Promise.all(files.map((file) => loadFile(file, null)));
  const owners = new Map<string, CompiledRule>();
  return loaded.flatMap((file) => {
    const clashes = clashesWith(owners, file);
    for (const rule of file.rules) if (!owners.has(rule.name)) owners.set(rule.name, rule);
    return [...file.errors, ...clashes];
  });
}

/** Errors for the rules of a file whose names other files have already. */
export function clashesWith(owners: ReadonlyMap<string, CompiledRule>, { rules }: LoadedFile): FerruleError[] {
  return rules.flatMap((rule) => {
    const owner = owners.get(rule.name);
    if (owner === undefined) return [];
    return ruleError('FER_RULES_DUPLICATE', `there is a rule of this name at ${owner.file}:${owner.line} already`, {
      where: { file: rule.file, line: rule.line, column: rule.column, subject: `rule ${rule.name}` },
      hint: 'Give one of them another name.',
    });
  });
}

function cannotRead(path: string, error: unknown): FerruleError {
  const { code } = error as NodeJS.ErrnoException;
  const reason = code === 'EACCES' || code === 'EPERM' ? 'permission denied' : code === 'EISDIR' ? 'it is a folder' : messageOf(error);
  return ruleError('FER_RULES_FILE', `cannot be read: ${reason}`, {
    where: { file: path },
    ...(code === 'EACCES' || code === 'EPERM' ? { hint: 'Let the user that the gateway runs as read it.' } : {}),
    cause: error,
  });
}
