import { Registry } from 'prom-client';
import { registerBridges } from './bridges.js';
import { registerBroker } from './broker.js';
import { registerConsole } from './console.js';
import type { EventLoopProbe } from './event-loop.js';
import { registerField } from './field.js';
import { registerModbusServers } from './modbus-servers.js';
import type { MetricsPorts } from './ports.js';
import { registerProcess } from './process.js';
import { registerRules } from './rules.js';
import { registerStorage } from './storage.js';

/** All metrics, read from the parts when they are scraped. @param oncePerScrape keeps what a part said for the rest of a scrape */
export function createRegistry(ports: MetricsPorts, eventLoop: EventLoopProbe, oncePerScrape: <T>(read: () => T) => () => T): Registry {
  const { gateway, broker, field, bridges, rules, storage, console } = ports;
  const registry = new Registry();
  registerProcess(registry, gateway, eventLoop);
  registerBroker(registry, {
    status: oncePerScrape(() => broker.status()),
    counters: oncePerScrape(() => broker.counters()),
  });
  registerField(registry, {
    devices: oncePerScrape(() => field.devices()),
    buses: oncePerScrape(() => field.buses()),
  });
  registerModbusServers(registry, {
    modbusServers: oncePerScrape(() => field.modbusServers()),
    modbusProxies: oncePerScrape(() => field.modbusProxies()),
  });
  registerBridges(registry, { bridges: oncePerScrape(() => bridges.bridges()) });
  registerRules(registry, { rules: oncePerScrape(() => rules.rules()) });
  registerStorage(registry, { status: oncePerScrape(() => storage.status()) });
  registerConsole(registry, { status: oncePerScrape(() => console.status()) });
  return registry;
}
