import type { Random } from '../mqtt/random.js';
import { HOSTILE_TEXTS, LONG_TEXTS, PROPERTIES, PROPERTY_IDS, SEEDS, type Seed } from './corpus.js';
import { type Block, bytesOfShape, type Counted, type Field, type Plain, type Shape } from './shape.js';

/** Bytes that mean something somewhere in the format. */
const TELLING = [0, 1, 2, 3, 4, 5, 0x10, 0x23, 0x2b, 0x2f, 0x7f, 0x80, 0x81, 0x82, 0xc0, 0xed, 0xf4, 0xff, 0x0b, 0x26, 0x1f, 0x24];
const NUMBERS = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const ONE_IN_LONG = 500;

/** Changes packets: their fields while the lengths around them stay right, the lengths themselves, or any byte. */
export class Mutator {
  constructor(readonly random: Random) {}

  private oneIn(count: number): boolean {
    return this.random.below(count) === 0;
  }

  /** The packet, changed in one to three ways. */
  packet(seed: Seed): Buffer {
    const { random } = this;
    let { shape } = seed;
    let bytes: Buffer | null = null;
    const kind = random.below(10);
    if (kind < 7) {
      for (let times = 1 + random.below(2); times > 0; times--) shape = this.editShape(shape);
      bytes = bytesOfShape(shape, this.oneIn(12) ? this.lie(200) : null);
    }
    if (kind > 4) {
      bytes ??= seed.bytes;
      for (let times = 1 + random.below(3); times > 0; times--) bytes = this.editBytes(bytes);
      if (random.below(3) > 0) bytes = withTrueLength(bytes);
    }
    return bytes!;
  }

  /** Some packets, changed as a sequence: taken twice, left out, in another order, mixed with others, cut into one another. */
  sequence(packets: readonly Buffer[]): Buffer[] {
    const { random } = this;
    const all = [...packets];
    const at = random.below(all.length + 1);
    switch (random.below(6)) {
      case 0:
        all.splice(at, 1);
        break;
      case 1:
        if (at < all.length) all.splice(random.below(all.length), 0, all[at]!);
        break;
      case 2: {
        const other = random.below(all.length);
        const former = all[other];
        if (at < all.length && former !== undefined) {
          all[other] = all[at]!;
          all[at] = former;
        }
        break;
      }
      case 3:
        all.splice(at, 0, random.pick(SEEDS).bytes);
        break;
      case 4:
        if (at + 1 < all.length) all.splice(at, 2, this.spliced(all[at]!, all[at + 1]!));
        break;
      default:
        all.reverse();
        break;
    }
    return all;
  }

