import { decodePoint } from '../modbus/decode.js';
import { resolvePoint } from '../modbus/point.js';
import { spanOf } from '../modbus/scale-register.js';
import type { TagJson } from '../ports.js';
import type { TagConfig, TagType } from '../schema.js';
import { tagConfig } from '../tools/explore.js';
import { type Family, MODELS, type PointDefinition, REPEATING_START, type SunSpecType } from './models.js';

/** A model of the chain, with its registers. */
export interface FoundModel {
  id: number;
  /** Of its id. */
  address: number;
  /** Registers after id and length, as the device says. */
  length: number;
  /** Id, length and all registers; null: the device does not give them. */
  data: Buffer | null;
}

/** A tag as the configuration takes it. */
export type WrittenTag = Pick<TagConfig, 'name' | 'address'> &
  Partial<Pick<TagConfig, 'area' | 'type' | 'length' | 'unit' | 'description' | 'invalid' | 'scan' | 'enum' | 'scale_register'>>;

export interface SunSpecTag {
  tag: WrittenTag;
  /** What it says now; null: nothing. */
  value: TagJson;
  /** false: the device says that it has no such value (it may have one by day). */
  isImplemented: boolean;
}

export const SCAN = { fast: '2s', slow: '60s' };

const TAG_TYPES: Record<SunSpecType, TagType> = {
  int16: 'int16',
  uint16: 'uint16',
  acc32: 'uint32',
  enum16: 'uint16',
  bitfield32: 'uint32',
  float32: 'float32',
  string: 'string',
  uint32: 'uint32',
};

/** SunSpec information model, "not implemented". A float that is none is no number; an accumulator that never counted is 0. */
const NOT_IMPLEMENTED: Record<SunSpecType, readonly number[]> = {
  int16: [0x8000],
  uint16: [0xffff],
  acc32: [0],
  enum16: [0xffff],
  bitfield32: [0x80000000, 0xffffffff],
  float32: [],
  string: [],
  uint32: [0xffffffff],
};

/** The tags of all models; names are unique. `problems` hears what was left out, and why. */
export function tagsOf(models: readonly FoundModel[], maxRegisters: number, problems: string[]): SunSpecTag[] {
  const families = new Map<Family, number>();
  const tags: SunSpecTag[] = [];
  for (const model of models) {
    const definition = MODELS.get(model.id);
    if (definition === undefined || model.data === null) continue;
    const { family, points, repeating } = definition;
    const nth = (families.get(family) ?? 0) + 1;
    families.set(family, nth);
    const name = nth === 1 ? family : `${family}${nth}_`;
    tags.push(...points.flatMap((point) => tagOf(model, point, 0, prefixOf(family, nth), maxRegisters, problems)));
    if (repeating === undefined) continue;
    const modules = Math.floor((model.length + 2 - REPEATING_START) / repeating.length);
    for (let module = 0; module < modules; module++) {
      const start = REPEATING_START + module * repeating.length;
      tags.push(...repeating.points.flatMap((point) => tagOf(model, point, start, `${name}${module + 1}_`, maxRegisters, problems)));
    }
  }
  return tags;
}

/** What a device is has plain names (`power`); everything beside it, and a second one, says what it is (`meter_power`). */
function prefixOf(family: Family, nth: number): string {
  if (nth > 1) return `${family}${nth}_`;
  return family === 'device' || family === 'inverter' ? '' : `${family}_`;
}

function tagOf(
  model: FoundModel,
  point: PointDefinition,
  start: number,
  prefix: string,
  maxRegisters: number,
  problems: string[],
): SunSpecTag[] {
  const type = TAG_TYPES[point.type];
  const offset = start + point.offset;
  const invalid = NOT_IMPLEMENTED[point.type];
  const tag: WrittenTag = {
    name: `${prefix}${point.name}`,
    area: 'holding',
    address: model.address + offset,
    type,
    ...(point.registers === undefined ? {} : { length: point.registers * 2 }),
    ...(point.factor === undefined ? {} : { scale_register: model.address + point.factor }),
    ...(point.unit === undefined ? {} : { unit: point.unit }),
    ...(invalid.length === 0 ? {} : { invalid: [...invalid] }),
    ...(point.names === undefined ? {} : { enum: point.names }),
    scan: point.isSlow === true ? 'slow' : 'fast',
    description: point.description,
  };
  const config = tagConfig(tag);
  const resolved = resolvePoint(config, {});
  if ('problems' in resolved) throw new Error(`${tag.name}: ${resolved.problems[0]?.message}`);
  const span = spanOf(resolved.point);
  // The device cut the model short.
  if (span.address + span.length > model.address + 2 + model.length) return [];
  if (span.length > maxRegisters) {
    problems.push(`${tag.name} lies ${span.length} registers from its scale factor: more than one answer holds.`);
    return [];
  }
  const data = model.data ?? Buffer.alloc(0);
  const own = data.subarray((span.address - model.address) * 2, (span.address - model.address + span.length) * 2);
  const reading = decodePoint(resolved.point, own, span.address, config);
  const value = reading.value ?? null;
  return [{ tag, value, isImplemented: reading.quality !== 'bad' && value !== '' }];
}
