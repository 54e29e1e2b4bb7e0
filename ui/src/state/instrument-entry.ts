/** A serial instrument that is being added, as a person enters it, and as the API takes it. Pure. */
import type { InstrumentPlace } from '../api/types.js';
import { type InstrumentKind, KINDS } from './instrument-kinds.js';
import { nameFrom, type Parity, wholeNumber } from './unit-place.js';

export interface InstrumentEntry {
  kind: InstrumentKind;
  settings: string;
  place: 'line' | 'server' | 'bus';
  /** A bus that is there. */
  bus: string;
  port: string;
  baud: string;
  dataBits: '7' | '8';
  parity: Parity;
  stopBits: '1' | '2';
  host: string;
  tcpPort: string;
  name: string;
}

/** As the API takes it. */
export interface GivenInstrument {
  name: string;
  bus: string;
  newBus?: InstrumentPlace;
  settings: string;
}

export const EMPTY_INSTRUMENT: InstrumentEntry = {
  ...{ kind: 'csv', place: 'line', bus: '', port: '', stopBits: '1', host: '', tcpPort: '4001', name: '' },
  ...KINDS.csv,
};

/** Another kind with its settings; where the instrument is stays. */
export function withKind(entry: InstrumentEntry, kind: InstrumentKind): InstrumentEntry {
  return { ...entry, kind, ...KINDS[kind] };
}

/** Or what is missing for one. */
export function instrumentOf(entry: InstrumentEntry): GivenInstrument | 'where' | 'name' | 'settings' {
  const { place, bus, settings } = entry;
  const name = entry.name.trim();
  if (settings.trim() === '') return 'settings';
  const newBus = placeOf(entry);
  if (place === 'bus' ? bus === '' : newBus === null) return 'where';
  if (name === '') return 'name';
  return newBus === null ? { name, bus, settings } : { name, bus: nameFrom(name, 'port'), newBus, settings };
}

/** null: it is a bus, or something is missing. */
function placeOf({ place, port, baud, dataBits, parity, stopBits, host, tcpPort }: InstrumentEntry): InstrumentPlace | null {
  if (place === 'bus') return null;
  if (place === 'server') {
    const number = wholeNumber(tcpPort, 1, 65535);
    return number === null || host.trim() === '' ? null : { kind: 'host', host: host.trim(), port: number };
  }
  const speed = wholeNumber(baud, 50, 4_000_000);
  if (speed === null || port.trim() === '') return null;
  const data_bits = dataBits === '7' ? 7 : 8;
  return { kind: 'line', port: port.trim(), baud: speed, data_bits, parity, stop_bits: stopBits === '2' ? 2 : 1 };
}