  /** Cuts bytes at random places; mostly a few large pieces, sometimes single bytes. */
  *chunks(bytes: Buffer): Generator<Buffer> {
    const { random } = this;
    // Long ones byte by byte would take all the time.
    const size = random.pick(bytes.length > 4000 ? [2000, 1 << 16] : [1, 3, 16, 200, 1 << 16]);
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + 1 + random.below(size));
      yield bytes.subarray(at, end);
      at = end;
    }
  }

  private editShape(shape: Shape): Shape {
    const { random } = this;
    const { header, fields } = shape;
    if (fields.length === 0 || this.oneIn(12)) return { header: this.header(header), fields };
    const at = random.below(fields.length);
    const changed = [...fields];
    switch (random.below(8)) {
      case 0:
        changed.splice(at, 1);
        break;
      case 1:
        changed.splice(at, 0, random.pick(fields));
        break;
      case 2: {
        // A field of another packet.
        const others = random.pick(SEEDS).shape.fields;
        if (others.length > 0) changed[at] = random.pick(others);
        break;
      }
      default:
        changed[at] = this.field(changed[at]!);
    }
    return { header, fields: changed };
  }

  private header(header: number): number {
    const { random } = this;
    if (random.below(2) === 0) return header ^ (1 << random.below(4));
    return (random.below(16) << 4) | (header & 0x0f);
  }

  private field(field: Field): Field {
    switch (field.kind) {
      case 'plain':
        return this.plain(field);
      case 'text':
      case 'binary':
        return this.counted(field);
      case 'block':
        return this.block(field);
    }
  }

  private plain({ bytes }: Plain): Plain {
    const { random } = this;
    if (bytes.length === 0 || bytes.length > 4) return { kind: 'plain', bytes: this.editBytes(bytes) };
    const value = random.below(3) === 0 ? random.below(0x1_0000) : random.pick(NUMBERS);
    const changed = Buffer.alloc(4);
    changed.writeUInt32BE(value >>> 0);
    return { kind: 'plain', bytes: changed.subarray(4 - bytes.length) };
  }

  private counted(field: Counted): Counted {
    const { random } = this;
    switch (random.below(4)) {
      case 0:
        return { ...field, lie: this.lie(field.bytes.length) & 0xffff };
      case 1:
        return { ...field, bytes: this.editBytes(field.bytes) };
      case 2:
        return { ...field, bytes: Buffer.concat([field.bytes, random.pick(HOSTILE_TEXTS)]) };
      default:
        return { ...field, bytes: this.oneIn(ONE_IN_LONG) ? random.pick(LONG_TEXTS) : random.pick(HOSTILE_TEXTS) };
    }
  }

  private block({ items, lie }: Block): Block {
    const { random } = this;
    const changed = [...items];
    const at = random.below(items.length + 1);
    switch (random.below(7)) {
      case 0:
        changed.splice(at, 1);
        break;
      case 1:
        if (at < items.length) changed.splice(random.below(items.length), 0, items[at]!);
        break;
      case 2:
        return { kind: 'block', items: changed, lie: this.lie(40) };
      case 3:
        if (at < items.length) changed[at] = { ...items[at]!, id: random.pick(PROPERTY_IDS) };
        break;
      case 4:
        if (at < items.length) {
          const { id, fields } = items[at]!;
          const which = random.below(fields.length);
          changed[at] = { id, fields: fields.map((field, index) => (index === which ? this.field(field) : field)) };
        }
        break;
      default:
        changed.splice(at, 0, random.pick(PROPERTIES));
        break;
    }
    return { kind: 'block', items: changed, lie };
  }

  private lie(truth: number): number {
    const { random } = this;
    switch (random.below(5)) {
      case 0:
        return truth + 1;
      case 1:
        return Math.max(0, truth - 1);
      case 2:
        return random.below(300);
      case 3:
        return random.pick([0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0xffff, 0x1f_ffff, 0x20_0000, 0xfff_ffff]);
      default:
        return random.below(0x1000_0000);
    }
  }

  private editBytes(bytes: Buffer): Buffer {
    const { random } = this;
    const at = random.below(bytes.length + 1);
    const kind = random.below(8);
    switch (kind) {
      case 0:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(4))]);
      case 1:
        return Buffer.concat([bytes.subarray(0, at), Buffer.from([random.below(256)]), bytes.subarray(at)]);
      case 2:
        return bytes.subarray(0, at);
      case 3:
        // A piece of it twice.
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random.below(at + 1))]);
      case 4:
        return this.spliced(bytes, random.pick(SEEDS).bytes);
    }
    const changed = Buffer.from(bytes);
    if (at === bytes.length) return changed;
    if (kind === 5) changed[at] = random.pick(TELLING);
    else if (kind === 6) changed[at] = changed[at]! ^ (1 << random.below(8));
    else changed[at] = random.below(256);
    return changed;
  }

  /** The beginning of one and the end of the other. */
  private spliced(one: Buffer, other: Buffer): Buffer {
    const { random } = this;
    return Buffer.concat([one.subarray(0, random.below(one.length + 1)), other.subarray(random.below(other.length + 1))]);
  }
}

/** The length in front says the truth again, so that what is behind it is looked at; for packets with a short one. */
function withTrueLength(bytes: Buffer): Buffer {
  if (bytes.length < 3 || bytes.length >= 130 || bytes[1]! >= 0x80) return bytes;
  const changed = Buffer.from(bytes);
  changed[1] = bytes.length - 2;
  return changed;
}

/** A seed for one round out of the run's, so that a round can be repeated by itself. */
export function seedOfRound(seed: number, round: number): number {
  let mixed = Math.imul((seed ^ 0x9e37_79b9) >>> 0, 0x85eb_ca6b) ^ Math.imul(round + 1, 0xc2b2_ae35);
  mixed ^= mixed >>> 15;
  return Math.imul(mixed, 0x2c1b_3c6d) >>> 0;
}
