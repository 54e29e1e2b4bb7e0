import type { ConfigFault, Path } from '../check-parts.js';
import { isAddressRange } from '../link/addresses.js';
import type { BusConfig } from '../schema.js';

/** Where the buses over TCP connect to, or listen. */
export function checkEndpoints(buses: readonly BusConfig[]): ConfigFault[] {
  return [...checkListening(buses), ...checkSharedLines(buses)];
}

/**
 * A serial server gives what comes on its line to everyone who is connected: of two buses each would read the answers to
 * the other, and one unit's values are as good as another's where they ask for as many registers.
 */
function checkSharedLines(buses: readonly BusConfig[]): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const taken = new Map<string, BusConfig>();
  for (const [index, bus] of buses.entries()) {
    for (const { key, host, port } of addressesOf(bus)) {
      const address = `${host.toLowerCase()}:${port}`;
      const other = taken.get(address);
      taken.set(address, bus);
      // Modbus TCP tells answers apart by their number, and each connection gets its own.
      if (other === undefined || other === bus || (other.type === 'modbus_tcp' && bus.type === 'modbus_tcp')) continue;
      const message = `Bus ${other.name} is at ${host}:${port} already.`;
      faults.push({ path: ['buses', index, key], message, hint: sharedLineHint(bus, other) });
    }
  }
  return faults;
}

/** What to do where two buses are at one line. */
export function sharedLineHint(...buses: readonly BusConfig[]): string {
  const instruments = buses.find(({ type }) => type === 'serial' || type === 'serial_tcp');
  if (instruments === undefined) return 'One line is one bus: put the devices of a line on the same bus.';
  return `A serial instrument has its line to itself: name another one, or take bus ${instruments.name} and its device out.`;
}

function addressesOf(bus: BusConfig): { key: 'host' | 'backup'; host: string; port: number }[] {
  if ('baud' in bus || bus.host === undefined) return [];
  const { host, port } = bus;
  const backup = bus.type === 'serial_tcp' ? undefined : bus.backup;
  return [
    { key: 'host', host, port },
    ...(backup === undefined ? [] : [{ key: 'backup' as const, host: backup.host, port: backup.port ?? port }]),
  ];
}

function checkListening(buses: readonly BusConfig[]): ConfigFault[] {
  return buses.flatMap((bus, index) => {
    if (bus.type === 'serial_tcp' || 'baud' in bus) return [];
    const path: Path = ['buses', index];
    const { host, backup, listen } = bus;
    if (listen === undefined) {
      if (host !== undefined) return [];
      return [{ path, message: `Bus ${bus.name} has no host.`, hint: 'Add host, or listen where the device connects to the gateway.' }];
    }
    const faults: ConfigFault[] = [];
    for (const [key, value] of Object.entries({ host, backup })) {
      if (value === undefined) continue;
      faults.push({
        path: [...path, key],
        message: `Bus ${bus.name} listens: it connects to nothing.`,
        hint: `Leave out ${key} or listen.`,
      });
    }
    for (const [at, range] of listen.allow.entries()) {
      if (isAddressRange(range)) continue;
      const message = `${JSON.stringify(range)} is neither an address nor a range of addresses.`;
      faults.push({ path: [...path, 'listen', 'allow', at], message, hint: 'Give one such as 192.0.2.7, 10.1.0.0/16 or 2001:db8::/32.' });
    }
    const other = buses.find((earlier, at) => at < index && 'listen' in earlier && earlier.listen?.port === listen.port);
    if (other !== undefined) {
      const message = `Bus ${other.name} listens on port ${listen.port} already.`;
      faults.push({ path: [...path, 'listen', 'port'], message, hint: 'One port is one bus: give each its own.' });
    }
    return faults;
  });
}
