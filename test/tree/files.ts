import { existsSync, readdirSync } from 'node:fs';

/** Paths of all files below a folder, relative to it, sorted; without installed and built ones. None where there is no such folder. */
export function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length + 1))
    .filter((path) => !/(^|\/)(node_modules|dist)\//.test(path))
    .sort((a, b) => (a < b ? -1 : 1));
}
