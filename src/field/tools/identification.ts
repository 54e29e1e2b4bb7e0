import type { ModbusBus } from '../modbus/bus.js';
import type { RawRequest } from '../modbus/pdu.js';

/** Read device identification (function 43, MEI type 14): who made a device and what it is, where it tells. */

export interface IdentificationPart {
  objects: { id: number; text: string }[];
  /** The object to go on with; null: that was all. */
  next: number | null;
}

const FUNCTION = 43;
const MEI_TYPE = 14;
/** Regular category: the three basic objects and those that have a name; a device gives what it has. */
const REGULAR = 2;
const HEADER_LENGTH = 7;
const MORE_FOLLOWS = 0xff;

const OBJECT_NAMES: Record<number, string> = {
  0: 'vendor',
  1: 'product code',
  2: 'revision',
  3: 'URL',
  4: 'product',
  5: 'model',
  6: 'application',
};

/** What a device says that it is, by the name of the object: vendor, product code, revision, ... */
export type Identification = Record<string, string>;

/** A device has few objects, and each answer has at least one. */
const MOST_PARTS = 8;

/** null: the device does not say, or not in time. */
export async function identify(bus: ModbusBus, unit: number): Promise<Identification | null> {
  const found: Identification = {};
  let object: number | null = 0;
  for (let part = 0; object !== null && part < MOST_PARTS; part++) {
    const answer = await bus.probe(identificationRequest(unit, object)).catch(() => null);
    if (answer?.kind !== 'data') break;
    const { objects, next } = parseIdentification(answer.data);
    for (const { id, text } of objects) if (text !== '') found[OBJECT_NAMES[id] ?? `object ${id}`] = text;
    object = next;
  }
  return Object.keys(found).length === 0 ? null : found;
}

/** Asks for the objects from `object` on. */
export function identificationRequest(unit: number, object: number): RawRequest {
  return { fn: 'raw', unit, pdu: Buffer.from([FUNCTION, MEI_TYPE, REGULAR, object]) };
}

/** `pdu`: an answer whose length was checked. */
export function parseIdentification(pdu: Buffer): IdentificationPart {
  const objects: IdentificationPart['objects'] = [];
  let at = HEADER_LENGTH;
  for (let left = pdu[HEADER_LENGTH - 1] ?? 0; left > 0; left--) {
    const length = pdu[at + 1] ?? 0;
    objects.push({ id: pdu[at] ?? 0, text: clean(pdu.subarray(at + 2, at + 2 + length)) });
    at += 2 + length;
  }
  return { objects, next: pdu[4] === MORE_FOLLOWS ? (pdu[5] ?? null) : null };
}

/** Vendors pad with blanks and NULs. */
function clean(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return (end === -1 ? bytes : bytes.subarray(0, end))
    .toString('latin1')
    .replace(/[^\x20-\x7e\xa0-\xff]/g, ' ')
    .trim();
}
