import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigSource } from '../config/source.js';

/** The buses or devices of a configuration as they are written. Throws FER_CONFIG_SYNTAX. */
export function writtenList(file: string, text: string, key: 'buses' | 'devices'): Record<string, unknown>[] {
  const source = new ConfigSource(file, text);
  const [error] = source.syntaxErrors();
  if (error !== undefined) throw error;
  const value = source.toValue();
  const list = isObject(value) && isObject(value.field) ? value.field[key] : undefined;
  return Array.isArray(list) ? list.map((each: unknown) => (isObject(each) ? each : {})) : [];
}

/** A file for the tag list of a device that is not there yet: `press.csv`, `press-2.csv`, ... */
export async function freeListName(folder: string, device: string): Promise<string> {
  const base = device.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[.-]+/, '') || 'device';
  for (let turn = 1; ; turn++) {
    const file = join(folder, `${base}${turn === 1 ? '' : `-${turn}`}.csv`);
    // Where a file can't be looked at, writing it says why.
    const isFree = await stat(file).then(
      () => false,
      () => true,
    );
    if (isFree) return file;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
