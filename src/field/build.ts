import type { Clock } from '../clock.js';
import type { Logger } from '../log.js';
import type { Device, DeviceContext } from './device.js';
import { FallbackOpener } from './link/fallback.js';
import type { LinkOpener } from './link/link.js';
import { ListenOpener } from './link/listen.js';
import { bitsPerCharacter, SerialOpener } from './link/serial.js';
import { TcpOpener } from './link/tcp.js';
import { AsciiFraming } from './modbus/ascii.js';
import { ModbusBus } from './modbus/bus.js';
import { ModbusDevice } from './modbus/device.js';
import { type LineTiming, lineTiming, NO_LINE } from './modbus/line.js';
import { asciiCost, type Cost, rtuCost, TCP_COST } from './modbus/plan.js';
import { RtuTransport } from './modbus/rtu-transport.js';
import { TcpTransport } from './modbus/tcp-transport.js';
import type { Transport, TransportEvents } from './modbus/transport.js';
import { type BusConfig, type DeviceConfig, isInstrument, type LineConfig, type ModbusBusConfig } from './schema.js';
import { SerialBus } from './serial/bus.js';
import { Instrument } from './serial/instrument.js';
import { RawDevice } from './serial/raw.js';

export type FieldBus = ModbusBus | SerialBus;

/** The bus that a configuration describes. */
export function createBus(config: BusConfig, clock: Clock, log: Logger): FieldBus {
  const { name, type } = config;
  if (config.type === 'serial') return new SerialBus(name, type, new SerialOpener(config, log), clock, log);
  if (config.type === 'serial_tcp') return new SerialBus(name, type, new TcpOpener(config), clock, log);
  const isPort = config.type === 'modbus_rtu' || config.type === 'modbus_ascii';
  return new ModbusBus({
    name,
    type,
    retries: config.retries,
    patienceMs: config.timeout,
    clock,
    log,
    opener: isPort ? new SerialOpener(config, log) : tcpOpener(config, clock, log),
    transport: transportOf(config, clock),
    resetWhenSilent: !isPort,
  });
}

function transportOf(config: ModbusBusConfig, clock: Clock): (events: TransportEvents) => Transport {
  const { timeout: timeoutMs } = config;
  if (config.type === 'modbus_tcp') return (events) => new TcpTransport({ clock, timeoutMs, maxInflight: config.max_inflight, events });
  const line = { clock, timeoutMs, duplicatesMs: config.duplicates_within };
  switch (config.type) {
    case 'modbus_rtu': {
      const timing = lineTiming(config.baud, bitsPerCharacter(config));
      return (events) => new RtuTransport({ ...line, timing, events });
    }
    case 'modbus_ascii':
      return (events) => new RtuTransport({ ...line, timing: asciiTiming(config), events, framing: new AsciiFraming() });
    case 'modbus_rtu_tcp':
      return (events) => new RtuTransport({ ...line, timing: NO_LINE, events });
    case 'modbus_ascii_tcp':
      return (events) => new RtuTransport({ ...line, timing: NO_LINE, events, framing: new AsciiFraming() });
  }
}

/** Two characters on the line for each of an RTU frame, and no silence: the frames have their own beginning and end. */
function asciiTiming(line: LineConfig): LineTiming {
  return { character: 2 * lineTiming(line.baud, bitsPerCharacter(line)).character, silence: 0 };
}

type TcpBusConfig = Extract<BusConfig, { listen?: unknown }>;

function tcpOpener(config: TcpBusConfig, clock: Clock, log: Logger): LinkOpener {
  const { host, port, connect_timeout, backup, listen } = config;
  if (listen !== undefined) return new ListenOpener(listen, clock, log.child({ bus: config.name }));
  if (host === undefined) throw new Error(`bus ${config.name} has neither host nor listen`);
  const first = new TcpOpener({ host, port, connect_timeout });
  if (backup === undefined) return first;
  const second = new TcpOpener({ host: backup.host, port: backup.port ?? port, connect_timeout });
  return new FallbackOpener(first, second, clock, backup.return_after);
}

/** Makes known to a bus what its devices forbid to read, in place of what they did before. */
export function forbid(bus: FieldBus, name: string, devices: readonly DeviceConfig[]): void {
  if (!(bus instanceof ModbusBus)) return;
  bus.forbidden.set(devices.flatMap((device) => (isInstrument(device) || device.bus !== name ? [] : [device])));
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
  if (bus.type !== 'modbus_rtu' && bus.type !== 'modbus_ascii') return TCP_COST;
  const { character, silence } = lineTiming(bus.baud, bitsPerCharacter(bus));
  return bus.type === 'modbus_ascii' ? asciiCost(character) : rtuCost(character, silence);
}
