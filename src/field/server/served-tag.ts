import { tagsOf } from '../inventory.js';
import { encodeValue } from '../modbus/encode.js';
import { isBitArea, type Point, resolvePoint } from '../modbus/point.js';
import type { DeviceConfig, FieldConfig, TagConfig, TagType } from '../schema.js';
import { isInstrument } from '../schema.js';
import { instrumentFields } from '../serial/schema.js';
import type { ServedTag } from './registers.js';
import type { TagMapConfig } from './schema.js';

export interface ServedProblem {
  key: keyof TagMapConfig;
  message: string;
  hint: string;
}

type Coding = Partial<Pick<TagConfig, 'type' | 'length' | 'scale' | 'offset'>>;

/** Where a value comes from. */
interface Source {
  coding: Coding;
  names: Record<string, string> | undefined;
  isFlag: boolean;
  isText: boolean;
  /** null: it may not be written. */
  written: { point: Point; config: TagConfig } | null;
}

/** Types that share a register, and what holds them where they have one of their own. */
const OWN_REGISTER: Partial<Record<TagType, TagType>> = { bit: 'bool', bitfield: 'uint16', int8: 'int16', uint8: 'uint16' };

/** A tag of the server's map with all that is known of it, or what is wrong. */
export function resolveServed(entry: TagMapConfig, field: FieldConfig): { served: ServedTag } | { problems: ServedProblem[] } {
  const device = field.devices.find(({ name }) => name === entry.device);
  if (device === undefined) {
    return { problems: [{ key: 'device', message: `there is no device ${entry.device}`, hint: namesIn('Devices', field.devices) }] };
  }
  const source = sourceOf(device, entry.tag);
  if (source === null) {
    const hint = namesIn('Its tags', tagsOf(device));
    return { problems: [{ key: 'tag', message: `device ${device.name} has no tag ${entry.tag}`, hint }] };
  }
  const coding = codingOf(entry, source);
  const resolved = resolvePoint(coding, {});
  if ('problems' in resolved) return { problems: resolved.problems.map((problem) => ({ ...problem, key: keyOf(problem.key) })) };
  const { point } = resolved;
  const problems = problemsOf(entry, source, point);
  if (problems.length > 0) return { problems };
  const { written } = source;
  return {
    served: {
      device: entry.device,
      tag: entry.tag,
      point,
      coding,
      names: source.names,
      mask: maskOf(point, coding),
      isFlag: source.isFlag,
      check: entry.access === 'read' || written === null ? null : (value) => void encodeValue(written.point, value, written.config),
      status: entry.status ?? null,
    },
  };
}

function sourceOf(device: DeviceConfig, name: string): Source | null {
  if (isInstrument(device)) {
    const field = instrumentFields(device).find((each) => each.name === name);
    if (field === undefined) return null;
    const types = { float: 'float32', int: 'int32', bool: 'bool', string: 'string' } as const;
    const isText = field.type === 'string';
    return { coding: { type: types[field.type] }, names: field.enum, isFlag: field.type === 'bool', isText, written: null };
  }
  const config = device.tags.find((each) => each.name === name);
  const resolved = config === undefined ? null : resolvePoint(config, device);
  if (config === undefined || resolved === null || 'problems' in resolved) return null;
  const { point } = resolved;
  const isText = point.type === 'string' || point.type === 'raw';
  const isFlag = point.type === 'bool' || point.type === 'bit';
  const length = isText ? { length: point.bytes } : {};
  const scaling = {
    ...(config.scale === undefined ? {} : { scale: config.scale }),
    ...(config.offset === undefined ? {} : { offset: config.offset }),
  };
  return {
    coding: { type: OWN_REGISTER[point.type] ?? point.type, ...length, ...scaling },
    names: config.enum,
    isFlag,
    isText,
    written: config.access === 'read_write' ? { point, config } : null,
  };
}

/** The entry as the configuration of a tag: only place, coding and access. */
function codingOf(entry: TagMapConfig, source: Source): TagConfig {
  const { area, address, type, order, byte, bit, bits, length, scale, offset, access } = entry;
  // What the entry says of its type stands alone; what it leaves out is as it is in the device.
  const isOwn = type !== undefined || bit !== undefined || area === 'coil' || area === 'discrete';
  const given = { area, type, order, byte, bit, bits, length, scale, offset };
  const coding = {
    ...(isOwn ? {} : source.coding),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    name: `${entry.device}/${entry.tag}`,
    address,
    access,
    publish: 'on_change' as const,
    write: { read_back: false, tolerance: 0, single: true },
  };
  return coding;
}

function problemsOf(entry: TagMapConfig, source: Source, point: Point): ServedProblem[] {
  const problems: ServedProblem[] = [];
  const isText = point.type === 'string' || point.type === 'raw';
  if (source.isText && !isText) {
    problems.push({ key: 'type', message: `${entry.tag} is a text, not ${point.type}`, hint: 'Use type string with a length.' });
  }
  if (!source.isText && isText && source.names === undefined) {
    problems.push({ key: 'type', message: `${entry.tag} is no text`, hint: 'Use a type of numbers.' });
  }
  if (entry.access === 'read_write' && source.written === null) {
    const hint = 'Leave access out, or give the tag itself access: read_write.';
    problems.push({ key: 'access', message: `${entry.device}/${entry.tag} may not be written`, hint });
  }
  if (point.length > 123) {
    problems.push({ key: 'length', message: `${point.length} registers do not fit into one request`, hint: 'At most 123 registers.' });
  }
  return problems;
}

function maskOf(point: Point, coding: TagConfig): number {
  if (isBitArea(point.area)) return 0xffff;
  const isMasked = point.bit !== null || point.type === 'int8' || point.type === 'uint8';
  if (!isMasked) return 0xffff;
  const encoded = encodeValue(point, 0, { ...coding, scale: 1, offset: 0 });
  return encoded.kind === 'masked' ? encoded.mask : 0xffff;
}

const KEYS: ReadonlySet<string> = new Set([
  'area',
  'address',
  'type',
  'order',
  'byte',
  'bit',
  'bits',
  'length',
  'scale',
  'offset',
  'access',
]);

function keyOf(key: string): keyof TagMapConfig {
  return (KEYS.has(key) ? key : 'address') as keyof TagMapConfig;
}

function namesIn(what: string, items: readonly { name: string }[]): string {
  const names = items.slice(0, 10).map(({ name }) => name);
  return names.length === 0 ? 'Add it, or correct the name.' : `${what}: ${names.join(', ')}${items.length > 10 ? ', ...' : ''}.`;
}
