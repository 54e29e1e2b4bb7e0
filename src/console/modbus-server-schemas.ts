import { Type } from '../schema-types.js';
import { words } from './api-schemas.js';

/** Modbus servers for other masters, as the API answers; see api-schemas.ts. */

const text = Type.String();
const count = Type.Number();

export const ModbusServer = Type.Object(
  {
    name: text,
    endpoint: text,
    state: words(['stopped', 'starting', 'running', 'degraded', 'stopping']),
    error: Type.Union([Type.Object({ code: text, message: text, hint: Type.Optional(text) }), Type.Null()]),
    connections: count,
    maxConnections: count,
    masters: Type.Array(text, { description: 'Addresses of masters that are connected, the first of them.' }),
    units: Type.Array(count, { description: 'Unit ids under which something is served.' }),
    counters: Type.Object(
      {
        requests: count,
        exceptions: Type.Number({ description: 'Requests that were answered with an exception.' }),
        accepted: Type.Number({ description: 'Connections that were taken.' }),
        denied: Type.Number({ description: 'Connections from addresses that are not allowed.' }),
        overLimit: Type.Number({ description: 'Connections that were one too many.' }),
        malformed: Type.Number({ description: 'Connections that ended because of what is no Modbus.' }),
        idle: Type.Number({ description: 'Connections that ended because of silence.' }),
      },
      { description: 'Since the server was started.' },
    ),
  },
  { $id: 'ModbusServer' },
);

export const ModbusProxy = Type.Object(
  {
    bus: text,
    cached: Type.Number({ description: 'Reads that were answered from what was read before.' }),
    shared: Type.Number({ description: 'Reads that shared the request of another master.' }),
    passed: Type.Number({ description: 'Requests that were passed on to the bus.' }),
  },
  { $id: 'ModbusProxy', description: 'What masters of all servers got from one bus.' },
);

export const MODBUS_SERVER_SCHEMAS = [ModbusServer, ModbusProxy];
