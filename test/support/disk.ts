import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { packageRoot } from '../../src/paths.js';
import { runProcess } from './process.js';
import { tempDir } from './temp-dir.js';

/** Compiles disk_shim.c; gives the file for LD_PRELOAD. Needs gcc. */
export async function buildDiskShim(t: TestContext): Promise<string> {
  const library = join(await tempDir(t), 'disk_shim.so');
  const source = join(packageRoot(), 'test/support/disk_shim.c');
  const built = await runProcess('/usr/bin/gcc', ['-O1', '-shared', '-fPIC', '-o', library, source, '-ldl', '-lpthread'], {
    timeout: 60_000,
  });
  if (built.code !== 0) throw new Error(`gcc: ${built.stderr}`);
  return library;
}
