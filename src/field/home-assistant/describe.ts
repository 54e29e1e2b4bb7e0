import { tagsOf } from '../inventory.js';
import { resolvePoint } from '../modbus/point.js';
import type { DeviceConfig, TagConfig, ValueConfig } from '../schema.js';
import { isInstrument } from '../schema.js';
import { instrumentFields } from '../serial/schema.js';
import { decimalsOf } from '../value.js';
import { classOfUnit, NUMERIC_CLASSES, normalUnit, stateClassesOf } from './classes.js';

/** A tag as Home Assistant needs to know it. */
export type Description = { name: string; writable: boolean; deviceClass: string | null; maxIntervalMs: number | null } & (
  | { kind: 'bool' }
  /** `options`: the names of its values. */
  | { kind: 'enum'; options: string[] }
  | { kind: 'text'; maxLength: number }
  | { kind: 'number'; unit: string | null; stateClass: string | null; decimals: number | null; limits: Limits | null }
);

/** What may be written; null: it can't be said in numbers that are exact. */
export interface Limits {
  min: number;
  max: number;
  step: number;
}

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  bcd16: [0, 9999],
  bcd32: [0, 99_999_999],
  float16: [-65504, 65504],
  float32: [-1e9, 1e9],
  float64: [-1e9, 1e9],
};
const FLOATS = new Set(['float', 'float16', 'float32', 'float64']);
/** Home Assistant takes no finer step. */
const SMALLEST_STEP = 0.001;
/** Home Assistant holds no longer text as a state. */
const LONGEST_STATE = 255;

export function describeDevice(device: DeviceConfig): Description[] {
  return tagsOf(device).map((tag) => {
    const described = describeTag(device, tag);
    if (described === null) throw new Error(`${device.name}/${tag.name} is not valid`);
    return described;
  });
}

/** `tag`: of this device. null: it is wrong in itself. */
export function describeTag(device: DeviceConfig, tag: ValueConfig): Description | null {
  if (isInstrument(device))
    return describe(tag, instrumentFields(device).find(({ name }) => name === tag.name)?.type ?? 'string', false, null);
  const config = tag as TagConfig;
  const resolved = resolvePoint(config, device);
  if ('problems' in resolved) return null;
  const { type, bits, bytes } = resolved.point;
  const range = type === 'bitfield' ? ([0, 2 ** bits - 1] as const) : (RANGES[type] ?? null);
  return describe(config, type, config.access === 'read_write', range, config.write, type === 'raw' ? 2 * bytes : bytes);
}

function describe(
  config: ValueConfig,
  type: string,
  writable: boolean,
  range: readonly [number, number] | null,
  write: { min?: number; max?: number } = {},
  maxLength = LONGEST_STATE,
): Description {
  const told = config.device_class === 'none' ? null : (config.device_class ?? null);
  const common = { name: config.name, writable, deviceClass: told, maxIntervalMs: config.max_interval ?? null };
  const names = [...new Set(Object.values(config.enum ?? {}))];
  if (names.length > 0) return { ...common, kind: 'enum', deviceClass: null, options: names };
  if (type === 'bool' || type === 'bit') return { ...common, kind: 'bool' };
  if (type === 'string' || type === 'raw') {
    return { ...common, kind: 'text', deviceClass: null, writable: writable && maxLength <= LONGEST_STATE, maxLength };
  }
  const unit = unitOf(config, told);
  const deviceClass = config.device_class !== undefined || unit === null ? told : classOfUnit(unit);
  const limits = writable && range !== null ? limitsOf(config, range, FLOATS.has(type), write) : null;
  return {
    ...common,
    kind: 'number',
    // A number that Home Assistant can't write exactly is shown only.
    writable: limits !== null,
    deviceClass,
    unit,
    stateClass: stateClassOf(config, deviceClass, unit),
    decimals: config.precision ?? (FLOATS.has(type) ? null : decimalsOf(config.scale ?? 1)),
    limits,
  };
}

/** pH is a unit to people, and a class without a unit to Home Assistant. */
function unitOf(config: ValueConfig, deviceClass: string | null): string | null {
  const unit = normalUnit(config.unit ?? '');
  if (unit === '' || (deviceClass !== null && NUMERIC_CLASSES[deviceClass]?.length === 0)) return null;
  return unit;
}

/** Energy can be a counter or not: only who knows the tag can say, and a wrong guess spoils statistics for good. */
function stateClassOf(config: ValueConfig, deviceClass: string | null, unit: string | null): string | null {
  if (config.state_class !== undefined) return config.state_class === 'none' ? null : config.state_class;
  // A number without a unit may be a code: its mean says nothing.
  if (unit === null && deviceClass === null) return null;
  return stateClassesOf(deviceClass).includes('measurement') ? 'measurement' : null;
}

function limitsOf(
  config: ValueConfig,
  [lowest, highest]: readonly [number, number],
  isFloat: boolean,
  write: { min?: number; max?: number },
): Limits | null {
  const scale = config.scale ?? 1;
  const digits = Math.max(decimalsOf(scale), decimalsOf(config.offset ?? 0));
  const ends = [lowest, highest].map((end) => Number((end * scale + (config.offset ?? 0)).toFixed(digits)));
  const min = Math.max(Math.min(...ends), write.min ?? Number.NEGATIVE_INFINITY);
  const max = Math.min(Math.max(...ends), write.max ?? Number.POSITIVE_INFINITY);
  if (min >= max) return null;
  const finest = isFloat || config.precision !== undefined ? 10 ** -(config.precision ?? 3) : Math.abs(scale);
  return { min, max, step: Math.max(finest, SMALLEST_STEP) };
}
