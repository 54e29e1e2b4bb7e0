import type { Registry } from 'prom-client';
import type { ModbusServersPort } from './ports.js';
import { counter, gauge, type Sample } from './series.js';

const SERVER = ['server'];

type Server = ReturnType<ModbusServersPort['modbusServers']>[number];

/** Modbus servers for other masters. */
export function registerModbusServers(registry: Registry, field: ModbusServersPort): void {
  const perServer = (read: (server: Server) => number) => () =>
    field.modbusServers().map((server): Sample => [[server.name], read(server)]);

  gauge(
    registry,
    'ferrule_modbus_server_up',
    'Whether a Modbus server listens.',
    SERVER,
    perServer(({ state }) => (state === 'running' ? 1 : 0)),
  );
  gauge(
    registry,
    'ferrule_modbus_server_connections',
    'Masters that are connected.',
    SERVER,
    perServer(({ connections }) => connections),
  );
  counter(
    registry,
    'ferrule_modbus_server_requests_total',
    'Requests of masters.',
    SERVER,
    perServer(({ counters }) => counters.requests),
  );
  counter(
    registry,
    'ferrule_modbus_server_exceptions_total',
    'Requests of masters that were answered with an exception.',
    SERVER,
    perServer(({ counters }) => counters.exceptions),
  );
  counter(
    registry,
    'ferrule_modbus_server_connections_total',
    'Connections of masters by what became of them.',
    [...SERVER, 'outcome'],
    () =>
      field.modbusServers().flatMap(({ name, counters }): Sample[] => [
        [[name, 'accepted'], counters.accepted],
        [[name, 'denied'], counters.denied],
        [[name, 'over_limit'], counters.overLimit],
        [[name, 'malformed'], counters.malformed],
        [[name, 'idle'], counters.idle],
      ]),
  );
  counter(
    registry,
    'ferrule_modbus_proxy_requests_total',
    'Requests of masters to a bus, by where the answer came from.',
    ['bus', 'from'],
    () =>
      field.modbusProxies().flatMap(({ bus, cached, shared, passed }): Sample[] => [
        [[bus, 'kept'], cached],
        [[bus, 'shared'], shared],
        [[bus, 'bus'], passed],
      ]),
  );
}
