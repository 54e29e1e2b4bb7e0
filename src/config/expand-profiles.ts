import type { FerruleError } from '../errors.js';
import { DEFAULT_SCAN } from '../field/profiles/check-config.js';
import { DEFAULT_KEYS } from '../field/profiles/schema.js';
import { nearest } from './distance.js';
import { ConfigErrors } from './errors.js';
import { isObject, type JsonObject } from './json-schema.js';
import type { LoadedProfile, ProfileLibrary } from './profiles.js';
import type { ConfigPath, Finding } from './source.js';

export interface Expansion {
  /** The configuration as it was written, with the devices' profiles put in. */
  value: unknown;
  /** Names that are unknown. */
  findings: Finding[];
  /** Faults of the profiles themselves. */
  errors: FerruleError[];
  /** Files that were read. */
  files: string[];
  /** Where in the written configuration the cause of a fault in the expanded one stands. */
  placeOf(path: ConfigPath): ConfigPath;
}

/** Where each tag of an expanded device stands in the written one. */
interface ExpandedTag {
  tag: unknown;
  /** Its place in the device's own list; null: it comes from the profile alone. */
  own: number | null;
}

/**
 * Puts the profiles of devices (`profile: NAME`) into a configuration, before defaults are filled in and it is validated: so
 * that a tag of the configuration can change a single key of the profile's tag. What else the profile knows of the device
 * (order, limits, scan classes) counts where the configuration is silent.
 */
export async function expandProfiles(written: unknown, library: ProfileLibrary): Promise<Expansion> {
  const findings: Finding[] = [];
  const errors: FerruleError[] = [];
  const files = new Set<string>();
  const expanded = new Map<number, ExpandedTag[]>();
  const field = isObject(written) ? written.field : undefined;
  const devices = isObject(field) && Array.isArray(field.devices) ? (field.devices as unknown[]) : [];

  const result: unknown[] = [];
  for (const [index, device] of devices.entries()) {
    const path: ConfigPath = ['field', 'devices', index];
    result.push(device);
    if (!isObject(device) || typeof device.profile !== 'string') continue;
    try {
      const found = await library.get(device.profile);
      if (found === null) {
        findings.push(await unknownProfile(device.profile, library, path));
      } else {
        files.add(found.file);
        findings.push(...unknownTags(device, found, path));
        const tags = tagsOf(device, found);
        expanded.set(index, tags);
        result[index] = applyProfile(device, found, tags);
      }
    } catch (error) {
      if (!(error instanceof ConfigErrors)) throw error;
      errors.push(...error.errors.filter((fault) => !errors.includes(fault)));
    }
    // Something is wrong with the profile; that its tags are missing says nothing more.
    if (!expanded.has(index)) result[index] = { tags: [], ...device };
  }
  const value = isObject(written) && isObject(field) && devices.length > 0 ? { ...written, field: { ...field, devices: result } } : written;
  return { value, findings, errors, files: [...files], placeOf: (path) => placeOf(path, devices, expanded) };
}

function applyProfile(device: JsonObject, { written, profile }: LoadedProfile, tags: readonly ExpandedTag[]): JsonObject {
  const defaults = isObject(written.defaults) ? written.defaults : {};
  const applied: JsonObject = { ...device };
  for (const key of DEFAULT_KEYS) if (defaults[key] !== undefined) applied[key] ??= defaults[key];
  // The device's own classes first: the first one is that of its own tags that name none.
  const scan = isObject(written.scan) ? written.scan : { default: `${DEFAULT_SCAN.default}ms` };
  const own = device.scan ?? {};
  if (isObject(own)) {
    const used = new Set(tags.map(({ tag }) => (isObject(tag) ? tag.scan : undefined)));
    const missing = Object.entries(scan).filter(([name]) => !Object.hasOwn(own, name) && used.has(name));
    if (missing.length > 0) applied.scan = { ...own, ...Object.fromEntries(missing) };
  }
  applied.profile = profile.name;
  // Tags that are no list stay, for the validation to find.
  if (Array.isArray(device.tags) || (device.tags ?? null) === null) applied.tags = tags.map(({ tag }) => tag);
  return applied;
}

/** The profile's tags, those of the same name changed by the device's own; then the device's other tags. */
function tagsOf(device: JsonObject, { written, profile }: LoadedProfile): ExpandedTag[] {
  const ownTags: unknown[] = Array.isArray(device.tags) ? device.tags : [];
  const [only, except] = [namesIn(device.only), namesIn(device.except)];
  const firstClass = Object.keys(profile.scan ?? DEFAULT_SCAN)[0];
  const taken = new Set<number>();
  const tags: ExpandedTag[] = [];
  for (const theirs of written.tags as JsonObject[]) {
    const name = theirs.name as string;
    if ((only !== null && !only.includes(name)) || except?.includes(name)) continue;
    const own = ownTags.findIndex((tag) => isObject(tag) && tag.name === name);
    if (own !== -1) taken.add(own);
    tags.push({ tag: { scan: firstClass, ...theirs, ...(own === -1 ? {} : (ownTags[own] as JsonObject)) }, own: own === -1 ? null : own });
  }
  for (const [own, tag] of ownTags.entries()) if (!taken.has(own)) tags.push({ tag, own });
  return tags;
}

function namesIn(value: unknown): unknown[] | null {
  return Array.isArray(value) ? value : null;
}

async function unknownProfile(name: string, library: ProfileLibrary, path: ConfigPath): Promise<Finding> {
  const names = (await library.list()).map((place) => place.name);
  const near = nearest(name, names);
  return {
    path: [...path, 'profile'],
    code: 'FER_FIELD_PROFILE',
    message: `There is no profile ${JSON.stringify(name)}.`,
    hint: near === null ? 'ferrule profiles list shows what there is; your own go into the folder profiles.' : `Did you mean ${near}?`,
  };
}

function unknownTags(device: JsonObject, { profile }: LoadedProfile, path: ConfigPath): Finding[] {
  const names = profile.tags.map(({ name }) => name);
  return (['only', 'except'] as const).flatMap((key) =>
    (namesIn(device[key]) ?? []).flatMap((name, index): Finding[] => {
      if (typeof name !== 'string' || names.includes(name)) return [];
      const near = nearest(name, names);
      const hint = near === null ? `ferrule profiles show ${profile.name} lists its tags.` : `Did you mean ${near}?`;
      return [{ path: [...path, key, index], message: `The profile ${profile.name} has no tag ${JSON.stringify(name)}.`, hint }];
    }),
  );
}

function placeOf(path: ConfigPath, devices: readonly unknown[], expanded: ReadonlyMap<number, readonly ExpandedTag[]>): ConfigPath {
  const [field, list, index, tags, tag, ...rest] = path;
  if (field !== 'field' || list !== 'devices' || typeof index !== 'number' || tags !== 'tags') return path;
  const device = devices[index];
  const sources = expanded.get(index);
  if (sources === undefined || !isObject(device) || (device.tags !== undefined && !Array.isArray(device.tags))) return path;
  const atProfile: ConfigPath = ['field', 'devices', index, 'profile'];
  const own = typeof tag === 'number' ? (sources[tag]?.own ?? null) : null;
  if (own === null) return atProfile;
  const ownTag: unknown = Array.isArray(device.tags) ? device.tags[own] : undefined;
  const [key] = rest;
  const isThere = isObject(ownTag) && typeof key === 'string' && Object.hasOwn(ownTag, key);
  return ['field', 'devices', index, 'tags', own, ...(isThere ? rest : [])];
}
