import type { ModbusProxyStatus, ModbusServerStatus } from '../../src/console/ports.js';

/** Modbus servers as the console sees them. */
export const MODBUS_SERVERS: ModbusServerStatus[] = [
  {
    name: 'scada',
    endpoint: '192.0.2.1:5020',
    state: 'running',
    error: null,
    connections: 3,
    maxConnections: 100,
    masters: ['192.0.2.40', '192.0.2.41'],
    units: [1, 21, 22, 23, 24],
    counters: { requests: 184_220, exceptions: 12, accepted: 9, denied: 4, overLimit: 0, malformed: 1, idle: 2 },
  },
  {
    name: 'panel',
    endpoint: '127.0.0.1:502',
    state: 'degraded',
    error: {
      code: 'FER_FIELD_SERVER_LISTEN',
      message: 'Modbus server panel may not listen on 127.0.0.1:502.',
      hint: 'Ports below 1024 need a right: use 5020, or give the service CAP_NET_BIND_SERVICE (see docs/modbus-server.md).',
    },
    connections: 0,
    maxConnections: 10,
    masters: [],
    units: [1],
    counters: { requests: 0, exceptions: 0, accepted: 0, denied: 0, overLimit: 0, malformed: 0, idle: 0 },
  },
];

export const MODBUS_PROXIES: ModbusProxyStatus[] = [{ bus: 'line1', cached: 9120, shared: 311, passed: 40_218 }];
