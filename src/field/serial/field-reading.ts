import type { RawKind } from '../value.js';
import { bad, finish, type Reading } from '../value.js';
import type { DecodeFieldConfig } from './schema.js';

const NUMBER = /^[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[-+]?[0-9]+)?$/i;

/** What a field says. `value`: as the decoder found it; undefined, null and an empty text: it is not there. `kind`: where it is known. */
export function readingOf(field: DecodeFieldConfig, value: unknown, kind?: RawKind): Reading {
  if (typeof value === 'bigint' && field.type !== 'string') return finish(value, 'integer', field);
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
      return finish(number, kind ?? (field.type === 'int' ? 'integer' : 'float'), field);
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
