import type { Clock } from '../../clock.js';
import { FerruleError } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { ModbusBus } from '../modbus/bus.js';
import type { BusConfig, LineConfig } from '../schema.js';

/** What a tool speaks to where no bus of the gateway is in between. */
export type Target =
  | ({ kind: 'line' } & Pick<LineConfig, 'port' | 'baud' | 'parity' | 'stop_bits'> & { data_bits?: LineConfig['data_bits'] })
  /** `rtu`: RTU frames, through a serial server. */
  | { kind: 'host'; host: string; port: number; framing: 'tcp' | 'rtu' };

const CONNECT_TIMEOUT_MS = 5000;

/** A bus of the tool's own, connected. Rejects with FER_FIELD_BUS where the port or host can't be reached. */
export async function openOwnBus(target: Target, timeoutMs: number, clock: Clock, log: Logger): Promise<ModbusBus> {
  const { createBus } = await import('../build.js');
  const bus = createBus(configOf(target, timeoutMs), clock, log) as ModbusBus;
  try {
    await untilUp(bus);
    return bus;
  } catch (error) {
    await bus.stop();
    throw error;
  }
}

/** Resolves when a bus that was not started yet has a connection; rejects when the first try failed. */
function untilUp(bus: ModbusBus): Promise<void> {
  return new Promise((resolve, reject) => {
    const unlisten = bus.listen({
      up: () => {
        unlisten();
        resolve();
      },
      down: () => {
        const { endpoint, lastError: reason } = bus.status();
        // The first try takes longer than an answer may: it is still under way.
        if (reason === null) return;
        unlisten();
        reject(
          new FerruleError('FER_FIELD_BUS', `${endpoint} can not be reached: ${reason}.`, {
            where: { subject: endpoint },
            hint: hintFor(reason),
          }),
        );
      },
      revived: () => {},
    });
    bus.start();
  });
}

export function hintFor(reason: string): string {
  if (/ is used by /.test(reason)) {
    return 'If a gateway runs here, the port is one of its buses: use its tools in the web console, or stop it.';
  }
  if (/ECONNREFUSED/.test(reason)) return 'Nothing listens there: compare address and port.';
  if (/plugged in/.test(reason)) return "'ferrule serial ports' lists the ports of this machine.";
  return 'Compare the address, the cable and the settings.';
}

function configOf(target: Target, timeout: number): BusConfig {
  const name = 'tool';
  if (target.kind === 'line') {
    const { port, baud, parity, stop_bits, data_bits = 8 } = target;
    return { name, type: 'modbus_rtu', port, baud, parity, stop_bits, data_bits, flow_control: 'none', timeout, retries: 0 };
  }
  const { host, port } = target;
  const connect_timeout = CONNECT_TIMEOUT_MS;
  if (target.framing === 'rtu') return { name, type: 'modbus_rtu_tcp', host, port, timeout, connect_timeout, retries: 0 };
  return { name, type: 'modbus_tcp', host, port, max_inflight: 1, timeout, connect_timeout, retries: 0 };
}

export function labelOf(target: Target): string {
  if (target.kind === 'host') return `${target.host}:${target.port}`;
  return `${target.port} ${lineLabel(target)}`;
}

/** `9600 8N1`. */
export function lineLabel({ baud, parity, stop_bits, data_bits = 8 }: Extract<Target, { kind: 'line' }>): string {
  return `${baud} ${data_bits}${parity[0]?.toUpperCase()}${stop_bits}`;
}
