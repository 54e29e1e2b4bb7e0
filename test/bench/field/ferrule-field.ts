import type { FieldDevice, FieldJob } from './job.js';
import { topicOf } from './values.js';

/** The section of Ferrule's configuration that does a job. @param tags the keys that give a device its tags */
function section({ buses, periodMs }: FieldJob, tags: (device: FieldDevice) => Record<string, unknown>): Record<string, unknown> {
  return {
    buses: buses.map(({ endpoint }, i) => ({
      name: `bus${i + 1}`,
      ...(endpoint.type === 'tcp'
        ? { type: 'modbus_tcp', host: '127.0.0.1', port: endpoint.port }
        : { type: 'modbus_rtu', port: endpoint.path, baud: endpoint.baud, parity: 'even' }),
    })),
    devices: buses.flatMap(({ devices }, i) =>
      devices.map((device) => ({
        name: `d${device.number}`,
        bus: `bus${i + 1}`,
        unit: device.unit,
        scan: { all: `${periodMs}ms` },
        ...tags(device),
      })),
    ),
  };
}

/** With its tags. */
export function ferruleField(job: FieldJob): Record<string, unknown> {
  return section(job, ({ addresses }) => ({
    tags: addresses.map((address) => ({ name: tagOf(address), area: 'holding', address, type: 'uint16' })),
  }));
}

/** With its tags in lists, as long ones are kept; `files` are name and content of each, beside the configuration. */
export function ferruleFieldWithLists(job: FieldJob): { field: Record<string, unknown>; files: Record<string, string> } {
  const files: Record<string, string> = {};
  const field = section(job, ({ number, addresses }) => {
    const file = `d${number}.csv`;
    files[file] = ['name,area,address,type', ...addresses.map((address) => `${tagOf(address)},holding,${address},uint16`), ''].join('\n');
    return { tags_file: file };
  });
  return { field, files };
}

function tagOf(address: number): string {
  return topicOf(0, address).split('/').at(-1)!;
}
