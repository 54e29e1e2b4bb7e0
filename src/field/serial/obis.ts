import { CLOCK_NOT_SET } from '../tag.js';
import { bad, type Reading } from '../value.js';
import { checksum } from './checksum.js';
import type { Decoder } from './decode.js';
import { readingOf } from './field-reading.js';
import { parseStamp } from './meter-time.js';
import type { DecodeOf } from './schema.js';

type ObisConfig = DecodeOf<'obis'>;
type ObisField = ObisConfig['fields'][number];

/** A telegram: what stands in the brackets behind each code. null: the code is there more than once. */
type Telegram = ReadonlyMap<string, readonly string[] | null>;

/** Telegrams of meters: DSMR P1 (`/ident ... !CRC`), and the data sets of IEC 62056-21. */
export function obisDecoder(config: ObisConfig): Decoder {
  const times = new SourceTimes();
  return ({ bytes }, now) => {
    const text = bytes.toString('latin1').replaceAll('\u0002', ' ').replaceAll('\u0003', ' ');
    if (config.crc === 'required') {
      const problem = crcProblem(bytes, text);
      if (problem !== null) return { problem };
    }
    const telegram = parse(text);
    if (telegram.size === 0) return { problem: 'there is no OBIS code in it' };
    const readings = config.fields.map((field) => ({ field, reading: times.judge(field, read(field, telegram), telegram, now) }));
    return { readings };
  };
}

function crcProblem(bytes: Buffer, text: string): string | null {
  const start = text.indexOf('/');
  const end = text.lastIndexOf('!');
  if (start === -1 || end < start) return 'it is no telegram from "/" to "!"';
  const digits = text.slice(end + 1, end + 5);
  if (!/^[0-9A-Fa-f]{4}$/.test(digits)) return 'there is no CRC behind the "!"';
  const expected = checksum('crc16_arc', bytes.subarray(start, end + 1));
  if (Number.parseInt(digits, 16) === expected) return null;
  return `its CRC is ${digits.toUpperCase()}, and should be ${expected.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** A code with its brackets; heat meters write several in a line. */
const DATA_SET = /(?:^|(?<=\)))([0-9A-Fa-f][0-9A-Za-z:.*&-]*)((?:\([^()]*\))+)/g;

function parse(text: string): Telegram {
  const telegram = new Map<string, readonly string[] | null>();
  // A line that begins with a bracket goes on with the one before (gas meters of DSMR 2 and 3).
  for (const line of text.replace(/\r?\n\(/g, '(').split(/\r?\n/)) {
    for (const [, written = '', brackets = ''] of line.trim().matchAll(DATA_SET)) {
      const code = plain(written);
      const values = [...brackets.matchAll(/\(([^()]*)\)/g)].map(([, value = '']) => value);
      telegram.set(code, telegram.has(code) ? null : values);
    }
  }
  return telegram;
}

/** `*255` says that it is the value of now, as does its absence. */
function plain(code: string): string {
  return code.replace(/\*255$/, '');
}

function read(field: ObisField, telegram: Telegram): Reading {
  const values = telegram.get(plain(field.code));
  if (values === null) return bad('ambiguous');
  const written = values?.[field.value ?? values.length - 1];
  if (written === undefined) return bad('missing');
  const [value = '', unit] = written.split('*');
  if (field.type === 'string' || field.type === 'bool' || unit === undefined || field.unit === undefined) return readingOf(field, value);
  // With a scale of his own the user has seen to the unit.
  if (field.scale !== undefined || field.offset !== undefined) return readingOf(field, value);
  const power = tenthPower(unit, field.unit);
  if (power === null) return bad('wrong_unit');
  // Moving the point in the text is exact, multiplying is not.
  return readingOf(field, power === 0 || !/^[-+]?[0-9.]+$/.test(value) ? value : `${value}e${power}`);
}

/** When the meter wrote the telegram. */
const TELEGRAM_TIME = '0-0:1.0.0';
/** What a meter has from others (gas, heat, water, a second meter): its last value with the time of that. */
const FROM_OTHERS = /^0-[1-9][0-9]*:24\.[23]\.[0-9]+$/;
/** They deliver every five minutes or every hour: an hour may be lost. */
const MAX_AGE_MS = 2.5 * 3_600_000;
/** A meter that is not told of summer time is an hour ahead; beyond that it is no time of a measurement. */
const MAX_AHEAD_MS = 3_600_000;
/** Telegrams take a while: what the same time stamp is by our clock varies a little. */
const JITTER_MS = 5000;

/** The time stamp that a data set begins with; null: it begins with none. */
function stampOf(code: string, values: readonly string[]): string | null {
  const [first = ''] = values;
  if (code === TELEGRAM_TIME) return first;
  const isStamp = values.length > 1 && (/^[0-9]{12}[SW]$/.test(first) || (/^[0-9]{12}$/.test(first) && FROM_OTHERS.test(code)));
  return isStamp ? first : null;
}

/**
 * Source times by our clock. How old a value is is measured against the telegram's own time, so that it does not matter
 * whether the meter's clock is right, nor ours.
 */
class SourceTimes {
  readonly #known = new Map<string, { stamp: string; ts: number }>();

  judge(field: ObisField, reading: Reading, telegram: Telegram, now: number): Reading {
    const code = plain(field.code);
    const stamp = stampOf(code, telegram.get(code) ?? []);
    if (stamp === null || reading.quality === 'bad') return reading;
    const at = parseStamp(stamp);
    // Zeros and ones without a meter behind them: 632525252525S.
    if (at === null) return bad('invalid_time');
    const maxAge = field.max_age ?? (FROM_OTHERS.test(code) ? MAX_AGE_MS : null);
    const told = code === TELEGRAM_TIME ? null : parseStamp(telegram.get(TELEGRAM_TIME)?.[0] ?? '');
    if (told === null && (code === TELEGRAM_TIME || now < CLOCK_NOT_SET)) return reading;
    const age = (told ?? now) - at;
    if (age < -MAX_AHEAD_MS) return bad('invalid_time');
    if (maxAge === null) return reading;
    const ts = this.#byOurClock(field.name, stamp, now - Math.max(age, 0));
    return age > maxAge ? { ...reading, quality: 'stale', reason: 'old_value', ts } : { ...reading, ts };
  }

  /** The same for as long as the time stamp is, unless our clock was set. */
  #byOurClock(name: string, stamp: string, ts: number): number {
    const known = this.#known.get(name);
    if (known !== undefined && known.stamp === stamp && Math.abs(known.ts - ts) <= JITTER_MS) return known.ts;
    this.#known.set(name, { stamp, ts });
    return ts;
  }
}

const PREFIXES: Record<string, number> = { m: -3, '': 0, k: 3, M: 6, G: 9 };
const PREFIXED = /^([mkMG]?)(Wh|W|varh|var|VAh|VA|V|A|J)$/;

/** Power of ten that makes of a value in the unit `from` one in `to`; null: they are of different kinds. */
function tenthPower(from: string, to: string): number | null {
  const [a, b] = [from, to].map((unit) => unit.replace('³', '3').replace('²', '2').trim());
  if (a === undefined || b === undefined) return null;
  if (a.toLowerCase() === b.toLowerCase() && !PREFIXED.test(a)) return 0;
  const [inA, inB] = [PREFIXED.exec(a), PREFIXED.exec(b)];
  if (inA === null || inB === null || inA[2] !== inB[2]) return null;
  return (PREFIXES[inA[1] ?? ''] ?? 0) - (PREFIXES[inB[1] ?? ''] ?? 0);
}
