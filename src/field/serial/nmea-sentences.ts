/** How an item is written: as it is; with N, S, E or W behind it; as hhmmss or ddmmyy; a speed with its unit behind it. */
export type NmeaKind = 'plain' | 'position' | 'east_west' | 'time' | 'date' | 'speed';

export interface NmeaItem {
  /** Place in the sentence; 1 is the first behind its name. */
  column: number;
  kind: NmeaKind;
}

export interface NmeaSentence {
  items: Record<string, NmeaItem>;
  /** Where the sentence says what its data are worth. */
  validity?: readonly NmeaValidity[];
  /** The columns that hold all the same. */
  always?: readonly number[];
}

export interface NmeaValidity {
  column: number;
  /** What says that there are no data. */
  invalid: readonly string[];
  /** What says that they were not measured, with the reason. */
  uncertain?: Readonly<Record<string, string>>;
  /** Older receivers do not have the column, or leave it empty. */
  isOptional?: true;
}

/** The mode indicator of NMEA 0183 2.3 and later. */
const mode = (column: number): NmeaValidity => ({
  column,
  invalid: ['N'],
  uncertain: { E: 'dead_reckoning', M: 'manual_input', S: 'simulator_mode' },
  isOptional: true,
});

const plain = (column: number): NmeaItem => ({ column, kind: 'plain' });
const of = (kind: NmeaKind, column: number): NmeaItem => ({ column, kind });

/** Sentences of NMEA 0183 whose items have names here, without their talkers. */
export const NMEA_SENTENCES: Partial<Record<string, NmeaSentence>> = {
  GGA: {
    items: {
      time: of('time', 1),
      latitude: of('position', 2),
      longitude: of('position', 4),
      quality: plain(6),
      satellites: plain(7),
      hdop: plain(8),
      altitude: plain(9),
      geoid_separation: plain(11),
    },
    validity: [{ column: 6, invalid: ['0'], uncertain: { 6: 'dead_reckoning', 7: 'manual_input', 8: 'simulator_mode' } }],
    always: [1, 6, 7],
  },
  RMC: {
    items: {
      time: of('time', 1),
      status: plain(2),
      latitude: of('position', 3),
      longitude: of('position', 5),
      speed_knots: plain(7),
      course: plain(8),
      date: of('date', 9),
      magnetic_variation: of('east_west', 10),
    },
    validity: [{ column: 2, invalid: ['V'] }, mode(12)],
    always: [1, 2, 9, 12],
  },
  GLL: {
    items: { latitude: of('position', 1), longitude: of('position', 3), time: of('time', 5), status: plain(6) },
    validity: [{ column: 6, invalid: ['V'] }, mode(7)],
    always: [5, 6, 7],
  },
  VTG: {
    items: { course: plain(1), course_magnetic: plain(3), speed_knots: plain(5), speed_kmh: plain(7) },
    validity: [mode(9)],
    always: [9],
  },
  GSA: {
    items: { fix: plain(2), pdop: plain(15), hdop: plain(16), vdop: plain(17) },
    validity: [{ column: 2, invalid: ['1'] }],
    always: [1, 2],
  },
  ZDA: { items: { time: of('time', 1), day: plain(2), month: plain(3), year: plain(4) } },
  HDT: { items: { heading: plain(1) } },
  HDG: { items: { heading: plain(1), deviation: of('east_west', 2), variation: of('east_west', 4) } },
  ROT: { items: { rate: plain(1) }, validity: [{ column: 2, invalid: ['V'] }], always: [2] },
  VHW: { items: { heading: plain(1), speed_knots: plain(5), speed_kmh: plain(7) } },
  MWV: {
    items: { angle: plain(1), reference: plain(2), speed: of('speed', 3), status: plain(5) },
    validity: [{ column: 5, invalid: ['V'] }],
    always: [5],
  },
  DBT: { items: { depth: plain(3) } },
  DPT: { items: { depth: plain(1), offset: plain(2) } },
  MTW: { items: { temperature: plain(1) } },
};
