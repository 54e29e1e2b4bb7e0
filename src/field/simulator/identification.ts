import { Exception, Refused } from './exceptions.js';

/** What a device says of itself. */
export interface Identity {
  vendor: string;
  product: string;
}

/** Read device identification (Modbus application protocol 1.1b3, section 6.21): function 43, MEI type 14. */

const MEI_TYPE = 14;
const REQUEST_LENGTH = 4;
/** Of the answer, before the objects. */
const HEAD_LENGTH = 7;
const LONGEST_PDU = 253;
/** Regular category, as a stream and one by one. */
const CONFORMITY = 0x82;
const READ = { basic: 1, regular: 2, extended: 3, individual: 4 } as const;
const LAST_BASIC = 2;

/** Answers a request for the objects of an identity; null: the device does not know the function. Throws Refused. */
export function identification(identity: Identity | null, request: Buffer): Buffer {
  if (identity === null || request[1] !== MEI_TYPE) throw new Refused(Exception.illegalFunction);
  if (request.length !== REQUEST_LENGTH) throw new Refused(Exception.illegalValue);
  const [, , category = 0, asked = 0] = request;
  const objects = objectsOf(identity);
  switch (category) {
    case READ.individual: {
      const one = objects.find(({ id }) => id === asked);
      if (one === undefined) throw new Refused(Exception.illegalAddress);
      return answerOf(category, [one], null);
    }
    case READ.basic:
    case READ.regular:
    case READ.extended: {
      const all = category === READ.basic ? objects.filter(({ id }) => id <= LAST_BASIC) : objects;
      // From an object that is not there it begins anew.
      const wanted = all.slice(
        Math.max(
          0,
          all.findIndex(({ id }) => id === asked),
        ),
      );
      const fitting = wanted.slice(0, howManyFit(wanted));
      return answerOf(category, fitting, wanted[fitting.length]?.id ?? null);
    }
    default:
      throw new Refused(Exception.illegalValue);
  }
}

interface Item {
  id: number;
  bytes: Buffer;
}

/** Vendor, product code, revision, product name, model. */
function objectsOf({ vendor, product }: Identity): Item[] {
  const texts: [id: number, text: string][] = [
    [0, vendor],
    [1, product],
    [2, '1.0'],
    [4, product],
    [5, product],
  ];
  return texts.map(([id, text]) => ({ id, bytes: Buffer.from(text, 'latin1').subarray(0, LONGEST_PDU - HEAD_LENGTH - 2) }));
}

function howManyFit(items: readonly Item[]): number {
  let length = HEAD_LENGTH;
  for (const [index, { bytes }] of items.entries()) {
    length += 2 + bytes.length;
    if (length > LONGEST_PDU) return index;
  }
  return items.length;
}

/** `next`: the object to go on with; null: that was all. */
function answerOf(category: number, items: readonly Item[], next: number | null): Buffer {
  const head = [43, MEI_TYPE, category, CONFORMITY, next === null ? 0 : 0xff, next ?? 0, items.length];
  return Buffer.concat([Buffer.from(head), ...items.flatMap(({ id, bytes }) => [Buffer.from([id, bytes.length]), bytes])]);
}
