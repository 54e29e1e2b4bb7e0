import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { FerruleError } from '../errors.js';
import { checkProfile } from '../field/profiles/check-config.js';
import { PROFILE_NAME, type Profile, ProfileSchema } from '../field/profiles/schema.js';
import { packageRoot } from '../paths.js';
import { Converter } from './convert.js';
import { ConfigErrors, inOrder } from './errors.js';
import { fillDefaults } from './fill.js';
import { isValid } from './is-valid.js';
import type { JsonObject, JsonSchema } from './json-schema.js';
import { Secrets } from './secrets.js';
import { ConfigSource, type Finding, readConfigText } from './source.js';

export interface LoadedProfile {
  /** Defaults filled in, durations in ms. */
  profile: Profile;
  /** As it was written. */
  written: JsonObject;
  file: string;
}

/** Where a profile was found. */
export interface ProfilePlace {
  name: string;
  file: string;
  /** It came with the program. */
  shipped: boolean;
}

const schema = ProfileSchema as unknown as JsonSchema;
const EXTENSION = '.yaml';

export function shippedProfiles(): string {
  return join(packageRoot(), 'profiles');
}

/** Reads and validates a profile. Throws ConfigErrors with everything that is wrong, each with line and column. */
export async function loadProfile(file: string): Promise<LoadedProfile> {
  const absolute = resolve(file);
  try {
    return await parseProfile(await readConfigText(absolute), absolute);
  } catch (error) {
    throw error instanceof FerruleError ? new ConfigErrors([error]) : error;
  }
}

/** The same for a text that is (or will be) the content of `file`. */
export async function parseProfile(text: string, file: string): Promise<LoadedProfile> {
  const source = new ConfigSource(file, text);
  const syntax = source.syntaxErrors();
  if (syntax.length > 0) throw new ConfigErrors(inOrder(syntax));
  const written = source.toValue();
  const filled = fillDefaults(schema, written, isValid);
  const findings = isValid(schema, filled) ? [] : await faultsOf(filled);
  const converter = new Converter({
    directory: dirname(file),
    secrets: new Secrets({ configFile: file, credentialsDirectory: undefined }),
    checkFiles: false,
    isValid,
  });
  const profile = (await converter.convert(schema, filled)) as Profile;
  findings.push(...converter.findings);
  if (findings.length === 0) findings.push(...checkName(profile, file), ...checkProfile(profile));
  if (findings.length > 0)
    throw new ConfigErrors(inOrder(findings.map((finding) => source.error({ code: 'FER_FIELD_PROFILE', ...finding }))));
  return { profile, written: written as JsonObject, file };
}

function checkName({ name }: Profile, file: string): Finding[] {
  if (basename(file, EXTENSION) === name) return [];
  const message = `The profile is named ${name}, but its file ${basename(file)}.`;
  return [
    { path: ['name'], message, hint: `A profile is found by its file: name it ${basename(file, EXTENSION)}, or the file ${name}.yaml.` },
  ];
}

async function faultsOf(filled: unknown): Promise<Finding[]> {
  // Loaded only now: most profiles have none.
  const { validator } = await import('./validate.js');
  return validator.validate(schema, filled);
}

/** The profiles of some folders and of the program. A name that is there twice means the one of the first folder. */
export class ProfileLibrary {
  readonly #folders: readonly string[];
  readonly #loaded = new Map<string, Promise<LoadedProfile>>();

  /** `own`: folders of the user, before that of the program; they need not be there. */
  constructor(own: readonly string[], shipped = shippedProfiles()) {
    this.#folders = [...new Set([...own.map((folder) => resolve(folder)), shipped])];
  }

  /** What there is, by name; nothing is read but the folders. */
  async list(): Promise<ProfilePlace[]> {
    const places = new Map<string, ProfilePlace>();
    for (const folder of this.#folders) {
      for (const entry of await entriesOf(folder)) {
        const name = basename(entry, EXTENSION);
        if (entry !== `${name}${EXTENSION}` || !isProfileName(name) || places.has(name)) continue;
        places.set(name, { name, file: join(folder, entry), shipped: folder === this.#folders.at(-1) });
      }
    }
    return [...places.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  /** null: there is none of this name. Throws ConfigErrors where it is not valid. */
  async get(name: string): Promise<LoadedProfile | null> {
    const place = isProfileName(name) ? (await this.list()).find((entry) => entry.name === name) : undefined;
    if (place === undefined) return null;
    let loaded = this.#loaded.get(name);
    if (loaded === undefined) {
      loaded = loadProfile(place.file);
      this.#loaded.set(name, loaded);
    }
    return loaded;
  }
}

function isProfileName(name: string): boolean {
  return new RegExp(PROFILE_NAME).test(name);
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return [];
    throw error;
  }
}
