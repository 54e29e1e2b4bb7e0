import { bad, type Reading } from '../value.js';
import { checksum } from './checksum.js';
import type { Decoder } from './decode.js';
import { readingOf } from './field-reading.js';
import { NMEA_SENTENCES, type NmeaItem } from './nmea-sentences.js';
import type { DecodeOf } from './schema.js';

type NmeaConfig = DecodeOf<'nmea'>;
export type NmeaField = NmeaConfig['fields'][number];

/** Values of NMEA 0183 sentences. A sentence of which nothing is wanted has no readings. */
export function nmeaDecoder(config: NmeaConfig): Decoder {
  return ({ bytes }) => {
    const text = bytes.toString('latin1').trim();
    // Of a sentence that was cut off by the next one only the next one is whole.
    const start = Math.max(text.lastIndexOf('$'), text.lastIndexOf('!'));
    const found = /^[$!]([ -~]*)\*([0-9A-Fa-f]{2})$/.exec(text.slice(Math.max(start, 0)));
    if (start === -1 || found === null) return { problem: 'it is no NMEA sentence with a check sum' };
    const [, body = '', digits = ''] = found;
    const expected = checksum('xor', Buffer.from(body, 'latin1'));
    if (Number.parseInt(digits, 16) !== expected) {
      return { problem: `its check sum is ${digits.toUpperCase()}, and should be ${expected.toString(16).toUpperCase().padStart(2, '0')}` };
    }
    const columns = body.split(',');
    const fields = config.fields.filter((field) => isOf(field.sentence, columns[0] ?? ''));
    return { readings: fields.map((field) => ({ field, reading: read(field, columns) })) };
  };
}

/** GGA is of any talker (GPGGA, GNGGA); a longer name is the whole address. */
function isOf(sentence: string, address: string): boolean {
  return sentence.length === 3 ? address.length === 5 && address.endsWith(sentence) : address === sentence;
}

/** The name of the sentence without its talker. */
export function formatter(sentence: string): string {
  return sentence.startsWith('P') || sentence.length !== 5 ? sentence : sentence.slice(2);
}

function read(field: NmeaField, columns: readonly string[]): Reading {
  const known = NMEA_SENTENCES[formatter(field.sentence)];
  const item: NmeaItem = known?.items[field.item ?? ''] ?? { column: field.column ?? 0, kind: 'plain' };
  if (known === undefined || known.always?.includes(item.column) === true) return valueAt(field, item, columns);
  let doubt: string | undefined;
  for (const { column, invalid, uncertain, isOptional } of known.validity ?? []) {
    const state = columns[column] ?? '';
    // The receiver may go on sending its last position: it says so here.
    if (state === '' ? isOptional !== true : invalid.includes(state)) return bad('no_fix');
    doubt ??= uncertain?.[state];
  }
  const reading = valueAt(field, item, columns);
  return doubt === undefined || reading.quality === 'bad' ? reading : { ...reading, quality: 'uncertain', reason: doubt };
}

function valueAt(field: NmeaField, item: NmeaItem, columns: readonly string[]): Reading {
  const value = columns[item.column];
  if (value === undefined || value === '') return bad('missing');
  switch (item.kind) {
    case 'plain':
      return readingOf(field, value);
    case 'position':
      return position(field, value, columns[item.column + 1] ?? '');
    case 'east_west':
      return signed(field, value, columns[item.column + 1] ?? '');
    case 'time': {
      const [, h, m, s] = /^([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9](?:\.[0-9]+)?|60)$/.exec(value) ?? [];
      return h === undefined ? bad('not_a_time') : readingOf(field, `${h}:${m}:${s}`);
    }
    case 'date': {
      const [, day, month, year] = /^(0[1-9]|[12][0-9]|3[01])(0[1-9]|1[0-2])([0-9]{2})$/.exec(value) ?? [];
      return day === undefined ? bad('not_a_date') : readingOf(field, `20${year}-${month}-${day}`);
    }
    case 'speed': {
      const factor = { K: 1 / 3.6, M: 1, N: 1852 / 3600, S: 0.44704 }[columns[item.column + 1] ?? ''];
      return factor === undefined
        ? bad('wrong_unit')
        : readingOf(
            field,
            numeric(value, (speed) => round(speed * factor, 4)),
          );
    }
  }
}

/** ddmm.mmmm and the hemisphere, in degrees. */
function position(field: NmeaField, value: string, hemisphere: string): Reading {
  const [, degrees, minutes] = /^([0-9]{2,3})([0-9]{2}(?:\.[0-9]+)?)$/.exec(value) ?? [];
  const limit = { N: 90, S: 90, E: 180, W: 180 }[hemisphere];
  if (degrees === undefined || Number(minutes) >= 60 || limit === undefined) return bad('not_a_position');
  const size = Number(degrees) + Number(minutes) / 60;
  if (size > limit) return bad('not_a_position');
  // Seven digits are a centimetre.
  return readingOf(field, round(hemisphere === 'S' || hemisphere === 'W' ? -size : size, 7));
}

function signed(field: NmeaField, value: string, side: string): Reading {
  if (side !== 'E' && side !== 'W') return bad('missing');
  return readingOf(
    field,
    numeric(value, (number) => (side === 'W' ? -number : number)),
  );
}

/** What is no number stays a text, for the reading to say so. */
function numeric(value: string, change: (number: number) => number): number | string {
  return /^-?[0-9]+(\.[0-9]*)?$/.test(value) ? change(Number(value)) : value;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
