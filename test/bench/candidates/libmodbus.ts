import { compile } from '../field/programs.js';
import type { Candidate } from './candidate.js';

/** libmodbus' own client in a loop, in C: it reads and publishes nothing, what reading costs at the least. */
export function libmodbus(): Candidate {
  return {
    name: 'libmodbus',
    settings: "Debian's libmodbus, a client that reads in a loop and does nothing else",
    transports: [],
    field: async ({ buses }, _port, folder) => {
      const [bus] = buses;
      const [device] = bus?.devices ?? [];
      if (bus?.endpoint.type !== 'tcp' || device === undefined) throw new Error('libmodbus is given one device on TCP');
      const { blocks, spacing, count } = blocksOf(device.addresses);
      const args = [bus.endpoint.port, blocks, spacing, count].map(String);
      return { command: await compile('modbus_loop', folder), args, ready: /^running\n/ };
    },
  };
}

/** Addresses of the first and the last register of equal blocks, as blocks. */
export function blocksOf(addresses: readonly number[]): { blocks: number; spacing: number; count: number } {
  const [first = 0, last = 0, next = 0] = addresses;
  return { blocks: addresses.length / 2, spacing: next - first, count: last - first + 1 };
}
