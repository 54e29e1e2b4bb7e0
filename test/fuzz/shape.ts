import type { ProtocolVersion } from '../../src/mqtt/packets.js';

/** A field of a packet: bytes as they are, bytes with a two-byte length in front, or the properties. */
export type Field = Plain | Counted | Block;

export interface Plain {
  kind: 'plain';
  bytes: Buffer;
}

export interface Counted {
  kind: 'text' | 'binary';
  bytes: Buffer;
  /** The length that is written in front; null: the true one. */
  lie: number | null;
}

export interface Block {
  kind: 'block';
  items: Property[];
  lie: number | null;
}

export interface Property {
  id: number;
  fields: Field[];
}

/** A packet taken apart, so that a change of one field leaves the others and the lengths around them right. */
export interface Shape {
  header: number;
  fields: Field[];
}

type PropertyKind = 'byte' | 'u16' | 'u32' | 'text' | 'binary' | 'varint' | 'pair';

/** Table 2-4 of the specification, read a second time: nothing here comes from src/mqtt. */
export const PROPERTY_KINDS: ReadonlyMap<number, PropertyKind> = new Map([
  ...[0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a].map((id) => [id, 'byte'] as const),
  ...[0x13, 0x21, 0x22, 0x23].map((id) => [id, 'u16'] as const),
  ...[0x02, 0x11, 0x18, 0x27].map((id) => [id, 'u32'] as const),
  ...[0x03, 0x08, 0x12, 0x15, 0x1a, 0x1c, 0x1f].map((id) => [id, 'text'] as const),
  ...[0x09, 0x16].map((id) => [id, 'binary'] as const),
  [0x0b, 'varint'] as const,
  [0x26, 'pair'] as const,
]);

class Walker {
  at = 0;
  constructor(readonly bytes: Buffer) {}

  get atEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  plain(length: number): Plain {
    const bytes = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return { kind: 'plain', bytes };
  }

  rest(): Plain {
    return this.plain(this.bytes.length - this.at);
  }

  counted(kind: Counted['kind']): Counted {
    const length = this.bytes.readUInt16BE(this.at);
    this.at += 2;
    return { kind, bytes: this.plain(length).bytes, lie: null };
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  block(): Block {
    const length = this.varint();
    const end = this.at + length;
    const items: Property[] = [];
    while (this.at < end) items.push(this.property());
    return { kind: 'block', items, lie: null };
  }

  private property(): Property {
    const id = this.bytes[this.at++]!;
    const kind = PROPERTY_KINDS.get(id)!;
    switch (kind) {
      case 'byte':
        return { id, fields: [this.plain(1)] };
      case 'u16':
        return { id, fields: [this.plain(2)] };
      case 'u32':
        return { id, fields: [this.plain(4)] };
      case 'text':
      case 'binary':
        return { id, fields: [this.counted(kind)] };
      case 'pair':
        return { id, fields: [this.counted('text'), this.counted('text')] };
      case 'varint': {
        const from = this.at;
        this.varint();
        return { id, fields: [{ kind: 'plain', bytes: this.bytes.subarray(from, this.at) }] };
      }
    }
  }
}

/** Takes a well-formed packet apart. */
export function shapeOf(bytes: Buffer, version: ProtocolVersion): Shape {
  const walker = new Walker(bytes);
  const header = walker.plain(1).bytes[0]!;
  walker.varint();
  const fields = fieldsOf(walker, header, version);
  if (!walker.atEnd) fields.push(walker.rest());
  return { header, fields };
}

/** Bytes of which nothing is known. */
export function rawShape(bytes: Buffer): Shape {
  return { header: bytes[0] ?? 0, fields: [{ kind: 'plain', bytes: bytes.subarray(2) }] };
}

function fieldsOf(walker: Walker, header: number, version: ProtocolVersion): Field[] {
  const fields: Field[] = [];
  const properties = (): void => {
    if (version === 5 && !walker.atEnd) fields.push(walker.block());
  };
  switch (header >> 4) {
    case 1: {
      fields.push(walker.counted('text'), walker.plain(1));
      const flags = walker.plain(1);
      fields.push(flags, walker.plain(2));
      properties();
      fields.push(walker.counted('text'));
      const has = (bit: number): boolean => (flags.bytes[0]! & bit) !== 0;
      if (has(0x04)) {
        properties();
        fields.push(walker.counted('text'), walker.counted('binary'));
      }
      if (has(0x80)) fields.push(walker.counted('text'));
      if (has(0x40)) fields.push(walker.counted('binary'));
      return fields;
    }
    case 3:
      fields.push(walker.counted('text'));
      if ((header & 0x06) !== 0) fields.push(walker.plain(2));
      properties();
      fields.push(walker.rest());
      return fields;
    case 8:
    case 10:
      fields.push(walker.plain(2));
      properties();
      while (!walker.atEnd) {
        fields.push(walker.counted('text'));
        if (header >> 4 === 8) fields.push(walker.plain(1));
      }
      return fields;
    case 9:
    case 11:
      fields.push(walker.plain(2));
      properties();
      while (!walker.atEnd) fields.push(walker.plain(1));
      return fields;
    case 2:
    case 4:
    case 5:
    case 6:
    case 7:
      fields.push(walker.plain(2));
      if (!walker.atEnd && header >> 4 !== 2) fields.push(walker.plain(1));
      properties();
      return fields;
    case 14:
    case 15:
      if (!walker.atEnd) fields.push(walker.plain(1));
      properties();
      return fields;
    default:
      return fields;
  }
}

/** Room for the largest packet that is ever made here. */
const scratch = Buffer.alloc(1 << 20);
const HEADER_ROOM = 8;

/** The bytes of a shape; `remaining`: the remaining length that is claimed, null: the true one. */
export function bytesOfShape({ header, fields }: Shape, remaining: number | null = null): Buffer {
  const end = write(fields, HEADER_ROOM);
  const length = remaining ?? end - HEADER_ROOM;
  const start = HEADER_ROOM - 1 - varintSize(length);
  scratch[start] = header;
  writeVarint(start + 1, length);
  return Buffer.from(scratch.subarray(start, end));
}

function write(fields: readonly Field[], from: number): number {
  let at = from;
  for (const field of fields) {
    if (field.kind === 'block') {
      at = writeBlock(field, at);
      continue;
    }
    if (field.kind !== 'plain') {
      const length = field.lie ?? field.bytes.length;
      scratch[at++] = (length >> 8) & 0xff;
      scratch[at++] = length & 0xff;
    }
    scratch.set(field.bytes, at);
    at += field.bytes.length;
  }
  return at;
}

function writeBlock({ items, lie }: Block, from: number): number {
  // The properties first, behind room for the longest length, then moved to where they belong.
  let at = from + 4;
  for (const { id, fields } of items) {
    scratch[at++] = id;
    at = write(fields, at);
  }
  const size = at - from - 4;
  const begin = writeVarint(from, lie ?? size);
  scratch.copyWithin(begin, from + 4, at);
  return begin + size;
}

function varintSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
}

function writeVarint(from: number, value: number): number {
  let at = from;
  let left = value;
  do {
    scratch[at++] = (left & 0x7f) | (left > 0x7f ? 0x80 : 0);
    left >>>= 7;
  } while (left > 0 && at < from + 4);
  return at;
}
