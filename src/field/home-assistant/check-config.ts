import type { ConfigFault, Path } from '../check-parts.js';
import { tagsOf } from '../inventory.js';
import type { DeviceConfig } from '../schema.js';
import { isInstrument } from '../schema.js';
import { BINARY_CLASSES, NUMERIC_CLASSES, normalUnit, SWITCH_CLASSES, stateClassesOf } from './classes.js';
import { type Description, describeTag } from './describe.js';

/** `device_class` and `state_class` that Home Assistant would refuse. */
export function checkHomeAssistant(device: DeviceConfig, path: Path): ConfigFault[] {
  const list: Path = isInstrument(device) ? [...path, 'decode', 'fields'] : [...path, 'tags'];
  return tagsOf(device).flatMap((tag, index) => {
    if (tag.device_class === undefined && tag.state_class === undefined) return [];
    const described = describeTag(device, tag);
    if (described === null) return [];
    const at: Path = [...list, index];
    return [...checkDeviceClass(tag, described, at), ...checkStateClass(tag, described, at)];
  });
}

interface Told {
  name: string;
  unit?: string;
  device_class?: string;
  state_class?: string;
}

function checkDeviceClass(tag: Told, described: Description, at: Path): ConfigFault[] {
  const { device_class: deviceClass } = tag;
  if (deviceClass === undefined || deviceClass === 'none') return [];
  const path = [...at, 'device_class'];
  const known = classesFor(described);
  if (!known.includes(deviceClass)) {
    const what = WHAT[described.kind];
    const hint = known.length === 0 ? 'Leave it out.' : `There are: ${known.join(', ')}.`;
    return [{ path, message: `${tag.name}: Home Assistant has no device class ${deviceClass} for ${what}.`, hint }];
  }
  const units = described.kind === 'number' ? (NUMERIC_CLASSES[deviceClass] ?? null) : null;
  // A class without a unit: the tag's own is not told.
  if (units === null || units.length === 0 || units.includes(normalUnit(tag.unit ?? ''))) return [];
  const unit = tag.unit === undefined ? 'without a unit' : `with the unit ${tag.unit}`;
  const message = `${tag.name}: Home Assistant takes no ${deviceClass} ${unit}.`;
  return [{ path, message, hint: `Its units are: ${units.filter((name) => name !== '').join(', ')}.` }];
}

const WHAT: Record<Description['kind'], string> = {
  bool: 'what is on or off',
  enum: 'a value with names',
  text: 'a text',
  number: 'a number',
};

function classesFor(described: Description): readonly string[] {
  switch (described.kind) {
    case 'bool':
      return described.writable ? SWITCH_CLASSES : BINARY_CLASSES;
    case 'number':
      return Object.keys(NUMERIC_CLASSES);
    case 'enum':
    case 'text':
      return [];
  }
}

function checkStateClass(tag: Told, described: Description, at: Path): ConfigFault[] {
  const { state_class: stateClass } = tag;
  if (stateClass === undefined || stateClass === 'none') return [];
  const path = [...at, 'state_class'];
  if (described.kind !== 'number') {
    return [{ path, message: `${tag.name}: ${WHAT[described.kind]} has no state class.`, hint: 'Leave it out.' }];
  }
  const allowed = stateClassesOf(described.deviceClass);
  if (allowed.includes(stateClass)) return [];
  const message = `${tag.name}: Home Assistant takes no ${stateClass} of device class ${described.deviceClass}.`;
  return [{ path, message, hint: allowed.length === 0 ? 'Leave it out.' : `Use ${allowed.join(' or ')}, or another device_class.` }];
}
