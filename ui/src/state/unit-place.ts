/** Where a new device is, as a person enters it, and as the API takes it. Pure. */
import type { Elsewhere, UnitWhere } from '../api/types.js';

export type PlaceKind = 'bus' | 'tcp' | 'server' | 'line';
export type Framing = 'rtu' | 'ascii';
export type Parity = 'none' | 'even' | 'odd';

/** What stands in the fields. */
export interface Place {
  kind: PlaceKind;
  bus: string;
  host: string;
  tcpPort: string;
  framing: Framing;
  /** Serial port. */
  port: string;
  baud: string;
  dataBits: '7' | '8';
  parity: Parity;
  stopBits: '1' | '1.5' | '2';
  unit: string;
  /** Of the bus that is made. */
  newBus: string;
}

export const EMPTY_PLACE: Place = {
  ...{ kind: 'bus', bus: '', host: '', tcpPort: '502', framing: 'rtu', port: '', baud: '9600' },
  ...{ dataBits: '8', parity: 'none', stopBits: '1', unit: '1', newBus: '' },
};

/** null: no whole number within the limits. */
export function wholeNumber(text: string, min: number, max: number): number | null {
  const value = /^\s*[0-9]+\s*$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : null;
}

/** Where no bus is yet; null: something is missing, or it is a bus of the gateway. */
export function elsewhereOf({ kind, host, tcpPort, framing, port, baud, dataBits, parity, stopBits }: Place): Elsewhere | null {
  if (kind === 'bus') return null;
  if (kind === 'line') {
    const speed = wholeNumber(baud, 50, 4_000_000);
    if (speed === null || port === '') return null;
    const data_bits = Number(dataBits) as 7 | 8;
    return { kind: 'line', port, framing, baud: speed, data_bits, parity, stop_bits: Number(stopBits) as 1 | 1.5 | 2 };
  }
  const number = wholeNumber(tcpPort, 1, 65535);
  if (number === null || host.trim() === '') return null;
  return { kind: 'host', host: host.trim(), port: number, framing: kind === 'tcp' ? 'tcp' : framing };
}

export function whereOf(place: Place): UnitWhere | null {
  if (place.kind !== 'bus') return elsewhereOf(place);
  return place.bus === '' ? null : { kind: 'bus', bus: place.bus };
}

/** ASCII has 7 data bits and even parity as a rule, RTU 8 and mostly none. */
export function usualLine(framing: Framing): Pick<Place, 'framing' | 'dataBits' | 'parity'> {
  return framing === 'rtu' ? { framing, dataBits: '8', parity: 'none' } : { framing, dataBits: '7', parity: 'even' };
}

/** From the address of the page: `bus`, or `host` with `port`, or `line` with the `settings` that a scan found (9600 8N1). */
export function placeFrom(query: URLSearchParams): Place {
  const unit = query.get('unit') ?? EMPTY_PLACE.unit;
  const [bus, host, line] = [query.get('bus'), query.get('host'), query.get('line')];
  if (host !== null) return { ...EMPTY_PLACE, kind: 'tcp', host, tcpPort: query.get('port') ?? '502', unit };
  if (line === null) return { ...EMPTY_PLACE, bus: bus ?? '', unit };
  const [, baud = '9600', bits = '8', letter = 'N', stop = '1'] =
    /^([0-9]+) ([78])([NEO])(1\.5|1|2)$/.exec(query.get('settings') ?? '') ?? [];
  const parity = ({ N: 'none', E: 'even', O: 'odd' } as const)[letter] ?? 'none';
  const dataBits = bits === '7' ? '7' : '8';
  const framing = dataBits === '7' ? 'ascii' : 'rtu';
  return { ...EMPTY_PLACE, kind: 'line', port: line, baud, dataBits, parity, stopBits: stop as Place['stopBits'], framing, unit };
}

/** A name for something that has none yet: what its maker calls it, as a name of topics. */
export function nameFrom(...words: (string | null | undefined)[]): string {
  return words
    .filter((word) => word !== null && word !== undefined)
    .join('-')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64);
}
