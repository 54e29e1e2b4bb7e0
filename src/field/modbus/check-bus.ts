import type { ConfigFault, Path } from '../check-parts.js';
import { isAddressRange } from '../link/addresses.js';
import type { BusConfig } from '../schema.js';

/** Where the buses over TCP connect to, or listen. */
export function checkEndpoints(buses: readonly BusConfig[]): ConfigFault[] {
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
