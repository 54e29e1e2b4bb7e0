import { RE2JS } from 're2js';
import type { Reading } from '../value.js';
import { readingOf } from './field-reading.js';
import type { Frame } from './framing.js';
import { nmeaDecoder } from './nmea.js';
import { obisDecoder } from './obis.js';
import type { DecodeConfig, DecodeFieldConfig, DecodeOf } from './schema.js';
import { structDecoder } from './struct.js';

export interface FieldReading {
  field: DecodeFieldConfig;
  reading: Reading;
}
/** A frame's values by field, or why it is not a frame of this instrument (it is counted, nothing is published). */
export type Decoded = { readings: FieldReading[] } | { problem: string };
/** `now`: wall ms, when the frame came. */
export type Decoder = (frame: Frame, now: number) => Decoded;

type TextConfig = DecodeOf<'text' | 'json' | 'csv' | 'regex'>;
/** The value of each field in a text; undefined: it is missing. A text: why it is none of ours. */
type Extract = (text: string) => ((field: number) => unknown) | string;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters in a line of text mean noise
const NOISE = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/** What turns frames into readings, as `decode` says. */
export function createDecoder(config: Exclude<DecodeConfig, { type: 'raw' }>): Decoder {
  switch (config.type) {
    case 'struct':
      return structDecoder(config);
    case 'nmea':
      return nmeaDecoder(config);
    case 'obis':
      return obisDecoder(config);
    default:
      return textDecoder(config);
  }
}

function textDecoder(config: TextConfig): Decoder {
  const charset = new TextDecoder(config.encoding === 'latin1' ? 'latin1' : 'utf-8', { fatal: true, ignoreBOM: true });
  const extract = extractor(config);
  return ({ content }) => {
    let text: string;
    try {
      text = charset.decode(content.subarray(config.from ?? 0, config.to ?? content.length));
    } catch {
      return { problem: `it is not ${config.encoding}` };
    }
    if (NOISE.test(text)) return { problem: 'it has control characters' };
    const found = extract(text);
    if (typeof found === 'string') return { problem: found };
    return { readings: config.fields.map((field, index) => ({ field, reading: readingOf(field, found(index)) })) };
  };
}

function extractor(config: TextConfig): Extract {
  switch (config.type) {
    case 'text':
      return (text) => () => text;
    case 'json': {
      const paths = config.fields.map((field) => field.path ?? field.name);
      return (text) => {
        const json = parseJson(text);
        if (typeof json !== 'object' || json === null) return 'it is no JSON object';
        return (field) => atPath(json, paths[field] ?? '');
      };
    }
    case 'csv': {
      const places = config.fields.map((field, index) => field.column ?? index);
      const columns = Math.max(...places) + 1;
      return (text) => {
        const row = splitCsv(text, config.separator);
        if (row === null) return 'its quotes do not close';
        // A line that was cut short has fewer columns; its last one may be cut as well.
        if (row.length < columns) return `it has ${row.length} columns, not ${columns}`;
        return (field) => row[places[field] ?? -1]?.trim();
      };
    }
    case 'regex': {
      const pattern = RE2JS.compile(config.pattern);
      const groups = config.fields.map((field) => field.group ?? field.name);
      return (text) => {
        const matcher = pattern.matcher(text);
        if (!matcher.find()) return 'the pattern does not match';
        return (field) => matcher.group(groups[field] ?? '') ?? undefined;
      };
    }
  }
}

const NOT_NUMBERS = /"(?:[^"\\]|\\.)*"|-?\b(?:nan|inf(?:inity)?)\b/gi;

/** Looking for NaN in a text with quotes that do not close takes the square of its length. */
const MAX_NAN_TEXT = 4096;

/** undefined: it is no JSON. The nan and inf that C programs print are a text then, which is no number. */
function parseJson(text: string): unknown {
  const json = tryJson(text);
  if (json !== undefined || text.length > MAX_NAN_TEXT || !/nan|inf/i.test(text)) return json;
  return tryJson(text.replace(NOT_NUMBERS, (word) => (word.startsWith('"') ? word : '"NaN"')));
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Names of the groups of a RE2 pattern; throws where it is none. */
export function groupsOf(pattern: string): string[] {
  return Object.keys(RE2JS.compile(pattern).namedGroups());
}

/** Whether a valid pattern fits a text without a character. */
export function matchesNothing(pattern: string): boolean {
  return RE2JS.compile(pattern).matcher('').matches();
}

function atPath(json: unknown, path: string): unknown {
  let value: unknown = json;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** null: a quote that does not close. */
export function splitCsv(line: string, separator: string): string[] | null {
  const columns: string[] = [];
  let at = 0;
  while (at <= line.length) {
    if (line[at] === '"') {
      let text = '';
      at++;
      for (;;) {
        const close = line.indexOf('"', at);
        if (close === -1) return null;
        text += line.slice(at, close);
        at = close + 1;
        if (line[at] !== '"') break;
        text += '"';
        at++;
      }
      columns.push(text);
      if (at < line.length && line[at] !== separator) return null;
      at++;
    } else {
      const next = line.indexOf(separator, at);
      const end = next === -1 ? line.length : next;
      columns.push(line.slice(at, end));
      at = end + 1;
    }
  }
  return columns;
}
