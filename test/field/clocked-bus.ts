import { ModbusBus } from '../../src/field/modbus/bus.js';
import { NO_LINE } from '../../src/field/modbus/line.js';
import { type LineOptions, RtuTransport } from '../../src/field/modbus/rtu-transport.js';
import { TcpTransport } from '../../src/field/modbus/tcp-transport.js';
import type { Transport, TransportEvents } from '../../src/field/modbus/transport.js';
import { silentLogger } from '../../src/log.js';
import type { ClockedDevice } from './clocked-device.js';

/** ms that a device may take to answer. */
export const TIMEOUT = 500;

/** A bus to a device, on its clock, that is up. `line`: what differs from RTU through TCP; `retries` of reads: 0 there, 1 on Modbus TCP. */
export async function lineTo(device: ClockedDevice, line: Partial<LineOptions> = {}): Promise<ModbusBus> {
  const { clock } = device;
  return started(device, 'rtu', 0, (events) => new RtuTransport({ clock, timeoutMs: TIMEOUT, timing: NO_LINE, events, ...line }));
}

export async function tcpTo(device: ClockedDevice, maxInflight: number): Promise<ModbusBus> {
  const { clock } = device;
  return started(device, 'tcp', 1, (events) => new TcpTransport({ clock, timeoutMs: TIMEOUT, maxInflight, events }));
}

async function started(
  device: ClockedDevice,
  type: string,
  retries: number,
  transport: (events: TransportEvents) => Transport,
): Promise<ModbusBus> {
  const { clock } = device;
  const resetWhenSilent = type === 'tcp';
  const bus = new ModbusBus({
    name: 'b',
    type,
    retries,
    patienceMs: TIMEOUT,
    clock,
    log: silentLogger,
    opener: device,
    transport,
    resetWhenSilent,
  });
  bus.start();
  await clock.advanceAsync(1);
  return bus;
}
