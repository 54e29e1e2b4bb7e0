import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ErrorPlace, FerruleError } from '../errors.js';
import { MAX_TAG_LIST_BYTES, readTagTable, type TagTable } from '../field/check-config.js';
import { isObject } from './json-schema.js';
import type { ConfigPath, Finding } from './source.js';

export interface TagFiles {
  /** The configuration as it was written, with the lists of its devices (`tags_file`) put behind their own tags. */
  value: unknown;
  /** What is wrong with the form of the lists. */
  errors: FerruleError[];
  /** Lists that can't be read at all. */
  unreadable: Finding[];
  /** Lists that are named, as absolute paths. */
  files: string[];
  /** Where in its list something stands that the configuration has from there; null: not from a list. */
  placeOf(path: ConfigPath): ErrorPlace | null;
}

export interface TagFilesOptions {
  /** Relative paths start here. */
  directory: string;
  /** false: the lists are not looked at. */
  read: boolean;
  /** What is to be taken in the place of what is on the disk, by absolute path. */
  contents?: ReadonlyMap<string, string | Buffer>;
}

interface Listed {
  table: TagTable;
  /** Tags of the device before those of the list. */
  own: number;
}

/** Puts tag lists into a configuration before its defaults are filled in: their rows are validated like any tag. */
export async function withTagFiles(written: unknown, options: TagFilesOptions): Promise<TagFiles> {
  const field = isObject(written) ? written.field : undefined;
  const devices: unknown[] = isObject(field) && Array.isArray(field.devices) ? field.devices : [];
  const result: TagFiles = { value: written, errors: [], unreadable: [], files: [], placeOf: () => null };
  if (!devices.some(hasList) || !isObject(written) || !isObject(field)) return result;

  const listed = new Map<number, Listed>();
  const merged: unknown[] = [];
  for (const [index, device] of devices.entries()) {
    merged.push(device);
    if (!hasList(device)) continue;
    const file = resolve(options.directory, device.tags_file);
    result.files.push(file);
    const own: unknown = device.tags ?? [];
    let rows: unknown[] = [];
    if (options.read) {
      const read = await tableOf(file, options.contents?.get(file));
      if ('fault' in read)
        result.unreadable.push({ path: ['field', 'devices', index, 'tags_file'], code: 'FER_CONFIG_FILE', ...read.fault });
      else {
        rows = read.table.tags;
        result.errors.push(...read.table.faults);
        if (Array.isArray(own)) listed.set(index, { table: read.table, own: own.length });
      }
    }
    // Tags that are no list stay, for the validation to find.
    merged[index] = { ...device, tags: Array.isArray(own) ? [...own, ...rows] : own };
  }
  result.value = { ...written, field: { ...field, devices: merged } };
  result.placeOf = (path) => placeOf(path, listed);
  return result;
}

function hasList(device: unknown): device is { tags_file: string; tags?: unknown } {
  return isObject(device) && typeof device.tags_file === 'string' && device.tags_file !== '';
}

async function tableOf(
  file: string,
  content: string | Buffer | undefined,
): Promise<{ table: TagTable } | { fault: { message: string; hint: string } }> {
  if (content !== undefined) return { table: await readTagTable(content, file) };
  try {
    const found = await stat(file);
    // A pipe or a device might never end.
    if (!found.isFile()) return { fault: { message: `${file} is not a regular file.`, hint: 'Correct the path.' } };
    if (found.size > MAX_TAG_LIST_BYTES) {
      const message = `${file} has ${found.size} bytes; a tag list has at most ${MAX_TAG_LIST_BYTES}.`;
      return { fault: { message, hint: 'Correct the path, or split the list among several devices.' } };
    }
    return { table: await readTagTable(await readFile(file), file) };
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'ENOENT':
        return { fault: { message: `There is no file ${file}.`, hint: 'Paths are relative to the configuration.' } };
      case 'EACCES':
      case 'EPERM':
      case 'ENOTDIR':
        return {
          fault: {
            message: `${file} can't be read.`,
            hint: 'Give the user that runs ferrule permission to read it and the folders above.',
          },
        };
      default:
        throw error;
    }
  }
}

function placeOf(path: ConfigPath, listed: ReadonlyMap<number, Listed>): ErrorPlace | null {
  const [field, list, index, tags, tag, ...rest] = path;
  if (field !== 'field' || list !== 'devices' || tags !== 'tags' || typeof index !== 'number' || typeof tag !== 'number') return null;
  const found = listed.get(index);
  return found === undefined || tag < found.own ? null : found.table.place(tag - found.own, rest);
}
