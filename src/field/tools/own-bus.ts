import type { Clock } from '../../clock.js';
import { FerruleError } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { ModbusBus } from '../modbus/bus.js';
import type { BusConfig, LineConfig } from '../schema.js';
import { aboutEndpoint, sentence } from './say-once.js';

/** What a tool speaks to where no bus of the gateway is in between. */
export type Target =
  | ({ kind: 'line'; framing: LineFraming } & Pick<LineConfig, 'port' | 'baud' | 'data_bits' | 'parity' | 'stop_bits'>)
  /** `rtu`, `ascii`: frames of a line, through a serial server. */
  | { kind: 'host'; host: string; port: number; framing: 'tcp' | LineFraming };

export type LineFraming = 'rtu' | 'ascii';

const CONNECT_TIMEOUT_MS = 5000;
/** Whatever is in between: a tool has time. */
const DUPLICATES_MS = 50;

/** A bus of the tool's own, connected. Rejects with FER_FIELD_BUS where the port or host can't be reached. */
export async function openOwnBus(
  target: Target,
  timeoutMs: number,
  clock: Clock,
  log: Logger,
  signal: AbortSignal | null = null,
): Promise<ModbusBus> {
  const { createBus } = await import('../build.js');
  const bus = createBus(configOf(target, timeoutMs), clock, log) as ModbusBus;
  try {
    await untilUp(bus, signal);
    return bus;
  } catch (error) {
    await bus.stop();
    throw error;
  }
}

/** Resolves when a bus that was not started yet has a connection; rejects when the first try failed, or was cancelled. */
function untilUp(bus: ModbusBus, signal: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      unlisten();
      reject(new FerruleError('FER_FIELD_BUS', `${bus.status().endpoint} was not opened: the scan was cancelled.`));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const stopListening = bus.listen({
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
          new FerruleError('FER_FIELD_BUS', sentence(aboutEndpoint(endpoint, 'can not be reached', reason)), {
            where: { subject: bus.name },
            hint: hintFor(reason),
          }),
        );
      },
      revived: () => {},
    });
    const unlisten = () => {
      signal?.removeEventListener('abort', onAbort);
      stopListening();
    };
    if (signal?.aborted) onAbort();
    else bus.start();
  });
}

export function hintFor(reason: string): string {
  if (/ is used by /.test(reason)) {
    return (
      'End that program, or name another port. If a gateway runs here, the port is one of its buses: ask a Modbus bus through it ' +
      "(--bus NAME, with sudo, or --data DIR); a serial instrument's is free once the gateway is stopped."
    );
  }
  if (/ECONNREFUSED/.test(reason)) return 'Nothing listens there: compare address and port.';
  if (/plugged in/.test(reason)) return "'ferrule serial ports' lists the ports of this machine.";
  return 'Compare the address, the cable and the settings.';
}

function configOf(target: Target, timeout: number): BusConfig {
  // What people gave: messages name the bus.
  const name = target.kind === 'line' ? target.port : `${target.host}:${target.port}`;
  const duplicates_within = DUPLICATES_MS;
  if (target.kind === 'line') {
    const { port, baud, parity, stop_bits, data_bits } = target;
    const line = { name, port, baud, parity, stop_bits, flow_control: 'none', timeout, retries: 0, duplicates_within } as const;
    if (target.framing === 'rtu') return { ...line, type: 'modbus_rtu', data_bits: 8 };
    return { ...line, type: 'modbus_ascii', data_bits: data_bits === 8 ? 8 : 7 };
  }
  const { host, port } = target;
  const connect_timeout = CONNECT_TIMEOUT_MS;
  const endpoint = { name, host, port, timeout, connect_timeout, retries: 0 };
  switch (target.framing) {
    case 'tcp':
      return { ...endpoint, type: 'modbus_tcp', max_inflight: 1 };
    case 'rtu':
      return { ...endpoint, type: 'modbus_rtu_tcp', duplicates_within };
    case 'ascii':
      return { ...endpoint, type: 'modbus_ascii_tcp', duplicates_within };
  }
}

export function labelOf(target: Target): string {
  if (target.kind === 'host') return `${target.host}:${target.port}`;
  return `${target.port} ${lineLabel(target)}`;
}

/** ASCII needs 7 data bits and has them as a rule, with even parity; RTU needs 8. */
export function dataBitsOf(framing: LineFraming): 7 | 8 {
  return framing === 'ascii' ? 7 : 8;
}

/** `9600 8N1`. */
export function lineLabel({ baud, parity, stop_bits, data_bits }: Extract<Target, { kind: 'line' }>): string {
  return `${baud} ${data_bits}${parity[0]?.toUpperCase()}${stop_bits}`;
}
