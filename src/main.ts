#!/usr/bin/env node
import { EXIT } from './cli/exit-codes.js';
import { run } from './cli/run.js';

const io = {
  out: (text: string) => void process.stdout.write(text),
  err: (text: string) => void process.stderr.write(text),
  env: process.env,
};

// A reader that went away (`ferrule check | head`) is no fault.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const code = await run(process.argv.slice(2), io).catch((error: unknown) => {
  io.err(`ferrule: a fault in the program: ${error instanceof Error ? error.stack : String(error)} [FER_INTERNAL]\n`);
  return EXIT.FAULT;
});
process.exit(code);
