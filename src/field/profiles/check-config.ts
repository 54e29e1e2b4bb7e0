import { type ConfigFault, checkTags } from '../check-config.js';
import { checkForbidden } from '../modbus/check-device.js';
import { resolvePoint } from '../modbus/point.js';
import type { TagConfig } from '../schema.js';
import type { Fingerprint, Profile } from './schema.js';

/** Of a profile that names none. */
export const DEFAULT_SCAN = { default: 1000 };

/** What the schema of a profile can't say: addresses, names, references. Paths start at the profile. */
export function checkProfile(profile: Profile): ConfigFault[] {
  const { order, max_registers = 125, max_bits = 2000, forbidden = [] } = profile.defaults ?? {};
  const scan = profile.scan ?? DEFAULT_SCAN;
  const device = { tags: profile.tags, scan, max_registers, max_bits, forbidden, ...(order === undefined ? {} : { order }) };
  const faults = [...checkTags(device, []), ...checkForbidden(device, [])];
  for (const [index, source] of profile.source.entries()) {
    if (source.url === undefined && source.section === undefined) {
      const message = `Where in ${JSON.stringify(source.title)}?`;
      faults.push({ path: ['source', index], message, hint: 'Add url, or section: the chapter, table or page.' });
    }
  }
  const names = new Set(profile.tags.map(({ name }) => name));
  for (const name of Object.keys(profile.simulate ?? {})) {
    if (!names.has(name)) faults.push({ path: ['simulate', name], message: `There is no tag ${name}.`, hint: 'Correct the name.' });
  }
  for (const [index, print] of (profile.identify?.registers ?? []).entries()) {
    const resolved = resolvePoint(fingerprintTag(print), profile.defaults ?? {});
    if ('point' in resolved) continue;
    for (const { key, message, hint } of resolved.problems) {
      faults.push({ path: ['identify', 'registers', index, key], message: `${message}.`, hint });
    }
  }
  if (profile.identify !== undefined && profile.identify.device_id === undefined && profile.identify.registers === undefined) {
    faults.push({ path: ['identify'], message: 'There is nothing to recognise it by.', hint: 'Add device_id or registers.' });
  }
  return faults;
}

/** A fingerprint as a tag, to be resolved and decoded like one. */
export function fingerprintTag({ area, address, type, order, length }: Fingerprint): TagConfig {
  return {
    name: `${area} ${address}`,
    ...{ area, address, type },
    ...(order === undefined ? {} : { order }),
    ...(length === undefined ? {} : { length }),
    access: 'read',
    publish: 'on_change',
    write: { read_back: false, tolerance: 0, single: true },
  };
}
