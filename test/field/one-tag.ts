import assert from 'node:assert/strict';
import { decodeRegisters } from '../../src/field/modbus/decode.js';
import { type Encoded, encodeValue } from '../../src/field/modbus/encode.js';
import { type Point, resolvePoint } from '../../src/field/modbus/point.js';
import type { TagJson } from '../../src/field/ports.js';
import type { ModbusDeviceConfig, TagConfig } from '../../src/field/schema.js';
import { fieldConfig } from './support.js';

/** A tag as people write it, checked and resolved. `device`: further keys of its device. */
export async function tagOf(written: Record<string, unknown>, more: object = {}): Promise<{ tag: TagConfig; point: Point }> {
  const config = await fieldConfig({
    buses: [{ name: 'b', type: 'modbus_tcp', host: 'h' }],
    devices: [{ name: 'd', bus: 'b', tags: [{ name: 't', area: 'holding', address: 0, access: 'read_write', ...written }], ...more }],
  });
  const device = config.devices[0] as ModbusDeviceConfig;
  const tag = device.tags[0]!;
  const resolved = resolvePoint(tag, device);
  assert.ok('point' in resolved);
  return { tag, point: resolved.point };
}

/** The value; `bad <reason>`, or `<reason> <value>` where it is uncertain. */
export async function decode(written: Record<string, unknown>, hex: string, device: object = {}): Promise<TagJson> {
  const { tag, point } = await tagOf(written, device);
  const reading = decodeRegisters(point, Buffer.from(hex, 'hex'), tag);
  if (reading.quality === 'bad') return `bad ${reading.reason}`;
  return reading.quality === 'good' ? reading.value : `${reading.reason} ${reading.value}`;
}

export async function encode(written: Record<string, unknown>, value: TagJson, device: object = {}): Promise<string> {
  const { tag, point } = await tagOf(written, device);
  return encodedHex(encodeValue(point, value, tag));
}

/** Registers as the device gets them; anything else as JSON. */
export function encodedHex(encoded: Encoded): string {
  if (encoded.kind !== 'registers') return JSON.stringify(encoded);
  return Buffer.from(encoded.values.flatMap((word) => [word >> 8, word & 0xff])).toString('hex');
}
