import { access, constants, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { chooseBranch } from './branch.js';
import { set } from './fill.js';
import { branchesOf, isObject, type JsonSchema, propertyOf } from './json-schema.js';
import type { Secrets } from './secrets.js';
import type { ConfigPath, Finding } from './source.js';
import { parseDuration, parseSize } from './units.js';

export interface ConvertOptions {
  /** Relative paths start here. */
  directory: string;
  secrets: Secrets;
  /** Whether files that are named are looked at. */
  checkFiles: boolean;
  isValid(schema: JsonSchema, value: unknown): boolean;
}

/** Turns what people write into what code reads: units into numbers, secrets into text, paths into absolute ones. */
export class Converter {
  readonly findings: Finding[] = [];
  /** Files and directories that can't be read: the part that needs them fails, the rest can run. */
  readonly fileFindings: Finding[] = [];
  readonly #options: ConvertOptions;

  constructor(options: ConvertOptions) {
    this.#options = options;
  }

  /** A converted copy; values that do not fit their schema stay as they are. */
  async convert(schema: JsonSchema, value: unknown, path: ConfigPath = []): Promise<unknown> {
    if (schema['x-secret'] === true) return this.#secret(value, path);
    const branches = branchesOf(schema);
    if (branches !== null) {
      const choice = chooseBranch(branches, value, (branch) => this.#options.isValid(branch, value));
      return this.#scalarBranch(choice.kind === 'branch' ? choice.schema : null, value, path);
    }
    if (schema['x-unit'] !== undefined) return this.#unit(schema, value, path);
    if (schema['x-path'] !== undefined) return this.#path(schema['x-path'], value, path);
    if (Array.isArray(value)) {
      const converted: unknown[] = [];
      for (const [index, item] of value.entries()) {
        const inner = Array.isArray(schema.items) ? schema.items[index] : schema.items;
        converted.push(inner === undefined ? item : await this.convert(inner, item, [...path, index]));
      }
      return converted;
    }
    if (!isObject(value)) return value;
    const converted: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      const inner = value[key];
      const property = propertyOf(schema, key);
      set(converted, key, property === null || !isConverted(property) ? inner : await this.convert(property, inner, [...path, key]));
    }
    return converted;
  }

  async #scalarBranch(branch: JsonSchema | null, value: unknown, path: ConfigPath): Promise<unknown> {
    return branch === null ? value : await this.convert(branch, value, path);
  }

  #unit(schema: JsonSchema, value: unknown, path: ConfigPath): unknown {
    const parse = schema['x-unit'] === 'size' ? parseSize : parseDuration;
    if (value === 0 || (typeof value === 'number' && value > 0 && schema['x-unit'] === 'size'))
      return this.#bounded(schema, value, String(value), parse, path);
    if (typeof value !== 'string') return value;
    try {
      return this.#bounded(schema, parse(value), value, parse, path);
    } catch (error) {
      if (error instanceof RangeError) return value;
      throw error;
    }
  }

  #bounded(schema: JsonSchema, value: number, written: string, parse: (text: string) => number, path: ConfigPath): number {
    const { 'x-min': min, 'x-max': max } = schema;
    if (min !== undefined && value < parse(min))
      this.findings.push({ path, message: `${written} is too little.`, hint: `At least ${min}.` });
    if (max !== undefined && value > parse(max)) this.findings.push({ path, message: `${written} is too much.`, hint: `At most ${max}.` });
    return value;
  }

  async #secret(value: unknown, path: ConfigPath): Promise<unknown> {
    if (!isObject(value) || typeof value.secret !== 'string') return value;
    const found = await this.#options.secrets.get(value.secret);
    if ('value' in found) return found.value;
    this.findings.push({ path, code: 'FER_CONFIG_SECRET', message: found.missing, hint: found.hint });
    return value;
  }

  async #path(must: NonNullable<JsonSchema['x-path']>, value: unknown, path: ConfigPath): Promise<unknown> {
    if (typeof value !== 'string') return value;
    const absolute = resolve(this.#options.directory, value);
    if (this.#options.checkFiles && must !== 'optional') {
      const fault = await faultOf(absolute, must);
      if (fault !== null) this.fileFindings.push({ path, code: 'FER_CONFIG_FILE', ...fault });
    }
    return absolute;
  }
}

const converted = new WeakMap<JsonSchema, boolean>();

/** Whether anything in values of a schema is to be converted: most keys of a tag are not, and there are thousands of tags. */
function isConverted(schema: JsonSchema): boolean {
  let known = converted.get(schema);
  if (known === undefined) {
    const { 'x-secret': secret, 'x-unit': unit, 'x-path': path, items, additionalProperties: others } = schema;
    const inner = [
      ...(branchesOf(schema) ?? []),
      ...(schema.allOf ?? []),
      ...Object.values(schema.properties ?? {}),
      ...Object.values(schema.patternProperties ?? {}),
      ...(items === undefined ? [] : [items].flat()),
      ...(typeof others === 'object' ? [others] : []),
    ];
    known = secret === true || unit !== undefined || path !== undefined || inner.some(isConverted);
    converted.set(schema, known);
  }
  return known;
}

async function faultOf(path: string, must: 'file' | 'directory'): Promise<{ message: string; hint: string } | null> {
  try {
    const found = await stat(path);
    if (found.isDirectory() !== (must === 'directory')) {
      return { message: `${path} is ${must === 'file' ? 'a directory, not a file' : 'not a directory'}.`, hint: 'Correct the path.' };
    }
    await access(path, constants.R_OK);
    return null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return { message: `There is no ${must} ${path}.`, hint: 'Paths are relative to the configuration.' };
    }
    return { message: `${path} can't be read.`, hint: 'Give the user that runs ferrule permission to read it and the folders above.' };
  }
}
