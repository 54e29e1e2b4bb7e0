import type { ConfigFault } from './check-parts.js';
import { type Point, resolvePoint } from './modbus/point.js';
import { type FieldConfig, isInstrument, type ModbusDeviceConfig, type TagConfig } from './schema.js';
import { isSunSpecMap } from './sunspec/at-usual-base.js';

/** So many are said of one device; a list that is wrong altogether is not listed tag by tag. */
const MAX_PER_DEVICE = 20;
/** What is made to look at parts of a register, or at registers as they are: it lies over others on purpose. */
const OVERLAYS = new Set(['bool', 'bit', 'bitfield', 'int8', 'uint8', 'raw']);

interface Placed {
  index: number;
  tag: TagConfig;
  point: Point;
}

/** What is allowed in the field section and may still be a slip. `config`: without faults. */
export function doubtsOfField(config: FieldConfig): ConfigFault[] {
  return config.devices.flatMap((device, index) => {
    if (isInstrument(device)) return [];
    const placed = device.tags.flatMap((tag, at): Placed[] => {
      const resolved = resolvePoint(tag, device);
      return 'point' in resolved ? [{ index: at, tag, point: resolved.point }] : [];
    });
    const doubts = overlaps(placed, device).sort((a, b) => a.at - b.at);
    const shown = doubts
      .slice(0, MAX_PER_DEVICE)
      .map(({ at, ...doubt }) => ({ ...doubt, path: ['devices', index, 'tags', at, 'address'] }));
    if (doubts.length > MAX_PER_DEVICE) {
      const message = `${device.name}: ${doubts.length - MAX_PER_DEVICE} more tags like these.`;
      shown.push({ path: ['devices', index, 'tags', doubts[MAX_PER_DEVICE]!.at, 'address'], message, hint: 'Correct those above first.' });
    }
    return shown;
  });
}

interface Doubt {
  at: number;
  message: string;
  hint: string;
}

/** Tags that read the same registers as different things. */
function overlaps(placed: readonly Placed[], device: ModbusDeviceConfig): Doubt[] {
  const doubts: Doubt[] = [];
  for (const area of ['holding', 'input'] as const) {
    const sorted = placed
      .filter(({ point }) => point.area === area && !OVERLAYS.has(point.type))
      .sort((a, b) => a.point.address - b.point.address || a.index - b.index);
    // Those that may still reach to where we are.
    let open: Placed[] = [];
    for (const here of sorted) {
      open = open.filter(({ point }) => point.address + point.length > here.point.address);
      const other = open.find((before) => !isSame(before, here, device));
      if (other !== undefined) doubts.push(overlap(other, here));
      open.push(here);
    }
  }
  return doubts;
}

function overlap(a: Placed, b: Placed): Doubt {
  const [first, second] = a.index < b.index ? [a, b] : [b, a];
  const isPart = a.point.address !== b.point.address || a.point.length !== b.point.length;
  return {
    at: second.index,
    message: `${second.tag.name} (${describe(second)}) ${isPart ? 'overlaps' : 'reads the same as'} ${first.tag.name} (${describe(first)}).`,
    hint: isPart ? 'If that is not meant, correct an address or a type.' : 'If that is not meant, correct one of the types or orders.',
  };
}

function isSame(a: Placed, b: Placed, device: ModbusDeviceConfig): boolean {
  const orderOf = ({ tag }: Placed) => tag.order ?? device.order ?? 'ABCD';
  return (
    a.point.address === b.point.address && a.point.type === b.point.type && a.point.length === b.point.length && orderOf(a) === orderOf(b)
  );
}

function describe({ point }: Placed): string {
  const last = point.address + point.length - 1;
  return `${point.type} at ${point.area} ${point.address}${last > point.address ? `-${last}` : ''}`;
}

const TABLE_DIGIT: Record<string, string> = { input: '3', holding: '4' };

/**
 * Addresses that may be a slip in the devices as they are written, with their lists and without their profiles: numbers
 * beside an area that look like Modicon notation of the same table (40001 beside holding). One stands for all of a device.
 */
export function doubtsOfNotation(devices: readonly unknown[]): ConfigFault[] {
  return devices.flatMap((device, index) => {
    const written: unknown = isRecord(device) ? device.tags : undefined;
    const tags: unknown[] = Array.isArray(written) ? written : [];
    // A factor counts from 0 and lies beside its value: where its address looks the same, the numbers are meant (SunSpec).
    if (tags.some((tag) => isRecord(tag) && looksModicon({ ...tag, address: tag.scale_register }))) return [];
    const suspects = tags.flatMap((tag, at) => (isRecord(tag) && looksModicon(tag) ? [{ tag, at }] : []));
    const [first] = suspects;
    if (first === undefined || isSunSpecMap(suspects.map(({ tag }) => tag))) return [];
    const { name, area, address } = first.tag;
    const rest = suspects.length > 1 ? ` The same goes for ${suspects.length - 1} more.` : '';
    const message = `${String(name)}: beside an area, ${String(address)} counts from 0; as Modicon notation it would be ${String(area)} ${(Number(address) % 10_000) - 1}.${rest}`;
    const hint = 'If the notation is meant, leave the area out, and quote the address in YAML.';
    return [{ path: ['devices', index, 'tags', first.at, 'address'], message, hint }];
  });
}

function looksModicon({ area, address }: Record<string, unknown>): boolean {
  const digits = typeof address === 'number' ? String(address) : '';
  return digits.length === 5 && digits[0] === TABLE_DIGIT[String(area)] && !digits.endsWith('0000');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
