import { join } from 'node:path';
import { packageRoot } from '../../../src/paths.js';
import { runProcess } from '../../support/process.js';

const COMPILE_MS = 60_000;

export type Program = 'modbus_devices' | 'modbus_loop' | 'serial_wire';

/** Compiles one of the C programs of this folder; gives back its path. Throws what gcc said. */
export async function compile(name: Program, folder: string): Promise<string> {
  const program = join(folder, name);
  const source = join(packageRoot(), 'test/bench/field', `${name}.c`);
  const args = ['-O2', '-I/usr/include/modbus', '-o', program, source, '-lmodbus'];
  const { code, stderr } = await runProcess('/usr/bin/gcc', args, { timeout: COMPILE_MS }).catch((error: unknown) => {
    throw new Error(`${name} can't be compiled; install the Debian packages gcc and libmodbus-dev`, { cause: error });
  });
  if (code !== 0) throw new Error(`gcc: ${stderr}`);
  return program;
}
