/**
 * The SunSpec models that become tags. Facts of the SunSpec Alliance's model definitions (github.com/sunspec/models): offsets
 * count from the model's id, so 0 is the id and 1 the length.
 */

export type SunSpecType = 'int16' | 'uint16' | 'acc32' | 'enum16' | 'bitfield32' | 'float32' | 'string' | 'uint32';

export interface PointDefinition {
  offset: number;
  name: string;
  type: SunSpecType;
  description: string;
  /** Offset of its scale factor. */
  factor?: number;
  unit?: string;
  /** Registers of a string. */
  registers?: number;
  names?: Record<number, string>;
  /** Read now and then: counters, ratings, names. */
  isSlow?: boolean;
}

export type Family = 'device' | 'inverter' | 'rated' | 'mppt' | 'meter';

export interface ModelDefinition {
  name: string;
  /** Models of one family are numbered together. */
  family: Family;
  /** As the definition says; models of other lengths are met. */
  lengths: readonly number[];
  points: readonly PointDefinition[];
  /** What repeats up to the end of the model. */
  repeating?: { length: number; points: readonly PointDefinition[] };
}

type Extra = Partial<Pick<PointDefinition, 'factor' | 'unit' | 'registers' | 'names' | 'isSlow'>>;
const point = (offset: number, name: string, type: SunSpecType, description: string, extra: Extra = {}): PointDefinition => ({
  offset,
  name,
  type,
  description,
  ...extra,
});

/** One after the other: the sum, then the phases. */
function phases(
  offset: number,
  step: number,
  name: string,
  type: SunSpecType,
  what: string,
  extra: Extra,
  suffixes: readonly string[],
): PointDefinition[] {
  return suffixes.map((suffix, index) =>
    point(
      offset + index * step,
      suffix === '' ? name : `${name}_${suffix}`,
      type,
      suffix === '' ? what : `${what}, ${LABELS[suffix]}`,
      extra,
    ),
  );
}

const LABELS: Record<string, string> = { l1: 'L1', l2: 'L2', l3: 'L3', l1_l2: 'L1-L2', l2_l3: 'L2-L3', l3_l1: 'L3-L1' };
const EACH = ['l1', 'l2', 'l3'];
const SUM_AND_EACH = ['', ...EACH];
const BETWEEN = ['l1_l2', 'l2_l3', 'l3_l1'];

const STATES = { 1: 'off', 2: 'sleeping', 3: 'starting', 4: 'producing', 5: 'throttled', 6: 'shutting down', 7: 'fault', 8: 'standby' };

const COMMON: ModelDefinition = {
  name: 'common',
  family: 'device',
  lengths: [65, 66],
  points: [
    point(2, 'manufacturer', 'string', 'Manufacturer', { registers: 16, isSlow: true }),
    point(18, 'model', 'string', 'Model', { registers: 16, isSlow: true }),
    point(34, 'options', 'string', 'Options', { registers: 8, isSlow: true }),
    point(42, 'version', 'string', 'Version', { registers: 8, isSlow: true }),
    point(50, 'serial_number', 'string', 'Serial number', { registers: 16, isSlow: true }),
  ],
};

const INVERTER: ModelDefinition = {
  name: 'inverter',
  family: 'inverter',
  lengths: [50],
  points: [
    ...phases(2, 1, 'current', 'uint16', 'AC current', { factor: 6, unit: 'A' }, SUM_AND_EACH),
    ...phases(7, 1, 'voltage', 'uint16', 'AC voltage', { factor: 13, unit: 'V' }, BETWEEN),
    ...phases(10, 1, 'voltage', 'uint16', 'AC voltage to neutral', { factor: 13, unit: 'V' }, EACH),
    point(14, 'power', 'int16', 'AC power', { factor: 15, unit: 'W' }),
    point(16, 'frequency', 'uint16', 'Grid frequency', { factor: 17, unit: 'Hz' }),
    point(18, 'apparent_power', 'int16', 'Apparent power', { factor: 19, unit: 'VA' }),
    point(20, 'reactive_power', 'int16', 'Reactive power', { factor: 21, unit: 'var' }),
    point(22, 'power_factor', 'int16', 'Power factor', { factor: 23, unit: '%' }),
    point(24, 'energy_total', 'acc32', 'Energy since installation', { factor: 26, unit: 'Wh', isSlow: true }),
    point(27, 'dc_current', 'uint16', 'DC current', { factor: 28, unit: 'A' }),
    point(29, 'dc_voltage', 'uint16', 'DC voltage', { factor: 30, unit: 'V' }),
    point(31, 'dc_power', 'int16', 'DC power', { factor: 32, unit: 'W' }),
    point(33, 'temperature_cabinet', 'int16', 'Cabinet temperature', { factor: 37, unit: '°C', isSlow: true }),
    point(34, 'temperature_heat_sink', 'int16', 'Heat sink temperature', { factor: 37, unit: '°C', isSlow: true }),
    point(35, 'temperature_transformer', 'int16', 'Transformer temperature', { factor: 37, unit: '°C', isSlow: true }),
    point(36, 'temperature_other', 'int16', 'Other temperature', { factor: 37, unit: '°C', isSlow: true }),
    point(38, 'state', 'enum16', 'Operating state', { names: STATES }),
    point(39, 'state_vendor', 'enum16', 'Operating state, code of the vendor'),
    point(40, 'events', 'bitfield32', 'Event bits'),
  ],
};

