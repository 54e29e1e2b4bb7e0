import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** A program that has a port open. */
export interface PortUser {
  pid: number;
  /** Its short name: `minicom`. */
  program: string;
}

/** What nearly every program has open. */
const NO_PORT = /^\/dev\/(null|zero|full|random|urandom|ptmx|shm\/.*|pts\/ptmx)$/;

/**
 * Who has which device file open, out of /proc. A user sees his own programs there, root sees all: what is not found may
 * be in use all the same.
 */
export async function portUsers(root = '/'): Promise<Map<string, PortUser[]>> {
  const users = new Map<string, PortUser[]>();
  const processes = (await readdir(join(root, 'proc')).catch(() => [])).filter((name) => /^[0-9]+$/.test(name));
  // One process after the other: thousands of reads at once would hold up what else waits for a file.
  for (const name of processes) {
    const paths = await openDevices(join(root, 'proc', name, 'fd'));
    if (paths.size === 0) continue;
    const program = (await readFile(join(root, 'proc', name, 'comm'), 'utf8').catch(() => '')).trim();
    for (const path of paths) users.set(path, [...(users.get(path) ?? []), { pid: Number(name), program: program || 'unknown' }]);
  }
  return users;
}

async function openDevices(folder: string): Promise<Set<string>> {
  const files = await readdir(folder).catch(() => []);
  const paths = await Promise.all(files.map((file) => readlink(join(folder, file)).catch(() => '')));
  // Who has the other side of pseudo terminals open (socat, a virtual adapter) is no second reader of theirs.
  const isOtherSide = paths.some((path) => /\/ptmx$/.test(path));
  return new Set(paths.filter((path) => path.startsWith('/dev/') && !NO_PORT.test(path) && !(isOtherSide && path.startsWith('/dev/pts/'))));
}
