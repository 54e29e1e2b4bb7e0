import type { FieldJob } from './job.js';

/** The section of Ferrule's configuration that does a job, as JSON (which is YAML). */
export function ferruleField({ buses, periodMs }: FieldJob): string {
  return JSON.stringify({
    buses: buses.map(({ endpoint }, i) => ({
      name: `bus${i + 1}`,
      ...(endpoint.type === 'tcp'
        ? { type: 'modbus_tcp', host: '127.0.0.1', port: endpoint.port }
        : { type: 'modbus_rtu', port: endpoint.path, baud: endpoint.baud, parity: 'even' }),
    })),
    devices: buses.flatMap(({ devices }, i) =>
      devices.map(({ number, unit, addresses }) => ({
        name: `d${number}`,
        bus: `bus${i + 1}`,
        unit,
        scan: { all: `${periodMs}ms` },
        tags: addresses.map((address) => ({ name: `t${address}`, area: 'holding', address, type: 'uint16' })),
      })),
    ),
  });
}
