/** The serial instruments that can be added ready-made: how their lines usually are, and what the configuration has of them. Pure. */
import type { Parity } from './unit-place.js';

export const INSTRUMENT_KINDS = ['csv', 'json', 'scale', 'barcode', 'nmea', 'p1', 'bcc', 'raw'] as const;
export type InstrumentKind = (typeof INSTRUMENT_KINDS)[number];

export interface KindOfInstrument {
  baud: string;
  dataBits: '7' | '8';
  parity: Parity;
  /** YAML. */
  settings: string;
}

const usual = { baud: '9600', dataBits: '8', parity: 'none' } as const;

export const KINDS: Readonly<Record<InstrumentKind, KindOfInstrument>> = {
  csv: {
    ...usual,
    baud: '115200',
    settings: `stale_after: 10s
decode:
  type: csv
  fields:
    - {name: temperature, unit: "°C"}
    - {name: humidity, unit: "%"}
    - {name: door, type: bool}
`,
  },
  json: {
    ...usual,
    baud: '115200',
    settings: `stale_after: 10s
frame: {type: delimiter, max: 512}
decode:
  type: json
  fields:
    - {name: level, unit: mm, type: int}
    - {name: temperature, path: sensors.0.t, unit: "°C"}
    - {name: pump, type: bool}
`,
  },
  scale: {
    ...usual,
    settings: `stale_after: 5s
frame: {type: delimiter, end: "\\r\\n", max: 64}
decode:
  type: regex
  pattern: "^(?<state>ST|US|OL),(?:(?<mode>GS|NT|TR),)?(?:(?<weight>[-+ ]*[0-9.]+) *kg|.*)$"
  fields:
    - {name: weight, unit: kg}
    - {name: state, type: string}
    - {name: mode, type: string}
`,
  },
  barcode: {
    ...usual,
    settings: `stale_after: 0
frame: {type: delimiter, end: "\\r", max: 256}
decode:
  type: text
  encoding: latin1
  fields:
    - {name: code, type: string, publish: every_scan}
`,
  },
  nmea: {
    ...usual,
    baud: '4800',
    settings: `stale_after: 5s
decode:
  type: nmea
  fields:
    - {name: latitude, sentence: GGA, item: latitude, unit: "°"}
    - {name: longitude, sentence: GGA, item: longitude, unit: "°"}
    - {name: altitude, sentence: GGA, item: altitude, unit: m}
    - {name: satellites, sentence: GGA, item: satellites, type: int}
    - {name: speed, sentence: RMC, item: speed_knots, unit: kn}
`,
  },
  p1: {
    ...usual,
    baud: '115200',
    settings: `stale_after: 30s
decode:
  type: obis
  fields:
    - {name: import_low, code: "1-0:1.8.1", unit: kWh}
    - {name: import_high, code: "1-0:1.8.2", unit: kWh}
    - {name: power, code: "1-0:1.7.0", unit: W}
    - {name: voltage_l1, code: "1-0:32.7.0", unit: V}
    - {name: tariff, code: "0-0:96.14.0", type: int}
    - {name: gas, code: "0-1:24.2.1", unit: m³}
`,
  },
  bcc: {
    ...usual,
    dataBits: '7',
    parity: 'even',
    settings: `request: {poll: "\\x05", every: 500ms, timeout: 300ms}
frame: {type: stx_etx, start: "\\x02", end: "\\x03", trailer: 1, max: 64}
checksum: {type: xor, from: 1, encoding: binary}
decode:
  type: regex
  pattern: "^(?<weight>[-+ ][ 0-9.]{7})(?<mode>[GN])(?<state>[ MOE])$"
  fields:
    - {name: weight, unit: kg}
    - {name: mode, type: string}
    - {name: state, type: string}
`,
  },
  raw: {
    ...usual,
    settings: `decode: {type: raw, rx: "field/{device}/rx", tx: "field/{device}/tx", max_send: 4KiB}
`,
  },
};
