import { FerruleError } from '../../errors.js';
import type { ModbusBus } from '../modbus/bus.js';
import { EXCEPTION_TEXT } from '../modbus/pdu.js';
import type { TagJson } from '../ports.js';
import { readFailure } from '../tools/say-once.js';
import { COMMON_ID, MODELS } from './models.js';
import { type FoundModel, type SunSpecTag, tagsOf } from './tags.js';

export interface SunSpecModel {
  id: number;
  /** null: a model that is not read here. */
  name: string | null;
  /** Of its id, 0-based. */
  address: number;
  length: number;
}

export interface SunSpecDevice {
  unit: number;
  /** Where "SunS" stands. */
  base: number;
  manufacturer: string | null;
  model: string | null;
  version: string | null;
  serialNumber: string | null;
  models: SunSpecModel[];
  tags: SunSpecTag[];
  /** What is wrong with the chain, or was left out. */
  problems: string[];
}

/** SunSpec information model: the map begins at one of these. */
const BASES = [40000, 50000, 0] as const;
const MARK = 0x53756e53;
const END = 0xffff;
/** Longest chains that are met have some 30 models; garbage has no end. */
const MAX_MODELS = 100;
const LAST_ADDRESS = 65535;
/** Most registers in one answer, by the protocol. */
const MAX_REGISTERS = 125;
/** A range that a device refuses is read in halves, down to this. */
const SMALLEST_RANGE = 8;

type Answer = { data: Buffer } | { exception: number };

/**
 * Finds the SunSpec map of a unit and says what is in it. Reads holding registers only. Rejects with FER_FIELD_SUNSPEC where
 * there is none, FER_FIELD_READ where the unit does not answer.
 */
export async function discoverSunSpec(bus: Pick<ModbusBus, 'name' | 'probe'>, unit: number): Promise<SunSpecDevice> {
  const reader = new Reader(bus, unit);
  const base = await findBase(reader);
  const problems: string[] = [];
  const models = await walk(reader, base, problems);
  if (models.length === 0) problems.push('The map has no models.');
  for (const model of models) {
    if (!MODELS.has(model.id)) continue;
    model.data = await reader.range(model.address, model.length + 2);
    if (model.data === null) problems.push(`The registers of model ${model.id} at ${model.address} are refused.`);
    const { lengths = [] } = MODELS.get(model.id) ?? {};
    if (lengths.length > 0 && !lengths.includes(model.length)) {
      problems.push(`Model ${model.id} at ${model.address} has ${model.length} registers instead of ${lengths.join(' or ')}.`);
    }
  }
  if (models.length > 0 && models[0]?.id !== COMMON_ID) problems.push('The chain does not begin with the common model.');
  const tags = tagsOf(models, MAX_REGISTERS, problems);
  const text = (name: string): string | null => asText(tags.find(({ tag }) => tag.name === name)?.value ?? null);
  return {
    unit,
    base,
    manufacturer: text('manufacturer'),
    model: text('model'),
    version: text('version'),
    serialNumber: text('serial_number'),
    models: models.map(({ id, address, length }) => ({ id, name: MODELS.get(id)?.name ?? null, address, length })),
    tags,
    problems,
  };
}

function asText(value: TagJson): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

async function findBase(reader: Reader): Promise<number> {
  for (const base of BASES) {
    const answer = await reader.read(base, 2);
    if ('data' in answer && answer.data.readUInt32BE(0) === MARK) return base;
  }
  throw new FerruleError(
    'FER_FIELD_SUNSPEC',
    `${reader.subject} has no SunSpec map: "SunS" stands neither at 40000 nor at 50000 nor at 0.`,
    {
      where: { subject: reader.subject },
      hint: 'SunSpec may have to be switched on in the device, and its unit id may be another (1, 126, 240 are common).',
    },
  );
}

/** From model to model, until the end mark or until it makes no sense any more: what was found so far is kept. */
async function walk(reader: Reader, base: number, problems: string[]): Promise<FoundModel[]> {
  const models: FoundModel[] = [];
  for (let address = base + 2; ; ) {
    if (address + 1 > LAST_ADDRESS) {
      problems.push('The chain runs behind the last register: a length in it is wrong.');
      return models;
    }
    const header = await reader.read(address, 2);
    if ('exception' in header) {
      problems.push(`The chain breaks off at ${address} without its end mark (exception ${header.exception}).`);
      return models;
    }
    const [id, length] = [header.data.readUInt16BE(0), header.data.readUInt16BE(2)];
    if (id === END) return models;
    if (id === 0 || length === 0) {
      problems.push(`At ${address} stands no model (id ${id}, length ${length}): a length before it is wrong.`);
      return models;
    }
    if (address + 1 + length > LAST_ADDRESS) {
      problems.push(`Model ${id} at ${address} would end behind the last register (length ${length}).`);
      return models;
    }
    if (models.length === MAX_MODELS) {
      problems.push(`The chain has more than ${MAX_MODELS} models: it is taken for garbage from here on.`);
      return models;
    }
    models.push({ id, address, length, data: null });
    address += 2 + length;
  }
}

class Reader {
  readonly subject: string;
  readonly #bus: Pick<ModbusBus, 'name' | 'probe'>;
  readonly #unit: number;

  constructor(bus: Pick<ModbusBus, 'name' | 'probe'>, unit: number) {
    this.#bus = bus;
    this.#unit = unit;
    this.subject = `${bus.name}, unit ${unit}`;
  }

  /** An exception is an answer; rejects where there is none. */
  async read(address: number, count: number): Promise<Answer> {
    const answer = await this.#bus.probe({ fn: 3, unit: this.#unit, address, count }).catch((thrown: unknown) => {
      throw readFailure(this.#bus.name, this.#unit, `holding ${address}`, thrown);
    });
    switch (answer.kind) {
      case 'data':
        return { data: answer.data };
      case 'exception':
        if (answer.code === 1 || answer.code === 2 || answer.code === 3 || answer.code === 4) return { exception: answer.code };
        throw new FerruleError(
          'FER_FIELD_READ',
          `${this.subject}: exception ${answer.code} (${EXCEPTION_TEXT[answer.code] ?? 'unknown'}).`,
          {
            where: { subject: this.subject },
          },
        );
      case 'done':
        throw new Error('a read was answered like a write');
    }
  }

  /** null: refused, also in small parts. */
  async range(address: number, count: number): Promise<Buffer | null> {
    const parts: Buffer[] = [];
    for (let at = 0; at < count; at += MAX_REGISTERS) {
      const part = await this.#part(address + at, Math.min(MAX_REGISTERS, count - at));
      if (part === null) return null;
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  async #part(address: number, count: number): Promise<Buffer | null> {
    const answer = await this.read(address, count);
    if ('data' in answer) return answer.data;
    if (count <= SMALLEST_RANGE) return null;
    const half = Math.ceil(count / 2);
    const first = await this.#part(address, half);
    const second = first === null ? null : await this.#part(address + half, count - half);
    return first === null || second === null ? null : Buffer.concat([first, second]);
  }
}
