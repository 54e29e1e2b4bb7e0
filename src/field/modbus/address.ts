import type { TagConfig } from '../schema.js';
import type { ReadFunction } from './pdu.js';

export type Area = NonNullable<TagConfig['area']>;

/** The function code that reads a table. */
export const READ_FUNCTION: Record<Area, ReadFunction> = { coil: 1, discrete: 2, holding: 3, input: 4 };

/** A place in a device's tables. */
export interface Place {
  area: Area;
  /** 0-based. */
  address: number;
  /** From the notation (`40001.3`); null: not said. */
  bit: number | null;
}

export type Parsed = { place: Place } | { problem: string; hint: string };

const AREA_OF_DIGIT: Record<string, Area> = { '0': 'coil', '1': 'discrete', '3': 'input', '4': 'holding' };
const LAST_ADDRESS = 65535;

/**
 * A 0-based number with an area, or Modicon notation as text: five digits (40001) or six (400001), the first one the
 * table, the rest the 1-based number; a bit may follow after a point. What can be read in two ways is refused.
 */
export function parseAddress(address: number | string, area: Area | undefined): Parsed {
  if (typeof address === 'number') return parseNumber(address, area);
  const text = address.trim();
  if (/^0x[0-9a-f]+$/i.test(text)) return parseNumber(Number.parseInt(text.slice(2), 16), area);
  const match = /^([0-9]+)(?:\.([0-9]{1,2}))?$/.exec(text);
  if (match === null) {
    return {
      problem: `${JSON.stringify(address)} is no address`,
      hint: 'Write a 0-based number with an area, or Modicon notation such as "40001".',
    };
  }
  const digits = match[1] ?? '';
  const bit = match[2] === undefined ? null : Number(match[2]);
  if (digits.length !== 5 && digits.length !== 6) {
    return {
      problem: `${JSON.stringify(address)} can be read as a 0-based address or as a 1-based number`,
      hint: 'Write a 0-based address as a number without quotes, with an area; Modicon notation has five or six digits ("40001", "400001").',
    };
  }
  const table = AREA_OF_DIGIT[digits[0] ?? ''];
  const number = Number(digits.slice(1));
  if (table === undefined || number === 0 || number > LAST_ADDRESS + 1) {
    return {
      problem: `${JSON.stringify(address)} is no place in Modicon notation`,
      hint: 'The first digit is the table (0 coils, 1 discrete inputs, 3 input registers, 4 holding registers), the rest counts from 1.',
    };
  }
  if (area !== undefined && area !== table) {
    return {
      problem: `${JSON.stringify(address)} is in the table ${table}, but the area is ${area}`,
      hint: 'Leave the area out, or correct one of them.',
    };
  }
  if (bit !== null && bit > 15) return { problem: `a register has bits 0 to 15, not ${bit}`, hint: 'Correct the bit.' };
  return { place: { area: table, address: number - 1, bit } };
}

function parseNumber(address: number, area: Area | undefined): Parsed {
  if (area === undefined) {
    return {
      problem: `the address ${address} has no area`,
      hint: 'Add area: holding, input, coil or discrete (the address counts from 0), or quote Modicon notation: "40001".',
    };
  }
  if (!Number.isInteger(address) || address < 0 || address > LAST_ADDRESS) {
    return { problem: `addresses go from 0 to ${LAST_ADDRESS}, not ${address}`, hint: 'Correct the address.' };
  }
  return { place: { area, address, bit: null } };
}
