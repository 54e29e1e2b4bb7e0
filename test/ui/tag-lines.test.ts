import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { decodeBit, decodeRegisters } from '../../src/field/modbus/decode.js';
import { isBitArea, type Point, resolvePoint } from '../../src/field/modbus/point.js';
import type { ModbusDeviceConfig, TagConfig } from '../../src/field/schema.js';
import { TagTable } from '../../src/field/tags-file/table.js';
import { interpret } from '../../src/field/tools/explore.js';
import { type TagFacts, tagLines } from '../../ui/src/state/tag-lines.js';
import { fieldConfig } from '../field/support.js';

test('a tag says its order only where it is not the usual one', () => {
  const facts = { name: 'x', area: 'holding', address: 10, type: 'float32' };
  assert.equal(tagLines({ ...facts, order: 'ABCD' }).yaml, '- {name: x, area: holding, address: 10, type: float32}');
  assert.equal(tagLines({ ...facts, order: 'CDAB' }).yaml, '- {name: x, area: holding, address: 10, type: float32, order: CDAB}');
  assert.equal(tagLines({ ...facts, order: 'CDAB' }).csv, 'name,area,address,type,order\nx,holding,10,float32,CDAB');
  assert.equal(tagLines({ ...facts, area: 'coil', type: 'bool', order: null }).yaml, '- {name: x, area: coil, address: 10}');
});

/** The tag of the configuration that a written one becomes, and where it is read. */
async function taken(tags: unknown): Promise<{ tag: TagConfig; point: Point }> {
  const config = await fieldConfig({ buses: [{ name: 'b', type: 'modbus_tcp', host: 'h' }], devices: [{ name: 'd', bus: 'b', tags }] });
  const device = config.devices[0] as ModbusDeviceConfig;
  const [tag] = device.tags;
  assert.ok(tag !== undefined && device.tags.length === 1);
  const resolved = resolvePoint(tag, device);
  assert.ok('point' in resolved);
  return { tag, point: resolved.point };
}

/** Both lines of a tag go the way that they go in a gateway, and are the same tag there. */
async function throughImporters(facts: TagFacts): Promise<{ tag: TagConfig; point: Point }> {
  const { csv, yaml } = tagLines(facts);
  const list = new TagTable(Buffer.from(csv), '/x/tags.csv');
  assert.deepEqual(list.faults, []);
  const [fromList, fromYaml] = [await taken(list.tags), await taken(parse(yaml))];
  assert.equal(fromList.tag.name, facts.name);
  assert.deepEqual(fromList.point, fromYaml.point);
  return fromList;
}

test('the line for a tag list, imported, is a tag that reads what the explorer showed: every type and order', async () => {
  const registers = Buffer.from('41a8cccd00e6123440490fdb3f80', 'hex');
  const { places, orders } = interpret({ unit: 1, area: 'holding', address: 10, count: 7 }, registers, 0);
  let seen = 0;
  for (const [type, values] of Object.entries(places[1]?.values ?? {})) {
    for (const [index, order] of orders[type.endsWith('64') ? '4' : type.endsWith('32') ? '2' : '1'].entries()) {
      const facts = { name: `r${places[1]?.modicon}`, area: 'holding', address: 11, type, order };
      const { tag, point } = await throughImporters(facts);
      assert.equal(point.address, 11);
      const reading = decodeRegisters(point, registers.subarray(2, 2 + point.length * 2), tag);
      assert.deepEqual(reading.value ?? null, values[index] ?? null, `${type} ${order}`);
      seen++;
    }
  }
  assert.equal(seen, 4 * 2 + 4 * 4 + 3 * 4);
});

test('the line for a coil or an input, imported, is that bit', async () => {
  for (const area of ['coil', 'discrete'] as const) {
    const { places } = interpret({ unit: 1, area, address: 7, count: 2 }, Buffer.from([0b10]), 0);
    assert.equal(places[1]?.raw, 1);
    const { tag, point } = await throughImporters({ name: `r${places[1]?.modicon}`, area, address: 8, type: 'bool', order: null });
    assert.ok(isBitArea(point.area) && point.area === area && point.address === 8);
    assert.equal(decodeBit(Buffer.from([1]), 0, tag).value, true);
  }
});