const INVERTER_FLOAT: ModelDefinition = {
  name: 'inverter (float)',
  family: 'inverter',
  lengths: [60],
  points: [
    ...phases(2, 2, 'current', 'float32', 'AC current', { unit: 'A' }, SUM_AND_EACH),
    ...phases(10, 2, 'voltage', 'float32', 'AC voltage', { unit: 'V' }, BETWEEN),
    ...phases(16, 2, 'voltage', 'float32', 'AC voltage to neutral', { unit: 'V' }, EACH),
    point(22, 'power', 'float32', 'AC power', { unit: 'W' }),
    point(24, 'frequency', 'float32', 'Grid frequency', { unit: 'Hz' }),
    point(26, 'apparent_power', 'float32', 'Apparent power', { unit: 'VA' }),
    point(28, 'reactive_power', 'float32', 'Reactive power', { unit: 'var' }),
    point(30, 'power_factor', 'float32', 'Power factor', { unit: '%' }),
    point(32, 'energy_total', 'float32', 'Energy since installation', { unit: 'Wh', isSlow: true }),
    point(34, 'dc_current', 'float32', 'DC current', { unit: 'A' }),
    point(36, 'dc_voltage', 'float32', 'DC voltage', { unit: 'V' }),
    point(38, 'dc_power', 'float32', 'DC power', { unit: 'W' }),
    point(40, 'temperature_cabinet', 'float32', 'Cabinet temperature', { unit: '°C', isSlow: true }),
    point(42, 'temperature_heat_sink', 'float32', 'Heat sink temperature', { unit: '°C', isSlow: true }),
    point(44, 'temperature_transformer', 'float32', 'Transformer temperature', { unit: '°C', isSlow: true }),
    point(46, 'temperature_other', 'float32', 'Other temperature', { unit: '°C', isSlow: true }),
    point(48, 'state', 'enum16', 'Operating state', { names: STATES }),
    point(49, 'state_vendor', 'enum16', 'Operating state, code of the vendor'),
    point(50, 'events', 'bitfield32', 'Event bits'),
  ],
};

const NAMEPLATE: ModelDefinition = {
  name: 'nameplate ratings',
  family: 'rated',
  lengths: [26],
  points: [
    point(3, 'power', 'uint16', 'Rated power', { factor: 4, unit: 'W', isSlow: true }),
    point(5, 'apparent_power', 'uint16', 'Rated apparent power', { factor: 6, unit: 'VA', isSlow: true }),
    point(12, 'current', 'uint16', 'Largest AC current', { factor: 13, unit: 'A', isSlow: true }),
    point(19, 'storage', 'uint16', 'Nominal energy of the storage', { factor: 20, unit: 'Wh', isSlow: true }),
    point(23, 'charge_power', 'uint16', 'Largest charging power', { factor: 24, unit: 'W', isSlow: true }),
    point(25, 'discharge_power', 'uint16', 'Largest discharging power', { factor: 26, unit: 'W', isSlow: true }),
  ],
};

const MPPT: ModelDefinition = {
  name: 'multiple MPPT',
  family: 'mppt',
  // 8 registers, and 20 for each module.
  lengths: [],
  points: [point(6, 'events', 'bitfield32', 'Event bits of the trackers')],
  repeating: {
    length: 20,
    points: [
      point(1, 'name', 'string', 'Name of the module', { registers: 8, isSlow: true }),
      point(9, 'current', 'uint16', 'DC current', { factor: 2, unit: 'A' }),
      point(10, 'voltage', 'uint16', 'DC voltage', { factor: 3, unit: 'V' }),
      point(11, 'power', 'uint16', 'DC power', { factor: 4, unit: 'W' }),
      point(12, 'energy_total', 'acc32', 'Energy of the module', { factor: 5, unit: 'Wh', isSlow: true }),
      point(16, 'temperature', 'int16', 'Temperature', { unit: '°C', isSlow: true }),
    ],
  },
};
/** Of the repeating part: where it begins, from the model's id. */
export const REPEATING_START = 10;

