import type { ConfigFault, Path } from '../check-parts.js';
import { hasKnownAnswer } from '../modbus/raw.js';
import type { BusConfig, FieldConfig } from '../schema.js';
import { isAddressRange, isLoopbackHost } from './allow-list.js';
import type { ServedTag } from './registers.js';
import type { ModbusServerConfig, ProxyConfig } from './schema.js';
import { resolveServed } from './served-tag.js';
import { proxyRange } from './units.js';

/** Functions that a proxy passes on by their own rules. */
const OWN_FUNCTIONS = new Set([15, 16, 22, 23]);

/** What the schema of `modbus_servers` can't say. Paths are from the `field:` section. */
export function checkServers(config: FieldConfig): ConfigFault[] {
  return config.modbus_servers.flatMap((server, index) => {
    const path: Path = ['modbus_servers', index];
    return [...checkListening(server, index, config, path), ...checkTags(server, config, path), ...checkProxy(server, config, path)];
  });
}

function checkListening(server: ModbusServerConfig, index: number, { modbus_servers: all, buses }: FieldConfig, path: Path): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const earlier = all.slice(0, index);
  if (earlier.some(({ name }) => name === server.name)) {
    faults.push({ path: [...path, 'name'], message: `There is a Modbus server ${server.name} already.`, hint: 'Names must differ.' });
  }
  const same = earlier.find(
    ({ host, port }) => port !== 0 && port === server.port && (host === server.host || isAny(host) || isAny(server.host)),
  );
  if (same !== undefined) {
    faults.push({
      path: [...path, 'port'],
      message: `Server ${same.name} listens on port ${server.port} already.`,
      hint: 'Give it another port.',
    });
  }
  const bus = buses.find((each) => 'listen' in each && each.listen?.port === server.port);
  if (bus !== undefined) {
    const message = `Bus ${bus.name} waits for its device on port ${server.port}.`;
    faults.push({ path: [...path, 'port'], message, hint: 'Give one of them another port.' });
  }
  if (server.allow === undefined && !isLoopbackHost(server.host)) {
    faults.push({
      path: [...path, 'host'],
      message: `${server.name} would be open to everyone who reaches ${server.host}: Modbus has no login.`,
      hint: 'Add allow with the addresses of the masters: [192.168.1.10, 192.168.2.0/24].',
    });
  }
  for (const [at, entry] of (server.allow ?? []).entries()) {
    if (isAddressRange(entry)) continue;
    const hint = 'Write an IP address, or a range as 192.168.1.0/24 or fd00::/8.';
    faults.push({ path: [...path, 'allow', at], message: `${JSON.stringify(entry)} is no address and no range.`, hint });
  }
  if (server.tags.length + server.proxy.length === 0) {
    faults.push({ path, message: `${server.name} serves nothing.`, hint: 'Add tags or proxy.' });
  }
  return faults;
}

function isAny(host: string): boolean {
  return host === '::' || host === '0.0.0.0';
}

function checkTags(server: ModbusServerConfig, config: FieldConfig, path: Path): ConfigFault[] {
  const taken = new Map<string, { mask: number; by: string }[]>();
  return server.tags.flatMap((entry, index) => {
    const at: Path = [...path, 'tags', index];
    const resolved = resolveServed(entry, config);
    if ('problems' in resolved) {
      return resolved.problems.map(({ key, message, hint }) => ({
        path: entry[key] === undefined ? at : [...at, key],
        message: `${entry.device}/${entry.tag}: ${message}.`,
        hint,
      }));
    }
    const { served } = resolved;
    const faults: ConfigFault[] = [];
    if (server.not_good === 'last_value' && entry.status === undefined) {
      const hint = 'Add status: an address in the same table that tells the quality.';
      faults.push({
        path: at,
        message: `${entry.device}/${entry.tag}: not_good: last_value needs a status, or an old value looks good.`,
        hint,
      });
    }
    for (const { address, mask, by } of placesOf(served)) {
      const key = `${entry.unit}:${served.point.area}:${address}`;
      const others = taken.get(key) ?? [];
      const other = others.find((each) => (each.mask & mask) !== 0);
      taken.set(key, [...others, { mask, by }]);
      if (other === undefined) continue;
      const message = `${by} and ${other.by} are both at ${served.point.area} ${address} of unit ${entry.unit}.`;
      faults.push({ path: at, message, hint: 'Give one of them another address.' });
      break;
    }
    return faults;
  });
}

