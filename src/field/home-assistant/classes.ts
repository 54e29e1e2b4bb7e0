/**
 * Device classes and their units, as Home Assistant 2025.10 documents them (integrations sensor, number, binary_sensor and
 * switch). It refuses an entity whose unit does not fit its class.
 */

const ENERGY = ['J', 'kJ', 'MJ', 'GJ', 'mWh', 'Wh', 'kWh', 'MWh', 'GWh', 'TWh', 'cal', 'kcal', 'Mcal', 'Gcal'];
const PRESSURE = ['Pa', 'hPa', 'kPa', 'mPa', 'bar', 'cbar', 'mbar', 'mmHg', 'inHg', 'inH₂O', 'psi'];
const SPEED = ['m/s', 'mm/s', 'm/min', 'km/h', 'in/s', 'ft/s', 'mph', 'kn', 'Beaufort', 'in/d', 'in/h', 'mm/d', 'mm/h'];
const VOLUME = ['L', 'mL', 'm³', 'ft³', 'CCF', 'MCF', 'gal', 'fl. oz.'];
const MICROGRAMS = ['µg/m³', 'μg/m³'];
/** The class takes no unit. */
const NONE: readonly string[] = [];

/** Of sensors and numbers; null: any unit. */
export const NUMERIC_CLASSES: Readonly<Record<string, readonly string[] | null>> = {
  absolute_humidity: ['g/m³', 'mg/m³'],
  apparent_power: ['mVA', 'VA', 'kVA'],
  aqi: NONE,
  area: ['m²', 'cm²', 'km²', 'mm²', 'in²', 'ft²', 'yd²', 'mi²', 'ac', 'ha'],
  atmospheric_pressure: PRESSURE,
  battery: ['%'],
  blood_glucose_concentration: ['mg/dL', 'mmol/L'],
  carbon_dioxide: ['ppm'],
  carbon_monoxide: ['ppm', 'ppb', 'mg/m³', ...MICROGRAMS],
  conductivity: ['S/cm', 'mS/cm', 'µS/cm', 'μS/cm'],
  current: ['A', 'mA'],
  data_rate: null,
  data_size: null,
  distance: ['km', 'm', 'cm', 'mm', 'mi', 'nmi', 'yd', 'in', 'ft'],
  duration: ['d', 'h', 'min', 's', 'ms', 'µs', 'μs'],
  energy: ENERGY,
  energy_distance: ['kWh/100km', 'Wh/km', 'mi/kWh', 'km/kWh'],
  energy_storage: ENERGY,
  frequency: ['Hz', 'kHz', 'MHz', 'GHz'],
  gas: ['L', 'm³', 'ft³', 'CCF', 'MCF'],
  humidity: ['%'],
  illuminance: ['lx'],
  irradiance: ['W/m²', 'BTU/(h⋅ft²)'],
  moisture: ['%'],
  monetary: null,
  nitrogen_dioxide: [...MICROGRAMS, 'ppb', 'ppm'],
  nitrogen_monoxide: [...MICROGRAMS, 'ppb'],
  nitrous_oxide: MICROGRAMS,
  ozone: [...MICROGRAMS, 'ppb', 'ppm'],
  ph: NONE,
  pm1: MICROGRAMS,
  pm25: MICROGRAMS,
  pm4: MICROGRAMS,
  pm10: MICROGRAMS,
  power: ['mW', 'W', 'kW', 'MW', 'GW', 'TW', 'BTU/h'],
  power_factor: ['%', ''],
  precipitation: ['cm', 'in', 'mm'],
  precipitation_intensity: ['in/d', 'in/h', 'mm/d', 'mm/h'],
  pressure: PRESSURE,
  reactive_energy: ['varh', 'kvarh'],
  reactive_power: ['mvar', 'var', 'kvar'],
  signal_strength: ['dB', 'dBm'],
  sound_pressure: ['dB', 'dBA'],
  speed: SPEED,
  sulphur_dioxide: MICROGRAMS,
  temperature: ['°C', '°F', 'K'],
  temperature_delta: ['°C', '°F', 'K'],
  volatile_organic_compounds: [...MICROGRAMS, 'mg/m³'],
  volatile_organic_compounds_parts: ['ppm', 'ppb'],
  voltage: ['V', 'mV', 'µV', 'μV', 'kV', 'MV'],
  volume: VOLUME,
  volume_flow_rate: ['m³/h', 'm³/min', 'm³/s', 'L/h', 'L/min', 'L/s', 'mL/s', 'ft³/min', 'gal/min', 'gal/h', 'gal/d'],
  volume_storage: VOLUME,
  water: ['L', 'm³', 'ft³', 'CCF', 'MCF', 'gal'],
  weight: ['kg', 'g', 'mg', 'µg', 'μg', 'oz', 'lb', 'st'],
  wind_direction: ['°'],
  wind_speed: SPEED.slice(0, 9),
};