const METER: ModelDefinition = {
  name: 'meter',
  family: 'meter',
  lengths: [105],
  points: [
    ...phases(2, 1, 'current', 'int16', 'Current', { factor: 6, unit: 'A' }, SUM_AND_EACH),
    ...phases(7, 1, 'voltage', 'int16', 'Voltage to neutral', { factor: 15, unit: 'V' }, SUM_AND_EACH),
    point(11, 'voltage_between', 'int16', 'Voltage between phases, mean', { factor: 15, unit: 'V' }),
    ...phases(12, 1, 'voltage', 'int16', 'Voltage', { factor: 15, unit: 'V' }, BETWEEN),
    point(16, 'frequency', 'int16', 'Frequency', { factor: 17, unit: 'Hz' }),
    ...phases(18, 1, 'power', 'int16', 'Power', { factor: 22, unit: 'W' }, SUM_AND_EACH),
    ...phases(23, 1, 'apparent_power', 'int16', 'Apparent power', { factor: 27, unit: 'VA' }, SUM_AND_EACH),
    ...phases(28, 1, 'reactive_power', 'int16', 'Reactive power', { factor: 32, unit: 'var' }, SUM_AND_EACH),
    ...phases(33, 1, 'power_factor', 'int16', 'Power factor', { factor: 37, unit: '%' }, SUM_AND_EACH),
    ...phases(38, 2, 'energy_export', 'acc32', 'Energy exported', { factor: 54, unit: 'Wh', isSlow: true }, SUM_AND_EACH),
    ...phases(46, 2, 'energy_import', 'acc32', 'Energy imported', { factor: 54, unit: 'Wh', isSlow: true }, SUM_AND_EACH),
    point(105, 'events', 'bitfield32', 'Event bits'),
  ],
};

const METER_FLOAT: ModelDefinition = {
  name: 'meter (float)',
  family: 'meter',
  lengths: [124],
  points: [
    ...phases(2, 2, 'current', 'float32', 'Current', { unit: 'A' }, SUM_AND_EACH),
    ...phases(10, 2, 'voltage', 'float32', 'Voltage to neutral', { unit: 'V' }, SUM_AND_EACH),
    point(18, 'voltage_between', 'float32', 'Voltage between phases, mean', { unit: 'V' }),
    ...phases(20, 2, 'voltage', 'float32', 'Voltage', { unit: 'V' }, BETWEEN),
    point(26, 'frequency', 'float32', 'Frequency', { unit: 'Hz' }),
    ...phases(28, 2, 'power', 'float32', 'Power', { unit: 'W' }, SUM_AND_EACH),
    ...phases(36, 2, 'apparent_power', 'float32', 'Apparent power', { unit: 'VA' }, SUM_AND_EACH),
    ...phases(44, 2, 'reactive_power', 'float32', 'Reactive power', { unit: 'var' }, SUM_AND_EACH),
    ...phases(52, 2, 'power_factor', 'float32', 'Power factor', {}, SUM_AND_EACH),
    ...phases(60, 2, 'energy_export', 'float32', 'Energy exported', { unit: 'Wh', isSlow: true }, SUM_AND_EACH),
    ...phases(68, 2, 'energy_import', 'float32', 'Energy imported', { unit: 'Wh', isSlow: true }, SUM_AND_EACH),
    point(124, 'events', 'bitfield32', 'Event bits'),
  ],
};

export const COMMON_ID = 1;

/** Single, split and three phase models share their layout; what a device lacks it marks as not implemented. */
export const MODELS: ReadonlyMap<number, ModelDefinition> = new Map([
  [COMMON_ID, COMMON],
  ...[101, 102, 103].map((id) => [id, INVERTER] as const),
  ...[111, 112, 113].map((id) => [id, INVERTER_FLOAT] as const),
  [120, NAMEPLATE],
  [160, MPPT],
  ...[201, 202, 203, 204].map((id) => [id, METER] as const),
  ...[211, 212, 213, 214].map((id) => [id, METER_FLOAT] as const),
]);
