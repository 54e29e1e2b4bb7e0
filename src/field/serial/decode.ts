import { RE2JS } from 're2js';
import { bad, finish, type Reading } from '../value.js';
import type { DecodeConfig, DecodeFieldConfig } from './schema.js';

/** A frame's values by field, or why it is not a frame of this instrument (it is counted, nothing is published). */
export type Decoded = { readings: { field: DecodeFieldConfig; reading: Reading }[] } | { problem: string };

/** The text of each field in a frame; undefined: the field is missing. null: the frame is none of ours. */
type Extract = (text: string) => ((field: DecodeFieldConfig, index: number) => unknown) | null;

const NUMBER = /^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[-+]?[0-9]+)?$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters in a line of text mean noise
const NOISE = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/** Turns frames into readings, as `decode` says. */
export class FrameDecoder {
  readonly #config: DecodeConfig;
  readonly #charset: InstanceType<typeof TextDecoder>;
  readonly #extract: Extract;

  constructor(config: DecodeConfig) {
    this.#config = config;
    this.#charset = new TextDecoder(config.encoding === 'latin1' ? 'latin1' : 'utf-8', { fatal: true, ignoreBOM: true });
    this.#extract = extractor(config);
  }

  decode(frame: Buffer): Decoded {
    let text: string;
    try {
      text = this.#charset.decode(frame);
    } catch {
      return { problem: `it is not ${this.#config.encoding}` };
    }
    if (NOISE.test(text)) return { problem: 'it has control characters' };
    const fieldOf = this.#extract(text);
    if (fieldOf === null) return { problem: PROBLEMS[this.#config.type] };
    return { readings: this.#config.fields.map((field, index) => ({ field, reading: readingOf(field, fieldOf(field, index)) })) };
  }
}

const PROBLEMS: Record<DecodeConfig['type'], string> = {
  text: 'it is empty',
  json: 'it is no JSON object',
  csv: 'its quotes do not close, or it has too few columns',
  regex: 'the pattern does not match',
};

function extractor(config: DecodeConfig): Extract {
  switch (config.type) {
    case 'text':
      return (text) => () => text;
    case 'json':
      return (text) => {
        let json: unknown;
        try {
          json = JSON.parse(text);
        } catch {
          return null;
        }
        if (typeof json !== 'object' || json === null) return null;
        return (field) => atPath(json, field.path ?? field.name);
      };
    case 'csv': {
      const columns = Math.max(...config.fields.map((field, index) => (field.column ?? index) + 1));
      return (text) => {
        const row = splitCsv(text, config.separator);
        // A line that was cut short has fewer columns; its last one may be cut as well.
        if (row === null || row.length < columns) return null;
        return (field, index) => row[field.column ?? index]?.trim();
      };
    }
    case 'regex': {
      const pattern = RE2JS.compile(config.pattern ?? '');
      return (text) => {
        const matcher = pattern.matcher(text);
        if (!matcher.find()) return null;
        return (field) => matcher.group(field.group ?? field.name) ?? undefined;
      };
    }
  }
}

/** Names of the groups of a RE2 pattern; throws where it is none. */
export function groupsOf(pattern: string): string[] {
  return Object.keys(RE2JS.compile(pattern).namedGroups());
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

function readingOf(field: DecodeFieldConfig, value: unknown): Reading {
  if (value === undefined || value === null || value === '') return bad('missing');
  switch (field.type) {
    case 'string':
      return typeof value === 'object' ? bad('not_a_text') : finish(String(value), 'other', field);
    case 'bool':
      if (value === true || value === 1 || value === '1' || value === 'true') return finish(true, 'other', field);
      if (value === false || value === 0 || value === '0' || value === 'false') return finish(false, 'other', field);
      return bad('not_a_bool');
    case 'int':
    case 'float': {
      const number = numberOf(value);
      if (number === null || !Number.isFinite(number)) return bad('not_a_number');
      if (field.type === 'int' && !Number.isInteger(number)) return bad('not_an_integer');
      if (field.type === 'int' && !Number.isSafeInteger(number)) return exactInteger(value, field);
      return finish(number, field.type === 'int' ? 'integer' : 'float', field);
    }
  }
}

function exactInteger(value: unknown, field: DecodeFieldConfig): Reading {
  // Out of JSON it is a double already: which integer it was is not known any more.
  return typeof value === 'string' && /^[-+]?[0-9]+$/.test(value) ? finish(BigInt(value), 'integer', field) : bad('not_exact');
}

function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return null;
  const text = value.trim().replace(/^([-+])\s+/, '$1');
  return NUMBER.test(text) ? Number(text) : null;
}
