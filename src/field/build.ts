import type { Clock } from '../clock.js';
import type { Logger } from '../log.js';
import type { Device, DeviceContext } from './device.js';
import { bitsPerCharacter, SerialOpener } from './link/serial.js';
import { TcpOpener } from './link/tcp.js';
import { ModbusBus } from './modbus/bus.js';
import { ModbusDevice } from './modbus/device.js';
import { type Cost, rtuCost, TCP_COST } from './modbus/plan.js';
import { lineTiming, NO_LINE, RtuTransport } from './modbus/rtu-transport.js';
import { TcpTransport } from './modbus/tcp-transport.js';
import { type BusConfig, type DeviceConfig, isInstrument } from './schema.js';
import { SerialBus } from './serial/bus.js';
import { Instrument } from './serial/instrument.js';
import { RawDevice } from './serial/raw.js';

export type FieldBus = ModbusBus | SerialBus;

/** The bus that a configuration describes. */
export function createBus(config: BusConfig, clock: Clock, log: Logger): FieldBus {
  const { name, type } = config;
  switch (config.type) {
    case 'modbus_tcp': {
      const { timeout: timeoutMs, max_inflight: maxInflight, retries } = config;
      return new ModbusBus({
        name,
        type,
        retries,
        patienceMs: timeoutMs,
        clock,
        log,
        opener: new TcpOpener(config),
        transport: (events) => new TcpTransport({ clock, timeoutMs, maxInflight, events }),
        resetWhenSilent: true,
      });
    }
    case 'modbus_rtu': {
      const timing = lineTiming(config.baud, bitsPerCharacter(config));
      return new ModbusBus({
        name,
        type,
        retries: config.retries,
        patienceMs: config.timeout,
        clock,
        log,
        opener: new SerialOpener(config),
        transport: (events) => new RtuTransport({ clock, timeoutMs: config.timeout, timing, events }),
        resetWhenSilent: false,
      });
    }
    case 'modbus_rtu_tcp':
      return new ModbusBus({
        name,
        type,
        retries: config.retries,
        patienceMs: config.timeout,
        clock,
        log,
        opener: new TcpOpener(config),
        transport: (events) => new RtuTransport({ clock, timeoutMs: config.timeout, timing: NO_LINE, events }),
        resetWhenSilent: true,
      });
    case 'serial':
      return new SerialBus(name, type, new SerialOpener(config), clock, log);
    case 'serial_tcp':
      return new SerialBus(name, type, new TcpOpener(config), clock, log);
  }
}

export function createDevice(config: DeviceConfig, bus: FieldBus, busConfig: BusConfig, context: DeviceContext, log: Logger): Device {
  if (isInstrument(config)) {
    if (bus instanceof ModbusBus) throw new Error(`instrument ${config.name} is on a Modbus bus`);
    const { decode } = config;
    if (decode.type === 'raw') return new RawDevice({ ...config, decode }, bus, context, log);
    return new Instrument({ ...config, decode }, bus, context, log);
  }
  if (bus instanceof SerialBus) throw new Error(`Modbus device ${config.name} is on a serial bus`);
  return new ModbusDevice({ config, kind: busConfig.type, bus, cost: planCost(busConfig), answerMs: answerMs(busConfig), context });
}

function answerMs(bus: BusConfig): number {
  return bus.type === 'serial' || bus.type === 'serial_tcp' ? 0 : bus.timeout * (1 + bus.retries);
}

function planCost(bus: BusConfig): Cost {
  if (bus.type !== 'modbus_rtu') return TCP_COST;
  const { character, silence } = lineTiming(bus.baud, bitsPerCharacter(bus));
  return rtuCost(character, silence);
}
