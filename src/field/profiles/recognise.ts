import { READ_FUNCTION } from '../modbus/address.js';
import type { ModbusBus } from '../modbus/bus.js';
import { decodeBit, decodeRegisters } from '../modbus/decode.js';
import { isBitArea, resolvePoint } from '../modbus/point.js';
import type { TagJson } from '../ports.js';
import { type Identification, identify } from '../tools/identification.js';
import { readFailure } from '../tools/say-once.js';
import { fingerprintTag } from './check-config.js';
import type { Fingerprint, Profile } from './schema.js';

/**
 * The profiles whose `identify` fits a unit (all that is given there), in the order given. Only reads. Rejects with
 * FER_FIELD_READ where the unit does not answer at all. `said`: its identification, where it was asked for already.
 */
export async function recognise(
  bus: ModbusBus,
  unit: number,
  profiles: readonly Profile[],
  said?: Identification | null,
): Promise<Profile[]> {
  const known = profiles.filter(({ identify: prints }) => prints !== undefined);
  const reader = new FingerprintReader(bus, unit);
  const isAsked = said === undefined && known.some((profile) => profile.identify?.device_id !== undefined);
  const identification = isAsked ? await identify(bus, unit) : (said ?? null);
  const fitting: Profile[] = [];
  for (const profile of known) {
    const { device_id, registers = [] } = profile.identify ?? {};
    if (device_id !== undefined && !fitsDeviceId(device_id, identification)) continue;
    if (await reader.fitsAll(registers)) fitting.push(profile);
  }
  return fitting;
}

function fitsDeviceId(wanted: { vendor?: string; product?: string }, said: Identification | null): boolean {
  if (said === null) return false;
  const has = (part: string | undefined, texts: (string | undefined)[]): boolean =>
    part === undefined || texts.some((text) => text?.toLowerCase().includes(part.toLowerCase()));
  return has(wanted.vendor, [said.vendor]) && has(wanted.product, [said['product code'], said.product, said.model]);
}

/** Reads each register once, however many profiles ask for it. */
class FingerprintReader {
  readonly #bus: ModbusBus;
  readonly #unit: number;
  readonly #values = new Map<string, Promise<TagJson>>();

  constructor(bus: ModbusBus, unit: number) {
    this.#bus = bus;
    this.#unit = unit;
  }

  async fitsAll(prints: readonly Fingerprint[]): Promise<boolean> {
    for (const print of prints) if (!fits(print, await this.#value(print))) return false;
    return true;
  }

  #value(print: Fingerprint): Promise<TagJson> {
    const { area, address, type, order, length } = print;
    const key = JSON.stringify([area, address, type, order, length]);
    const known = this.#values.get(key) ?? this.#read(print);
    this.#values.set(key, known);
    return known;
  }

  /** null: refused, or no value. */
  async #read(print: Fingerprint): Promise<TagJson> {
    const tag = fingerprintTag(print);
    const resolved = resolvePoint(tag, {});
    if ('problems' in resolved) return null;
    const { point } = resolved;
    const request = { fn: READ_FUNCTION[print.area], unit: this.#unit, address: point.address, count: point.length };
    const answer = await this.#bus.probe(request).catch((thrown: unknown) => {
      throw readFailure(this.#bus.name, this.#unit, `${print.area} ${print.address}`, thrown);
    });
    if (answer.kind !== 'data') return null;
    const reading = isBitArea(point.area) ? decodeBit(answer.data, 0, tag) : decodeRegisters(point, answer.data, tag);
    return reading.value ?? null;
  }
}

function fits({ equals }: Fingerprint, value: TagJson): boolean {
  if (typeof value === 'string') {
    const said = value.trimStart().toLowerCase();
    return equals.some((wanted) => typeof wanted === 'string' && said.startsWith(wanted.toLowerCase()));
  }
  return value !== null && equals.some((wanted) => Number(wanted) === Number(value));
}
