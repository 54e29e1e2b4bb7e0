import type { Logger } from '../../log.js';
import type { FieldConfig } from '../schema.js';
import type { BusProxy } from './bus-proxy.js';
import { ProxyUnit } from './proxy-unit.js';
import { type Reader, RegisterMap, type ServedTag } from './registers.js';
import type { ModbusServerConfig, ProxyConfig } from './schema.js';
import { resolveServed } from './served-tag.js';
import { TagUnit, type TagWriter } from './tag-unit.js';
import type { ServedUnit } from './unit.js';

/** What a server gives to its masters. */
export interface Offer {
  sample: Reader['sample'];
  write: TagWriter['write'];
  log: Logger;
  /** The way to a bus as it is now; null: there is none at present. */
  proxy(bus: string): BusProxy | null;
}

/** Units of a `proxy` entry: first and last id under which masters find them, and the first on the bus. */
export function proxyRange({ unit, device_unit }: ProxyConfig): { first: number; last: number; deviceFirst: number } {
  const [first = 0, last = first] = typeof unit === 'number' ? [unit] : unit.split('-').map(Number);
  return { first, last, deviceFirst: device_unit ?? first };
}

/** What is found under each unit id of a server. */
export function unitsOf(server: ModbusServerConfig, field: FieldConfig, offer: Offer): Map<number, ServedUnit> {
  const units = new Map<number, ServedUnit>();
  const tags = new Map<number, ServedTag[]>();
  for (const entry of server.tags) {
    const resolved = resolveServed(entry, field);
    if ('problems' in resolved) throw new Error(`${entry.device}/${entry.tag}: ${resolved.problems[0]?.message}`);
    tags.set(entry.unit, [...(tags.get(entry.unit) ?? []), resolved.served]);
  }
  const reader = { sample: offer.sample, notGood: server.not_good, unmapped: server.unmapped };
  for (const [unit, served] of tags) units.set(unit, new TagUnit(new RegisterMap(served), reader, offer));
  for (const entry of server.proxy) {
    const { first, last, deviceFirst } = proxyRange(entry);
    const isLine = field.buses.find(({ name }) => name === entry.bus)?.type !== 'modbus_tcp';
    for (let unit = first; unit <= last; unit++) {
      units.set(
        unit,
        new ProxyUnit({
          bus: entry.bus,
          deviceUnit: deviceFirst + unit - first,
          maxAge: entry.max_age,
          patience: server.queue_timeout,
          mayWrite: entry.access === 'read_write',
          functions: new Set(entry.functions),
          isLine,
          proxy: () => offer.proxy(entry.bus),
          log: offer.log,
        }),
      );
    }
  }
  return units;
}
