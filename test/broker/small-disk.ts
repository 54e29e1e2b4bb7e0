import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A file system of a few megabytes that can be filled to the last byte and emptied again. */
export class SmallDisk {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** null, and the test is skipped, where mounting isn't permitted. */
  static mount(t: TestContext): SmallDisk | null {
    const dir = mkdtempSync(join(tmpdir(), 'ferrule-small-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', dir], { stdio: 'pipe' });
    } catch {
      rmSync(dir, { recursive: true });
      t.skip('mounting a tmpfs is not permitted here');
      return null;
    }
    t.after(() => {
      execFileSync('umount', ['-l', dir]);
      rmSync(dir, { recursive: true });
    });
    return new SmallDisk(dir);
  }

  /** Leaves `spare` bytes. */
  fill(spare = 0): void {
    const { bavail, bsize } = statfsSync(this.dir);
    try {
      writeFileSync(this.#ballast, Buffer.alloc(Math.max(0, bavail * bsize - spare)), { flag: 'a' });
    } catch (error) {
      // Somebody else was quicker with the last bytes: just as full.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
  }

  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  get #ballast(): string {
    return join(this.dir, 'ballast');
  }
}
