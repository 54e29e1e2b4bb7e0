import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';

/** The folder of package.json. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A failure that was explained in words already: shown without a stack. */
export class Refusal extends Error {}

/** A line of what the scripts do. */
export function say(text) {
  process.stdout.write(`${text}\n`);
}

/**
 * Runs a program in the project's folder with its output on ours and gives back its exit code (128 + n for a signal).
 * Standard input is closed: nothing here may ask questions.
 * @param {string} command
 * @param {string[]} args
 * @param {{env?: Record<string, string>}} [options]
 * @returns {Promise<number>}
 */
export function run(command, args, { env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
    child.once('error', (error) => reject(new Refusal(`${command} could not be started: ${error.message}`)));
    child.once('close', (code, signal) => resolve(signal === null ? (code ?? 1) : 128));
  });
}

/** Runs a program of node_modules/<package> with this Node. */
export function runTool(file, args) {
  return run(process.execPath, [join(ROOT, 'node_modules', file), ...args]);
}

/** The frame of every script: explained failures in words, others with their stack; a non-zero exit code for both. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    process.stderr.write(`${error instanceof Refusal ? error.message : inspect(error)}\n`);
    process.exitCode = 1;
  }
}
