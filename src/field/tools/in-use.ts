import { type ErrorCode, FerruleError } from '../../errors.js';
import type { BusConfig } from '../schema.js';
import type { Place } from './scan-request.js';

/** Why a tool can't have a port or host, and how what is wanted can be had. */
export interface InUse {
  message: string;
  hint: string;
}

/** Whether a bus is the line of one instrument: there are no units on it. */
export function isInstrumentBus({ type }: { type: string }): boolean {
  return type === 'serial' || type === 'serial_tcp';
}

/** `verb`: what is done on the bus instead, where it is a Modbus bus ("Scan"). */
export function refuseInUse(code: ErrorCode, where: Place, bus: Pick<BusConfig, 'name' | 'type'>, verb: string): FerruleError {
  const target = where.kind === 'line' ? where.port : `${where.host}:${where.port}`;
  const { message, hint } = isInstrumentBus(bus)
    ? usedByInstrument(where, target, bus.name)
    : { message: `${target} is used by bus ${bus.name}.`, hint: `${verb} the bus ${bus.name} instead.` };
  return new FerruleError(code, message, { where: { subject: target }, hint });
}

/** The bus has no units: there is nothing that could be asked through it. */
export function usedByInstrument({ kind }: Pick<Place, 'kind'>, target: string, bus: string): InUse {
  const other = kind === 'line' ? 'another port' : 'another host or port';
  return {
    message: `${target} is in use by bus ${bus}, which belongs to a serial instrument: there are no Modbus units to ask.`,
    hint: `Take ${other}; or take bus ${bus} and its device out of the configuration, or stop the gateway, while you look.`,
  };
}
