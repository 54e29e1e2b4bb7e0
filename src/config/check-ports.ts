import type { Config } from './schema.js';
import type { Finding } from './source.js';

/** Something that listens on a TCP port. */
interface Listening {
  what: string;
  part: 'broker' | 'console' | 'field';
  host: string;
  port: number;
  path: (string | number)[];
}

/** One port for two parts of the gateway: found here, and not when the second one starts. Each part looks at its own. */
export function checkPorts(config: Config): Finding[] {
  const all = listening(config);
  return all.flatMap((one, index) => {
    const other = all.find((earlier, at) => at < index && earlier.part !== one.part && clash(earlier, one));
    if (other === undefined) return [];
    const message = `Port ${one.port} is taken by ${other.what} as well.`;
    return [{ path: one.path, message, hint: `Give ${one.what} or ${other.what} another port.` }];
  });
}

function listening({ broker, console, field }: Config): Listening[] {
  return [
    ...broker.listeners.map(({ host, port }, index): Listening => {
      return { what: `listener ${index + 1} of the broker`, part: 'broker', host, port, path: ['broker', 'listeners', index, 'port'] };
    }),
    { what: 'the console', part: 'console', host: console.host, port: console.port, path: ['console', 'port'] },
    ...field.modbus_servers.map(({ name, host, port }, index): Listening => {
      return { what: `Modbus server ${name}`, part: 'field', host, port, path: ['field', 'modbus_servers', index, 'port'] };
    }),
    ...field.buses.flatMap((bus, index): Listening[] => {
      if (!('listen' in bus) || bus.listen === undefined) return [];
      const { host, port } = bus.listen;
      return [{ what: `bus ${bus.name}`, part: 'field', host, port, path: ['field', 'buses', index, 'listen', 'port'] }];
    }),
  ];
}

/** Port 0 is a free one. */
function clash(a: Listening, b: Listening): boolean {
  if (a.port === 0 || a.port !== b.port) return false;
  return isEverywhere(a.host) || isEverywhere(b.host) || hostOf(a) === hostOf(b);
}

function hostOf({ host }: Listening): string {
  return host === 'localhost' ? '127.0.0.1' : host.toLowerCase();
}

function isEverywhere(host: string): boolean {
  return host === '::' || host === '0.0.0.0' || host === '*';
}