/** State classes of numeric device classes that do not take all three. Others that are not named take `measurement` only. */
const TOTALS = ['total', 'total_increasing'];
const ALL = ['measurement', ...TOTALS];
const STATE_CLASSES: Readonly<Record<string, readonly string[]>> = {
  area: ALL,
  data_size: ALL,
  distance: ALL,
  duration: ALL,
  energy: TOTALS,
  gas: TOTALS,
  monetary: ['total'],
  precipitation: ALL,
  reactive_energy: TOTALS,
  volume: TOTALS,
  water: TOTALS,
  weight: ALL,
  wind_direction: NONE,
};

/** null: no device class. */
export function stateClassesOf(deviceClass: string | null): readonly string[] {
  return deviceClass === null ? ALL : (STATE_CLASSES[deviceClass] ?? ['measurement']);
}

export const BINARY_CLASSES: readonly string[] = [
  'battery',
  'battery_charging',
  'carbon_monoxide',
  'cold',
  'connectivity',
  'door',
  'garage_door',
  'gas',
  'heat',
  'light',
  'lock',
  'moisture',
  'motion',
  'moving',
  'occupancy',
  'opening',
  'plug',
  'power',
  'presence',
  'problem',
  'running',
  'safety',
  'smoke',
  'sound',
  'tamper',
  'update',
  'vibration',
  'window',
];

export const SWITCH_CLASSES: readonly string[] = ['outlet', 'switch'];

/**
 * Units that say what is measured, wherever they stand; all of them have been valid since there is device discovery
 * (2024.11). A unit that can be several things (%, L, m³, dB, ppm) says nothing.
 */
const CLASS_OF_UNIT: Readonly<Record<string, string>> = {
  '°C': 'temperature',
  '°F': 'temperature',
  K: 'temperature',
  V: 'voltage',
  mV: 'voltage',
  kV: 'voltage',
  A: 'current',
  mA: 'current',
  W: 'power',
  kW: 'power',
  MW: 'power',
  GW: 'power',
  VA: 'apparent_power',
  var: 'reactive_power',
  Wh: 'energy',
  kWh: 'energy',
  MWh: 'energy',
  GWh: 'energy',
  MJ: 'energy',
  GJ: 'energy',
  Hz: 'frequency',
  kHz: 'frequency',
  MHz: 'frequency',
  Pa: 'pressure',
  hPa: 'pressure',
  kPa: 'pressure',
  mbar: 'pressure',
  bar: 'pressure',
  psi: 'pressure',
  lx: 'illuminance',
  'W/m²': 'irradiance',
  dBm: 'signal_strength',
  ms: 'duration',
  s: 'duration',
  min: 'duration',
  h: 'duration',
  d: 'duration',
  'm³/h': 'volume_flow_rate',
  'L/min': 'volume_flow_rate',
  mg: 'weight',
  g: 'weight',
  kg: 'weight',
  mm: 'distance',
  cm: 'distance',
  m: 'distance',
  km: 'distance',
  'm/s': 'speed',
  'km/h': 'speed',
};

export function classOfUnit(unit: string): string | null {
  return CLASS_OF_UNIT[unit] ?? null;
}

/** Other ways to write a unit, where there is no doubt what is meant. */
const SAME_UNIT: Readonly<Record<string, string>> = {
  '℃': '°C',
  degC: '°C',
  'deg C': '°C',
  '℉': '°F',
  degF: '°F',
  'deg F': '°F',
  kwh: 'kWh',
  KWh: 'kWh',
  KWH: 'kWh',
  kW·h: 'kWh',
  VAr: 'var',
  VAR: 'var',
  Var: 'var',
  kVAr: 'kvar',
  kVAR: 'kvar',
  kVArh: 'kvarh',
  kVARh: 'kvarh',
  m3: 'm³',
  'm^3': 'm³',
  'm3/h': 'm³/h',
  'm^3/h': 'm³/h',
  l: 'L',
  'l/min': 'L/min',
  'l/h': 'L/h',
  'l/s': 'L/s',
  'W/m2': 'W/m²',
  'W/m^2': 'W/m²',
  sec: 's',
  hr: 'h',
  lux: 'lx',
};

/** As Home Assistant writes it. */
export function normalUnit(unit: string): string {
  const text = unit.trim();
  return SAME_UNIT[text] ?? text;
}
