import { type Layout, registersOf, type SimulatedArea } from './tag-codec.js';

/** Registers that tell a model: they hold one of these values. */
export interface Fingerprint extends Layout {
  area: SimulatedArea;
  /** 0-based. */
  address: number;
  values: readonly (number | string)[];
}

/** Whether what stands there is one of the values; a text is it where it begins with one. */
export function fitsFingerprint(print: Fingerprint, registers: readonly number[]): boolean {
  return print.values.some((value) => {
    const wanted = valuesAt(print, value, registers);
    if (!isText(print)) return wanted.every((register, index) => register === registers[index]);
    const [said, start] = [textOf(registers, print.order), textOf(wanted, print.order).replace(/\0+$/, '')];
    return said.trimStart().toLowerCase().startsWith(start.toLowerCase());
  });
}

/** What stands there when it is the first of the values; `before`: what stood there. */
export function fingerprintValues(print: Fingerprint, before: readonly number[]): number[] {
  return valuesAt(print, print.values[0] ?? 0, before);
}

function valuesAt(print: Fingerprint, value: number | string, before: readonly number[]): number[] {
  if (print.area === 'coil' || print.area === 'discrete') return [Number(Boolean(Number(value)))];
  return registersOf(print, isText(print) ? value : Number(value), before);
}

function isText({ type }: Layout): boolean {
  return type === 'string' || type === 'raw';
}

function textOf(registers: readonly number[], order: string): string {
  const bytes = Buffer.from(registers.flatMap((register) => [register >> 8, register & 0xff]));
  return (order === 'BA' || order === 'BADC' ? bytes.swap16() : bytes).toString('latin1');
}
