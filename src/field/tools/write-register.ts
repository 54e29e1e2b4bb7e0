import { FerruleError } from '../../errors.js';
import type { Area } from '../modbus/address.js';
import type { ModbusBus } from '../modbus/bus.js';
import { encodeValue } from '../modbus/encode.js';
import { type Point, resolvePoint } from '../modbus/point.js';
import { writePoint } from '../modbus/write.js';
import type { TagJson } from '../ports.js';
import { ORDERS, REGISTER_TYPES, type TagConfig } from '../schema.js';
import { modicon, tagConfig } from './explore.js';

/** A value that a person writes where there is no tag. */
export interface RegisterWrite {
  unit: number;
  area: Area;
  /** 0-based. */
  address: number;
  value: TagJson;
  /** Bit of the register. */
  bit?: number;
  /** One of REGISTER_TYPES. Default: uint16; bool of a coil. */
  type?: string;
  /** One of ORDERS. Default: ABCD. */
  order?: string;
  /** Write one register or coil with FC 16 or 15 too. */
  multiple?: boolean;
}

/** What would be written. Throws FER_FIELD_BAD_VALUE where it can't be. */
export function checkWrite(request: RegisterWrite): { config: TagConfig; point: Point } {
  const { area, address, value, bit, type, order, multiple = false } = request;
  const config = tagConfig({
    ...{ name: modicon(area, address), area, address, access: 'read_write' },
    ...(bit === undefined ? {} : { bit }),
    ...(type === undefined ? {} : { type: known(REGISTER_TYPES, type, 'type') }),
    ...(order === undefined ? {} : { order: known(ORDERS, order, 'order') }),
    write: { read_back: true, tolerance: 0, single: !multiple },
  });
  const resolved = resolvePoint(config, {});
  if ('problems' in resolved) {
    const { message = 'it can not be written', hint } = resolved.problems[0] ?? {};
    throw new FerruleError('FER_FIELD_BAD_VALUE', `${area} ${address}: ${message}.`, hint === undefined ? {} : { hint });
  }
  encodeValue(resolved.point, value, config);
  return { config, point: resolved.point };
}

function known<T extends string>(all: readonly T[], text: string, what: string): T {
  const found = all.find((each) => each === text);
  if (found !== undefined) return found;
  throw new FerruleError('FER_FIELD_BAD_VALUE', `There is no ${what} ${text}.`, { hint: `There are ${all.join(', ')}.` });
}

/** Writes one value and reads it back; resolves with what was read. Rejects with a FerruleError that says what is known. */
export async function writeRegister(bus: ModbusBus, request: RegisterWrite): Promise<TagJson> {
  const { config, point } = checkWrite(request);
  const { unit, value } = request;
  const { written } = await writePoint({ bus, device: { name: `unit ${unit}`, unit, mask_write: true }, config, point }, value);
  return written;
}