/** Every address that a tag takes. */
function placesOf({ point, mask, status, device, tag }: ServedTag): { address: number; mask: number; by: string }[] {
  const name = `${device}/${tag}`;
  const own = Array.from({ length: point.length }, (_, index) => ({ address: point.address + index, mask, by: name }));
  return status === null ? own : [...own, { address: status, mask: 0xffff, by: `the status of ${name}` }];
}

function checkProxy(server: ModbusServerConfig, config: FieldConfig, path: Path): ConfigFault[] {
  const taken = new Map<number, string>(server.tags.map(({ unit }) => [unit, 'tags']));
  return server.proxy.flatMap((entry, index) => {
    const at: Path = [...path, 'proxy', index];
    const faults = checkBus(entry, config.buses, at);
    const { first, last } = proxyRange(entry);
    if (last > 255 || last < first) {
      faults.push({
        path: [...at, 'unit'],
        message: `Units ${first} to ${last} are no range.`,
        hint: 'Units go from 0 to 255, the smaller one first.',
      });
      return faults;
    }
    for (let unit = first; unit <= last; unit++) {
      const by = taken.get(unit);
      taken.set(unit, `proxy ${index + 1}`);
      if (by === undefined) continue;
      faults.push({
        path: [...at, 'unit'],
        message: `Unit ${unit} is used by ${by} already.`,
        hint: 'A unit is either tags or one device.',
      });
      break;
    }
    return faults;
  });
}

function checkBus(entry: ProxyConfig, buses: readonly BusConfig[], at: Path): ConfigFault[] {
  const bus = buses.find(({ name }) => name === entry.bus);
  const names = buses.filter(({ type }) => type.startsWith('modbus_')).map(({ name }) => name);
  const hint = names.length === 0 ? 'Add a Modbus bus under buses.' : `Modbus buses: ${names.join(', ')}.`;
  if (bus === undefined) return [{ path: [...at, 'bus'], message: `There is no bus ${entry.bus}.`, hint }];
  if (!bus.type.startsWith('modbus_')) return [{ path: [...at, 'bus'], message: `${entry.bus} is no Modbus bus.`, hint }];
  const faults: ConfigFault[] = [];
  const { first, last, deviceFirst } = proxyRange(entry);
  const isLine = bus.type !== 'modbus_tcp';
  const deviceLast = deviceFirst + last - first;
  if (isLine && (deviceFirst < 1 || deviceLast > 247)) {
    const key = entry.device_unit === undefined ? 'unit' : 'device_unit';
    const message = `Units ${deviceFirst} to ${deviceLast} do not all exist on a line.`;
    faults.push({ path: [...at, key], message, hint: 'Units on a line go from 1 to 247; a broadcast is not passed on.' });
  } else if (deviceLast > 255) {
    faults.push({ path: [...at, 'device_unit'], message: `Unit ${deviceLast} does not exist.`, hint: 'Units go from 0 to 255.' });
  }
  for (const [index, fn] of entry.functions.entries()) {
    if (OWN_FUNCTIONS.has(fn)) {
      faults.push({ path: [...at, 'functions', index], message: `Function ${fn} is a write.`, hint: 'Use access: read_write.' });
    } else if (isLine && !hasKnownAnswer(Buffer.from([fn, 14]))) {
      const message = `Function ${fn} can't be passed on to a line: nothing says where its answer ends.`;
      faults.push({ path: [...at, 'functions', index], message, hint: 'On lines there are 7, 8, 11, 12, 17, 20, 21, 24 and 43.' });
    }
  }
  return faults;
}
